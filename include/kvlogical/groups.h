/**
 * @file
 * Groups: several kinds of attention over one pool of equal blocks.
 *
 * Layers that share one block table are a group; a request has one table a group, and all groups take blocks of one manager.
 * A block is found by its key, which is a name and a group. What a token at position p needs decides a group's kind:
 *
 *     FULL     everything before it
 *     WINDOW   the `span` tokens that end with itself
 *     CHUNK    its own chunk: the positions from p / span · span on
 *     STATE    the one state after p tokens; a block is a snapshot at its own end
 *     PRIVATE  `span` blocks that no other request can use: cross attention, scratch. They have no names
 *
 * A table is a list of block indices, KVLOGICAL_NO_BLOCK where no block is needed (any more).
 *
 *     kvlogical_groups_create(manager, &config, &groups, &error);    config of the manager: groups = how many there are
 *     kvlogical_tables_create(groups, &tables);                      one a request
 *     kvlogical_tables_find(tables, names, count, tokens, &found);   the longest prefix that all groups can serve; holds nothing
 *     kvlogical_tables_allocate(tables, &growth, &error);            hold the hits, take blocks, give names
 *     kvlogical_tables_release(tables);                              finished or preempted
 *
 * Words: h, the tokens of a name, is the manager's block_tokens; b, the tokens of a group's block, a multiple of h; A, the least
 * common multiple of all b: what several groups hit is a multiple of it.
 *
 * Owns:    a set of groups borrows the manager and owns its record; tables own their lists and hold their blocks. Names are
 *          borrowed for the call.
 * Threads: different tables from different threads at will; one table from one thread at a time. Each call is one critical
 *          section of the manager, whatever the number of blocks.
 * Units:   tokens or blocks, as the names say.
 * Errors:  a failed call changes nothing, with one exception that kvlogical_tables_allocate() states.
 * Source:  the block pool and coordinators of vLLM 0.33; pinned by the groups vectors.
 */
#ifndef KVLOGICAL_GROUPS_H
#define KVLOGICAL_GROUPS_H

#include <kvlogical/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Made by kvlogical_groups_create(). */
typedef struct kvlogical_groups kvlogical_groups;
/** Opaque: the tables of one request. Made by kvlogical_tables_create(). */
typedef struct kvlogical_tables kvlogical_tables;

/** What a token needs: see above. */
enum {
    KVLOGICAL_GROUP_FULL = 1,    /**< everything before it */
    KVLOGICAL_GROUP_WINDOW = 2,  /**< the span of tokens that ends with itself */
    KVLOGICAL_GROUP_CHUNK = 3,   /**< its own chunk */
    KVLOGICAL_GROUP_STATE = 4,   /**< the state after the tokens before it */
    KVLOGICAL_GROUP_PRIVATE = 5, /**< blocks that no other request can use */
};

/** The most groups of a set. */
#define KVLOGICAL_GROUPS_MOST 16
/** The least common multiple of all block sizes goes no higher. */
#define KVLOGICAL_GROUPS_ALIGN_MOST (UINT32_C(1) << 20)

/** One group. */
typedef struct kvlogical_group {
    uint32_t kind;         /**< KVLOGICAL_GROUP_… */
    uint32_t block_tokens; /**< b: a multiple of the manager's block_tokens */
    uint32_t span;         /**< WINDOW, CHUNK: tokens, at least 1; PRIVATE: blocks; else 0 */
} kvlogical_group;

/** Which blocks of WINDOW and STATE groups get names: those that a hit could end with. */
#define KVLOGICAL_RETAIN_DENSE UINT32_C(0) /**< at every multiple of A */
/** Only where the prompt ends, and where other requests left it. Any other value: there, and at every multiple of it. */
#define KVLOGICAL_RETAIN_LATEST UINT32_MAX

/** In which order a released table lets go. */
enum {
    KVLOGICAL_RELEASE_TAIL_FIRST = 0, /**< from its end: the front of a prompt, which others share, stays longest */
    KVLOGICAL_RELEASE_WINDOW_LAST =
        1, /**< WINDOW: what no hit at the end needs goes first, then the window as a whole */
};

/** Start from KVLOGICAL_GROUPS_CONFIG_INIT; all other zeros mean the default. */
typedef struct kvlogical_groups_config {
    size_t struct_size;            /**< set by the _INIT macro */
    const kvlogical_group *groups; /**< as many as the manager was made for; copied */
    size_t group_count;            /**< 1 … KVLOGICAL_GROUPS_MOST */
    uint32_t retention;            /**< KVLOGICAL_RETAIN_…, or a multiple of A in tokens */
    uint32_t release;              /**< KVLOGICAL_RELEASE_… */
    bool eagle;                    /**< a hit leaves its last block to be computed again; not with CHUNK */
    bool name_later; /**< allocating names nothing: kvlogical_tables_name() does, when the content is there */
    kvcore_allocator allocator; /**< all NULL means the C library's */
} kvlogical_groups_config;

/** The values to start from. */
#define KVLOGICAL_GROUPS_CONFIG_INIT                                                       \
    {                                                                                      \
        sizeof(kvlogical_groups_config), NULL, 0, 0, 0, false, false, { NULL, NULL, NULL } \
    }

/** KVLOGICAL_GROUPS_CONFIG_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_groups_config kvlogical_groups_config_init(void);

/**
 * Make a set of groups over a manager. One set a manager; its blocks are also open to the manager's own calls, which see group 0.
 *
 * Errors: KVCORE_ECONFIG with the value in the error record and the group in its index (A above 2^20, a span of 0, b not a
 *         multiple of h, CHUNK with b other than A or with eagle, retention not a multiple of A, a manager that was made for
 *         another number of groups or rejects duplicates); KVCORE_EINVAL for NULLs; KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_groups_create(kvlogical_manager *manager,
                                                                     const kvlogical_groups_config *config,
                                                                     kvlogical_groups **groups, kvcore_error *error);

/** Give a set back. NULL is ignored. Errors: KVCORE_EBUSY while tables of it exist; nothing has happened then. */
KVLOGICAL_API kvcore_status kvlogical_groups_destroy(kvlogical_groups *groups);

/** A: what hits are a multiple of, in tokens. */
KVLOGICAL_API uint32_t kvlogical_groups_align_tokens(const kvlogical_groups *groups);

/** An engine step begins: states that got their names in the last one may be read from now on. */
KVLOGICAL_API void kvlogical_groups_step(kvlogical_groups *groups);

/**
 * Forget all names, if nobody holds a block; the order of the blocks stays.
 *
 * Errors: KVCORE_EBUSY with expected (all blocks) and actual (held by nobody), and nothing has changed; KVCORE_EINVAL for NULL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_groups_reset(kvlogical_groups *groups, kvcore_error *error);

/* ---- the tables of one request ---- */

/** Empty tables; memory comes from the set's allocator. Errors: KVCORE_EINVAL, KVCORE_ENOMEM. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_create(kvlogical_groups *groups,
                                                                     kvlogical_tables **tables);

/** Release, then give back. NULL is ignored. */
KVLOGICAL_API void kvlogical_tables_destroy(kvlogical_tables *tables);

/** Room for so many tokens, so that no call up to there allocates. Errors: KVCORE_ENOMEM, KVCORE_EOVERFLOW, KVCORE_EINVAL. */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_reserve(kvlogical_tables *tables, size_t tokens);

/** What a look-up found. Start from KVLOGICAL_FOUND_INIT. */
typedef struct kvlogical_found {
    size_t struct_size;                             /**< set by the _INIT macro */
    size_t hit_tokens;                              /**< that all groups can serve */
    size_t boundary_tokens;                         /**< a group reached further, up to here; 0: none did */
    size_t group_hit_tokens[KVLOGICAL_GROUPS_MOST]; /**< each by itself, as far as the search went */
} kvlogical_found;

/** The values to start from. */
#define KVLOGICAL_FOUND_INIT                 \
    {                                        \
        sizeof(kvlogical_found), 0, 0, { 0 } \
    }

/** KVLOGICAL_FOUND_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_found kvlogical_found_init(void);

/**
 * The longest prefix that every group can serve; one token at least is left to compute. Holds and moves nothing; the tables,
 * which must be empty, remember it for the next kvlogical_tables_allocate().
 *
 * Takes:  the request's names from its beginning (names[i] is of its tokens up to (i + 1) · h), and how many tokens it has.
 * Errors: KVLOGICAL_ESTATE for tables that are not empty; KVCORE_EINVAL, KVCORE_ENOMEM, KVCORE_EOVERFLOW.
 * Cost:   O(names) a group, and again a pass over bits for each time that one group shortens the hit of others.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_find(kvlogical_tables *tables, const kvhash_plh *names,
                                                                   size_t name_count, size_t tokens,
                                                                   kvlogical_found *found);

/**
 * The table that a group's look-up found, KVLOGICAL_NO_BLOCK where it needs no block; otherwise as kvlogical_tables_blocks().
 *
 * Errors: KVCORE_EINVAL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_found_blocks(const kvlogical_tables *tables, size_t group,
                                                                           size_t first, uint32_t *blocks,
                                                                           size_t capacity, size_t *count);

/** How a request grows. Start from KVLOGICAL_GROWTH_INIT. */
typedef struct kvlogical_growth {
    size_t struct_size;      /**< set by the _INIT macro */
    size_t new_tokens;       /**< to be computed next; admission takes at most what the hit leaves of `tokens` */
    bool use_hits;           /**< begin with what the look-up just before found */
    size_t leave_blocks;     /**< refuse unless so many stay available */
    const kvhash_plh *names; /**< of the request, from its beginning */
    size_t name_count;       /**< how many of them are known */
    size_t tokens;           /**< that the request has: no block beyond them gets a name */
    size_t prompt_tokens;    /**< of these, its prompt; matters for retention other than DENSE */
} kvlogical_growth;

/** The values to start from. */
#define KVLOGICAL_GROWTH_INIT \
    { sizeof(kvlogical_growth), 0, false, 0, NULL, 0, 0, 0 }

/** KVLOGICAL_GROWTH_INIT as a function, for other languages. */
KVLOGICAL_API kvlogical_growth kvlogical_growth_init(void);

/**
 * Room for new_tokens behind what is computed, all or nothing; then they count as computed.
 *
 * First lets go of what no later token will look at, also when the call is refused afterwards. Holds the hits, takes blocks,
 * free ones first and then victims, group by group, and unless the set says name_later names the blocks that are full.
 *
 * Gives:  kvlogical_tables_blocks(), kvlogical_tables_evicted(), kvlogical_tables_stored().
 * Errors: KVCORE_ENOSPACE when there are not enough blocks: ordinary back-pressure; KVCORE_EBUSY when a state among the hits
 *         got its name in this step: its content is not there before the next one; KVLOGICAL_ESTATE for use_hits without a
 *         look-up just before, or when blocks that it found are gone: look up again; KVHASH_EMODE for a name that is not one;
 *         KVCORE_EINVAL, KVCORE_ENOMEM; KVCORE_EOVERFLOW beyond 2^24 names.
 * Cost:   O(1) a block that comes or goes.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_allocate(kvlogical_tables *tables,
                                                                       const kvlogical_growth *growth,
                                                                       kvcore_error *error);

/**
 * kvlogical_tables_find() and kvlogical_tables_allocate() with use_hits in one critical section: what is found cannot go in
 * between. A request that does not fit leaves no trace.
 *
 * Gives:  *found, also when it is refused.
 * Errors: KVCORE_ENOSPACE, KVCORE_EBUSY, KVLOGICAL_ESTATE for tables that are not empty, and the others of both calls.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_admit(kvlogical_tables *tables,
                                                                    const kvlogical_growth *growth,
                                                                    kvlogical_found *found, kvcore_error *error);

/**
 * Name the full blocks up to growth->tokens or what is computed, whichever is less, that have no name yet: for sets that
 * name_later. new_tokens, use_hits and leave_blocks are not read. Errors: KVHASH_EMODE, KVCORE_EINVAL, KVCORE_ENOMEM.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_name(kvlogical_tables *tables,
                                                                   const kvlogical_growth *growth);

/** Let go of all blocks, group by group; the tables are empty, nothing is computed, and the look-up is forgotten. */
KVLOGICAL_API void kvlogical_tables_release(kvlogical_tables *tables);

/** Tokens that count as computed. */
KVLOGICAL_API size_t kvlogical_tables_computed_tokens(const kvlogical_tables *tables);

/**
 * A group's table from position `first` on, as far as there is room: block indices, or KVLOGICAL_NO_BLOCK.
 *
 * Gives: *count, how many were written. blocks NULL with capacity 0: *count is how many there are. Errors: KVCORE_EINVAL.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_tables_blocks(const kvlogical_tables *tables, size_t group,
                                                                     size_t first, uint32_t *blocks, size_t capacity,
                                                                     size_t *count);

/** What the last allocate, admit or name call evicted, in that order. Borrowed until the next call on these tables. */
KVLOGICAL_API const kvlogical_key *kvlogical_tables_evicted(const kvlogical_tables *tables, size_t *count);

/** What it gave keys to, in that order. As kvlogical_tables_evicted(). */
KVLOGICAL_API const kvlogical_key *kvlogical_tables_stored(const kvlogical_tables *tables, size_t *count);

/* ---- a step of many requests ---- */

/** One request of a step. */
typedef struct kvlogical_step_item {
    kvlogical_tables *tables;       /**< of the set */
    const kvlogical_growth *growth; /**< a chunk of prefill, a token of decode, some speculative ones */
    kvlogical_found *found;         /**< not NULL: admission, as kvlogical_tables_admit(); written */
    kvcore_status status; /**< written: KVCORE_OK when it is scheduled; KVCORE_ENOSPACE or KVCORE_EBUSY when it waits;
                                         otherwise why it cannot be, as the calls for one request say */
    bool never_fits;      /**< written: it waits for more blocks than the pool has */
} kvlogical_step_item;

/**
 * A whole engine step in one call: kvlogical_groups_step(), then each item in the caller's order as kvlogical_tables_allocate() or
 * kvlogical_tables_admit() would, all in one critical section. What each evicted and stored is in its tables.
 *
 * Takes:  in_order: when an item waits, all behind it wait (KVCORE_ENOSPACE); otherwise each that fits is scheduled.
 * Gives:  *scheduled, how many are; the status of each item.
 * Errors: KVCORE_EINVAL for NULLs and tables of another set; KVCORE_ENOMEM and KVCORE_EOVERFLOW for the names of admissions. Nothing
 *         has changed then. Tables that must get memory first have the lock given back before their turn; see
 *         kvlogical_tables_reserve().
 * Cost:   O(1) a request and a block that comes or goes; a lookup for each admission.
 */
KVLOGICAL_API KVCORE_NODISCARD kvcore_status kvlogical_step(kvlogical_groups *groups, kvlogical_step_item *items,
                                                            size_t count, bool in_order, size_t *scheduled);

#ifdef __cplusplus
}
#endif

#endif
