#include <kvcore/status.h>

#include <stdarg.h>
#include <stdio.h>

/* In no order: a status is said when something failed. */
static const struct {
    kvcore_status status;
    const char *text;
} texts[] = {
    {KVCORE_OK, "ok"},
    {KVCORE_EINVAL, "invalid argument"},
    {KVCORE_ENOMEM, "out of memory"},
    {KVCORE_ENOSPACE, "no room now: retry later or ask for less"},
    {KVCORE_EBUSY, "still in use"},
    {KVCORE_EOVERFLOW, "size, count or position is too large"},
    {KVCORE_ENOTSUP, "not supported yet"},
    {KVCORE_EFORMAT, "malformed input"},
    {KVCORE_ETRUNCATED, "input ends too early"},
    {KVCORE_ECONFIG, "invalid configuration"},
    {KVCORE_ECHECKSUM, "checksum mismatch"},
    {KVCORE_EIO, "input or output failed"},
    {KVCORE_EBUFFER, "buffer is too small"},
    {KVCORE_ENOTFOUND, "not found"},
    {KVCORE_EINVARIANT, "internal invariant is broken"},
    {KVHASH_EPOSITION, "block position beyond the limit"},
    {KVHASH_EBLOCK_SIZE, "block size must be greater than 0"},
    {KVHASH_EMODE, "invalid mode bits in a name"},
    {KVHASH_EEMPTY_RUN, "mm_info length must be greater than zero"},
    {KVHASH_EOFFSET_OVERFLOW, "mm_info offset and length overflow"},
    {KVHASH_EOUT_OF_BOUNDS, "mm_info range exceeds the tokens"},
    {KVHASH_EOVERLAP, "mm_info ranges overlap"},
    {KVHASH_EINSUFFICIENT_TOKENS, "TokenBlock has insufficient tokens"},
    {KVHASH_EMM_RUNS_PRESENT, "operation is not supported on a TokenBlockSequence with multimodal runs"},
    {KVHASH_EINCOMPLETE, "TokenBlock is incomplete"},
    {KVLOGICAL_EGUARD, "guard is empty, outlived or of another manager"},
    {KVLOGICAL_EBLOCK_SIZE, "block size mismatch"},
    {KVLOGICAL_EDUPLICATE, "block id already present"},
    {KVLOGICAL_EORDERING, "known block ids must come before new ones"},
    {KVLOGICAL_EPOSITION, "position of the name does not match"},
    {KVLOGICAL_EHASH_MISMATCH, "matched block does not belong to this sequence"},
    {KVLOGICAL_ESTATE, "not allowed in the current state"},
    {KVLOGICAL_EBUDGET, "token budget exceeded"},
    {KVLOGICAL_EPREFILL, "not allowed at this prefill position"},
    {KVLOGICAL_EATTACHMENT, "attachment key is already used in the other mode"},
    {KVLOGICAL_EDANGLING, "decode needs exactly one dangling token"},
    {KVLOGICAL_ETOKEN, "generated token is missing or unexpected"},
    {KVRADIX_EBUDGET, "memory budget exceeded"},
    {KVRADIX_EHOLDERS, "no room for another holder"},
    {KVRADIX_ENOTEMPTY, "the index is not empty"},
    {KVFORMAT_EMAGIC, "not data of this format"},
    {KVFORMAT_EVERSION, "unsupported format version"},
    {KVFORMAT_ETOO_LARGE, "field is too large for the format"},
    {KVFORMAT_ELENGTH, "length field does not match the data"},
    {KVFORMAT_ETRAILING, "extra bytes after the end"},
    {KVFORMAT_ESEQUENCE, "position in the chain does not match"},
    {KVFORMAT_ETOKENS, "number of tokens does not match"},
    {KVFORMAT_ELAYERS, "number of layers does not match"},
    {KVFORMAT_ERATIO, "compression ratio does not match"},
    {KVFORMAT_EROWS, "number of rows does not match"},
    {KVFORMAT_ELAYOUT, "payload layout does not match"},
    {KVFORMAT_EWINDOW, "more raw rows than the window allows"},
    {KVFORMAT_EROWS_TOTAL, "more rows than tokens"},
    {KVFORMAT_ECHECKPOINT, "fewer tokens than already installed"},
    {KVFORMAT_EEND, "end marker is missing"},
    {KVFORMAT_EJSON, "invalid JSON document"},
    {KVFORMAT_EMISSING, "required field is missing"},
    {KVFORMAT_ETYPE, "field has the wrong type"},
    {KVFORMAT_EEMPTY, "text field must not be empty"},
    {KVFORMAT_ESCHEMA, "unsupported schema version"},
    {KVFORMAT_EMODEL, "model does not match"},
    {KVSTORE_EFOREIGN, "block belongs to another name or space"},
    {KVSTORE_EUNAVAILABLE, "storage backend does not answer"},
    {KVSTORE_ECREDENTIALS, "credentials were refused"},
    {KVSTORE_EBUCKET, "bucket or root does not exist"},
    {KVSTORE_ECLOCK, "clock differs too much from the server's"},
    {KVSTORE_EREDIRECT, "server redirects to another address"},
    {KVSTORE_ETIMEOUT, "deadline exceeded"},
    {KVSTORE_ERESPONSE, "invalid response from the server"},
    {KVEVENTS_ETRAILING, "extra bytes after the batch"},
    {KVEVENTS_EINVALID, "invalid byte or text"},
    {KVEVENTS_EDEPTH, "nested too deep"},
    {KVEVENTS_EBATCH, "not a batch of events"},
    {KVEVENTS_EEVENT, "not an event"},
    {KVEVENTS_EFIELD, "field of an event is missing or wrong"},
    {KVEVENTS_ESIZE, "batch exceeds the limits"},
};

const char *kvcore_status_text(kvcore_status status) {
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status) return texts[i].text;
    return "unknown status";
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
