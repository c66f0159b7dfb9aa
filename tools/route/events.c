/* kvstrata events: what an engine says, readable. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include <kvevents/batch.h>

#include "route/events_file.h"
#include "shared/command.h"

typedef struct tail_options {
    const char *action, *arguments[2], *topic;
    size_t argument_count;
    uint64_t count, wait_ms;
    int fast;
} tail_options;

static const struct argp_option option_list[] = {
    {"topic", 't', "PREFIX", 0, "messages whose topic begins so (all)", 0},
    {"count", 'n', "COUNT", 0, "end after so many messages (never)", 0},
    {"wait", 'w', "MS", 0, "play: milliseconds to wait for subscribers before the first message (1000)", 0},
    {"fast", 'f', NULL, 0, "play: as fast as possible, not at the times of the file", 0},
    {0},
};

static bool is_action(const tail_options *options, const char *name) {
    return options->action != NULL && strcmp(options->action, name) == 0;
}

static void check_arguments(const tail_options *options, struct argp_state *state) {
    if (is_action(options, "tail") && options->argument_count == 1) return;
    if ((is_action(options, "record") || is_action(options, "play")) && options->argument_count == 2) return;
    argp_error(state, "expected tail ENDPOINT, record ENDPOINT FILE or play FILE ENDPOINT");
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    tail_options *options = state->input;
    switch (key) {
    case 't': options->topic = argument; return 0;
    case 'n':
        if (parse_count(argument, &options->count) != KVCORE_OK)
            argp_error(state, "expected a count, found '%s'", argument);
        return 0;
    case 'w':
        if (parse_count(argument, &options->wait_ms) != KVCORE_OK || options->wait_ms > 3600000)
            argp_error(state, "expected milliseconds, found '%s'", argument);
        return 0;
    case 'f': options->fast = 1; return 0;
    case ARGP_KEY_ARG:
        if (options->action == NULL) {
            options->action = argument;
        } else {
            if (options->argument_count == 2) argp_error(state, "unexpected argument '%s'", argument);
            options->arguments[options->argument_count++] = argument;
        }
        return 0;
    case ARGP_KEY_END: check_arguments(options, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_list,
    .parser = parse_option,
    .args_doc = "tail ENDPOINT\nrecord ENDPOINT FILE\nplay FILE ENDPOINT",
    .doc =
        "Print the block events of an engine, a line an event, as they come; write its messages into a file; or send "
        "those of a file as the engine did.",
};

/* Text from outside, without what a terminal would obey. */
static void print_text(const char *name, kvcore_bytes text) {
    const uint8_t *at = text.data;
    if (text.size_bytes == 0) return;
    printf(" %s=", name);
    for (size_t i = 0; i < text.size_bytes && i < 200; i++)
        if (at[i] < 0x20 || at[i] >= 0x7F || at[i] == '\\')
            printf("\\x%02x", at[i]);
        else
            putchar(at[i]);
}

static void print_event(uint64_t number, const kvevents_event *event) {
    static const char *const kinds[] = {"", "stored", "removed", "cleared", "unknown"};
    printf("%" PRIu64 " %s", number, kinds[event->kind]);
    if (event->hash_count > 0) printf(" blocks=%zu first=%016" PRIx64, event->hash_count, event->hashes[0]);
    if ((event->has & KVEVENTS_HAS_PARENT) != 0) printf(" parent=%016" PRIx64, event->parent);
    if (event->kind == KVEVENTS_STORED) printf(" tokens=%zu", event->token_count);
    if ((event->has & KVEVENTS_HAS_GROUP) != 0) printf(" group=%" PRIu64, event->group);
    print_text("medium", event->medium);
    print_text("lora", event->lora_name);
    print_text("salt", kvevents_event_salt(event));
    print_text("kind", event->spec_kind);
    print_text("tag", event->tag);
    putchar('\n');
}

typedef struct tail {
    kvevents_arena arena;
    zmq_msg_t frames[3];
} tail;

static kvcore_status read_payload(tail *of, kvcore_bytes payload, kvevents_batch *batch, kvcore_error *error) {
    for (;;) {
        of->arena.used_bytes = 0;
        kvcore_status status = kvevents_batch_read(payload, NULL, &of->arena, batch, error);
        if (status != KVCORE_EBUFFER) return status;
        void *larger = realloc(of->arena.memory, (size_t)error->expected);
        if (larger == NULL) return KVCORE_ENOMEM;
        of->arena = (kvevents_arena){larger, (size_t)error->expected, 0};
    }
}

static void print_message(tail *of, size_t count) {
    if (count != 3 || zmq_msg_size(&of->frames[1]) != 8) {
        printf("- refused: %zu frames\n", count);
        return;
    }
    uint64_t number = kvcore_load_be64(zmq_msg_data(&of->frames[1]));
    kvevents_batch batch;
    kvcore_error error;
    kvcore_bytes payload = {zmq_msg_data(&of->frames[2]), zmq_msg_size(&of->frames[2])};
    if (read_payload(of, payload, &batch, &error) != KVCORE_OK) {
        printf("%" PRIu64 " refused: %s\n", number, error.text);
        return;
    }
    printf("%" PRIu64 " batch ts=%.6f events=%zu", number, batch.ts, batch.event_count);
    if (batch.has_rank) printf(" rank=%" PRIu64, batch.rank);
    print_text("topic", (kvcore_bytes){zmq_msg_data(&of->frames[0]), zmq_msg_size(&of->frames[0])});
    putchar('\n');
    for (size_t i = 0; i < batch.event_count; i++) print_event(number, &batch.events[i]);
}

static bool take_message(tail *of, void *socket) {
    size_t count = 0;
    bool more = true;
    for (size_t i = 0; i < 3; i++) zmq_msg_init(&of->frames[i]);
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) return false;
        more = zmq_msg_more(&frame) != 0;
        if (count < 3) zmq_msg_move(&of->frames[count], &frame);
        count++;
        zmq_msg_close(&frame);
    }
    print_message(of, count);
    for (size_t i = 0; i < 3; i++) zmq_msg_close(&of->frames[i]);
    return fflush(stdout) == 0;
}

static int follow(const tail_options *options) {
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    const int none = 0;
    int code = EXIT_OK;
    tail of = {0};
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, options->topic, strlen(options->topic));
    if (zmq_connect(socket, options->arguments[0]) != 0)
        code = complain(EXIT_USAGE, "%s: %s", options->arguments[0], zmq_strerror(zmq_errno()));
    for (uint64_t i = 0; code == EXIT_OK && (options->count == 0 || i < options->count); i++)
        if (!take_message(&of, socket)) break;
    free(of.arena.memory);
    zmq_close(socket);
    zmq_ctx_term(context);
    return code;
}

int command_events(int argc, char **argv) {
    tail_options options = {.topic = "", .wait_ms = 1000};
    argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (is_action(&options, "record"))
        return events_record(options.arguments[0], options.topic, options.arguments[1], options.count);
    if (is_action(&options, "play"))
        return events_play(options.arguments[0], options.arguments[1], options.wait_ms, options.fast);
    return follow(&options);
}
