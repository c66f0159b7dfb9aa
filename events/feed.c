#include <kvevents/feed.h>

static kvevents_tier tier_of(const kvevents_feed *feed, uint64_t tier) {
    if (feed->tier_of != NULL) return feed->tier_of(feed->ctx, tier);
    return tier < KVEVENTS_TIERS ? (kvevents_tier)tier : KVEVENTS_NO_TIER;
}

static kvcore_bytes text_of(const char *text) {
    kvcore_bytes bytes = kvcore_text(text);
    return bytes.size_bytes > 255 ? (kvcore_bytes){NULL, 0} : bytes;
}

/* Tokens without a parent, or of another number than a block has, cannot be told. */
static kvevents_block block_of(const kvhash_event *event, uint32_t block_tokens) {
    const kvhash_block_facts *facts = event->facts;
    kvevents_block block = {.hash = kvhash_plh_sequence_hash(event->name)};
    if (facts == NULL) return block;
    bool parent = (facts->given & KVHASH_FACT_PARENT) != 0 && kvhash_plh_position(event->name) > 0;
    bool usable = facts->tokens != NULL && facts->token_count == block_tokens &&
                  (parent || kvhash_plh_position(event->name) == 0);
    block.lora_name = text_of(facts->lora_name);
    block.salt = text_of(facts->cache_salt);
    if (!usable) return block;
    block.tokens = facts->tokens;
    block.has_parent = parent;
    if (parent) block.parent = kvhash_plh_sequence_hash(facts->parent);
    return block;
}

/* What the publisher has no memory for it tells anew when it has: nothing is to be done here. */
void kvevents_feed_event(void *of, const kvhash_event *event) {
    const kvevents_feed *feed = of;
    if (feed == NULL || event == NULL || feed->publisher == NULL) return;
    kvcore_status status = KVCORE_OK;
    kvevents_tier tier = tier_of(feed, event->tier);
    uint64_t hash = kvhash_plh_sequence_hash(event->name);
    switch (event->kind) {
    case KVHASH_EVENT_CREATE:
    case KVHASH_EVENT_PRESENT: {
        kvevents_block block = block_of(event, kvevents_publisher_block_tokens(feed->publisher));
        if (tier != KVEVENTS_NO_TIER) status = kvevents_publisher_stored(feed->publisher, tier, &block, 1);
        break;
    }
    case KVHASH_EVENT_REMOVE:
        if (tier != KVEVENTS_NO_TIER) status = kvevents_publisher_removed(feed->publisher, tier, &hash, 1);
        break;
    case KVHASH_EVENT_GAP: status = kvevents_publisher_resync(feed->publisher); break;
    case KVHASH_EVENT_CLEAR: status = kvevents_publisher_cleared(feed->publisher); break;
    default: break;
    }
    (void)status;
}
