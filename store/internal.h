/* What the parts of libkvstore share. Private to store. */
#ifndef KVSTORE_INTERNAL_H
#define KVSTORE_INTERNAL_H

#include <pthread.h>

#include <kvstore/backend.h>
#include <kvstore/store.h>

#include "catalog.h"
#include "refuse.h"

#define KVSTORE_SECOND UINT64_C(1000000000)

typedef struct kvstore__batch kvstore__batch;

struct kvstore_space {
    kvstore *store;
    kvstore_identity identity; /* its tenant points to `tenant` */
    char tenant[KVSTORE_TENANT_MAX_BYTES + 1];
    uint8_t tenant_check[KVSTORE_TENANT_CHECK_BYTES];
    uint64_t block_bytes;
    uint16_t id;
    bool open; /* by the program; or only met in a listing */
};

/* One block under way. */
typedef struct kvstore__job {
    kvstore_transfer transfer;
    kvstore__batch *batch;
    struct kvstore__job *next; /* free ones */
    size_t index;
    kvhash_plh name; /* of the catalog */
    uint64_t started_ns;
    kvstore_span staged; /* memory of its own, in place of the caller's spans */
    size_t staged_room;
    uint8_t trailer[KVSTORE_TRAILER_BYTES];
    char key[KVSTORE_KEY_BYTES];
    kvstore_object object; /* put: what the trailer says */
    bool busy;
    bool repair;
    bool probe; /* it decides whether the breaker closes */
} kvstore__job;

struct kvstore__batch {
    kvstore__batch *next, *previous;
    kvstore_space *space;
    kvstore_batch given;
    kvstore_ticket ticket;
    uint64_t bytes;
    uint64_t deadline_ns;
    size_t next_block; /* the first that was not begun */
    size_t stop;       /* get: blocks from here on count no more */
    size_t running;
    uint32_t window;
    bool put, cancelled, expired, waits; /* waits: for the same name in another batch */
};

typedef struct kvstore__list {
    kvstore__batch *first, *last;
} kvstore__list;

typedef struct kvstore__pin {
    uint16_t space;
    kvhash_plh name;
    uint64_t until_ns;
} kvstore__pin;

typedef struct kvstore__damage {
    uint16_t space;
    kvhash_plh name;
} kvstore__damage;

enum { KVSTORE_DAMAGE_MOST = 4096 };

struct kvstore {
    kvcore_allocator allocator;
    kvcore_clock clock;
    kvstore_options options;
    kvstore_limits limits;
    kvstore_backend backend;
    pthread_mutex_t lock; /* of everything below, but for what only the poller uses */
    pthread_cond_t work;
    pthread_t *threads;

    kvstore_catalog catalog;
    kvstore_space **spaces;
    size_t space_count, space_room;

    kvstore__list ready, done; /* with work left or under way; and waiting to be handed out */
    kvstore__batch *spare;     /* batches to be used again */
    kvstore__job *jobs, *free_jobs;
    kvstore_ticket last_ticket;
    kvstore_stats stats;

    kvstore__damage *damage; /* a ring, made when first needed */
    kvstore__pin *pins;
    size_t pin_count, pin_room;
    kvstore_event *events; /* a ring */
    uint64_t event_sequence, event_gap;

    uint64_t breaker_next_ns; /* when it lets one through */
    uint64_t no_room_until_ns, no_room_wait_ns;
    uint64_t keep_next_ns, rescan_next_ns, room_next_ns, tidy_next_ns;
    void *cursor; /* of the scan */

    uint32_t thread_count, spare_count, job_count, busy_jobs;
    uint32_t damage_count, damage_next, event_first, event_count;
    uint32_t failures; /* in a row */
    int event_descriptor, timer_descriptor, poll_descriptor;
    uint8_t generation; /* of the scan */
    bool own_clock, stopping;
    bool complete; /* a name that the catalog lacks is not there */
    bool breaker_probing, keeper, signalled;
    bool scanning, scan_failed, evict_wanted;
};

/* store.c */
uint64_t kvstore__now(const kvstore *store);
uint64_t kvstore__wall(const kvstore *store);
void kvstore__lock(const kvstore *store);
void kvstore__unlock(const kvstore *store);
void kvstore__signal(kvstore *store); /* under the lock */

/* space.c; under the lock */
kvstore_space *kvstore__space_of(kvstore *store, const kvstore_identity *identity, bool make);

/* batch.c: under the lock */
kvstore__job *kvstore__next_job(kvstore *store);
void kvstore__finish_job(kvstore *store, kvstore__job *job);
void kvstore__expire(kvstore *store, uint64_t now_ns);
bool kvstore__is_damaged(const kvstore *store, uint16_t space, kvhash_plh name);

/* transfer.c: without it */
void kvstore__prepare(kvstore *store, kvstore__job *job);
void kvstore__conclude(kvstore *store, kvstore__job *job);
void kvstore__run(kvstore *store, kvstore__job *job);
kvcore_status kvstore__transfer(kvstore *store, kvstore_transfer *transfer,
                                kvcore_error *error); /* one alone, until done */

/* keeper.c: in the polling thread, without the lock */
bool kvstore__keep_house(kvstore *store, uint64_t now_ns); /* true: there is more to do */
uint64_t kvstore__house_due(const kvstore *store);         /* under the lock */
size_t kvstore__evict(kvstore *store, uint64_t down_to_bytes, int reason, size_t most);
bool kvstore__scan_step(kvstore *store);
bool kvstore__entry_of(const char *key, size_t key_bytes, kvstore_entry *entry);

/* events.c: under the lock */
void kvstore__tell_block(kvstore *store, uint16_t space, kvhash_plh name, uint32_t kind);
void kvstore__tell(kvstore *store, uint32_t kind, kvcore_status status, uint16_t space, kvhash_plh name);

/* breaker.c: under the lock */
enum { KVSTORE__LET, KVSTORE__LET_PROBE, KVSTORE__REFUSE };
int kvstore__breaker_ask(kvstore *store, uint64_t now_ns);
void kvstore__breaker_tell(kvstore *store, kvcore_status status, bool probe, uint64_t now_ns);

#endif
