/**
 * @file
 * From a registry to the wire: block events of the process (kvhash/event.h) told by a publisher.
 *
 *     kvevents_feed feed = {publisher, NULL, NULL};
 *     kvlogical_registry_on_event(registry, kvevents_feed_event, &feed);   // every tier, see kvlogical/events.h
 *     … each step of the engine: kvevents_publisher_flush(publisher);
 *
 * Tokens, parent, LoRA name and salt are those that the block was registered with; a block without tokens, or without a parent
 * where it must have one, is told as a placeholder. What the publisher is told it keeps, so ask it for a resync, not the
 * registry: PRESENT events carry no tokens.
 *
 * Owns: nothing. Threads: as the publisher; a callback never waits for the network.
 */
#ifndef KVEVENTS_FEED_H
#define KVEVENTS_FEED_H

#include <kvevents/publisher.h>
#include <kvhash/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where events go. The caller's; it must outlive its use. */
typedef struct kvevents_feed {
    kvevents_publisher *publisher; /**< borrowed */
    /** The tier on the wire of a tier of the registry; KVEVENTS_NO_TIER: not told. NULL: 0 … 3 are device … external. */
    kvevents_tier (*tier_of)(void *ctx, uint64_t tier);
    void *ctx; /**< given back to tier_of */
} kvevents_feed;

/**
 * Tell one event, in the shape of a callback: feed is a kvevents_feed. CREATE and PRESENT store, REMOVE removes, CLEAR clears; a
 * GAP makes the next flush tell the present state, as far as it is known here. NULLs do nothing.
 */
KVEVENTS_API void kvevents_feed_event(void *feed, const kvhash_event *event);

#ifdef __cplusplus
}
#endif

#endif
