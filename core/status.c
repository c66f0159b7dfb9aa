#include <kvcore/status.h>

#include <stdarg.h>
#include <stdio.h>

const char *kvcore_status_text(kvcore_status status) {
    switch (status) {
    case KVCORE_OK: return "ok";
    case KVCORE_EINVAL: return "invalid argument";
    case KVCORE_ENOMEM: return "out of memory";
    case KVCORE_ENOSPACE: return "no room now: retry later or ask for less";
    case KVCORE_EBUSY: return "still in use";
    case KVCORE_EOVERFLOW: return "size, count or position is too large";
    case KVCORE_ENOTSUP: return "not supported yet";
    case KVCORE_EFORMAT: return "malformed input";
    case KVCORE_ETRUNCATED: return "input ends too early";
    case KVCORE_ECONFIG: return "invalid configuration";
    case KVCORE_ECHECKSUM: return "checksum mismatch";
    case KVCORE_EIO: return "input or output failed";
    case KVCORE_EBUFFER: return "buffer is too small";
    case KVCORE_ENOTFOUND: return "not found";
    case KVCORE_EINVARIANT: return "internal invariant is broken";
    case KVHASH_EPOSITION: return "block position beyond the limit";
    case KVHASH_EBLOCK_SIZE: return "block size must be greater than 0";
    case KVHASH_EMODE: return "invalid mode bits in a name";
    case KVHASH_EEMPTY_RUN: return "mm_info length must be greater than zero";
    case KVHASH_EOFFSET_OVERFLOW: return "mm_info offset and length overflow";
    case KVHASH_EOUT_OF_BOUNDS: return "mm_info range exceeds the tokens";
    case KVHASH_EOVERLAP: return "mm_info ranges overlap";
    case KVHASH_EINSUFFICIENT_TOKENS: return "TokenBlock has insufficient tokens";
    case KVHASH_EMM_RUNS_PRESENT: return "operation is not supported on a TokenBlockSequence with multimodal runs";
    case KVHASH_EINCOMPLETE: return "TokenBlock is incomplete";
    case KVLOGICAL_EGUARD: return "guard is empty, outlived or of another manager";
    case KVLOGICAL_EBLOCK_SIZE: return "block size mismatch";
    case KVLOGICAL_EDUPLICATE: return "block id already present";
    case KVLOGICAL_EORDERING: return "known block ids must come before new ones";
    case KVLOGICAL_EPOSITION: return "position of the name does not match";
    case KVLOGICAL_EHASH_MISMATCH: return "matched block does not belong to this sequence";
    case KVLOGICAL_ESTATE: return "not allowed in the current state";
    case KVLOGICAL_EBUDGET: return "token budget exceeded";
    case KVLOGICAL_EPREFILL: return "not allowed at this prefill position";
    case KVLOGICAL_EATTACHMENT: return "attachment key is already used in the other mode";
    case KVLOGICAL_EDANGLING: return "decode needs exactly one dangling token";
    case KVLOGICAL_ETOKEN: return "generated token is missing or unexpected";
    case KVRADIX_EBUDGET: return "memory budget exceeded";
    case KVRADIX_EHOLDERS: return "no room for another holder";
    case KVRADIX_ENOTEMPTY: return "the index is not empty";
    case KVFORMAT_EMAGIC: return "not data of this format";
    case KVFORMAT_EVERSION: return "unsupported format version";
    case KVFORMAT_ETOO_LARGE: return "field is too large for the format";
    case KVFORMAT_ELENGTH: return "length field does not match the data";
    case KVFORMAT_ETRAILING: return "extra bytes after the end";
    case KVFORMAT_ESEQUENCE: return "position in the chain does not match";
    case KVFORMAT_ETOKENS: return "number of tokens does not match";
    case KVFORMAT_ELAYERS: return "number of layers does not match";
    case KVFORMAT_ERATIO: return "compression ratio does not match";
    case KVFORMAT_EROWS: return "number of rows does not match";
    case KVFORMAT_ELAYOUT: return "payload layout does not match";
    case KVFORMAT_EWINDOW: return "more raw rows than the window allows";
    case KVFORMAT_EROWS_TOTAL: return "more rows than tokens";
    case KVFORMAT_ECHECKPOINT: return "fewer tokens than already installed";
    case KVFORMAT_EEND: return "end marker is missing";
    case KVFORMAT_EJSON: return "invalid JSON document";
    case KVFORMAT_EMISSING: return "required field is missing";
    case KVFORMAT_ETYPE: return "field has the wrong type";
    case KVFORMAT_EEMPTY: return "text field must not be empty";
    case KVFORMAT_ESCHEMA: return "unsupported schema version";
    case KVFORMAT_EMODEL: return "model does not match";
    case KVSTORE_EFOREIGN: return "block belongs to another name or space";
    case KVSTORE_EUNAVAILABLE: return "storage backend does not answer";
    case KVSTORE_ECREDENTIALS: return "credentials were refused";
    case KVSTORE_EBUCKET: return "bucket or root does not exist";
    case KVSTORE_ECLOCK: return "clock differs too much from the server's";
    case KVSTORE_EREDIRECT: return "server redirects to another address";
    case KVSTORE_ETIMEOUT: return "deadline exceeded";
    case KVSTORE_ERESPONSE: return "invalid response from the server";
    case KVEVENTS_ETRAILING: return "extra bytes after the batch";
    case KVEVENTS_EINVALID: return "invalid byte or text";
    case KVEVENTS_EDEPTH: return "nested too deep";
    case KVEVENTS_EBATCH: return "not a batch of events";
    case KVEVENTS_EEVENT: return "not an event";
    case KVEVENTS_EFIELD: return "field of an event is missing or wrong";
    case KVEVENTS_ESIZE: return "batch exceeds the limits";
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
