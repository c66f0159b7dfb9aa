#include <kvcore/status.h>

#include <stdarg.h>
#include <stdio.h>

const char *kvcore_status_text(kvcore_status status) {
    switch (status) {
    case KVCORE_OK: return "ok";
    case KVCORE_EINVAL: return "invalid argument";
    case KVCORE_ENOMEM: return "out of memory";
    case KVCORE_ENOSPACE: return "not enough room now";
    case KVCORE_EBUSY: return "still in use";
    case KVCORE_EOVERFLOW: return "a size, count or position is too large";
    case KVCORE_ENOTSUP: return "not supported yet";
    case KVCORE_EFORMAT: return "malformed input";
    case KVCORE_ETRUNCATED: return "the input ends too early";
    case KVCORE_ECONFIG: return "invalid configuration";
    case KVCORE_ECHECKSUM: return "checksum mismatch";
    case KVCORE_EIO: return "input or output failed";
    case KVCORE_EBUFFER: return "the buffer is too small";
    case KVCORE_ENOTFOUND: return "not found";
    case KVCORE_EINVARIANT: return "an internal invariant is broken";
    case KVHASH_EPOSITION: return "block position beyond the limit";
    case KVHASH_EBLOCK_SIZE: return "block size must be greater than 0";
    case KVHASH_EMODE: return "mode bits of a name mean nothing";
    case KVHASH_EEMPTY_RUN: return "mm_info length must be greater than zero";
    case KVHASH_EOFFSET_OVERFLOW: return "mm_info offset and length overflow";
    case KVHASH_EOUT_OF_BOUNDS: return "mm_info range exceeds the tokens";
    case KVHASH_EOVERLAP: return "mm_info ranges overlap";
    case KVHASH_EINSUFFICIENT_TOKENS: return "TokenBlock has insufficient tokens";
    case KVHASH_EMM_RUNS_PRESENT: return "operation is not supported on a TokenBlockSequence with multimodal runs";
    case KVHASH_EINCOMPLETE: return "TokenBlock is incomplete";
    case KVLOGICAL_EGUARD: return "guard is empty, foreign or outlived";
    case KVLOGICAL_EBLOCK_SIZE: return "block size mismatch";
    case KVLOGICAL_EDUPLICATE: return "block id already present";
    case KVLOGICAL_EORDERING: return "a known block id after a new one";
    case KVLOGICAL_EPOSITION: return "name and position do not agree";
    case KVLOGICAL_EHASH_MISMATCH: return "matched block is not of this sequence";
    case KVLOGICAL_ESTATE: return "not possible in this state";
    case KVLOGICAL_EBUDGET: return "token budget exceeded";
    case KVLOGICAL_EPREFILL: return "prefill position does not allow it";
    case KVLOGICAL_EATTACHMENT: return "attachment key used in the other mode";
    case KVLOGICAL_EDANGLING: return "not one dangling token";
    case KVLOGICAL_ETOKEN: return "a generated token is missing or too many";
    default: return "unknown status";
    }
}

kvcore_status kvcore_fail(kvcore_error *error, const kvcore_error *details, const char *format, ...) {
    if (error != NULL) {
        *error = *details;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return details->code;
}
