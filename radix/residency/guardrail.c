#include <kvradix/guardrail.h>

#include <stddef.h>

kvradix_guardrail kvradix_guardrail_init(void) { return (kvradix_guardrail)KVRADIX_GUARDRAIL_INIT; }

static uint64_t multiply(uint64_t a, uint64_t b) {
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

uint64_t kvradix_guardrail_budget_bytes(const kvradix_guardrail *guardrail) {
    if (guardrail == NULL) return 0;
    if (guardrail->host_bytes <= guardrail->reserved_bytes) return 0;
    return multiply(guardrail->host_bytes - guardrail->reserved_bytes, guardrail->percent) / 100;
}

uint64_t kvradix_guardrail_entry_bytes(const kvradix_guardrail *guardrail) {
    if (guardrail == NULL) return 0;
    uint64_t sum;
    return __builtin_add_overflow(guardrail->overhead_bytes, UINT64_C(32 + 8), &sum) ? UINT64_MAX : sum;
}

uint64_t kvradix_guardrail_estimate_bytes(const kvradix_guardrail *guardrail, uint64_t entries) {
    return multiply(kvradix_guardrail_entry_bytes(guardrail), entries);
}

uint64_t kvradix_guardrail_max_entries(const kvradix_guardrail *guardrail) {
    if (guardrail == NULL) return 0;
    return kvradix_guardrail_budget_bytes(guardrail) / kvradix_guardrail_entry_bytes(guardrail);
}
