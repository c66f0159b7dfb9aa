#include "kvtest.h"

#include <kvcore/digest.h>
#include <kvcore/text.h>

static void assert_hash(kvcore_hash256 hash, const char *hex) {
    char text[65] = {0};
    kvcore_hex_encode(hash.bytes, sizeof hash.bytes, text);
    assert_string_equal(text, hex);
}

/* Byte i of an input is i mod 251, as in BLAKE3's own test vectors. Hashes by the Python package blake3 1.0 (the authors'
 * Rust code), around the borders of blocks (64), chunks (1024) and subtrees. */
static void blake3_agrees_with_its_authors_around_every_border(void **state) {
    (void)state;
    static const struct {
        size_t size;
        const char *hex;
    } cases[] = {
        {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
        {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
        {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b"},
        {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98"},
        {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee"},
        {127, "d81293fda863f008c09e92fc382a81f5a0b4a1251cba1634016a0f86a6bd640d"},
        {128, "f17e570564b26578c33bb7f44643f539624b05df1a76c81f30acd548c44b45ef"},
        {129, "683aaae9f3c5ba37eaaf072aed0f9e30bac0865137bae68b1fde4ca2aebdcb12"},
        {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
        {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
        {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
        {2047, "58830fbf51a4423c573b164471690570e544cfe793bead46225664796b4b1467"},
        {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
        {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
        {3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2"},
        {3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3"},
        {4095, "0cdbdde4d038f0509412a5d1c3b1fb767d5e8c8a0eb2aae963fd36d1f544791a"},
        {4096, "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969"},
        {4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"},
        {5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff"},
        {6144, "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205"},
        {7168, "61da957ec2499a95d6b8023e2b0e604ec7f6b50e80a9678b89d2628e99ada77a"},
        {8191, "bae8dc916e8643c6cf024097237cde1cba35c05b5d84c02834cb6b886edb76d9"},
        {8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63"},
        {8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b"},
        {16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"},
        {16385, "1dabe216be2578830263b049de1639f39f05a4da616b9b78c7a5e4e41662fd1f"},
        {31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
        {65536, "68d647e619a930e7b1082f74f334b0c65a315725569bdc123f0ee11881717bfe"},
        {65537, "7c99f9840a73dfcb6e5bfe4ff6d1558acab7e015640790c26411818bdbe17eca"},
        {102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
        {1000003, "cd5a3272e01b1a2f47bb4565d8d202db0f95704d32550a2da61a0fd363d4c90d"},
    };
    enum { MOST = 1000003 };
    uint8_t *input = malloc(MOST);
    assert_non_null(input);
    for (size_t i = 0; i < MOST; i++) input[i] = (uint8_t)(i % 251);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_hash(kvcore_blake3((kvcore_bytes){input, cases[i].size}), cases[i].hex);
    free(input);
}

static void sha256_is_the_standard_one(void **state) {
    (void)state;
    kvcore_hash256 hash;
    kvtest_assert_ok(kvcore_sha256(kvcore_text("abc"), &hash));
    assert_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    kvtest_assert_ok(kvcore_sha256((kvcore_bytes){0}, &hash));
    assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Every cut of 200 bytes into two, and bytes one by one past the border of two chunks. */
static void pieces_have_the_hash_of_the_whole(void **state) {
    (void)state;
    uint8_t input[2100];
    for (size_t i = 0; i < sizeof input; i++) input[i] = (uint8_t)(i % 251);
    kvcore_hash256 whole, hash;
    for (size_t cut = 0; cut <= 200; cut++) {
        kvcore_sha256_hasher sha256;
        kvcore_blake3_hasher blake3;
        kvtest_assert_ok(kvcore_sha256_begin(&sha256));
        kvtest_assert_ok(kvcore_sha256_add(&sha256, (kvcore_bytes){input, cut}));
        kvtest_assert_ok(kvcore_sha256_add(&sha256, (kvcore_bytes){input + cut, 200 - cut}));
        kvtest_assert_ok(kvcore_sha256_end(&sha256, &hash));
        kvcore_sha256_drop(&sha256);
        kvtest_assert_ok(kvcore_sha256((kvcore_bytes){input, 200}, &whole));
        assert_int_equal(kvcore_hash256_compare(&hash, &whole), 0);
        kvcore_blake3_begin(&blake3);
        kvcore_blake3_add(&blake3, (kvcore_bytes){input, cut});
        kvcore_blake3_add(&blake3, (kvcore_bytes){input + cut, 200 - cut});
        hash = kvcore_blake3_end(&blake3);
        whole = kvcore_blake3((kvcore_bytes){input, 200});
        assert_int_equal(kvcore_hash256_compare(&hash, &whole), 0);
    }
    kvcore_blake3_hasher one_by_one;
    kvcore_blake3_begin(&one_by_one);
    for (size_t i = 0; i < sizeof input; i++) kvcore_blake3_add(&one_by_one, (kvcore_bytes){input + i, 1});
    hash = kvcore_blake3_end(&one_by_one);
    whole = kvcore_blake3((kvcore_bytes){input, sizeof input});
    assert_int_equal(kvcore_hash256_compare(&hash, &whole), 0);
}

static void comparison_is_bytewise_and_unsigned(void **state) {
    (void)state;
    kvcore_hash256 a = {{0}}, b = {{0}};
    assert_int_equal(kvcore_hash256_compare(&a, &b), 0);
    a.bytes[31] = 0x80;
    b.bytes[31] = 0x7F;
    assert_true(kvcore_hash256_compare(&a, &b) > 0);
    b.bytes[0] = 1;
    assert_true(kvcore_hash256_compare(&a, &b) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blake3_agrees_with_its_authors_around_every_border),
        cmocka_unit_test(sha256_is_the_standard_one),
        cmocka_unit_test(pieces_have_the_hash_of_the_whole),
        cmocka_unit_test(comparison_is_bytewise_and_unsigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
