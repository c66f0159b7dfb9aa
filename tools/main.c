/* The kvstrata program: finds the command and hands over. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kvcore/version.h>

#include "shared/command.h"

typedef struct command {
    const char *name;
    const char *title; /* what argp shows in front of its messages */
    const char *summary;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    {"replay", "kvstrata replay", "measure what block caches would have found of a request trace", command_replay},
    {"curve", "kvstrata curve", "say what caches of every capacity find of a request trace, and the best that could be",
     command_curve},
    {"advise", "kvstrata advise", "say what would help a cache of one capacity", command_advise},
    {"generate", "kvstrata generate", "write a multi-turn chat workload as a request trace", command_generate},
    {"hash", "kvstrata hash", "name the blocks of requests", command_hash},
    {"inspect", "kvstrata inspect", "say what files of blocks are, and where they break", command_inspect},
    {"pack", "kvstrata pack", "write a folder of payloads into a KVS1 file", command_pack},
    {"unpack", "kvstrata unpack", "write the blocks of a KVS1 file into a folder", command_unpack},
    {"compact", "kvstrata compact", "merge the commits of a KVS1 file into one", command_compact},
    {"digest", "kvstrata digest", "print the identity of a model's files", command_digest},
    {"store", "kvstrata store", "put, fetch, list and check blocks in a directory or a bucket", command_store},
    {"route", "kvstrata route", "hear the block events of engines and answer which has how much of a prompt",
     command_route},
    {"events", "kvstrata events", "print the block events of an engine", command_events},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

typedef struct selection {
    const command *command;
    int first; /* index of the command's name in argv */
} selection;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    selection *selected = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            if (strcmp(argument, commands[i].name) == 0) selected->command = &commands[i];
        if (selected->command == NULL) argp_error(state, "no such command: '%s'", argument);
        selected->first = state->next - 1;
        state->next = state->argc; /* the rest is the command's */
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a command"); return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The list of commands stands in one place, the table above. */
static char *list_commands(int key, const char *text, void *input) {
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)(uintptr_t)text;
    char *list = NULL;
    size_t size_bytes = 0;
    FILE *out = open_memstream(&list, &size_bytes);
    if (out == NULL) return (char *)(uintptr_t)text;
    fputs("Commands:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'kvstrata COMMAND --help' tells more; so does kvstrata(1).", out);
    fclose(out);
    return list;
}

/* Without this a file could be opened in the place of a standard stream that the caller closed. */
static void occupy_standard_streams(void) {
    for (int stream = 0; stream <= 2; stream++)
        if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) {
            /* opened the wrong way round: reading or writing it still fails */
            int at = open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
            if (at != stream && at >= 0) close(at);
        }
}

/* Has the reader closed the pipe? errno may be from a later call, so poll instead. */
static bool reader_is_gone(void) {
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/* Whatever was printed has arrived, or the exit code says that it has not. */
static void close_output(void) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    /* a reader that has seen enough, as head does, needs no telling */
    if (errno != EPIPE && !reader_is_gone())
        complain(EXIT_SYSTEM, "standard output: %s", errno != 0 ? strerror(errno) : "cannot be written");
    _exit(EXIT_SYSTEM);
}

int main(int argc, char **argv) {
    static const struct argp parser = {
        .parser = parse_option,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "Names, replays and measures the blocks of an LLM inference engine's KV cache.\v",
        .help_filter = list_commands,
    };
    static char version[32];
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    atexit(close_output);
    snprintf(version, sizeof version, "kvstrata %s", kvcore_version_text());
    argp_program_version = version;
    argp_err_exit_status = EXIT_USAGE;

    selection selected = {NULL, 0};
    if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &selected) != 0) return EXIT_USAGE;
    argv[selected.first] = (char *)(uintptr_t)selected.command->title;
    return selected.command->run(argc - selected.first, argv + selected.first);
}
