#include <kvevents/publisher.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kvcore_status fit(int written, size_t capacity) {
    return written >= 0 && (size_t)written < capacity ? KVCORE_OK : KVCORE_EBUFFER;
}

static kvcore_status with_port(const char *endpoint, uint32_t rank, char *text, size_t capacity) {
    const char *colon = strrchr(endpoint, ':');
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0') return KVCORE_EFORMAT;
    if (port > 65535 || rank > 65535 || (port != 0 && port + rank > 65535)) return KVCORE_EOVERFLOW;
    if (port != 0) port += rank;
    return fit(snprintf(text, capacity, "%.*s:%lu", (int)(colon - endpoint), endpoint, port), capacity);
}

kvcore_status kvevents_endpoint_of_rank(const char *endpoint, uint32_t rank, char *text, size_t capacity) {
    if (endpoint == NULL || text == NULL) return KVCORE_EINVAL;
    if (strncmp(endpoint, "tcp://", 6) == 0) return with_port(endpoint, rank, text, capacity);
    return fit(snprintf(text, capacity, "%s_dp%u", endpoint, (unsigned)rank), capacity);
}
