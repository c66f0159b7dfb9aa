/* kvstrata generate: a chat workload as a request trace. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "generate/workload.h"
#include "shared/command.h"

typedef struct generate_options {
    workload_parameters chat;
    uint64_t requests;
} generate_options;

static const generate_options defaults = {
    .chat = {.seed = 1,
             .block_tokens = 512,
             .system_prompts = 100,
             .system_tokens = 4000,
             .zipf_thousandths = 1000,
             .sessions_per_minute = 120,
             .turns = 8,
             .user_tokens = 300,
             .output_tokens = 500,
             .think_seconds = 120,
             .context_tokens = 65536},
    .requests = 40000,
};

/* A number option: where it goes and what it may be. Only --zipf has decimals. */
typedef struct number_option {
    const char *name;
    const char *argument;
    size_t offset; /* of the field in generate_options */
    uint64_t least, most;
    const char *what;
} number_option;

#define FIELD(member) offsetof(generate_options, member)

/* The most keep every product in workload.c and dice.c within 64 bits. */
static const number_option numbers[] = {
    {"seed", "N", FIELD(chat.seed), 0, UINT64_MAX, "Same seed and parameters, same bytes, on every machine"},
    {"requests", "N", FIELD(requests), 0, UINT64_MAX, "How many requests to write"},
    {"block-size", "N", FIELD(chat.block_tokens), 1, 1048576, "Tokens a block"},
    {"system-prompts", "N", FIELD(chat.system_prompts), 1, 1000000, "How many system prompts there are"},
    {"system-tokens", "N", FIELD(chat.system_tokens), 0, 16777216, "Their mean length; each is 1/2 to 3/2 of it"},
    {"zipf", "X", FIELD(chat.zipf_thousandths), 0, 10000,
     "Exponent of Zipf's law for their popularity, up to 10, with up to three decimals; 0: all equally popular"},
    {"sessions-per-minute", "N", FIELD(chat.sessions_per_minute), 1, 60000000,
     "Mean rate at which sessions begin (a Poisson process)"},
    {"turns", "N", FIELD(chat.turns), 1, 1000000, "Mean number of turns of a session (geometric)"},
    {"user-tokens", "N", FIELD(chat.user_tokens), 1, 16777216, "Mean length of a user message (exponential)"},
    {"output-tokens", "N", FIELD(chat.output_tokens), 1, 16777216, "Mean length of an answer (exponential)"},
    {"think-time", "SECONDS", FIELD(chat.think_seconds), 0, 1000000,
     "Mean time from one turn of a session to its next (exponential)"},
    {"context", "N", FIELD(chat.context_tokens), 1, 16777216, "Longest prompt; a session that reaches it ends"},
};

enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers, FIRST_KEY = 256, ZIPF = 5 };

static uint64_t *field(generate_options *options, const number_option *number) {
    return (uint64_t *)(void *)((char *)options + number->offset);
}

/* 1.05 → 1050. */
static kvcore_status parse_thousandths(const char *text, uint64_t *value) {
    uint64_t result = 0;
    int decimals = -1; /* none seen yet */
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '.' && decimals < 0 && at > text && at[1] != '\0') {
            decimals = 0;
            continue;
        }
        if (*at < '0' || *at > '9' || decimals == 3 || result > 1000000) return KVCORE_EFORMAT;
        result = 10 * result + (uint64_t)(*at - '0');
        if (decimals >= 0) decimals++;
    }
    if (*text == '\0') return KVCORE_EFORMAT;
    for (int i = decimals < 0 ? 0 : decimals; i < 3; i++) result *= 10;
    *value = result;
    return KVCORE_OK;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    if (key == ARGP_KEY_ARG) argp_error(state, "expected options only, found '%s'", argument);
    if (key < FIRST_KEY || key >= FIRST_KEY + NUMBER_COUNT) return ARGP_ERR_UNKNOWN;
    const number_option *number = &numbers[key - FIRST_KEY];
    bool decimals = key - FIRST_KEY == ZIPF;
    uint64_t value = 0;
    kvcore_status status = decimals ? parse_thousandths(argument, &value) : parse_count(argument, &value);
    if (status != KVCORE_OK || value < number->least || value > number->most) {
        uint64_t scale = decimals ? 1000 : 1;
        argp_error(state, "--%s: expected a number from %" PRIu64 " to %" PRIu64 ", found '%s'", number->name,
                   number->least / scale, number->most / scale, argument);
    }
    *field(state->input, number) = value;
    return 0;
}

static void print_request(const workload_request *request) {
    printf("{\"timestamp\": %" PRIu64 ", \"input_length\": %" PRIu64 ", \"output_length\": %" PRIu64
           ", \"hash_ids\": [",
           request->timestamp_ms, request->input_tokens, request->output_tokens);
    const char *gap = "";
    for (size_t i = 0; i < request->count; i++, gap = ", ") printf("%s%" PRIu64, gap, request->ids[i]);
    if (request->has_partial) printf("%s%" PRIu64, gap, request->partial_id);
    puts("]}");
}

static int generate(const generate_options *options) {
    chat_workload *workload;
    workload_request request;
    kvcore_status status = workload_create(&options->chat, &workload);
    if (status != KVCORE_OK) return complain(EXIT_SYSTEM, "out of memory");
    for (uint64_t i = 0; i < options->requests && status == KVCORE_OK && !ferror(stdout); i++) {
        status = workload_next(workload, &request);
        if (status == KVCORE_OK) print_request(&request);
    }
    workload_destroy(workload);
    return status == KVCORE_OK ? EXIT_OK : complain(EXIT_SYSTEM, "out of memory");
}

/* The defaults as numbers stand above only; the help takes them from there. */
static void describe(char *text, size_t size_bytes, const number_option *number, bool decimals) {
    generate_options shown = defaults;
    uint64_t value = *field(&shown, number);
    if (decimals)
        snprintf(text, size_bytes, "%s (default: %" PRIu64 ".%" PRIu64 ")", number->what, value / 1000,
                 value % 1000 / 100);
    else
        snprintf(text, size_bytes, "%s (default: %" PRIu64 ")", number->what, value);
}

int command_generate(int argc, char **argv) {
    static char texts[NUMBER_COUNT][200];
    struct argp_option list[NUMBER_COUNT + 1];
    memset(list, 0, sizeof list);
    for (int i = 0; i < NUMBER_COUNT; i++) {
        describe(texts[i], sizeof texts[i], &numbers[i], i == ZIPF);
        list[i] = (struct argp_option){numbers[i].name, FIRST_KEY + i, numbers[i].argument, 0, texts[i], 1};
    }
    const struct argp parser = {
        .options = list,
        .parser = parse_option,
        .doc = "Write a multi-turn chat workload as a request trace to standard output.\v"
               "Sessions begin at random, each with one of a few shared system prompts, and grow turn by turn. Numbers "
               "take k, M "
               "and G. kvstrata(1) describes the model.",
    };
    generate_options options = defaults;
    if (argp_parse(&parser, argc, argv, 0, NULL, &options) != 0) return EXIT_USAGE;
    return generate(&options);
}
