/* A directory as a store: one file a block. */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <kvcore/config.h>
#include <kvcore/text.h>

enum { PARTS_MOST = 64 };

static kvcore_status failed(kvcore_error *error, const char *what, int code) {
    return kvcore_fail(error, &(kvcore_error){.code = KVCORE_EIO, .index = KVCORE_NO_INDEX, .actual = (uint64_t)code},
                       "cannot %s: %s", what, strerror(code));
}

void kvstore__directory_fail(kvstore_transfer *transfer, int code) {
    bool put = transfer->request == KVSTORE_TRANSFER_PUT;
    transfer->outcome = KVSTORE_FAILED;
    transfer->status = KVCORE_EIO;
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        transfer->outcome = put ? KVSTORE_NO_ROOM : KVSTORE_FAILED;
        transfer->status = KVCORE_ENOSPACE;
        return;
    case EFBIG: transfer->outcome = KVSTORE_TOO_BIG; return;
    case EMFILE:
    case ENFILE:
    case ENOMEM: transfer->status = KVCORE_ENOMEM; return; /* ours, not the disk's */
    case ELOOP:
    case ENOTDIR:
    case EXDEV: /* a symlink, or a file where a folder should be */
        transfer->outcome = put ? KVSTORE_FAILED : KVSTORE_DAMAGED;
        transfer->status = KVCORE_EFORMAT;
        return;
    default: transfer->status = KVSTORE_EUNAVAILABLE; return;
    }
}

/* The root may have been removed and made anew, or mounted again: at most once a second we look. */
bool kvstore__directory_reopen(kvstore__directory *self) {
    uint64_t now = kvstore_clock_ns(NULL), last = __atomic_load_n(&self->reopened_ns, __ATOMIC_RELAXED);
    struct stat about, other;
    if (last != 0 && now - last < KVSTORE_SECOND) return false;
    if (!__atomic_compare_exchange_n(&self->reopened_ns, &last, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return false;
    int fresh = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fresh < 0) return false;
    bool differs = fstat(fresh, &about) == 0 && fstat(self->root, &other) == 0 &&
                   (about.st_ino != other.st_ino || about.st_dev != other.st_dev);
    bool done = differs && about.st_uid == geteuid() && dup3(fresh, self->root, O_CLOEXEC) >= 0;
    close(fresh);
    return done;
}

/* ---- reading ---- */

/* The payload into the spans, the trailer behind it; errno 0 when the file ends too early. */
static int read_all(kvstore__directory *self, int file, const kvstore_transfer *transfer, uint64_t payload) {
    struct iovec parts[PARTS_MOST];
    uint64_t offset = 0, size = payload + transfer->trailer_bytes;
    while (offset < size) {
        int count = 0;
        uint64_t at = 0;
        for (uint32_t i = 0; i <= transfer->span_count && count < PARTS_MOST; i++) {
            bool last = i == transfer->span_count;
            uint8_t *bytes = last ? transfer->trailer : transfer->spans[i].bytes;
            uint64_t length = last ? transfer->trailer_bytes : transfer->spans[i].size_bytes;
            if (!last && length > payload - at) length = payload - at;
            uint64_t skip = offset > at ? offset - at : 0;
            at += length;
            if (skip < length) parts[count++] = (struct iovec){bytes + skip, (size_t)(length - skip)};
        }
        ssize_t got = self->files.preadv(self->files.ctx, file, parts, count, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) return errno = 0, -1;
        offset += (uint64_t)got;
    }
    return 0;
}

static void damaged(kvstore_transfer *transfer, kvcore_status status) {
    transfer->outcome = KVSTORE_DAMAGED;
    transfer->status = status;
}

static void read_block(kvstore__directory *self, int file, kvstore_transfer *transfer) {
    struct stat about;
    if (self->files.fstat(self->files.ctx, file, &about) != 0) {
        kvstore__directory_fail(transfer, errno);
        return;
    }
    uint64_t size = (uint64_t)about.st_size, payload = size - transfer->trailer_bytes;
    if (!S_ISREG(about.st_mode)) {
        damaged(transfer, KVCORE_EFORMAT);
    } else if (about.st_size < (off_t)transfer->trailer_bytes || payload > transfer->payload_bytes) {
        damaged(transfer, KVFORMAT_ELENGTH);
    } else if (read_all(self, file, transfer, payload) != 0) {
        if (errno == 0)
            damaged(transfer, KVCORE_ETRUNCATED); /* somebody cut it under us */
        else
            kvstore__directory_fail(transfer, errno);
    } else {
        transfer->outcome = KVSTORE_HIT;
        transfer->status = KVCORE_OK;
        transfer->object_payload_bytes = payload;
        transfer->disk_bytes = (uint64_t)about.st_blocks * 512;
        if (transfer->disk_bytes == 0) transfer->disk_bytes = size;
        if (transfer->stamp) self->files.stamp(self->files.ctx, file);
    }
}

static int open_block(kvstore__directory *self, const char *key) {
    const int flags = O_RDONLY | O_NONBLOCK; /* a planted pipe must not hold us */
    int file = self->files.beneath(self->files.ctx, self->root, key, flags, 0);
    if (file >= 0 || errno != ENOENT) return file;
    if (!kvstore__directory_reopen(self)) return errno = ENOENT, -1;
    return self->files.beneath(self->files.ctx, self->root, key, flags, 0);
}

static void look(kvstore__directory *self, kvstore_transfer *transfer) {
    int file = open_block(self, transfer->key);
    if (file < 0) {
        if (errno == ENOENT)
            transfer->outcome = KVSTORE_MISS;
        else
            kvstore__directory_fail(transfer, errno);
        return;
    }
    switch (transfer->request) {
    case KVSTORE_TRANSFER_GET: read_block(self, file, transfer); break;
    case KVSTORE_TRANSFER_HEAD: transfer->outcome = KVSTORE_HIT; break;
    default:
        self->files.stamp(self->files.ctx, file);
        transfer->outcome = KVSTORE_EXISTS;
        break;
    }
    self->files.close(self->files.ctx, file);
}

static void unlink_block(kvstore__directory *self, kvstore_transfer *transfer) {
    char path[KVSTORE_KEY_BYTES];
    const char *slash = strrchr(transfer->key, '/');
    size_t length = (size_t)(slash - transfer->key);
    memcpy(path, transfer->key, length);
    path[length] = '\0';
    int folder = self->files.beneath(self->files.ctx, self->root, path, O_PATH | O_DIRECTORY, 0);
    transfer->outcome = KVSTORE_STORED;
    if (folder < 0 || self->files.unlink(self->files.ctx, folder, slash + 1) != 0) {
        if (errno == ENOENT)
            transfer->outcome = KVSTORE_MISS;
        else
            kvstore__directory_fail(transfer, errno);
    }
    if (folder >= 0) self->files.close(self->files.ctx, folder);
}

static void start(void *ctx, kvstore_transfer *transfer) {
    kvstore__directory *self = ctx;
    transfer->attempts = 1;
    switch (transfer->request) {
    case KVSTORE_TRANSFER_PUT: kvstore__directory_put(self, transfer); return;
    case KVSTORE_TRANSFER_REMOVE: unlink_block(self, transfer); return;
    default: look(self, transfer); return;
    }
}

/* ---- the root ---- */

static kvcore_status room(void *ctx, uint64_t *free_bytes, uint64_t *total_bytes) {
    kvstore__directory *self = ctx;
    return self->files.room(self->files.ctx, self->root, free_bytes, total_bytes) == 0 ? KVCORE_OK : KVCORE_EIO;
}

/* flock() falls with the process, however it ends. */
static bool keep(void *ctx) {
    kvstore__directory *self = ctx;
    if (self->never_keeper) return false;
    if (self->keeper_lock < 0)
        self->keeper_lock = openat(self->root, "keeper.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    self->is_keeper = self->keeper_lock >= 0 && flock(self->keeper_lock, LOCK_EX | LOCK_NB) == 0;
    return self->is_keeper;
}

static void end(void *ctx) {
    kvstore__directory *self = ctx;
    kvcore_allocator allocator = self->allocator;
    if (self->keeper_lock >= 0) close(self->keeper_lock);
    if (self->use_lock >= 0) close(self->use_lock);
    if (self->root >= 0) close(self->root);
    kvcore_free(&allocator, self->path, self->path_room, 1, 1);
    kvcore_free(&allocator, self, 1, sizeof *self, _Alignof(kvstore__directory));
}

static kvcore_status open_root(kvstore__directory *self, bool shared, kvcore_error *error) {
    struct stat about;
    bool made = mkdir(self->path, 0700) == 0;
    self->root = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->root < 0 || fstat(self->root, &about) != 0) return failed(error, "open the root", errno);
    (void)made;
    if (about.st_uid != geteuid())
        return refuse_field(error, KVCORE_ECONFIG, about.st_uid, "root: it belongs to another user");
    if (!shared && (about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse_field(error, KVCORE_ECONFIG, about.st_mode & 07777, "root: others may write it");
    return KVCORE_OK;
}

/* The mark of a directory: made under a temporary name, so that it is whole as soon as it is there. */
static kvcore_status make_mark(kvstore__directory *self, kvcore_error *error) {
    uint8_t id[16];
    char text[64] = "kvstore 1\n", name[40];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id) return failed(error, "get random bytes", errno);
    kvcore_hex_encode(id, sizeof id, text + 10);
    text[42] = '\n';
    snprintf(name, sizeof name, ".mark-%.16s", text + 10);
    int file = openat(self->root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return failed(error, "create the mark", errno);
    bool written = write(file, text, 43) == 43 && fsync(file) == 0;
    if (close(file) != 0) written = false;
    int code = errno;
    if (written && linkat(self->root, name, self->root, "KVSTORE", 0) != 0 && errno != EEXIST)
        written = false, code = errno;
    unlinkat(self->root, name, 0);
    if (written) fsync(self->root);
    return written ? KVCORE_OK : failed(error, "write the mark", code);
}

static kvcore_status read_mark(kvstore__directory *self, kvcore_error *error) {
    char text[64] = {0};
    static const char first[] = "kvstore 1\n";
    self->use_lock = openat(self->root, "KVSTORE", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (self->use_lock < 0 && errno == ENOENT) {
        kvcore_status status = make_mark(self, error);
        if (status != KVCORE_OK) return status;
        self->use_lock = openat(self->root, "KVSTORE", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    }
    if (self->use_lock < 0) return failed(error, "open the mark", errno);
    ssize_t got = pread(self->use_lock, text, sizeof text - 1, 0);
    if (got < 0) return failed(error, "read the mark", errno);
    if (strncmp(text, first, sizeof first - 1) != 0)
        return refuse_at(error, KVFORMAT_EVERSION, 0, 1, (uint64_t)got, "KVSTORE");
    return KVCORE_OK;
}

static kvcore_status prepare(kvstore__directory *self, const kvstore_directory_config *config, kvcore_error *error) {
    kvcore_status status = open_root(self, config->allow_shared_root, error);
    if (status == KVCORE_OK) status = read_mark(self, error);
    if (status != KVCORE_OK) return status;
    int lock = (config->exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
    if (flock(self->use_lock, lock) == 0) return KVCORE_OK;
    if (errno == EWOULDBLOCK) return refuse_field(error, KVCORE_EBUSY, 0, "another process has the directory open");
    return failed(error, "lock the mark", errno);
}

static kvcore_status set_limits(const kvstore__directory *self, const kvstore_directory_config *config,
                                kvstore_limits *limits, kvcore_error *error) {
    const uint64_t least = UINT64_C(1) << 30;
    uint64_t free = 0, total = 0;
    if (self->files.room(self->files.ctx, self->root, &free, &total) != 0)
        return failed(error, "ask for the free space", errno);
    *limits = (kvstore_limits){.max_bytes = config->max_bytes,
                               .max_blocks = config->max_blocks,
                               .min_free_bytes = config->min_free_bytes,
                               .ttl_seconds = config->ttl_seconds,
                               .rescan_seconds = config->rescan_seconds == 0 ? 300 : config->rescan_seconds,
                               .io_threads = config->io_threads,
                               .scan = true,
                               .exclusive = config->exclusive};
    if (limits->max_bytes == 0) limits->max_bytes = free / 10 * 9 > 0 ? free / 10 * 9 : 1;
    if (limits->min_free_bytes == 0) limits->min_free_bytes = total / 100 > least ? total / 100 : least;
    return KVCORE_OK;
}

kvcore_status kvstore__open_directory(const kvstore_directory_config *config, const kvstore__files *files,
                                      kvstore **store, kvcore_error *error) {
    kvstore_directory_config read;
    kvcore_status status = kvcore_config_read(&read, sizeof read, config, error);
    if (status != KVCORE_OK) return status;
    if (read.root == NULL || read.root[0] == '\0' || store == NULL)
        return refuse_field(error, KVCORE_EINVAL, 0, "root or store is NULL");
    if (read.options != NULL && read.options->scheme != KVSTORE_SCHEME_NATIVE)
        return refuse_field(error, KVCORE_ECONFIG, (uint64_t)read.options->scheme,
                            "scheme: a directory has the native one");
    if (read.io_threads > 1024)
        return refuse_field(error, KVCORE_ECONFIG, read.io_threads, "io_threads: more than 1,024");
    kvcore_allocator allocator =
        read.options == NULL || read.options->allocator == NULL ? kvcore_allocator_libc() : *read.options->allocator;
    kvstore__directory *self = kvcore_alloc(&allocator, 1, sizeof *self, _Alignof(kvstore__directory));
    if (self == NULL) return refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a store");
    *self = (kvstore__directory){.allocator = allocator,
                                 .files = files == NULL ? kvstore__system_files() : *files,
                                 .durability = read.durability,
                                 .root = -1,
                                 .keeper_lock = -1,
                                 .use_lock = -1,
                                 .never_keeper = read.never_keeper,
                                 .path_room = strlen(read.root) + 1};
    self->path = kvcore_alloc(&allocator, self->path_room, 1, 1);
    kvstore_limits limits;
    status = self->path == NULL ? refuse_field(error, KVCORE_ENOMEM, 0, "no memory for a path") : KVCORE_OK;
    if (status == KVCORE_OK) {
        memcpy(self->path, read.root, self->path_room);
        status = prepare(self, &read, error);
    }
    if (status == KVCORE_OK) status = set_limits(self, &read, &limits, error);
    if (status != KVCORE_OK) {
        end(self);
        return status;
    }
    kvstore_backend backend = KVSTORE_BACKEND_INIT;
    backend.ctx = self;
    backend.medium = "disk";
    backend.blocking = backend.evicts = true;
    backend.start = start;
    backend.list = kvstore__directory_list;
    backend.list_end = kvstore__directory_list_end;
    backend.room = room;
    backend.keep = keep;
    backend.close = end;
    return kvstore_open_backend(&backend, read.options, &limits, store, error);
}

kvcore_status kvstore_open_directory(const kvstore_directory_config *config, kvstore **store, kvcore_error *error) {
    return kvstore__open_directory(config, NULL, store, error);
}
