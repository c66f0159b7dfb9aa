#include "shared/command.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/plain.h"

int exit_code_of(kvcore_status status) {
    switch (status) {
    case KVCORE_OK: return EXIT_OK;
    case KVCORE_EFORMAT:
    case KVCORE_ETRUNCATED:
    case KVCORE_EOVERFLOW:
    case KVHASH_EPOSITION: return EXIT_BAD_INPUT;
    case KVCORE_ECONFIG: return EXIT_USAGE;
    case KVCORE_ENOTSUP: return EXIT_UNSUPPORTED;
    default: return EXIT_SYSTEM;
    }
}

int complain(int exit_code, const char *format, ...) {
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs("kvstrata: ", stderr);
    print_plain(stderr, text);
    fputc('\n', stderr);
    return exit_code;
}

int complain_at(const char *file, uint64_t line, const kvcore_error *error) {
    if (line == 0) fputs("kvstrata: ", stderr);
    print_plain(stderr, file);
    if (line != 0) fprintf(stderr, ":%llu", (unsigned long long)line);
    fputs(": ", stderr);
    print_plain(stderr, error->text);
    fputc('\n', stderr);
    return exit_code_of(error->code);
}

static void file_was_cut(int number) {
    static const char text[] = "kvstrata: a file was cut off while it was read\n";
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(EXIT_SYSTEM);
}

void survive_cut_files(void) {
    struct sigaction action = {.sa_handler = file_was_cut};
    sigaction(SIGBUS, &action, NULL);
}

kvcore_status parse_count(const char *text, uint64_t *count) {
    uint64_t value = 0, unit = 1;
    if (*text < '0' || *text > '9') return KVCORE_EFORMAT;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) return KVCORE_EOVERFLOW;
        if (__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) return KVCORE_EOVERFLOW;
    }
    switch (*text) {
    case 'k':
    case 'K': unit = 1000; break;
    case 'M': unit = 1000000; break;
    case 'G': unit = 1000000000; break;
    default: text--; break;
    }
    if (text[1] != '\0') return KVCORE_EFORMAT;
    if (__builtin_mul_overflow(value, unit, &value)) return KVCORE_EOVERFLOW;
    *count = value;
    return KVCORE_OK;
}
