/**
 * @file
 * Manifests and delta facts of WombatKV (JSON, schema version 1), and the replay of deltas.
 *
 * Owns:    a parsed document is one allocation of the caller's allocator (the JSON library uses malloc meanwhile); destroy it.
 *          Replay allocates nothing and borrows everything.
 * Threads: any; a parsed document is frozen.
 * Source:  WombatKV, wombatkv-core; pinned by metadata of the wombat vectors.
 *
 * Three corners differ from upstream, because of the JSON library (jansson): an integer of 2^63 or more is not JSON here; a
 * field given twice is refused even if it is one that nobody knows; −0 is an integer.
 */
#ifndef KVWOMBAT_MANIFEST_H
#define KVWOMBAT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include <kvcore/allocator.h>
#include <kvcore/bytes.h>
#include <kvcore/status.h>
#include <kvwombat/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The two entry points of upstream; they differ in which of two defects they report. */
typedef enum kvwombat_parser {
    KVWOMBAT_PARSER_DISPATCH = 0, /**< Looks at schema_version first, then parses as the version says. */
    KVWOMBAT_PARSER_STRICT = 1    /**< Parses everything as version 1, then looks at the version. */
} kvwombat_parser;

/** One object and the keys that it covers. */
typedef struct kvwombat_manifest_entry {
    kvcore_bytes object_id;       /**< Name of the object. */
    kvcore_bytes key_range_start; /**< First key. */
    kvcore_bytes key_range_end;   /**< Not compared with the start. */
} kvwombat_manifest_entry;

/** A whole manifest. */
typedef struct kvwombat_manifest {
    uint64_t epoch_ms;                      /**< Milliseconds since the Unix epoch. */
    uint32_t checksum32;                    /**< As stated: what it is of is defined nowhere, so it is not verified. */
    uint16_t schema_version;                /**< 1. */
    const kvwombat_manifest_entry *entries; /**< Goes with the manifest. */
    size_t entry_count;                     /**< How many entries. */
} kvwombat_manifest;

/**
 * Takes:  allocator may be NULL (libc).
 * Errors: KVCORE_EINVAL for NULL;
 *         dispatch KVFORMAT_EJSON; KVFORMAT_EMISSING without schema_version, or when it is no object; KVFORMAT_ETYPE for one
 *         that is no integer of 0 … 65535; KVFORMAT_ESCHEMA for one other than 1 (in error->actual); then those of strict.
 *         strict   KVFORMAT_EJSON for text that is not JSON and for a field that is missing, given twice, of another type or
 *         out of range; KVFORMAT_ESCHEMA; KVFORMAT_EEMPTY for the first empty text, entry by entry.
 *         Where one field is at fault, error->text begins with its name and a blank; error->index is the entry.
 *         Both: KVCORE_ENOMEM.
 * Cost:   O(text).
 */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_manifest_parse(kvcore_bytes text, kvwombat_parser parser,
                                                                    const kvcore_allocator *allocator,
                                                                    const kvwombat_manifest **manifest,
                                                                    kvcore_error *error);
/** NULL is ignored. */
KVWOMBAT_API void kvwombat_manifest_destroy(const kvwombat_manifest *manifest);

/** A fact: a writer says what it wrote under which key. */
typedef struct kvwombat_delta {
    uint64_t epoch_ms;           /**< Milliseconds since the Unix epoch. */
    uint64_t seq;                /**< Of the writer. */
    kvcore_bytes tenant_id;      /**< Part of the key. */
    kvcore_bytes fingerprint;    /**< Part of the key. */
    kvcore_bytes prefix_hash;    /**< Part of the key. */
    kvcore_bytes payload_digest; /**< What was written. */
    kvcore_bytes write_id;       /**< Which write it was. */
    uint16_t schema_version;     /**< 1. */
} kvwombat_delta;

/** The same for a delta. Errors: as kvwombat_manifest_parse(). */
KVWOMBAT_API KVCORE_NODISCARD kvcore_status kvwombat_delta_parse(kvcore_bytes text, kvwombat_parser parser,
                                                                 const kvcore_allocator *allocator,
                                                                 const kvwombat_delta **delta, kvcore_error *error);
/** NULL is ignored. */
KVWOMBAT_API void kvwombat_delta_destroy(const kvwombat_delta *delta);

/** Two facts that say different things of one key: indices into the facts. */
typedef struct kvwombat_conflict {
    size_t winner; /**< The fact that holds. */
    size_t loser;  /**< The fact that does not. */
} kvwombat_conflict;

/** What a replay came to. */
typedef struct kvwombat_replay_stats {
    size_t winner_count;            /**< Keys, each with one winner. */
    uint64_t duplicates_idempotent; /**< Later facts that say what the winner says. */
    uint64_t duplicates_conflict;   /**< Later facts that say something else; as many as conflicts. */
} kvwombat_replay_stats;

/**
 * Which facts hold: of each (tenant, fingerprint, prefix hash) the first by (epoch, seq, write id as text, place in the input).
 *
 * Takes:  room for `count` indices and `count` conflicts.
 * Gives:  winners in order of their key (bytewise), conflicts in order of replay.
 * Cost:   O(count · log count), never allocates.
 */
KVWOMBAT_API void kvwombat_delta_replay(const kvwombat_delta *facts, size_t count, size_t *winners,
                                        kvwombat_conflict *conflicts, kvwombat_replay_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
