#include "shell.h"

#include <sys/wait.h>
#include <unistd.h>

char *shell_out, *shell_err;
static char folder[64];

int shell_setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/kvstrata-test-XXXXXX");
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

int shell_teardown(void **state) {
    (void)state;
    char command[128];
    free(shell_out);
    free(shell_err);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    /* NOLINTNEXTLINE(cert-env33-c): running commands is what this file is for */
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

char *shell_read(const char *name, size_t *size_bytes) {
    FILE *file = fopen(name, "rb");
    if (file == NULL) fail_msg("no file %s", name);
    char *text = NULL;
    size_t length = 0, room = 0;
    for (size_t got = 1; got > 0; length += got) {
        if (room - length < 4096) text = realloc(text, room = 2 * room + 8192);
        assert_non_null(text);
        got = fread(text + length, 1, room - length - 1, file);
    }
    text[length] = '\0';
    fclose(file);
    if (size_bytes != NULL) *size_bytes = length;
    return text;
}

void shell_file(const char *name, const char *text) {
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

int shell_run(const char *command, ...) {
    char line[2048], whole[2200];
    va_list arguments;
    va_start(arguments, command);
    vsnprintf(line, sizeof line, command, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "{ %s\n} >stdout.txt 2>stderr.txt", line);
    int status = system(whole); /* NOLINT(cert-env33-c) */
    free(shell_out);
    free(shell_err);
    shell_out = shell_read("stdout.txt", NULL);
    shell_err = shell_read("stderr.txt", NULL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

json_object *shell_json(void) {
    json_object *value = json_tokener_parse(shell_out);
    if (value == NULL) fail_msg("not JSON: %s%s", shell_out, shell_err);
    return value;
}

uint64_t shell_number(json_object *object, const char *key) {
    json_object *value = NULL;
    if (!json_object_object_get_ex(object, key, &value))
        fail_msg("no key %s in %s", key, json_object_to_json_string(object));
    assert_int_equal(json_object_get_type(value), json_type_int);
    return json_object_get_uint64(value);
}
