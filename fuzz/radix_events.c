/* Events of a few holders about a few names, any names, in any order. Each four bytes are one event: kind, holder, name, and how
 * far its number is from the one expected. The index stays sound, and what it says of the chain 0, 1, 2, … is what a walk from
 * name to name says. */
#include <stdlib.h>
#include <string.h>

#include <kvradix/index.h>

#include "fuzz.h"

#define CHAIN 48
#define HOLDERS 5

static void make_names(kvhash_plh names[256]) {
    names[0] = kvhash_plh_root(1);
    for (size_t i = 1; i < 256; i++) {
        kvhash_plh parent = names[i < CHAIN ? i - 1 : i % CHAIN]; /* one chain, and branches off it */
        if (kvhash_plh_extend(parent, i, &names[i]) != KVCORE_OK) abort();
        /* some carry a wider mode than they need, with fewer bits of their parent */
        if (i % 64 == 63)
            names[i] = (kvhash_plh){UINT64_C(2) << 62 | (uint64_t)kvhash_plh_position(names[i]) << 38 | i,
                                    kvhash_plh_sequence_hash(parent) & ((UINT64_C(1) << 38) - 1)};
    }
}

static bool has(const kvradix_index *index, kvhash_plh name, uint64_t worker) {
    kvhash_holder holders[HOLDERS];
    size_t count;
    if (kvradix_index_holders(index, name, holders, HOLDERS, &count) != KVCORE_OK) abort();
    for (size_t i = 0; i < count; i++)
        if (holders[i].worker == worker) return true;
    return false;
}

static void check(const kvradix_index *index, const kvhash_plh *names) {
    kvradix_match matches[HOLDERS];
    size_t found, expected = 0;
    if (kvradix_index_validate(index, NULL) != KVCORE_OK) abort();
    if (kvradix_index_match(index, names, CHAIN, matches, HOLDERS, &found) != KVCORE_OK) abort();
    for (uint64_t worker = 0; worker < HOLDERS; worker++) {
        uint32_t blocks = 0, said = 0;
        while (blocks < CHAIN && has(index, names[blocks], worker)) blocks++;
        for (size_t i = 0; i < found; i++)
            if (matches[i].holder.worker == worker) said = matches[i].blocks;
        if (said != blocks) abort();
        expected += blocks > 0;
    }
    if (found != expected) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    kvhash_plh names[256];
    make_names(names);
    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 1;
    config.holder_capacity = HOLDERS;
    config.hash_seed = 1; /* the same run each time */
    kvradix_index *index;
    if (kvradix_index_create(&config, &index, NULL) != KVCORE_OK) abort();
    for (size_t at = 0; at + 4 <= size && at < 4096; at += 4) {
        kvhash_holder holder = {data[at + 1] % HOLDERS, 0, 0};
        if (data[at] == 255) {
            kvradix_index_forget(index, holder);
            continue;
        }
        uint64_t number = kvradix_index_expected(index, holder) + (uint64_t)((int8_t)data[at + 3] / 16);
        kvhash_event event = {
            .name = names[data[at + 2]], .holder = holder, .sequence = number, .lost = 1, .kind = data[at] % 7};
        kvcore_status status = kvradix_index_apply(index, &event, 1, NULL);
        bool valid = event.kind >= KVHASH_EVENT_CREATE && event.kind <= KVHASH_EVENT_PRESENT && number != 0 &&
                     number != UINT64_MAX;
        if (status != (valid ? KVCORE_OK : KVCORE_EINVAL)) abort();
    }
    check(index, names);
    kvradix_index_destroy(index);
    return 0;
}
