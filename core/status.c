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
    case KVRADIX_EBUDGET: return "memory budget exceeded";
    case KVRADIX_EHOLDERS: return "no room for another holder";
    case KVRADIX_ENOTEMPTY: return "the index is not empty";
    case KVFORMAT_EMAGIC: return "not of this format";
    case KVFORMAT_EVERSION: return "unknown version of the format";
    case KVFORMAT_ETOO_LARGE: return "a field does not fit the format";
    case KVFORMAT_ELENGTH: return "a stated length is not the length there is";
    case KVFORMAT_ETRAILING: return "bytes after the end";
    case KVFORMAT_ESEQUENCE: return "a block of another place in the chain";
    case KVFORMAT_ETOKENS: return "a block of another number of tokens";
    case KVFORMAT_ELAYERS: return "another number of layers";
    case KVFORMAT_ERATIO: return "another compression ratio";
    case KVFORMAT_EROWS: return "another number of rows";
    case KVFORMAT_ELAYOUT: return "another payload layout";
    case KVFORMAT_EWINDOW: return "more rows than the window";
    case KVFORMAT_EROWS_TOTAL: return "more rows than tokens";
    case KVFORMAT_ECHECKPOINT: return "fewer tokens than installed";
    case KVFORMAT_EEND: return "no end mark";
    case KVFORMAT_EJSON: return "not the JSON it must be";
    case KVFORMAT_EMISSING: return "a field is missing";
    case KVFORMAT_ETYPE: return "a field of the wrong type";
    case KVFORMAT_EEMPTY: return "a text field is empty";
    case KVFORMAT_ESCHEMA: return "unsupported schema version";
    case KVFORMAT_EMODEL: return "of another model";
    case KVSTORE_EFOREIGN: return "a block of another name or space";
    case KVSTORE_EUNAVAILABLE: return "the store's backend does not answer";
    case KVSTORE_ECREDENTIALS: return "credentials were refused";
    case KVSTORE_EBUCKET: return "no such bucket or root";
    case KVSTORE_ECLOCK: return "the clock differs too much from the server's";
    case KVSTORE_EREDIRECT: return "the server redirects elsewhere";
    case KVSTORE_ETIMEOUT: return "the deadline passed";
    case KVSTORE_ERESPONSE: return "an answer that makes no sense";
    case KVEVENTS_ETRAILING: return "bytes follow the batch";
    case KVEVENTS_EINVALID: return "a byte or a text that means nothing";
    case KVEVENTS_EDEPTH: return "nested too deep";
    case KVEVENTS_EBATCH: return "not a batch of events";
    case KVEVENTS_EEVENT: return "not an event";
    case KVEVENTS_EFIELD: return "a field of an event is missing or wrong";
    case KVEVENTS_ESIZE: return "a batch beyond the limits";
    default: return "unknown status";
    }
}

kvcore_status kvcore_fail(kvcore_error *error, const kvcore_error *details, const char *format, ...) {
    static const kvcore_error unknown = {.code = KVCORE_EINVAL, .index = KVCORE_NO_INDEX};
    if (details == NULL) details = &unknown;
    kvcore_status status = details->code;
    if (error == NULL) return status;
    *error = *details;
    va_list arguments;
    va_start(arguments, format);
    if (format != NULL)
        vsnprintf(error->text, sizeof error->text, format, arguments);
    else
        snprintf(error->text, sizeof error->text, "%s", kvcore_status_text(status));
    va_end(arguments);
    return status;
}
