/* A stranger's program that has functions of its own under the names that the archives once let out. It links them all, and
 * nothing of the suite calls what is not its own. */
#include <stdio.h>
#include <stdlib.h>

#include <kvhash/sequence.h>
#include <kvradix/residency.h>

static int calls;

#define MINE(name)  \
    int name(void); \
    int name(void) { return ++calls; }
MINE(naming_avx2)
MINE(naming_avx512)
MINE(naming_baseline)
MINE(naming_kernels_for_this_cpu)
MINE(run_check)
MINE(run_walk_is_in_order)
MINE(run_walk_next_batch)
MINE(run_walk_sort_indexed)
MINE(run_walk_start)
MINE(sequence_config_read)
MINE(sequence_max_tokens)
MINE(wire_fail)
MINE(wire_fail_length)
MINE(wire_find_field)
MINE(wire_json)
MINE(wire_msgpack)
MINE(wire_put)
MINE(wire_put_byte)
MINE(config_read)
MINE(holders_add)
MINE(holders_clear)
MINE(holders_column)
MINE(holders_destroy)
MINE(holders_erase)
MINE(holders_find)
MINE(holders_full)
MINE(holders_init)
MINE(holders_mark_stale)
MINE(holders_memory_bytes)
MINE(lineage_add)
MINE(lineage_fetch)
MINE(lineage_find)
MINE(lineage_hash_of)
MINE(lineage_hold)
MINE(lineage_is_parent)
MINE(lineage_is_stand_in)
MINE(lineage_release)
MINE(lineage_scrub)
MINE(lineage_stand_in)
MINE(metadata_of)
MINE(table_destroy)
MINE(table_has_room)
MINE(table_init)
MINE(table_memory_bytes)
MINE(table_next)
MINE(table_publish)
MINE(table_reclaim)
MINE(table_remove)
MINE(table_replace)
MINE(table_reserve)
MINE(table_settle)
MINE(table_take)

int main(void) {
    kvradix_config config = KVRADIX_CONFIG_INIT;
    kvradix_residency *index = NULL;
    kvcore_error error;
    if (kvradix_residency_create(&config, &index, &error) != KVCORE_OK) return 1;
    kvcore_hash256 key = {{1}};
    kvradix_residency_remove(index, &key, 1, NULL);
    kvradix_residency_destroy(index);

    kvhash_sequence *sequence = NULL;
    kvhash_sequence_config shape = KVHASH_SEQUENCE_CONFIG_INIT;
    const uint32_t tokens[] = {1, 2, 3, 4, 5};
    shape.block_tokens = 4;
    shape.tokens = tokens;
    shape.token_count = 5;
    if (kvhash_sequence_create(&shape, &sequence, &error) != KVCORE_OK) return 1;
    kvhash_sequence_destroy(sequence);

    printf("called by the suite: %d\n", calls);
    return calls == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
