#include "kvtest.h"

#include <kvevents/batch.h>

static void media_are_compared_without_case(void **state) {
    (void)state;
    static const struct {
        const char *medium;
        kvevents_tier tier;
    } media[] = {
        {NULL, KVEVENTS_DEVICE},    {"", KVEVENTS_DEVICE},         {"gpu", KVEVENTS_DEVICE},
        {"cpu", KVEVENTS_HOST},     {"Cpu_Tier1", KVEVENTS_HOST},  {"CPU_TIER2", KVEVENTS_DISK},
        {"storage", KVEVENTS_DISK}, {"Shared", KVEVENTS_EXTERNAL}, {"FS", KVEVENTS_NO_TIER},
        {"GPU ", KVEVENTS_NO_TIER},
    };
    for (size_t i = 0; i < sizeof media / sizeof *media; i++)
        assert_int_equal(kvevents_tier_of(kvcore_text(media[i].medium)), media[i].tier);
}

static void a_medium_that_is_written_is_its_tier(void **state) {
    (void)state;
    for (kvevents_dialect dialect = KVEVENTS_VLLM_MAP; dialect <= KVEVENTS_SGLANG; dialect++)
        for (kvevents_tier tier = KVEVENTS_DEVICE; tier < KVEVENTS_TIERS; tier++)
            assert_int_equal(kvevents_tier_of(kvcore_text(kvevents_medium(dialect, tier))), tier);
    assert_null(kvevents_medium(KVEVENTS_SGLANG, KVEVENTS_NO_TIER));
    assert_null(kvevents_tier_text(KVEVENTS_NO_TIER));
    assert_string_equal(kvevents_tier_text(KVEVENTS_DISK), "disk");
}

static kvcore_bytes salt_of(const char *lora_name, const char *keys, size_t size) {
    const kvevents_event event = {
        .kind = KVEVENTS_STORED, .lora_name = kvcore_text(lora_name), .extra_keys = {keys, size}};
    return kvevents_event_salt(&event);
}

#define SALT(lora, keys) salt_of(lora, keys, sizeof(keys) - 1)

static void assert_text(kvcore_bytes text, const char *expected) {
    assert_int_equal(text.size_bytes, strlen(expected));
    if (*expected != '\0') assert_memory_equal(text.data, expected, strlen(expected));
}

static void the_salt_is_the_last_text_that_is_no_lora_name(void **state) {
    (void)state;
    assert_text(SALT(NULL, "\x91\x91\xA1s"), "s");
    assert_text(SALT("l", "\x91\x92\xA1l\xA1s"), "s");
    assert_text(SALT("l", "\x91\x91\xA1l"), "");
    assert_text(SALT(NULL, "\x92\xC0\x91\xA1s"), ""); /* of the second block */
    assert_text(SALT(NULL, "\x91\x92\x92\xA2mm\x05\xA1s"), "s");
    assert_text(SALT(NULL, "\x91\x91\xB4"
                           "dynamo-cache-salt:ab"),
                "ab");
    assert_text(SALT(NULL, "\x91\x91\xD9\x40"
                           "0123456789abcdef000000000000000000000000000000000000000000000000"),
                "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_are_compared_without_case),
        cmocka_unit_test(a_medium_that_is_written_is_its_tier),
        cmocka_unit_test(the_salt_is_the_last_text_that_is_no_lora_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
