#include "shared/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)1 << 16)

_Static_assert(LINE_BYTES_MAX % CHUNK_BYTES == 0, "a line of the most bytes and its end fit");

static kvcore_status fail(kvcore_error *error, kvcore_status status, const char *text) {
    return kvcore_fail(error, &(kvcore_error){.code = status, .index = KVCORE_NO_INDEX}, "%s", text);
}

/* Room for one more chunk behind the bytes that are there. */
static bool make_room(line_reader *lines) {
    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->capacity - lines->end >= CHUNK_BYTES) return true;
    size_t capacity = lines->capacity == 0 ? 2 * CHUNK_BYTES : 2 * lines->capacity;
    char *grown = capacity > lines->capacity ? realloc(lines->buffer, capacity) : NULL;
    if (grown == NULL) return false;
    lines->buffer = grown;
    lines->capacity = capacity;
    return true;
}

kvcore_status lines_open(line_reader *lines, const char *name, kvcore_error *error) {
    *lines = (line_reader){.name = name};
    int file = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(error, KVCORE_EIO, strerror(errno));
    struct stat facts;
    if (fstat(file, &facts) == 0 && S_ISREG(facts.st_mode)) lines->size_bytes = (uint64_t)facts.st_size;
    lines->file = make_room(lines) ? gzdopen(file, "rb") : NULL;
    if (lines->file == NULL) {
        close(file);
        lines_close(lines);
        return fail(error, KVCORE_ENOMEM, "out of memory");
    }
    gzbuffer(lines->file, CHUNK_BYTES);
    return KVCORE_OK;
}

void lines_close(line_reader *lines) {
    if (lines->file != NULL) gzclose_r(lines->file);
    free(lines->buffer);
    *lines = (line_reader){.name = lines->name};
}

uint64_t lines_position(const line_reader *lines) {
    z_off_t position = gzoffset(lines->file);
    return position < 0 ? 0 : (uint64_t)position;
}

static kvcore_status read_chunk(line_reader *lines, size_t *count, kvcore_error *error) {
    if (!make_room(lines)) return fail(error, KVCORE_ENOMEM, "out of memory for a long line");
    errno = 0;
    int got = gzread(lines->file, lines->buffer + lines->end, (unsigned)CHUNK_BYTES);
    int failure = Z_OK;
    const char *reason = gzerror(lines->file, &failure);
    if (got > 0) { /* a failure behind these bytes comes again with the next read */
        lines->end += (size_t)got;
        *count = (size_t)got;
        return KVCORE_OK;
    }
    if (failure == Z_ERRNO) return fail(error, KVCORE_EIO, errno != 0 ? strerror(errno) : "cannot be read");
    if (failure == Z_BUF_ERROR)
        return fail(error, KVCORE_EFORMAT, "expected more gzip data, found the end of the file");
    if (failure == Z_MEM_ERROR) return fail(error, KVCORE_ENOMEM, "out of memory");
    const char *behind = strstr(reason, ">: "); /* zlib puts "<fd:N>: " in front */
    if (behind != NULL) reason = behind + 3;
    if (got < 0 || failure != Z_OK)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT}, "expected gzip data, found damage: %s",
                           reason);
    *count = 0;
    return KVCORE_OK;
}

static kvcore_status too_long(line_reader *lines, kvcore_error *error) {
    lines->number++;
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EOVERFLOW, .expected = LINE_BYTES_MAX},
                       "expected a line of at most %d bytes, found more", LINE_BYTES_MAX);
}

/* Any line; *text NULL at the end. */
static kvcore_status next_line(line_reader *lines, char **text, size_t *length, kvcore_error *error) {
    for (;;) {
        char *from = lines->buffer + lines->start;
        size_t have = lines->end - lines->start;
        char *end = have > lines->scanned ? memchr(from + lines->scanned, '\n', have - lines->scanned) : NULL;
        size_t count = 1;
        if (end == NULL) {
            lines->scanned = have;
            if (have > LINE_BYTES_MAX) return too_long(lines, error);
            kvcore_status status = read_chunk(lines, &count, error);
            if (status != KVCORE_OK) {
                lines->number++;
                return status;
            }
            if (count != 0) continue;
            from = lines->buffer + lines->start;
        }
        lines->scanned = 0;
        *text = NULL;
        if (end == NULL && have == 0) return KVCORE_OK;
        lines->number++;
        *text = from;
        *length = end != NULL ? (size_t)(end - from) : have;
        lines->start += *length + (end != NULL);
        return KVCORE_OK;
    }
}

kvcore_status lines_next(line_reader *lines, char **text, size_t *length, kvcore_error *error) {
    for (;;) {
        kvcore_status status = next_line(lines, text, length, error);
        if (status != KVCORE_OK || *text == NULL) return status;
        for (size_t i = 0; i < *length; i++)
            if (strchr(" \t\r", (*text)[i]) == NULL || (*text)[i] == '\0') return KVCORE_OK;
    }
}
