#include "pool/attributes.h"

#include <kvcore/config.h>

#include "pool/manager.h"

static kvcore_status refuse(kvcore_error *error, uint64_t expected, uint64_t actual, const char *text) {
    return kvcore_fail(
        error, &(kvcore_error){.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX, .expected = expected, .actual = actual},
        "%s, got %llu", text, (unsigned long long)actual);
}

static kvcore_status check_facts(const kvlogical_attributes *a, size_t fact_count, kvcore_error *error) {
    if (a->facts == NULL && a->fact_count == 0) return KVCORE_OK;
    if (a->facts == NULL || a->fact_count != fact_count)
        return refuse(error, fact_count, a->fact_count, "facts must be as many as the blocks that are registered");
    if (fact_count > 0 &&
        (a->facts->struct_size < sizeof(size_t) || a->facts->struct_size % _Alignof(kvhash_block_facts) != 0))
        return refuse(error, sizeof(kvhash_block_facts), a->facts->struct_size,
                      "facts struct_size is wrong: initialise the structs with KVHASH_BLOCK_FACTS_INIT");
    return KVCORE_OK;
}

static kvcore_status check_proofs(const kvlogical_attributes *a, const manager *m, size_t proof_count,
                                  kvcore_error *error) {
    if (a->proofs == NULL && a->proof_count == 0) return KVCORE_OK;
    if (a->proofs == NULL || a->proof_count != proof_count)
        return refuse(error, proof_count, a->proof_count, "proofs must be as many as the blocks or names");
    if (m == NULL || m->tier.proofs != NULL) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOTSUP, .index = KVCORE_NO_INDEX},
                       "the manager verifies nothing: make it with config.proof_bits");
}

kvcore_status kvlogical__attributes_read(kvlogical_attributes *a, const kvlogical_attributes *given, const manager *m,
                                         size_t fact_count, size_t proof_count, kvcore_error *error) {
    *a = (kvlogical_attributes)KVLOGICAL_ATTRIBUTES_INIT;
    if (given == NULL) return KVCORE_OK;
    kvcore_status status = kvcore_config_read(a, sizeof *a, given, error);
    if (status != KVCORE_OK) return status;
    if (a->priority != 0) return refuse(error, 0, a->priority, "attribute priority is not supported yet: it must be 0");
    if (a->group != 0) return refuse(error, 0, a->group, "attribute group is not supported yet: it must be 0");
    if (a->tenant != 0) return refuse(error, 0, a->tenant, "attribute tenant is not supported yet: it must be 0");
    if (a->time_to_live_ns != 0)
        return refuse(error, 0, a->time_to_live_ns, "attribute time_to_live_ns is not supported yet: it must be 0");
    status = check_facts(a, fact_count, error);
    return status == KVCORE_OK ? check_proofs(a, m, proof_count, error) : status;
}

kvcore_status kvlogical__explained(kvcore_error *error, kvcore_status status) {
    if (status == KVCORE_OK) return KVCORE_OK;
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s",
                       kvcore_status_text(status));
}
