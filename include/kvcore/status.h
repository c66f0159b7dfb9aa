/**
 * @file
 * What a call answers, and what it says when it fails.
 *
 * Every function of the suite that can fail returns a kvcore_status: KVCORE_OK (0) or a negative code. A code keeps its
 * number for ever once released. Each library has a range of 100, and answers with codes of its own range or of core's;
 * they stand in one list so that one function can name them all.
 *
 * A miss is a result, not an error. After a failure nothing has changed, and every guard, buffer and object that went in
 * is still the caller's, unless the function's own comment says otherwise.
 *
 * Owns:    nothing. A kvcore_error belongs to the caller and may live on the stack.
 * Threads: any; nothing here has state.
 */
#ifndef KVCORE_STATUS_H
#define KVCORE_STATUS_H

#include <stdint.h>

#include <kvcore/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** KVCORE_OK or one of the negative codes below. An int, so that a library's codes and core's mix without casts. */
typedef int kvcore_status;

/** The answer must be looked at. */
#define KVCORE_NODISCARD __attribute__((warn_unused_result))

enum {
    KVCORE_OK = 0,

    /* core: -1 to -99, used by every library */
    KVCORE_EINVAL = -1,      /**< An argument no caller should pass: NULL, an index or count out of range. */
    KVCORE_ENOMEM = -2,      /**< The allocator said no. */
    KVCORE_ENOSPACE = -3,    /**< No room right now: ordinary back-pressure, try later or ask for less. */
    KVCORE_EBUSY = -4,       /**< Something of it is still held. */
    KVCORE_EOVERFLOW = -5,   /**< A size, count or position does not fit. */
    KVCORE_ENOTSUP = -6,     /**< Not supported by this build or not yet. */
    KVCORE_EFORMAT = -7,     /**< Bytes or text that are not what they should be. */
    KVCORE_ETRUNCATED = -8,  /**< The input ends too early. */
    KVCORE_ECONFIG = -9,     /**< A configuration that cannot work; the error record says which field. */
    KVCORE_ECHECKSUM = -10,  /**< A checksum does not match. */
    KVCORE_EIO = -11,        /**< The operating system failed a read or a write. */
    KVCORE_EBUFFER = -12,    /**< The caller's buffer is too small; the needed size is reported. */
    KVCORE_ENOTFOUND = -13,  /**< No such thing, where a miss is not an ordinary result. */
    KVCORE_EINVARIANT = -14, /**< A validate function found a broken invariant; the error record names it. */

    /* hashing: -100 to -199 */
    KVHASH_EPOSITION = -100,            /**< A block position beyond what the name can hold. */
    KVHASH_EBLOCK_SIZE = -101,          /**< A block size of 0, or beyond what is supported. */
    KVHASH_EMODE = -102,                /**< A decoded name with mode bits that mean nothing. */
    KVHASH_EEMPTY_RUN = -103,           /**< A multimodal run of length 0. */
    KVHASH_EOFFSET_OVERFLOW = -104,     /**< offset + length of a run does not fit in 64 bits. */
    KVHASH_EOUT_OF_BOUNDS = -105,       /**< A run ends past the tokens. */
    KVHASH_EOVERLAP = -106,             /**< A run starts before the previous one ends. */
    KVHASH_EINSUFFICIENT_TOKENS = -107, /**< More tokens to remove than there are. */
    KVHASH_EMM_RUNS_PRESENT = -108,     /**< Not possible on a sequence with multimodal runs. */
    KVHASH_EINCOMPLETE = -109,          /**< A block that does not have all its tokens. */

    /* logical: -200 to -299 */
    KVLOGICAL_EGUARD = -200,         /**< A guard that is empty, of another manager, or outlived. */
    KVLOGICAL_EBLOCK_SIZE = -201,    /**< A block staged with a number of tokens that is not the manager's. */
    KVLOGICAL_EDUPLICATE = -202,     /**< A block id that is there already. */
    KVLOGICAL_EORDERING = -203,      /**< A known block id after a new one. */
    KVLOGICAL_EPOSITION = -204,      /**< A name whose position is not where the block would go. */
    KVLOGICAL_EHASH_MISMATCH = -205, /**< A matched block whose name is not the sequence's. */
    KVLOGICAL_ESTATE = -206,         /**< Not possible in the state the object is in. */
    KVLOGICAL_EBUDGET = -207,        /**< More tokens than the request may still generate. */
    KVLOGICAL_EPREFILL = -208,       /**< Prefill is complete already, not complete yet, or would overrun. */
    KVLOGICAL_EATTACHMENT = -209,    /**< An attachment key used in the other mode before. */
    KVLOGICAL_EDANGLING = -210,      /**< Not the one token that decode needs behind what is computed. */
    KVLOGICAL_ETOKEN = -211,         /**< A token where prefill yields none, or none where it yields one. */

    /* radix: -300 to -399 */
    KVRADIX_EBUDGET = -300,   /**< The memory guardrail refuses. */
    KVRADIX_EHOLDERS = -301,  /**< More holders than the index was made for. */
    KVRADIX_ENOTEMPTY = -302, /**< A dump is loaded into an index that knows something already. */

    /* format: -400 to -499 */
    KVFORMAT_EMAGIC = -400,      /**< Not of this format: other bytes stand where its magic would. */
    KVFORMAT_EVERSION = -401,    /**< Of this format, but a version that is not known here. */
    KVFORMAT_ETOO_LARGE = -402,  /**< A field that the format has no room for, or a count that contradicts another. */
    KVFORMAT_ELENGTH = -403,     /**< A stated length is not the length of what is there. */
    KVFORMAT_ETRAILING = -404,   /**< Bytes after the end. */
    KVFORMAT_ESEQUENCE = -405,   /**< A block of another place in its chain. */
    KVFORMAT_ETOKENS = -406,     /**< A block of another number of tokens. */
    KVFORMAT_ELAYERS = -407,     /**< Of a model with another number of layers. */
    KVFORMAT_ERATIO = -408,      /**< A layer with another compression ratio than the model's. */
    KVFORMAT_EROWS = -409,       /**< A layer with another number of rows than its ratio gives. */
    KVFORMAT_ELAYOUT = -410,     /**< Laid out for something else: another layout tag, dimensions, element size. */
    KVFORMAT_EWINDOW = -411,     /**< More rows than the model's window. */
    KVFORMAT_EROWS_TOTAL = -412, /**< More rows than tokens. */
    KVFORMAT_ECHECKPOINT = -413, /**< Fewer tokens than are installed already. */
    KVFORMAT_EEND = -414,        /**< The word that marks the end is not there. */
    KVFORMAT_EJSON = -415,       /**< Not JSON, or not the JSON that the document must be. */
    KVFORMAT_EMISSING = -416,    /**< A field that must be there is not. */
    KVFORMAT_ETYPE = -417,       /**< A field of another type, or out of its range. */
    KVFORMAT_EEMPTY = -418,      /**< A text field that is empty. */
    KVFORMAT_ESCHEMA = -419,     /**< A document of a schema version that is not known here. */
    KVFORMAT_EMODEL = -420,      /**< Computed by another model. */

    /* store: -500 to -599 */
    KVSTORE_EFOREIGN = -500,     /**< A whole stored block, but not of the name or the space that was asked for. */
    KVSTORE_EUNAVAILABLE = -501, /**< The backend does not answer: the breaker is open. */
    KVSTORE_ECREDENTIALS = -502, /**< The server does not know us, or does not let us. */
    KVSTORE_EBUCKET = -503,      /**< There is no such bucket or root. */
    KVSTORE_ECLOCK = -504,       /**< Our clock and the server's are too far apart. */
    KVSTORE_EREDIRECT = -505,    /**< The server says that the bucket is elsewhere. */
    KVSTORE_ETIMEOUT = -506,     /**< The deadline passed first. */
    KVSTORE_ERESPONSE = -507,    /**< The server's answer is not what it must be. */

    /* events: -600 to -699 */
    KVEVENTS_ETRAILING = -600, /**< Bytes follow the batch. */
    KVEVENTS_EINVALID = -601,  /**< A byte that begins nothing, or text that is not UTF-8. */
    KVEVENTS_EDEPTH = -602,    /**< Nested deeper than the limit. */
    KVEVENTS_EBATCH = -603,    /**< The outer value is no batch. */
    KVEVENTS_EEVENT = -604,    /**< An element of the batch is no event. */
    KVEVENTS_EFIELD = -605,    /**< A field of the wrong type or sign, or a missing one. */
    KVEVENTS_ESIZE = -606,     /**< More bytes, events, hashes or tokens than the limit. */
};

/** An index field that does not apply. */
#define KVCORE_NO_INDEX UINT64_MAX

/**
 * What failed, in numbers and in words. Zero it or leave it uninitialised: a call writes all of it, and only on failure.
 * Which fields mean something stands with the call; the others are 0 (index: KVCORE_NO_INDEX).
 */
typedef struct kvcore_error {
    kvcore_status code;   /**< The status that the call returned. */
    uint64_t index;       /**< Which element of the input, counted from 0. */
    uint64_t expected;    /**< What would have been right. */
    uint64_t actual;      /**< What was there. */
    uint64_t offset;      /**< Where: a byte offset in parsers and decoders, a token offset in multimodal runs. */
    uint64_t length;      /**< How long the thing at that offset is. */
    uint64_t reserved[4]; /**< 0: room for more numbers. */
    char text[160];       /**< For people; never empty, NUL terminated, cut if longer. */
} kvcore_error;

/** A short English sentence for any code of any library of the suite. Valid for the life of the process, never NULL. */
KVCORE_API const char *kvcore_status_text(kvcore_status status);

/**
 * Fill an error record: for the libraries of the suite and for those built on them.
 *
 * Takes:  error may be NULL, then nothing is written. `details` gives code and numbers; its text is ignored. The text is
 *         made from `format` as printf would.
 * Gives:  details->code (KVCORE_EINVAL when details is NULL), so that a function can end with `return kvcore_fail(error, ...)`.
 * Errors: none of its own: it returns the code that it was given (KVCORE_EINVAL without details).
 */
KVCORE_API kvcore_status kvcore_fail(kvcore_error *error, const kvcore_error *details, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
