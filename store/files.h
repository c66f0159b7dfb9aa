/* What the directory backend asks of the operating system: a table, so that tests can fail, reorder and count each call.
 * Each function is the system's of its name, with errno, but for `beneath`: openat() that follows no symlink on the way.
 * Private to store. */
#ifndef KVSTORE_FILES_H
#define KVSTORE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <kvstore/store.h>

typedef struct kvstore__files {
    void *ctx;
    int (*beneath)(void *ctx, int folder, const char *path, int flags, unsigned mode);
    int (*close)(void *ctx, int file);
    int (*fstat)(void *ctx, int file, struct stat *about);
    ssize_t (*preadv)(void *ctx, int file, const struct iovec *parts, int count, off_t offset);
    ssize_t (*pwritev)(void *ctx, int file, const struct iovec *parts, int count, off_t offset);
    int (*publish)(void *ctx, int file, int folder, const char *name); /* linkat() of an unnamed file */
    int (*rename)(void *ctx, int folder, const char *from, const char *to);
    int (*link)(void *ctx, int folder, const char *from, const char *to);
    int (*unlink)(void *ctx, int folder, const char *name);
    int (*mkdir)(void *ctx, int folder, const char *name, unsigned mode);
    int (*fdatasync)(void *ctx, int file);
    int (*fsync)(void *ctx, int folder);
    int (*room)(void *ctx, int folder, uint64_t *free_bytes, uint64_t *total_bytes);
    int (*stamp)(void *ctx, int file); /* last use: now */
} kvstore__files;

kvstore__files kvstore__system_files(void);

/* kvstore_open_directory() over other files than the system's; NULL: the system's. */
kvcore_status kvstore__open_directory(const kvstore_directory_config *config, const kvstore__files *files,
                                      kvstore **store, kvcore_error *error);

#endif
