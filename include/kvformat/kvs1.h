/**
 * @file
 * KVS1: a file of blocks that is safe to keep. docs/formats/kvs1.md specifies it byte by byte.
 *
 * Blocks are appended, aligned for direct I/O and mapping, and become visible commit by commit: the blocks, then an index of
 * them sorted by name, then a commit record. A reader starts at the last whole commit and finds blocks by binary search in the
 * mapped indexes, newest first, without touching payloads. A writer that dies at any point, with whatever it had not synced
 * lost or reordered, loses the blocks since its last commit and nothing else. All blocks of a file are of one model and one
 * layout.
 *
 * Owns:    a reader owns its mapping and a table of commits, a writer its file and the list of uncommitted blocks.
 *          A file that somebody else cuts off below its last commit while it is mapped raises SIGBUS in who reads it, as with
 *          every mapping; writers of KVS1 and compactions never do that.
 * Threads: a reader is frozen: any number of threads. A writer is compatible: one call at a time. Any number of readers, in any
 *          process, may work beside one writer; a second writer gets KVCORE_EBUSY.
 * Errors:  the error record has byte offsets in error->offset, blocks in error->index, the errno of KVCORE_EIO in
 *          error->actual.
 * Units:   bytes; offsets count from the start of the file, 64 bits.
 */
#ifndef KVFORMAT_KVS1_H
#define KVFORMAT_KVS1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/identity.h>
#include <kvcore/status.h>
#include <kvformat/export.h>
#include <kvhash/plh.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Payloads begin at multiples of this when the config says nothing. */
#define KVFORMAT_KVS1_DEFAULT_ALIGNMENT 4096
/** Alignments are powers of two of this range. */
#define KVFORMAT_KVS1_MIN_ALIGNMENT 128
/** See KVFORMAT_KVS1_MIN_ALIGNMENT. */
#define KVFORMAT_KVS1_MAX_ALIGNMENT (1 << 20)

/** What a file is for, and what opening asks of it. */
typedef struct kvformat_kvs1_config {
    size_t struct_size;
    const kvcore_allocator *allocator; /**< NULL: libc. Copied. */
    /** Creating: of all blocks; NULL is the zero digest. Opening: what the file's must be; NULL takes any. Borrowed for the
     *  call, like the tag and the id: reader and writer keep copies. */
    const kvcore_model_digest *model_digest;
    const kvcore_layout_tag *layout_tag; /**< The same for the layout. */
    uint32_t block_tokens;               /**< Creating: tokens a block; 0: not said. Opening: 0 takes any. */
    uint32_t alignment;                  /**< Creating: 0 means the default. Opening: ignored. */
    const uint8_t *file_id;              /**< Creating: 16 bytes that tell this file from others; NULL: random ones. */
    /** Appending: cut off a commit whose record is damaged in every copy. Else such a file is refused. */
    bool cut_damaged;
} kvformat_kvs1_config;

/** The values to start from. */
#define KVFORMAT_KVS1_CONFIG_INIT \
    { sizeof(kvformat_kvs1_config), NULL, NULL, NULL, 0, 0, NULL, false }
/** KVFORMAT_KVS1_CONFIG_INIT as a function, for other languages. */
KVFORMAT_API kvformat_kvs1_config kvformat_kvs1_config_init(void);

/** What a file says of itself. */
typedef struct kvformat_kvs1_info {
    size_t struct_size;               /**< Of the caller's struct. */
    kvcore_model_digest model_digest; /**< Which model computed the blocks; all zero: not said. */
    kvcore_layout_tag layout_tag;     /**< How payloads are laid out; all zero: not said. */
    uint8_t file_id[16];              /**< Tells this file from others. */
    uint32_t version;                 /**< Of the format. */
    uint32_t alignment;               /**< Payloads begin at multiples of it. */
    uint32_t block_tokens;            /**< Tokens a block; 0: not said. */
    uint64_t commit_count;            /**< Whole commits. */
    uint64_t entry_count;             /**< In all indexes together: a name written again counts again. */
    uint64_t end_offset;              /**< Where the last whole commit ends. */
    uint64_t tail_bytes;              /**< Behind it: not committed, not looked at. */
    /** In the tail: what was a commit record and is right in no copy; 0: none. Its commit is not seen. */
    uint64_t damaged_record_offset;
    /** Records of seen commits of which one copy is damaged. The next append writes that of the last commit again. */
    uint64_t repairable_records;
} kvformat_kvs1_info;

/** The values to start from. */
#define KVFORMAT_KVS1_INFO_INIT \
    { sizeof(kvformat_kvs1_info), {{0}}, {{0}}, {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** KVFORMAT_KVS1_INFO_INIT as a function, for other languages. */
KVFORMAT_API kvformat_kvs1_info kvformat_kvs1_info_init(void);

/* --- reading -------------------------------------------------------------------------------------------------------------- */

/** Opaque. Made by kvformat_kvs1_open() and kvformat_kvs1_open_bytes(). */
typedef struct kvformat_kvs1_reader kvformat_kvs1_reader;

/** A block as its index has it. The payload is a view of the file, not yet looked at: see kvformat_kvs1_check(). */
typedef struct kvformat_kvs1_block {
    kvhash_plh name;      /**< Its name. */
    kvcore_bytes payload; /**< View of the file. */
    uint64_t offset;      /**< Of the payload. */
    uint64_t commit;      /**< Which commit wrote it, from 1. */
    uint32_t crc32c;      /**< Of the payload, as the index has it. */
} kvformat_kvs1_block;

/**
 * Open a file at its last whole commit; later commits are seen by readers opened later.
 *
 * Takes:  config may be NULL: any model, any layout.
 * Errors: KVCORE_EINVAL; KVCORE_EIO; KVCORE_ETRUNCATED shorter than a header; KVFORMAT_EMAGIC; KVCORE_ECHECKSUM of the header;
 *         KVFORMAT_EVERSION; KVCORE_EFORMAT for a path that leads to no regular file, for a header or commits that contradict
 *         themselves; KVFORMAT_EMODEL; KVFORMAT_ELAYOUT; KVFORMAT_ETOKENS; KVCORE_ECHECKSUM of an index; KVCORE_ENOMEM, also
 *         when it cannot be mapped.
 *         A file without a commit is not an error: it is empty.
 * Cost:   O(indexes + uncommitted tail); holes of a sparse tail cost nothing. For more than 16 commits also O(n log n) time and
 *         O(n) memory for the n entries of the small ones among them.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_open(const char *path, const kvformat_kvs1_config *config,
                                                               kvformat_kvs1_reader **reader, kvcore_error *error);

/**
 * The same over bytes in memory, which must outlive the reader.
 *
 * Errors: those of kvformat_kvs1_open() but KVCORE_EIO.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_open_bytes(kvcore_bytes file,
                                                                     const kvformat_kvs1_config *config,
                                                                     kvformat_kvs1_reader **reader,
                                                                     kvcore_error *error);

/** Every view of the file is gone with it. NULL is ignored. */
KVFORMAT_API void kvformat_kvs1_close(kvformat_kvs1_reader *reader);

/**
 * What the file of this reader says of itself, as much as the caller's struct has room for by its struct_size.
 *
 * Errors: KVCORE_EINVAL for NULLs and a struct_size that cannot be right; *info is then as it was.
 */
KVFORMAT_API kvcore_status kvformat_kvs1_read_info(const kvformat_kvs1_reader *reader, kvformat_kvs1_info *info);

/** The same by value; zeros for a NULL reader. */
static inline kvformat_kvs1_info kvformat_kvs1_reader_info(const kvformat_kvs1_reader *reader) {
    kvformat_kvs1_info info = KVFORMAT_KVS1_INFO_INIT;
    kvformat_kvs1_read_info(reader, &info);
    return info;
}

/**
 * The leading names that are there, newest version of each.
 *
 * Takes:  blocks[count], or NULL when the number is enough.
 * Gives:  *found: how many; a name that is not there ends it, as an ordinary result.
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EFORMAT when an index row points outside its commit.
 * Cost:   O(found · log²(entries)), for up to 16 commits O(found · commits · log(entries)); searched side by side so that
 *         cache misses overlap; never allocates.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_longest_prefix(const kvformat_kvs1_reader *reader,
                                                                         const kvhash_plh *names, size_t count,
                                                                         kvformat_kvs1_block *blocks, size_t *found,
                                                                         kvcore_error *error);

/**
 * The i-th entry of all indexes, oldest commit first, in order of names within a commit. An older version of a name is an
 * entry too: *newest says whether this is the one that readers find.
 *
 * Errors: KVCORE_EINVAL beyond the entries; KVCORE_EFORMAT when its row points outside its commit.
 * Cost:   O(log²(entries)); for up to 16 commits O(commits · log(entries)).
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_entry(const kvformat_kvs1_reader *reader, uint64_t index,
                                                                kvformat_kvs1_block *block, bool *newest,
                                                                kvcore_error *error);

/**
 * Read a block whole: is it the block that the index says, of this file, model and layout, and unchanged?
 *
 * Errors: KVCORE_EINVAL for NULL and for a block outside its commit; KVCORE_ECHECKSUM of payload or trailer; KVFORMAT_EMAGIC
 *         without a trailer; KVFORMAT_EVERSION; KVFORMAT_EMODEL; KVFORMAT_ELAYOUT; KVCORE_EFORMAT when trailer and index differ
 *         otherwise.
 * Cost:   O(payload).
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_check(const kvformat_kvs1_reader *reader,
                                                                const kvformat_kvs1_block *block, kvcore_error *error);

/**
 * kvformat_kvs1_check() for every entry, and that every index is strictly ascending. error->index is the entry.
 *
 * Errors: KVCORE_EINVAL for NULL; those; KVCORE_EFORMAT for an index out of order; KVCORE_ECHECKSUM for a commit record that is
 *         damaged, in the tail or in one of its copies: error->index is then KVCORE_NO_INDEX.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_check_all(const kvformat_kvs1_reader *reader,
                                                                    kvcore_error *error);

/* --- writing -------------------------------------------------------------------------------------------------------------- */

/** Opaque. Made by kvformat_kvs1_create() and kvformat_kvs1_append(). */
typedef struct kvformat_kvs1_writer kvformat_kvs1_writer;

/**
 * A new file. It must not exist.
 *
 * Errors: KVCORE_EINVAL; KVCORE_ECONFIG for an alignment that is not allowed; KVCORE_EIO; KVCORE_ENOMEM. The file is removed
 *         again when it could not be begun.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_create(const char *path, const kvformat_kvs1_config *config,
                                                                 kvformat_kvs1_writer **writer, kvcore_error *error);

/**
 * Go on with a file after its last whole commit; what stands behind that is cut off. The last record is written again and
 * synced first, because it may be in the page cache alone after a sync that failed.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_EBUSY when another writer has it, or when other files keep taking its path; those of kvformat_kvs1_open().
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_append(const char *path, const kvformat_kvs1_config *config,
                                                                 kvformat_kvs1_writer **writer, kvcore_error *error);

/**
 * Write a block; readers see it after the next commit. A name that is there already gets a newer version.
 *
 * Errors: KVCORE_EINVAL for NULL; KVHASH_EMODE for a name that is none; KVCORE_EOVERFLOW past 2^63 bytes of file;
 *         KVCORE_ENOMEM; KVCORE_EIO. After any of them the writer is as before, and the call may be repeated.
 * Cost:   O(payload): one pass for the checksum, one write; does not sync.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_put(kvformat_kvs1_writer *writer, kvhash_plh name,
                                                              kvcore_bytes payload, kvcore_error *error);

/**
 * Make everything put so far visible and durable. Nothing put: nothing is written.
 *
 * Errors: KVCORE_EINVAL for NULL; KVCORE_ENOMEM, or KVCORE_EIO from writing the index: the writer is as before, and the
 *         call may be repeated. After a sync or the write of the record failed nobody knows what is on the disk: every
 *         later call answers KVCORE_EIO; close the writer and append anew.
 * Cost:   O(n log n) for n blocks put, two syncs.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_commit(kvformat_kvs1_writer *writer, kvcore_error *error);

/** Blocks put since the last commit. */
KVFORMAT_API size_t kvformat_kvs1_pending(const kvformat_kvs1_writer *writer);

/** Without a commit: what was put since the last one is lost, and its room given back. NULL is ignored. */
KVFORMAT_API void kvformat_kvs1_writer_close(kvformat_kvs1_writer *writer);

/** What compacting did. */
typedef struct kvformat_kvs1_compaction {
    size_t struct_size;    /**< Of the caller's struct. */
    uint64_t blocks;       /**< Copied. */
    uint64_t bytes_before; /**< Of the old file, without its tail. */
    uint64_t bytes_after;  /**< Of the new file. */
} kvformat_kvs1_compaction;

/** The values to start from. */
#define KVFORMAT_KVS1_COMPACTION_INIT \
    { sizeof(kvformat_kvs1_compaction), 0, 0, 0 }

/** KVFORMAT_KVS1_COMPACTION_INIT as a function, for other languages. */
KVFORMAT_API kvformat_kvs1_compaction kvformat_kvs1_compaction_init(void);

/**
 * The newest version of every block of `from`, in order of names, into the new file `to` with one commit and one index, of the
 * same model, layout and alignment. Every block is checked on the way. `from` is only read.
 *
 * Errors: KVCORE_ECHECKSUM when a record in the tail of `from` is damaged (append with cut_damaged first); KVCORE_EINVAL for
 *         NULL and for a struct_size of *done that cannot be right; those of kvformat_kvs1_open(), kvformat_kvs1_check(),
 *         kvformat_kvs1_create(), kvformat_kvs1_put() and kvformat_kvs1_commit(); `to` is removed again.
 */
KVFORMAT_API KVCORE_NODISCARD kvcore_status kvformat_kvs1_compact(const char *from, const char *to,
                                                                  const kvcore_allocator *allocator,
                                                                  kvformat_kvs1_compaction *done, kvcore_error *error);

#ifdef __cplusplus
}
#endif

#endif
