/**
 * @file
 * Which eviction policies there are: for option parsers, legends and help texts.
 *
 * Owns: nothing; texts live as long as the program. Threads: any.
 */
#ifndef KVLOGICAL_POLICY_H
#define KVLOGICAL_POLICY_H

#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Start from KVLOGICAL_POLICY_INIT. */
typedef struct kvlogical_policy {
    size_t struct_size;
    uint32_t policy;   /**< KVLOGICAL_EVICT_…, for kvlogical_config.eviction */
    const char *name;  /**< for options: lower case, no blanks */
    const char *alias; /**< another name for the same, or NULL */
    const char *label; /**< for legends */
    const char *help;  /**< one line */
} kvlogical_policy;

/** The values to start from. */
#define KVLOGICAL_POLICY_INIT \
    { sizeof(kvlogical_policy), 0, NULL, NULL, NULL, NULL }

/** KVLOGICAL_POLICY_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_policy kvlogical_policy_init(void);

/** How many policies this library has. */
KVLOGICAL_API size_t kvlogical_policy_count(void);

/** One of them, in the order of their numbers. Errors: KVCORE_EINVAL for NULL, a wrong struct_size, index ≥ count. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_policy_at(size_t index, kvlogical_policy *policy);

#ifdef __cplusplus
}
#endif

#endif
