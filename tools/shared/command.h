/* What the commands of the program share: their entry points, exit codes and the way they complain. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdint.h>

#include <kvcore/status.h>

/* Documented in docs/man/kvstrata.1. */
enum {
    EXIT_OK = 0,
    EXIT_SYSTEM = 1,      /* a file that cannot be read or written, no memory */
    EXIT_USAGE = 2,       /* an option or argument that makes no sense */
    EXIT_BAD_INPUT = 3,   /* a line of an input file that is not what it should be */
    EXIT_UNSUPPORTED = 4, /* something that the libraries of this build cannot do yet */
};

int command_replay(int argc, char **argv);
int command_curve(int argc, char **argv);
int command_advise(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_hash(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_pack(int argc, char **argv);
int command_unpack(int argc, char **argv);
int command_compact(int argc, char **argv);
int command_digest(int argc, char **argv);
int command_store(int argc, char **argv);
int command_route(int argc, char **argv);
int command_events(int argc, char **argv);

/* The exit code that goes with a failure of a library call. */
int exit_code_of(kvcore_status status);

/* "kvstrata: <text>" to standard error, without what a terminal would obey; returns exit_code. */
int complain(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "<file>:<line>: <text>", or "kvstrata: <file>: <text>" for line 0; returns the exit code of error->code. */
int complain_at(const char *file, uint64_t line, const kvcore_error *error);

/* Before a file is mapped: when somebody cuts it off meanwhile the program says so and ends with EXIT_SYSTEM. */
void survive_cut_files(void);

/* A decimal number with an optional suffix: k = 10^3, M = 10^6, G = 10^9. Nothing else, no sign, no blanks. */
kvcore_status parse_count(const char *text, uint64_t *count);

#endif
