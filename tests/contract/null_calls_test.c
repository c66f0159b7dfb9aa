/* Every public function of every library, called with NULL for each pointer and zero for each value, answers and does not
 * crash. The calls are made from the headers (calls.awk); answers.txt lists the answers that are not the usual ones. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kvcore/status.h>

#ifdef KVTEST_COUNTS_MALLOC
#include "malloc_count.h"
#else
static size_t kvtest_malloc_calls(void) { return 0; } /* a sanitizer has its own malloc */
#endif

enum { ANSWER_BYTES = 64, SECONDS_A_CALL = 20, COMPLAINED = 2 };

typedef struct null_call {
    const char *name;
    const char *expected; /* what say_…() writes, or "any" */
    void (*call)(kvcore_error *record, char *answer);
    bool records; /* it takes an error record */
} null_call;

static void say_nothing(char *answer) { snprintf(answer, ANSWER_BYTES, "nothing"); }

static void say_status(char *answer, kvcore_status status) {
    if (status == KVCORE_OK || status == KVCORE_EINVAL)
        snprintf(answer, ANSWER_BYTES, status == KVCORE_OK ? "OK" : "EINVAL");
    else
        snprintf(answer, ANSWER_BYTES, "status:%d", (int)status);
}

static void say_pointer(char *answer, const void *pointer) {
    snprintf(answer, ANSWER_BYTES, pointer == NULL ? "NULL" : "pointer");
}

static void say_bool(char *answer, bool value) { snprintf(answer, ANSWER_BYTES, value ? "true" : "false"); }

static void say_number(char *answer, double value) { snprintf(answer, ANSWER_BYTES, "%.17g", value); }

/* Structs and enums. */
static void say_bytes(char *answer, const void *value, size_t size_bytes) {
    const unsigned char *bytes = value;
    bool zero = true;
    for (size_t i = 0; i < size_bytes; i++) zero = zero && bytes[i] == 0;
    snprintf(answer, ANSWER_BYTES, zero ? "zero" : "not-zero");
}

#include "calls.h"

static bool complain(const null_call *one, const char *answer, const char *what) {
    fprintf(stderr, "%s answers %s%s\n", one->name, answer, what);
    return false;
}

/* One call: with `record` for its error, or NULL. */
static bool answers_well(const null_call *one, kvcore_error *record) {
    char answer[ANSWER_BYTES] = "";
    size_t before = kvtest_malloc_calls();
    one->call(record, answer);
    bool allocated = kvtest_malloc_calls() != before, refused = strcmp(answer, "EINVAL") == 0;
    if (strcmp(one->expected, "any") != 0 && strcmp(one->expected, answer) != 0) {
        fprintf(stderr, "%s answers %s instead of %s\n", one->name, answer, one->expected);
        return false;
    }
    if (refused && allocated) return complain(one, answer, " after it asked for memory");
    if (refused && record != NULL && (record->code != KVCORE_EINVAL || record->text[0] == '\0'))
        return complain(one, answer, " and leaves the error record empty");
    return true;
}

/* In the child. */
static int ask(const null_call *one) {
    kvcore_error record = {.code = KVCORE_OK};
    return answers_well(one, NULL) && (!one->records || answers_well(one, &record)) ? 0 : COMPLAINED;
}

/* Calls it in a process of its own. */
static bool passes(const null_call *one) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        alarm(SECONDS_A_CALL);
        _exit(ask(one));
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fprintf(stderr, "%s: no child process\n", one->name);
        return false;
    }
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s dies of signal %d\n", one->name, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != COMPLAINED)
        fprintf(stderr, "%s is stopped by a sanitizer\n", one->name);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void) {
    size_t count = sizeof calls / sizeof *calls, failed = 0;
    for (size_t i = 0; i < count; i++) failed += !passes(&calls[i]);
    printf("%zu public functions called with NULL and zero, %zu fail\n", count, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
