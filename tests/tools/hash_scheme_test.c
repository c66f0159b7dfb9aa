/* `kvstrata hash --scheme` against lines that other systems' own code gave, and what it refuses. */
#include "shell.h"

typedef struct recorded {
    const char *file;     /* of tests/vectors/rosetta */
    const char *size_key; /* of the block size there */
    const char *scheme;
    const char *path[2]; /* where in `expect` the names stand */
    const char *answer;  /* which of the answer's lists equals them */
} recorded;

static json_object *member(json_object *object, const char *key) {
    json_object *value = NULL;
    return object != NULL && json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static json_object *next_line(char **text) {
    char *end = strchr(*text, '\n');
    if (end == NULL) return NULL;
    *end = '\0';
    json_object *value = json_tokener_parse(*text);
    assert_non_null(value);
    *text = end + 1;
    return value;
}

static json_object *recorded_names(const recorded *of, json_object *line) {
    json_object *names = member(line, "expect");
    for (size_t i = 0; i < 2 && of->path[i] != NULL; i++) names = member(names, of->path[i]);
    return json_object_is_type(names, json_type_array) ? names : NULL;
}

/* The program takes tokens of 32 bits. */
static bool tokens_fit(json_object *tokens) {
    for (size_t i = 0; tokens != NULL && i < json_object_array_length(tokens); i++)
        if (json_object_get_uint64(json_object_array_get_idx(tokens, i)) > UINT32_MAX) return false;
    return tokens != NULL;
}

static bool can_be_given(json_object *line, const char *size_key) {
    static const char *const unread[] = {"embeds", "prior", "parent"};
    for (size_t i = 0; i < 3; i++)
        if (member(line, unread[i]) != NULL) return false;
    return tokens_fit(member(line, "tokens")) && json_object_get_int64(member(line, size_key)) > 0;
}

/* The lines that can be asked for, in the file `t`; and what they should give. */
static json_object *write_requests(const recorded *of) {
    assert_int_equal(shell_run("gzip -dc \"$KVSTRATA_SOURCE/tests/vectors/rosetta/%s.jsonl.gz\"", of->file), 0);
    json_object *wanted = json_object_new_array(), *line;
    char *text = NULL, *at = shell_out;
    size_t size = 0;
    FILE *requests = open_memstream(&text, &size);
    assert_non_null(requests);
    while ((line = next_line(&at)) != NULL) {
        json_object *names = recorded_names(of, line);
        if (names != NULL && can_be_given(line, of->size_key)) {
            json_object_array_add(wanted, json_object_get(names));
            json_object_object_add(line, "block_size", json_object_get(member(line, of->size_key)));
            fprintf(requests, "%s\n", json_object_to_json_string(line));
        }
        json_object_put(line);
    }
    fclose(requests);
    shell_file("t", text);
    free(text);
    return wanted;
}

static void compare(const recorded *of) {
    json_object *wanted = write_requests(of), *line;
    size_t count = json_object_array_length(wanted), i = 0;
    assert_int_equal(shell_run("\"$K\" hash --scheme %s t", of->scheme), 0);
    char *at = shell_out;
    for (; (line = next_line(&at)) != NULL; i++) {
        json_object *names = member(member(member(line, "schemes"), of->scheme), of->answer);
        if (!json_object_equal(names, json_object_array_get_idx(wanted, i)))
            fail_msg("%s, line %zu: %s", of->scheme, i + 1, json_object_to_json_string(line));
        json_object_put(line);
    }
    assert_int_equal(i, count);
    assert_true(count >= 3);
    printf("%s: %zu requests equal\n", of->scheme, count);
    json_object_put(wanted);
}

static void names_equal_those_of_the_other_systems(void **state) {
    (void)state;
    static const recorded all[] = {
        {"vllm", "block_size", "vllm-sha256", {"sha256", "blocks"}, "names"},
        {"vllm", "block_size", "vllm-sha256-cbor", {"sha256_cbor", "blocks"}, "names"},
        {"vllm", "block_size", "vllm-xxhash", {"xxhash", "blocks"}, "names"},
        {"vllm", "block_size", "vllm-xxhash-cbor", {"xxhash_cbor", "blocks"}, "names"},
        {"sglang", "page_size", "sglang", {"storage"}, "names"},
        {"sglang", "page_size", "sglang", {"events"}, "events"},
        {"sglang", "page_size", "sglang", {"events_dynamo"}, "events_dynamo"},
        {"llmd", "block_size", "llmd", {"blocks"}, "numbers"},
        {"lmcache", "chunk_size", "lmcache-builtin", {"builtin", "chunks"}, "numbers"},
        {"lmcache", "chunk_size", "lmcache-sha256-cbor", {"sha256_cbor", "chunks"}, "numbers"},
        {"lmcache", "chunk_size", "lmcache-server-blake3", {"blake3", "chunks"}, "names"},
        {"lmcache", "chunk_size", "lmcache-server-sha256-cbor", {"mp_sha256_cbor", "chunks"}, "names"},
        {"trtllm", "block_size", "trtllm-v1", {"v1"}, "events"},
        {"trtllm", "block_size", "trtllm-v2", {"v2", "blocks"}, "names"},
        {"trtllm", "block_size", "trtllm-v2-u64", {"v2_u64", "blocks"}, "names"},
        {"aibrix", "block_bytes", "aibrix", {"blocks"}, "numbers"},
        {"flexkv", "block_size", "flexkv", {"blocks"}, "numbers"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) compare(&all[i]);
}

static void several_schemes_stand_beside_dynamos_names(void **state) {
    (void)state;
    shell_file("t", "{\"name\": \"a\", \"tokens\": [1, 2, 3, 4], \"block_size\": 4, \"seed\": \"0\"}\n");
    assert_int_equal(shell_run("\"$K\" hash t"), 0);
    json_object *plain = shell_json();
    assert_int_equal(shell_run("\"$K\" hash -s vllm-sha256-cbor,sglang t"), 0);
    json_object *both = shell_json(), *schemes = member(both, "schemes");
    assert_true(json_object_equal(member(plain, "expect"), member(both, "expect")));
    assert_int_equal(json_object_object_length(schemes), 2);
    assert_string_equal(
        json_object_to_json_string_ext(member(schemes, "sglang"), JSON_C_TO_STRING_PLAIN),
        "{\"root\":null,\"names\":[\"cf97adeedb59e05bfd73a2b4c2a8885708c4f4f70c84c64b27120e72ab733b72\"]"
        ",\"events\":[\"-3488128144981237669\"],\"events_dynamo\":[\"-3488128144981237669\"]}");
    json_object_put(plain);
    json_object_put(both);
}

static void what_a_scheme_refuses_is_said_with_its_line(void **state) {
    (void)state;
    shell_file("t", "{\"tokens\": [1, 2], \"block_size\": 2, \"seed\": \"0\"}\n"
                    "{\"tokens\": [1, 2], \"block_size\": 2}\n");
    assert_int_equal(shell_run("\"$K\" hash -s vllm-xxhash t"), 4);
    kvtest_assert_err("t:2: vllm-xxhash: without a seed (PYTHONHASHSEED) the root is random and cannot be matched\n");
    shell_file("t", "{\"tokens\": [1, 2], \"block_size\": 2, \"extra_key\": 1}\n");
    assert_int_equal(shell_run("\"$K\" hash -s sglang t"), 3);
    kvtest_assert_err("t:1: sglang: expected extra_key to be a string or null, found 1\n");
    shell_file("t", "{\"tokens\": [1, 2], \"block_size\": 2, \"prior\": \"00\"}\n");
    assert_int_equal(shell_run("\"$K\" hash -s sglang t"), 4);
    shell_file("t", "{\"tokens\": [1, 2], \"block_size\": 2, \"mm\": [{\"id\": \"x\", \"offset\": 0}]}\n");
    assert_int_equal(shell_run("\"$K\" hash -s llmd t"), 3);
    kvtest_assert_err("t:1: llmd: expected length in mm to be an integer from 0 to 18446744073709551615, found none\n");
}

static void lists_name_schemes_that_exist_once(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" hash -s sglang,nobody </dev/null"), 2);
    assert_non_null(strstr(shell_err, "expected a scheme (--list-schemes), found 'nobody'"));
    assert_int_equal(shell_run("\"$K\" hash -s sglang,sglang </dev/null"), 2);
    assert_int_equal(shell_run("\"$K\" hash -s '' </dev/null"), 2);
}

static void the_list_says_what_each_scheme_takes(void **state) {
    (void)state;
    assert_int_equal(shell_run("\"$K\" hash --list-schemes"), 0);
    assert_non_null(strstr(shell_out, "llmd                        llm-d-kv-cache  7be76e1  seed model mm features\n"));
    size_t lines = 0;
    for (const char *at = shell_out; *at != '\0'; at++) lines += *at == '\n';
    assert_int_equal(lines, 21);
}

/* The bytes that --explain lists, as hexadecimal digits. */
static void listed_bytes(const char *text, char *digits, size_t room) {
    size_t used = 0;
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
        if (strcspn(line, "\n") < 12 || line[7] < '0' || line[7] > '9' || line[8] != ' ') continue;
        for (const char *at = line + 9; at[0] == ' ' && at[1] != ' ' && at[1] != '\n'; at += 3) {
            assert_true(used + 3 < room);
            digits[used++] = at[1];
            digits[used++] = at[2];
        }
    }
    digits[used] = '\0';
}

static void compare_image(const recorded *of, json_object *line, size_t block, const char *image) {
    static char digits[1 << 17];
    json_object_object_add(line, "block_size", json_object_get(member(line, of->size_key)));
    shell_file("t", json_object_to_json_string(line));
    assert_int_equal(shell_run("\"$K\" hash --scheme %s --explain %zu t", of->scheme, block), 0);
    listed_bytes(shell_out, digits, sizeof digits);
    assert_string_equal(digits, image);
}

static void compare_images(const recorded *of, size_t most) {
    assert_int_equal(shell_run("gzip -dc \"$KVSTRATA_SOURCE/tests/vectors/rosetta/%s.jsonl.gz\"", of->file), 0);
    char *text = strdup(shell_out), *at = text;
    json_object *line;
    size_t count = 0;
    while (count < most && (line = next_line(&at)) != NULL) {
        json_object *images = recorded_names(of, line);
        for (size_t i = 0; images != NULL && i < json_object_array_length(images) && can_be_given(line, of->size_key);
             i++, count++)
            compare_image(of, line, i, json_object_get_string(json_object_array_get_idx(images, i)));
        json_object_put(line);
    }
    free(text);
    assert_true(count >= 8);
    printf("%s: %zu blocks explained\n", of->scheme, count);
}

static void explained_bytes_equal_those_of_the_other_system(void **state) {
    (void)state;
    compare_images(&(recorded){"vllm", "block_size", "vllm-sha256", {"sha256", "preimage"}, NULL}, 12);
    compare_images(&(recorded){"vllm", "block_size", "vllm-sha256-cbor", {"sha256_cbor", "preimage"}, NULL}, 12);
}

static void a_block_is_explained_with_parent_and_name(void **state) {
    (void)state;
    shell_file("t", "{\"tokens\": [1, 2, 3, 4], \"block_size\": 4, \"seed\": \"0\", \"model\": \"m\"}\n");
    assert_int_equal(shell_run("\"$K\" hash -s llmd -x 0 t"), 0);
    assert_string_equal(shell_out,
                        "root of block 0\n"
                        "  bytes   13, for FNV-1a\n"
                        "       0  83                                               root: list of 3\n"
                        "       1  1b af 63 ad 4c 86 01 9c af                       seed hash: 12638135523509116079\n"
                        "      10  f6                                               nothing: null\n"
                        "      11  61 6d                                            model: text \"m\" (length 1)\n"
                        "  name    7588ebc627ed6690\n"
                        "t:1, llmd, block 0\n"
                        "  parent  7588ebc627ed6690 (the root)\n"
                        "  bytes   16, for FNV-1a\n"
                        "       0  83                                               block: list of 3\n"
                        "       1  1b 75 88 eb c6 27 ed 66 90                       parent: 8469278335576139408\n"
                        "      10  84                                               tokens: list of 4\n"
                        "      11  01                                               token 0: 1\n"
                        "      12  02                                               token 1: 2\n"
                        "      13  03                                               token 2: 3\n"
                        "      14  04                                               token 3: 4\n"
                        "      15  f6                                               extra keys: null\n"
                        "  name    919a0edf11397a1f\n"
                        "  64 bits 10491714633142467103\n");
}

static void two_requests_part_at_a_byte(void **state) {
    (void)state;
    shell_file("t", "{\"tokens\": [1, 2, 3, 4], \"block_size\": 2, \"salt\": null}\n"
                    "{\"tokens\": [1, 2, 3, 5], \"block_size\": 2}\n"
                    "{\"tokens\": [1, 3, 3, 4], \"block_size\": 2}\n");
    assert_int_equal(shell_run("\"$K\" hash -s sglang -x 1 t"), 0);
    assert_non_null(strstr(shell_out, ">     36  05 00 00 00                                      token 3: 5\n"));
    assert_non_null(strstr(shell_out, "compared with t:1, sglang, block 1: the first difference is byte 36\n"
                                      "      24 "));
    assert_non_null(strstr(shell_out, "      32  03 00 00 00[04]00 00 00  |  03 00 00 00[05]00 00 00 \n"));
    assert_non_null(strstr(shell_out, "the first difference is byte 0\n  the parents differ: explain block 0\n"));
    assert_int_equal(shell_run("\"$K\" hash -s vllm-sha256-cbor,lmcache-server-sha256-cbor -x 1 t | grep compared"), 0);
    assert_non_null(strstr(shell_out, "compared with t:1, vllm-sha256-cbor, block 1: the same bytes\n"));
}

static void pieces_say_what_their_bytes_mean(void **state) {
    (void)state;
    shell_file("t", "{\"tokens\": [1, 2, 3, 4], \"block_size\": 2, \"mm\": [{\"id\": \"a\", \"offset\": 1, "
                    "\"length\": 3}]}\n");
    assert_int_equal(shell_run("\"$K\" hash -s vllm-sha256-cbor -x 1 t"), 0);
    assert_non_null(strstr(shell_out, "extra key: text \"mm\" (length 2)\n"));
    assert_non_null(strstr(shell_out, " 20                                               extra key: -1\n"));
    shell_file("t", "{\"tokens\": [1, 70000, 4294967295], \"block_size\": 3, \"seed\": \"0\"}\n");
    assert_int_equal(shell_run("\"$K\" hash -s lmcache-sha256 -x 0 t"), 0);
    assert_non_null(
        strstr(shell_out, " 8a 08 c4 4d 34 48 38 e2 73 19                    parent: 1834058204627357124\n"));
    assert_non_null(strstr(shell_out, " 8a 05 ff ff ff ff 00                             token 2: 4294967295\n"));
    shell_file("t", "{\"tokens\": [1, 2, 3, 4], \"block_size\": 2, \"block_bytes\": 6}\n");
    assert_int_equal(shell_run("\"$K\" hash -s aibrix -x 1 t"), 0);
    assert_non_null(strstr(shell_out, " 00 02                                            part of token 1\n"));
}

static void what_cannot_be_explained_is_said(void **state) {
    (void)state;
    shell_file("t", "{\"tokens\": [1, 2, 3, 4], \"block_size\": 4}\n");
    assert_int_equal(shell_run("\"$K\" hash -s sglang -x 1 t"), 3);
    kvtest_assert_err("t:1: sglang: expected a request of more than 1 blocks, found 1\n");
    assert_int_equal(shell_run("\"$K\" hash -s trtllm-v1 -x 0 t"), 4);
    kvtest_assert_err("t:1: trtllm-v1: the scheme hashes no bytes of its own for a block\n");
    assert_int_equal(shell_run("\"$K\" hash -x 0 t"), 2);
    assert_int_equal(shell_run("\"$K\" hash -s sglang -x one t"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_equal_those_of_the_other_systems),
        cmocka_unit_test(several_schemes_stand_beside_dynamos_names),
        cmocka_unit_test(what_a_scheme_refuses_is_said_with_its_line),
        cmocka_unit_test(lists_name_schemes_that_exist_once),
        cmocka_unit_test(the_list_says_what_each_scheme_takes),
        cmocka_unit_test(explained_bytes_equal_those_of_the_other_system),
        cmocka_unit_test(a_block_is_explained_with_parent_and_name),
        cmocka_unit_test(two_requests_part_at_a_byte),
        cmocka_unit_test(pieces_say_what_their_bytes_mean),
        cmocka_unit_test(what_cannot_be_explained_is_said),
    };
    return cmocka_run_group_tests(tests, shell_setup, shell_teardown);
}
