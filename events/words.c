/* What the words of an event mean: media and tiers, kinds of layers, where vLLM keeps the salt. */
#include <kvevents/batch.h>

#include <strings.h>

#include "msgpack.h"

static bool same_word(kvcore_bytes text, const char *word) {
    return text.size_bytes == strlen(word) && strncasecmp(text.data, word, text.size_bytes) == 0;
}

kvevents_tier kvevents_tier_of(kvcore_bytes medium) {
    static const struct {
        const char *word;
        kvevents_tier tier;
    } words[] = {
        {"GPU", KVEVENTS_DEVICE},       {"DEVICE", KVEVENTS_DEVICE},
        {"CPU", KVEVENTS_HOST},         {"CPU_PINNED", KVEVENTS_HOST},
        {"CPU_TIER1", KVEVENTS_HOST},   {"CPU_TIER2", KVEVENTS_DISK},
        {"DISK", KVEVENTS_DISK},        {"NVME", KVEVENTS_DISK},
        {"STORAGE", KVEVENTS_DISK},     {"EXTERNAL", KVEVENTS_EXTERNAL},
        {"NETWORK", KVEVENTS_EXTERNAL}, {"REMOTE", KVEVENTS_EXTERNAL},
        {"SHARED", KVEVENTS_EXTERNAL},  {"SHARED_STORAGE", KVEVENTS_EXTERNAL},
    };
    if (medium.data == NULL || medium.size_bytes == 0) return KVEVENTS_DEVICE;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same_word(medium, words[i].word)) return words[i].tier;
    return KVEVENTS_NO_TIER;
}

const char *kvevents_tier_text(kvevents_tier tier) {
    static const char *const texts[KVEVENTS_TIERS] = {"device", "host", "disk", "external"};
    return (unsigned)tier < KVEVENTS_TIERS ? texts[tier] : NULL;
}

const char *kvevents_medium(kvevents_dialect dialect, kvevents_tier tier) {
    static const char *const vllm[KVEVENTS_TIERS] = {"GPU", "CPU", "STORAGE", "SHARED_STORAGE"};
    static const char *const sglang[KVEVENTS_TIERS] = {"GPU", "CPU_PINNED", "DISK", "EXTERNAL"};
    if ((unsigned)tier >= KVEVENTS_TIERS) return NULL;
    switch (dialect) {
    case KVEVENTS_VLLM_MAP:
    case KVEVENTS_VLLM_ARRAY: return vllm[tier];
    case KVEVENTS_SGLANG: return sglang[tier];
    default: return NULL;
    }
}

bool kvevents_kind_counts(kvcore_bytes spec_kind) {
    if (spec_kind.data == NULL) return false;
    return MSGPACK_IS(spec_kind, "full_attention") || MSGPACK_IS(spec_kind, "mla_attention") ||
           MSGPACK_IS(spec_kind, "sink_full_attention");
}

/* ---- the salt ---- */

#define SALT_MARK "dynamo-cache-salt:"

/* Dynamo's hash of multimodal objects: 16 hex digits, 48 zeroes. */
static bool is_multimodal(kvcore_bytes text) {
    const char *digits = text.data;
    if (text.size_bytes != 64) return false;
    for (size_t i = 0; i < 16; i++)
        if (!((digits[i] >= '0' && digits[i] <= '9') || (digits[i] >= 'a' && digits[i] <= 'f'))) return false;
    for (size_t i = 16; i < 64; i++)
        if (digits[i] != '0') return false;
    return true;
}

static bool is_lora_name(const kvevents_event *event, kvcore_bytes text) {
    return event->lora_name.data != NULL && event->lora_name.size_bytes == text.size_bytes &&
           memcmp(event->lora_name.data, text.data, text.size_bytes) == 0;
}

static kvcore_bytes without_mark(kvcore_bytes text) {
    size_t mark = sizeof SALT_MARK - 1;
    if (text.size_bytes < mark || memcmp(text.data, SALT_MARK, mark) != 0) return text;
    return (kvcore_bytes){(const char *)text.data + mark, text.size_bytes - mark};
}

/* The last text of these items that may be a salt. The items of a block's entry stand five containers deep. */
static kvcore_bytes salt_among(const kvevents_event *event, msgpack_cursor *cursor, uint64_t items) {
    kvcore_bytes salt = {NULL, 0};
    for (uint64_t i = 0; i < items; i++) {
        msgpack_head item;
        if (kvevents__msgpack_head(cursor, &item) != KVCORE_OK) break;
        if (kvevents__msgpack_skip_rest(cursor, &item, 5) != KVCORE_OK) break;
        kvcore_bytes text = msgpack_bytes(&item);
        if (item.type != MSGPACK_TEXT || text.size_bytes == 0) continue;
        if (!is_lora_name(event, text) && !is_multimodal(text)) salt = text;
    }
    return salt.data == NULL ? salt : without_mark(salt);
}

kvcore_bytes kvevents_event_salt(const kvevents_event *event) {
    static const kvcore_bytes none = {NULL, 0};
    if (event == NULL) return none;
    if (event->salt.size_bytes > 0) return event->salt;
    if (event->extra_keys.data == NULL) return none;
    const uint8_t *data = event->extra_keys.data;
    msgpack_cursor cursor = {data, data + event->extra_keys.size_bytes};
    msgpack_head head;
    if (kvevents__msgpack_head(&cursor, &head) != KVCORE_OK || head.type != MSGPACK_ARRAY || head.value == 0)
        return none;
    if (kvevents__msgpack_head(&cursor, &head) != KVCORE_OK || head.type != MSGPACK_ARRAY) return none;
    return salt_among(event, &cursor, head.value);
}
