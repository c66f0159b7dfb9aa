/* The breaker: a backend that does not answer costs a request a second, not one a block. */
#include "internal.h"

static bool counts(kvcore_status status) { return status == KVSTORE_EUNAVAILABLE || status == KVSTORE_ETIMEOUT; }

/* What the next request will be told as well. */
static bool opens_at_once(kvcore_status status) {
    return status == KVSTORE_ECREDENTIALS || status == KVSTORE_EBUCKET || status == KVSTORE_ECLOCK ||
           status == KVSTORE_EREDIRECT;
}

int kvstore__breaker_ask(kvstore *store, uint64_t now_ns) {
    if (store->stats.breaker == KVSTORE_BREAKER_CLOSED) return KVSTORE__LET;
    if (store->breaker_probing || now_ns < store->breaker_next_ns) return KVSTORE__REFUSE;
    store->breaker_probing = true;
    store->stats.breaker = KVSTORE_BREAKER_HALF_OPEN;
    return KVSTORE__LET_PROBE;
}

static void open_breaker(kvstore *store, kvcore_status reason, uint64_t now_ns) {
    if (store->stats.breaker == KVSTORE_BREAKER_CLOSED) {
        store->stats.breaker_opened++;
        store->stats.breaker_since_ns = now_ns;
        kvstore__tell(store, KVSTORE_EVENT_BREAKER_OPEN, reason, 0, (kvhash_plh){0, 0});
    }
    store->stats.breaker = KVSTORE_BREAKER_OPEN;
    store->stats.breaker_reason = reason;
    store->breaker_next_ns = now_ns + KVSTORE_SECOND;
}

static void close_breaker(kvstore *store, uint64_t now_ns) {
    store->failures = 0;
    if (store->stats.breaker == KVSTORE_BREAKER_CLOSED) return;
    store->stats.breaker = KVSTORE_BREAKER_CLOSED;
    store->stats.breaker_reason = KVCORE_OK;
    store->stats.breaker_since_ns = now_ns;
    kvstore__tell(store, KVSTORE_EVENT_BREAKER_CLOSED, KVCORE_OK, 0, (kvhash_plh){0, 0});
}

void kvstore__breaker_tell(kvstore *store, kvcore_status status, bool probe, uint64_t now_ns) {
    if (probe) store->breaker_probing = false;
    if (opens_at_once(status)) {
        open_breaker(store, status, now_ns);
    } else if (counts(status)) {
        store->failures++;
        if (probe || store->failures >= store->options.breaker_failures) open_breaker(store, status, now_ns);
    } else if (store->stats.breaker == KVSTORE_BREAKER_CLOSED || probe) {
        close_breaker(store, now_ns);
    }
}
