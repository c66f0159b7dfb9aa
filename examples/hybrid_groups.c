/* A model with full attention and a sliding window: two requests that share a prompt, over one pool. */
#include <stdio.h>
#include <stdlib.h>

#include <kvlogical/groups.h>

#define BLOCK 16

static void must(kvcore_status status) {
    if (status == KVCORE_OK) return;
    fprintf(stderr, "%s\n", kvcore_status_text(status));
    exit(1);
}

static void show(const kvlogical_tables *tables, size_t group) {
    uint32_t blocks[16];
    size_t count;
    must(kvlogical_tables_blocks(tables, group, 0, blocks, 16, &count));
    for (size_t i = 0; i < count; i++)
        if (blocks[i] == KVLOGICAL_NO_BLOCK)
            printf("  -");
        else
            printf(" %2u", blocks[i]);
    printf("\n");
}

int main(void) {
    kvlogical_config pool = KVLOGICAL_CONFIG_INIT;
    pool.block_count = 32;
    pool.block_tokens = BLOCK;
    pool.eviction = KVLOGICAL_EVICT_LRU;
    pool.duplicates = KVLOGICAL_DUPLICATES_KEEP;
    pool.free_order = KVLOGICAL_FREE_FRONT;
    pool.groups = 2;
    kvlogical_manager *manager;
    must(kvlogical_manager_create(&pool, &manager, NULL));

    const kvlogical_group kinds[] = {{KVLOGICAL_GROUP_FULL, BLOCK, 0}, {KVLOGICAL_GROUP_WINDOW, BLOCK, 32}};
    kvlogical_groups_config config = KVLOGICAL_GROUPS_CONFIG_INIT;
    config.groups = kinds;
    config.group_count = 2;
    kvlogical_groups *groups;
    must(kvlogical_groups_create(manager, &config, &groups, NULL));

    kvhash_plh names[6]; /* of 96 tokens; an engine makes them with kvhash_sequence */
    names[0] = kvhash_plh_root(42);
    for (uint64_t i = 1; i < 6; i++) must(kvhash_plh_extend(names[i - 1], i, &names[i]));

    kvlogical_growth growth = KVLOGICAL_GROWTH_INIT;
    growth.names = names;
    growth.name_count = 6;
    growth.tokens = growth.prompt_tokens = 100;
    growth.new_tokens = 100;
    kvlogical_found found = KVLOGICAL_FOUND_INIT;
    for (int request = 1; request <= 2; request++) {
        kvlogical_tables *tables;
        must(kvlogical_tables_create(groups, &tables));
        kvlogical_groups_step(groups);
        must(kvlogical_tables_admit(tables, &growth, &found, NULL));
        printf("request %d: %zu tokens cached\n", request, found.hit_tokens);
        printf("full   ");
        show(tables, 0);
        printf("window ");
        show(tables, 1);
        kvlogical_tables_release(tables);
        kvlogical_tables_destroy(tables);
    }
    must(kvlogical_groups_destroy(groups));
    must(kvlogical_manager_destroy(manager));
    return 0;
}
