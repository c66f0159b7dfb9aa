# sed -E -f filter.sed: Doxygen's filter for our headers. The sections of a comment ("Errors: KVCORE_EINVAL …", at the start of
# a line or behind a sentence) become the commands that the Doxyfile defines ("@kverrors KVCORE_EINVAL …"). A struct_size gets
# its comment, which is the same everywhere. Line numbers stay as they are.
/^ *\* |\/\*\*/ {
    s/(\* |[.:;)] )(Owns|Threads|Errors|Gives|Takes|Cost|Units|Source|Limits|Secrets): */\1@kv\2 /g
    s/(\* )Not here: */\1@kvNothere /
}
# What is said to the compiler alone.
s/^KV[A-Z0-9_]+_(API|INLINE)( |$)//
s|^( *size_t struct_size;)$|\1 /**< Bytes of this struct as the caller knows it; its _INIT macro sets it. */|
s|/\*\* (@name .*) @\{ \*/|/** \1 */ /** @{ */|
# "size_t a, b; /**< … */": the comment is for both.
:split
s#([a-z0-9_]+) (\*?[a-z0-9_]+), (\*?[a-z0-9_]+(, \*?[a-z0-9_]+)*); +(/\*\*<[^*]*\*/)$#\1 \2; \5 \1 \3; \5#
t split
