/* Walking what lies below the root, a thousand entries at a time. The listing is the manifest: there is no other. */
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MOST = 8, STEP_ENTRIES = 1000, OLD_SECONDS = 3600 };

typedef struct walk {
    DIR *open[DEPTH_MOST];
    size_t ends[DEPTH_MOST]; /* where the path of each level ends */
    int depth;               /* open levels */
    char path[KVSTORE_KEY_BYTES];
} walk;

static bool enter(kvstore__directory *self, walk *at, size_t length) {
    if (at->depth == DEPTH_MOST) return false;
    int folder = self->files.beneath(self->files.ctx, self->root, at->path, O_RDONLY | O_DIRECTORY, 0);
    DIR *opened = folder < 0 ? NULL : fdopendir(folder);
    if (opened == NULL) {
        if (folder >= 0) close(folder);
        return false;
    }
    at->open[at->depth] = opened;
    at->ends[at->depth++] = length;
    return true;
}

/* What a writer left that died: only where there are no unnamed files. */
static void clear_away(kvstore__directory *self, int folder, const char *name, const struct stat *about) {
    if (!self->is_keeper) return;
    char *end;
    long pid = strtol(name + 3, &end, 10);
    bool dead = pid > 0 && *end == '-' && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
    if (dead || time(NULL) - about->st_mtime > OLD_SECONDS) self->files.unlink(self->files.ctx, folder, name);
}

/* False: the visitor has enough. */
static bool visit_one(kvstore__directory *self, walk *at, const char *name, kvstore_backend_visit visit, void *ctx) {
    struct stat about;
    size_t front = at->ends[at->depth - 1], length = strlen(name);
    int folder = dirfd(at->open[at->depth - 1]);
    if (front + 1 + length >= sizeof at->path || fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0) return true;
    if (name[0] == '.') {
        if (strncmp(name, ".t-", 3) == 0 && S_ISREG(about.st_mode)) clear_away(self, folder, name, &about);
        return true;
    }
    at->path[front] = '/';
    memcpy(at->path + front + 1, name, length + 1);
    if (S_ISDIR(about.st_mode)) (void)enter(self, at, front + 1 + length);
    if (!S_ISREG(about.st_mode)) return true;
    uint64_t disk = (uint64_t)about.st_blocks * 512;
    return visit(ctx, at->path, front + 1 + length, (uint64_t)about.st_size, disk > 0 ? disk : (uint64_t)about.st_size,
                 (uint64_t)about.st_mtim.tv_sec * KVSTORE_SECOND + (uint64_t)about.st_mtim.tv_nsec);
}

static kvcore_status begin(kvstore__directory *self, const char *prefix, void **cursor, kvcore_error *error) {
    walk *at = kvcore_alloc(&self->allocator, 1, sizeof *at, _Alignof(walk));
    if (at == NULL) return refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a listing");
    *at = (walk){.depth = 0};
    size_t length = strlen(prefix);
    if (length == 0) prefix = "v1/", length = 3;
    if (length >= sizeof at->path) length = sizeof at->path - 1;
    memcpy(at->path, prefix, length);
    while (length > 0 && at->path[length - 1] == '/') length--;
    at->path[length] = '\0';
    bool there = enter(self, at, length);
    int code = errno;
    if (there) {
        *cursor = at;
        return KVCORE_OK;
    }
    kvcore_free(&self->allocator, at, 1, sizeof *at, _Alignof(walk));
    if (code == ENOENT) return KVCORE_OK; /* nothing was put yet */
    kvcore_fail(error, &(kvcore_error){.code = KVCORE_EIO, .index = KVCORE_NO_INDEX, .actual = (uint64_t)code},
                "cannot list: %s", strerror(code));
    return KVCORE_EIO;
}

kvcore_status kvstore__directory_list(void *ctx, const char *prefix, void **cursor, kvstore_backend_visit visit,
                                      void *visit_ctx, kvcore_error *error) {
    kvstore__directory *self = ctx;
    if (*cursor == NULL) {
        kvcore_status status = begin(self, prefix, cursor, error);
        if (status != KVCORE_OK || *cursor == NULL) return status;
    }
    walk *at = *cursor;
    for (int i = 0; i < STEP_ENTRIES && at->depth > 0; i++) {
        const struct dirent *entry = readdir(at->open[at->depth - 1]);
        if (entry == NULL) {
            closedir(at->open[--at->depth]);
            continue;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (!visit_one(self, at, entry->d_name, visit, visit_ctx)) return KVCORE_OK;
    }
    if (at->depth == 0) {
        kvstore__directory_list_end(self, at);
        *cursor = NULL;
    }
    return KVCORE_OK;
}

void kvstore__directory_list_end(void *ctx, void *cursor) {
    kvstore__directory *self = ctx;
    walk *at = cursor;
    while (at->depth > 0) closedir(at->open[--at->depth]);
    kvcore_free(&self->allocator, at, 1, sizeof *at, _Alignof(walk));
}
