/* Writing a block: staged where nobody sees it, then published under its name, whole, by create and never by overwrite. */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { PARTS_MOST = 64, TEMPORARY_BYTES = 48 };

/* The folder of a key and the name in it. */
static const char *name_of(const char *key, char folder[KVSTORE_KEY_BYTES]) {
    const char *slash = strrchr(key, '/');
    size_t length = (size_t)(slash - key);
    memcpy(folder, key, length);
    folder[length] = '\0';
    return slash + 1;
}

static int open_folder(kvstore__directory *self, const char *path) {
    return self->files.beneath(self->files.ctx, self->root, path, O_RDONLY | O_DIRECTORY, 0);
}

/* One folder after the other; each new one is synced into its parent where durability asks for it. */
static int make_folders(kvstore__directory *self, const char *path) {
    char front[KVSTORE_KEY_BYTES];
    int parent = self->root;
    for (const char *at = path;;) {
        const char *slash = strchr(at, '/');
        size_t length = slash == NULL ? strlen(at) : (size_t)(slash - at), whole = (size_t)(at - path) + length;
        char name[KVSTORE_KEY_BYTES];
        memcpy(name, at, length);
        name[length] = '\0';
        memcpy(front, path, whole);
        front[whole] = '\0';
        bool made = self->files.mkdir(self->files.ctx, parent, name, 0700) == 0;
        int code = errno, folder = -1;
        if (made || code == EEXIST) folder = open_folder(self, front);
        if (made || code == EEXIST) code = errno;
        if (folder >= 0 && made && self->durability == KVSTORE_DURABILITY_SYNC &&
            self->files.fsync(self->files.ctx, parent) != 0) {
            code = errno;
            self->files.close(self->files.ctx, folder);
            folder = -1;
        }
        if (parent != self->root) self->files.close(self->files.ctx, parent);
        errno = code;
        if (folder < 0 || slash == NULL) return folder;
        parent = folder;
        at = slash + 1;
    }
}

static int folder_for(kvstore__directory *self, const char *path) {
    int folder = open_folder(self, path);
    if (folder >= 0 || errno != ENOENT) return folder;
    folder = make_folders(self, path);
    if (folder < 0 && errno == ENOENT && kvstore__directory_reopen(self)) folder = make_folders(self, path);
    return folder;
}

static int write_all(kvstore__directory *self, int file, const kvstore_transfer *transfer) {
    struct iovec parts[PARTS_MOST];
    uint64_t offset = 0, size = transfer->payload_bytes + transfer->trailer_bytes;
    while (offset < size) {
        int count = 0;
        uint64_t at = 0;
        for (uint32_t i = 0; i <= transfer->span_count && count < PARTS_MOST; i++) {
            bool last = i == transfer->span_count;
            uint8_t *bytes = last ? transfer->trailer : transfer->spans[i].bytes;
            uint64_t length = last ? transfer->trailer_bytes : transfer->spans[i].size_bytes;
            uint64_t skip = offset > at ? offset - at : 0;
            at += length;
            if (skip < length) parts[count++] = (struct iovec){bytes + skip, (size_t)(length - skip)};
        }
        ssize_t written = self->files.pwritev(self->files.ctx, file, parts, count, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -1;
        if (written == 0) return errno = EIO, -1;
        offset += (uint64_t)written;
    }
    return 0;
}

static void temporary_name(char name[TEMPORARY_BYTES]) {
    uint64_t random = 0;
    (void)!getrandom(&random, sizeof random, 0);
    snprintf(name, TEMPORARY_BYTES, ".t-%ld-%016llx", (long)getpid(), (unsigned long long)random);
}

/* An unnamed file, or where there are none a named one; `name` is then not empty. */
static int stage(kvstore__directory *self, int folder, char name[TEMPORARY_BYTES]) {
    name[0] = '\0';
    if (!__atomic_load_n(&self->no_unnamed, __ATOMIC_RELAXED)) {
        int file = self->files.beneath(self->files.ctx, folder, ".", O_WRONLY | O_TMPFILE, 0600);
        if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return file;
        __atomic_store_n(&self->no_unnamed, true, __ATOMIC_RELAXED);
    }
    temporary_name(name);
    return self->files.beneath(self->files.ctx, folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

/* A repair takes the place of what is there: that needs a name to rename from. */
static int publish_over(kvstore__directory *self, int file, int folder, char *temporary, const char *name) {
    if (temporary[0] == '\0') {
        temporary_name(temporary);
        if (self->files.publish(self->files.ctx, file, folder, temporary) != 0) {
            temporary[0] = '\0';
            return -1;
        }
    }
    if (self->files.rename(self->files.ctx, folder, temporary, name) != 0) return -1;
    temporary[0] = '\0';
    return 0;
}

static int publish(kvstore__directory *self, int file, int folder, char *temporary, const char *name,
                   bool create_only) {
    if (!create_only) return publish_over(self, file, folder, temporary, name);
    if (temporary[0] == '\0') return self->files.publish(self->files.ctx, file, folder, name);
    return self->files.link(self->files.ctx, folder, temporary, name);
}

static int write_block(kvstore__directory *self, int file, int folder, char *temporary, const char *name,
                       kvstore_transfer *transfer) {
    bool synced = self->durability == KVSTORE_DURABILITY_SYNC;
    struct stat about;
    if (write_all(self, file, transfer) != 0) return -1;
    if (synced && self->files.fdatasync(self->files.ctx, file) != 0) return -1;
    if (self->files.fstat(self->files.ctx, file, &about) != 0) return -1;
    if (publish(self, file, folder, temporary, name, transfer->create_only) != 0) return -1;
    transfer->disk_bytes = (uint64_t)about.st_blocks * 512;
    if (transfer->disk_bytes == 0) transfer->disk_bytes = (uint64_t)about.st_size; /* not allocated yet */
    if (!synced) return 0;
    if (self->files.fsync(self->files.ctx, folder) == 0) return 0;
    int code = errno; /* not promised: it must not be found either */
    self->files.unlink(self->files.ctx, folder, name);
    errno = code;
    return -1;
}

/* The block is there already. Somebody else may have put it a moment ago: durability asks us to see it to the disk, too. */
static void found_there(kvstore__directory *self, int folder, const char *name, kvstore_transfer *transfer) {
    struct stat about;
    transfer->outcome = KVSTORE_EXISTS;
    transfer->status = KVCORE_OK;
    int file = self->files.beneath(self->files.ctx, folder, name, O_RDONLY | O_NONBLOCK, 0);
    if (file < 0) return;
    if (self->files.fstat(self->files.ctx, file, &about) == 0) {
        transfer->disk_bytes = (uint64_t)about.st_blocks * 512;
        if (transfer->disk_bytes == 0) transfer->disk_bytes = (uint64_t)about.st_size;
    }
    if (self->durability == KVSTORE_DURABILITY_SYNC &&
        (self->files.fdatasync(self->files.ctx, file) != 0 || self->files.fsync(self->files.ctx, folder) != 0))
        kvstore__directory_fail(transfer, errno);
    self->files.close(self->files.ctx, file);
}

void kvstore__directory_put(kvstore__directory *self, kvstore_transfer *transfer) {
    char path[KVSTORE_KEY_BYTES], temporary[TEMPORARY_BYTES];
    const char *name = name_of(transfer->key, path);
    int folder = folder_for(self, path);
    if (folder < 0) {
        kvstore__directory_fail(transfer, errno);
        return;
    }
    int file = stage(self, folder, temporary), code = 0;
    if (file < 0 || write_block(self, file, folder, temporary, name, transfer) != 0) code = errno;
    if (file >= 0 && temporary[0] != '\0') self->files.unlink(self->files.ctx, folder, temporary);
    if (file >= 0) self->files.close(self->files.ctx, file);
    transfer->outcome = KVSTORE_STORED;
    transfer->status = KVCORE_OK;
    if (code == EEXIST)
        found_there(self, folder, name, transfer);
    else if (code != 0)
        kvstore__directory_fail(transfer, code);
    self->files.close(self->files.ctx, folder);
}
