/* A file read line by line: plain or gzip, by name or standard input.
 *
 * Memory follows the longest line, never the file; longer lines than LINE_BYTES_MAX are refused. Lines end with LF (CR LF is fine for JSON); the last one may lack it. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

#include <kvcore/status.h>

#define LINE_BYTES_MAX (1 << 28)

typedef struct line_reader {
    const char *name; /* as the user gave it; "-" is standard input */
    gzFile file;
    uint64_t number;     /* of the line read last, from 1 */
    uint64_t size_bytes; /* of the file as it lies on disk; 0 when not known */
    char *buffer;
    size_t capacity, start, end;
    size_t scanned; /* bytes from start that hold no line end */
} line_reader;

/* Errors: KVCORE_EIO with the system's reason as text; KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status lines_open(line_reader *lines, const char *name, kvcore_error *error);

/* The next line that is not blank, without its end; *text is NULL at the end of the file. Valid until the next call; the
 * caller may write into it.
 *
 * Errors: KVCORE_EIO; KVCORE_EFORMAT for damaged or cut gzip data; KVCORE_EOVERFLOW for a line that is too long;
 *         KVCORE_ENOMEM. */
KVCORE_NODISCARD kvcore_status lines_next(line_reader *lines, char **text, size_t *length, kvcore_error *error);

/* Bytes of the file on disk that were read so far. */
uint64_t lines_position(const line_reader *lines);

void lines_close(line_reader *lines);

#endif
