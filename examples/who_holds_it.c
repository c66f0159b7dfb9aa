/* Two workers, one index: where should the next prompt go? */
#include <stdio.h>

#include <kvradix/index.h>

#define TRY(call)                                                 \
    do {                                                          \
        kvcore_status status_ = (call);                           \
        if (status_ != KVCORE_OK) {                               \
            fprintf(stderr, "%s\n", kvcore_status_text(status_)); \
            return 1;                                             \
        }                                                         \
    } while (0)

#define BLOCKS 8

/* In a program these come from kvhash_request_names(). */
static kvcore_status name_blocks(kvhash_plh *names) {
    names[0] = kvhash_plh_root(42);
    kvcore_status status = KVCORE_OK;
    for (uint64_t i = 1; i < BLOCKS && status == KVCORE_OK; i++) status = kvhash_plh_extend(names[i - 1], i, &names[i]);
    return status;
}

static kvcore_status print_matches(const kvradix_index *index, const kvhash_plh *names) {
    kvradix_match matches[8];
    size_t found;
    kvcore_status status = kvradix_index_match(index, names, BLOCKS, matches, 8, &found);
    for (size_t i = 0; i < found && status == KVCORE_OK; i++)
        printf("worker %u has the first %u of %d blocks%s\n", (unsigned)matches[i].holder.worker,
               (unsigned)matches[i].blocks, BLOCKS, matches[i].stale ? ", as far as is known" : "");
    return status;
}

int main(void) {
    kvhash_plh names[BLOCKS];
    TRY(name_blocks(names));

    kvradix_config config = KVRADIX_CONFIG_INIT;
    config.capacity = 100000;
    kvradix_index *index;
    TRY(kvradix_index_create(&config, &index, NULL));

    /* events of worker 1 arrive as callbacks, those of worker 2 were lost in part */
    kvradix_feed one = {index, {1, 0, 0}}, two = {index, {2, 0, 0}};
    for (uint64_t i = 0; i < BLOCKS; i++)
        kvradix_feed_event(&one, &(kvhash_event){.kind = KVHASH_EVENT_CREATE, .sequence = i + 1, .name = names[i]});
    for (uint64_t i = 0; i < 3; i++)
        kvradix_feed_event(&two, &(kvhash_event){.kind = KVHASH_EVENT_CREATE, .sequence = i + 5, .name = names[i]});
    TRY(print_matches(index, names));

    /* worker 1 evicts a block in the middle: what lies behind it is of no use */
    kvradix_feed_event(&one, &(kvhash_event){.kind = KVHASH_EVENT_REMOVE, .sequence = BLOCKS + 1, .name = names[2]});
    TRY(print_matches(index, names));

    kvradix_index_destroy(index);
    return 0;
}
