/* Runs the kvstrata program through the shell, in an empty folder of its own, and keeps what it printed. */
#ifndef TESTS_TOOLS_SHELL_H
#define TESTS_TOOLS_SHELL_H

#include <stdint.h>

#include <json-c/json.h>

#include "kvtest.h"

/* What the last command printed; never NULL once shell_run() was called. */
extern char *shell_out, *shell_err;

/* CMocka group fixtures: the folder comes and goes. */
int shell_setup(void **state);
int shell_teardown(void **state);

/* printf a command line for sh; "$K" in it is the program. Gives the exit code, 128 + the signal's number for a crash. */
int shell_run(const char *command, ...) __attribute__((format(printf, 1, 2)));

/* Write a file in the folder. */
void shell_file(const char *name, const char *text);

/* Read a file of the folder; its size where size_bytes is not NULL. The caller frees it; a NUL follows the bytes. */
char *shell_read(const char *name, size_t *size_bytes);

/* shell_out as JSON, for json_object_put(). */
json_object *shell_json(void);

/* A number member of an object that must have it. */
uint64_t shell_number(json_object *object, const char *key);

#define kvtest_assert_err(expected) assert_string_equal(shell_err, expected)

#endif
