/* The files of the operating system. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the kernel has no openat2(), or a sandbox forbids it: one folder after the other. */
static int step_by_step(int folder, const char *path, int flags, unsigned mode) {
    char part[KVSTORE_KEY_BYTES];
    int at = folder;
    for (;;) {
        const char *slash = strchr(path, '/');
        size_t length = slash == NULL ? strlen(path) : (size_t)(slash - path);
        if (length == 0 || length >= sizeof part) return errno = EINVAL, -1;
        memcpy(part, path, length);
        part[length] = '\0';
        int next = openat(
            at, part, slash == NULL ? flags | O_NOFOLLOW | O_CLOEXEC : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
            mode);
        int code = errno;
        if (at != folder) close(at);
        errno = code;
        if (next < 0 || slash == NULL) return next;
        at = next;
        path = slash + 1;
    }
}

static int beneath(void *ctx, int folder, const char *path, int flags, unsigned mode) {
    (void)ctx;
    struct open_how how = {.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
                           .mode = mode,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long file = syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (file >= 0 || (errno != ENOSYS && errno != EPERM)) return (int)file;
    return step_by_step(folder, path, flags, mode);
}

static int close_file(void *ctx, int file) {
    (void)ctx;
    return close(file);
}

static int stat_file(void *ctx, int file, struct stat *about) {
    (void)ctx;
    return fstat(file, about);
}

static ssize_t read_parts(void *ctx, int file, const struct iovec *parts, int count, off_t offset) {
    (void)ctx;
    return preadv(file, parts, count, offset);
}

static ssize_t write_parts(void *ctx, int file, const struct iovec *parts, int count, off_t offset) {
    (void)ctx;
    return pwritev(file, parts, count, offset);
}

static int publish(void *ctx, int file, int folder, const char *name) {
    (void)ctx;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW);
}

static int rename_file(void *ctx, int folder, const char *from, const char *to) {
    (void)ctx;
    return renameat(folder, from, folder, to);
}

static int link_file(void *ctx, int folder, const char *from, const char *to) {
    (void)ctx;
    return linkat(folder, from, folder, to, 0);
}

static int unlink_file(void *ctx, int folder, const char *name) {
    (void)ctx;
    return unlinkat(folder, name, 0);
}

static int make_folder(void *ctx, int folder, const char *name, unsigned mode) {
    (void)ctx;
    return mkdirat(folder, name, mode);
}

static int sync_data(void *ctx, int file) {
    (void)ctx;
    return fdatasync(file);
}

static int sync_folder(void *ctx, int folder) {
    (void)ctx;
    return fsync(folder);
}

static int room(void *ctx, int folder, uint64_t *free_bytes, uint64_t *total_bytes) {
    (void)ctx;
    struct statvfs about;
    if (fstatvfs(folder, &about) != 0) return -1;
    *free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    *total_bytes = (uint64_t)about.f_blocks * about.f_frsize;
    return 0;
}

static int stamp(void *ctx, int file) {
    (void)ctx;
    return futimens(file, NULL);
}

kvstore__files kvstore__system_files(void) {
    return (kvstore__files){.beneath = beneath,
                            .close = close_file,
                            .fstat = stat_file,
                            .preadv = read_parts,
                            .pwritev = write_parts,
                            .publish = publish,
                            .rename = rename_file,
                            .link = link_file,
                            .unlink = unlink_file,
                            .mkdir = make_folder,
                            .fdatasync = sync_data,
                            .fsync = sync_folder,
                            .room = room,
                            .stamp = stamp};
}
