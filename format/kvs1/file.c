/* KVS1: a file of the operating system. */
#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct file {
    kvcore_allocator allocator;
    int descriptor;
} file;

static kvcore_status failed(kvcore_error *error, const char *what, uint64_t offset) {
    int code = errno;
    return kvcore_fail(
        error,
        &(kvcore_error){.code = KVCORE_EIO, .index = KVCORE_NO_INDEX, .actual = (uint64_t)code, .offset = offset},
        "cannot %s: %s", what, strerror(code));
}

static kvcore_status file_read(void *ctx, uint64_t offset, void *bytes, size_t size_bytes, kvcore_error *error) {
    const file *of = ctx;
    for (size_t done = 0; done < size_bytes;) {
        ssize_t got = pread(of->descriptor, (char *)bytes + done, size_bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(error, "read", offset + done);
        if (got == 0) /* a writer has just cut its tail off */
            return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ETRUNCATED, .offset = offset + done},
                               "the file ends at byte %" PRIu64, offset + done);
        done += (size_t)got;
    }
    return KVCORE_OK;
}

enum { MOST_PARTS = 4 };

static kvcore_status file_write(void *ctx, uint64_t offset, const kvcore_bytes *parts, size_t count,
                                kvcore_error *error) {
    const file *of = ctx;
    struct iovec left[MOST_PARTS], *at = left;
    size_t parts_left = 0;
    for (size_t i = 0; i < count && parts_left < MOST_PARTS; i++)
        if (parts[i].size_bytes > 0)
            left[parts_left++] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].size_bytes};
    while (parts_left > 0) {
        ssize_t put = pwritev(of->descriptor, at, (int)parts_left, (off_t)offset);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return failed(error, "write", offset);
        offset += (uint64_t)put;
        for (size_t step = (size_t)put; parts_left > 0;) {
            size_t take = step < at->iov_len ? step : at->iov_len;
            at->iov_base = (char *)at->iov_base + take;
            at->iov_len -= take;
            step -= take;
            if (at->iov_len > 0) break;
            at++;
            parts_left--;
        }
    }
    return KVCORE_OK;
}

static kvcore_status file_sync(void *ctx, kvcore_error *error) {
    return fdatasync(((const file *)ctx)->descriptor) == 0 ? KVCORE_OK : failed(error, "sync", 0);
}

static kvcore_status file_truncate(void *ctx, uint64_t size_bytes, kvcore_error *error) {
    int descriptor = ((const file *)ctx)->descriptor;
    return ftruncate(descriptor, (off_t)size_bytes) == 0 ? KVCORE_OK : failed(error, "truncate", size_bytes);
}

static kvcore_status file_size(void *ctx, uint64_t *size_bytes, kvcore_error *error) {
    struct stat about;
    if (fstat(((const file *)ctx)->descriptor, &about) != 0) return failed(error, "stat", 0);
    *size_bytes = (uint64_t)about.st_size;
    return KVCORE_OK;
}

/* SEEK_DATA is of Linux and POSIX 2024; where it is not answered everything is data. */
static uint64_t file_next_data(void *ctx, uint64_t offset) {
    const file *of = ctx;
    off_t data = lseek(of->descriptor, (off_t)offset, SEEK_DATA);
    if (data >= 0) return (uint64_t)data;
    return errno == ENXIO ? UINT64_MAX : offset;
}

static void file_close(void *ctx) {
    file *of = ctx;
    kvcore_allocator from = of->allocator;
    close(of->descriptor);
    kvcore_free(&from, of, 1, sizeof *of, _Alignof(file));
}

/* The entry of a new file in its folder must be as durable as the file. */
static int sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char folder[4096] = ".";
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (slash != NULL) {
        if (length >= sizeof folder) return errno = ENAMETOOLONG, -1;
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    int result = fsync(descriptor);
    close(descriptor);
    return result;
}

static int open_file(const char *path, kvs1_mode mode) {
    switch (mode) { /* O_NONBLOCK: a FIFO is opened, seen and refused; regular files do not know it */
    case KVS1_READ: return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    case KVS1_APPEND: return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    case KVS1_CREATE: return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    return errno = EINVAL, -1;
}

static kvcore_status refuse_special(int descriptor, kvcore_error *error) {
    struct stat about;
    if (fstat(descriptor, &about) != 0) return failed(error, "stat", 0);
    return S_ISREG(about.st_mode)
               ? KVCORE_OK
               : kvcore_fail(error, &(kvcore_error){.code = KVCORE_EFORMAT, .index = KVCORE_NO_INDEX},
                             "not a regular file");
}

static kvcore_status lock_file(const char *path, int descriptor, kvcore_error *error) {
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return KVCORE_OK;
    if (errno != EWOULDBLOCK) return failed(error, "lock", 0);
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EBUSY, .index = KVCORE_NO_INDEX}, "another writer has %s",
                       path);
}

/* Does the path still lead to the file that is open? */
static bool still_there(const char *path, int descriptor) {
    struct stat here, there;
    return fstat(descriptor, &here) == 0 && stat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

enum { MOST_TRIES = 16 };

/* Opened, looked at and, for writers, locked. Between opening and locking another file may have taken the path, as compacting
 * does: what is written to the old one then would be nowhere. *descriptor is -1 after a failure. */
static kvcore_status open_and_lock(const char *path, kvs1_mode mode, int *descriptor, kvcore_error *error) {
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        *descriptor = open_file(path, mode);
        if (*descriptor < 0) return failed(error, mode == KVS1_CREATE ? "create" : "open", 0);
        kvcore_status status = refuse_special(*descriptor, error);
        if (status == KVCORE_OK && mode != KVS1_READ) status = lock_file(path, *descriptor, error);
        if (status == KVCORE_OK && (mode != KVS1_APPEND || still_there(path, *descriptor))) return KVCORE_OK;
        close(*descriptor);
        *descriptor = -1;
        if (status != KVCORE_OK) return status;
    }
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EBUSY, .index = KVCORE_NO_INDEX},
                       "%s is being replaced again and again", path);
}

kvcore_status kvformat__kvs1_file_open(const char *path, kvs1_mode mode, const kvcore_allocator *allocator, kvs1_io *io,
                                       kvcore_error *error) {
    file *made = kvcore_alloc(allocator, 1, sizeof *made, _Alignof(file));
    if (made == NULL) return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM}, "no memory for a file");
    made->allocator = *allocator;
    kvcore_status status = open_and_lock(path, mode, &made->descriptor, error);
    if (status == KVCORE_OK && mode == KVS1_CREATE && sync_folder(path) != 0) {
        status = failed(error, "sync the folder", 0);
        unlink(path);
        close(made->descriptor);
    }
    if (status != KVCORE_OK) {
        kvcore_free(allocator, made, 1, sizeof *made, _Alignof(file));
        return status;
    }
    *io = (kvs1_io){made, file_read, file_write, file_sync, file_truncate, file_size, file_next_data, file_close};
    return KVCORE_OK;
}

kvcore_status kvformat__kvs1_file_map(const kvs1_io *io, uint64_t size_bytes, void **memory, kvcore_error *error) {
    if (size_bytes > SIZE_MAX)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .actual = size_bytes}, "too large to map");
    void *mapped = mmap(NULL, (size_t)size_bytes, PROT_READ, MAP_SHARED, ((const file *)io->ctx)->descriptor, 0);
    if (mapped == MAP_FAILED && errno == ENOMEM)
        return kvcore_fail(error, &(kvcore_error){.code = KVCORE_ENOMEM, .actual = size_bytes}, "cannot map");
    if (mapped == MAP_FAILED) return failed(error, "map", 0);
    *memory = mapped;
    return KVCORE_OK;
}

void kvformat__kvs1_file_unmap(void *memory, uint64_t size_bytes) { munmap(memory, (size_t)size_bytes); }
