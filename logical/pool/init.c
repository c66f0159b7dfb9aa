/* The _INIT macros as functions. */
#include <kvlogical/events.h>
#include <kvlogical/groups.h>
#include <kvlogical/metrics.h>
#include <kvlogical/policy.h>
#include <kvlogical/promise.h>
#include <kvlogical/request.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): a type is no expression */
#define INIT_FUNCTION(type, macro) \
    type type##_init(void) { return (type)macro; }
/* NOLINTEND(bugprone-macro-parentheses) */

INIT_FUNCTION(kvlogical_attributes, KVLOGICAL_ATTRIBUTES_INIT)
INIT_FUNCTION(kvlogical_config, KVLOGICAL_CONFIG_INIT)
INIT_FUNCTION(kvlogical_counts, KVLOGICAL_COUNTS_INIT)
INIT_FUNCTION(kvlogical_event_policy, KVLOGICAL_EVENT_POLICY_INIT)
INIT_FUNCTION(kvlogical_found, KVLOGICAL_FOUND_INIT)
INIT_FUNCTION(kvlogical_groups_config, KVLOGICAL_GROUPS_CONFIG_INIT)
INIT_FUNCTION(kvlogical_growth, KVLOGICAL_GROWTH_INIT)
INIT_FUNCTION(kvlogical_joined, KVLOGICAL_JOINED_INIT)
INIT_FUNCTION(kvlogical_metrics, KVLOGICAL_METRICS_INIT)
INIT_FUNCTION(kvlogical_policy, KVLOGICAL_POLICY_INIT)
INIT_FUNCTION(kvlogical_probe, KVLOGICAL_PROBE_INIT)
INIT_FUNCTION(kvlogical_publisher_config, KVLOGICAL_PUBLISHER_CONFIG_INIT)
INIT_FUNCTION(kvlogical_registry_config, KVLOGICAL_REGISTRY_CONFIG_INIT)
INIT_FUNCTION(kvlogical_request_config, KVLOGICAL_REQUEST_CONFIG_INIT)
INIT_FUNCTION(kvlogical_request_counts, KVLOGICAL_REQUEST_COUNTS_INIT)
