# awk -f errors.awk include/kvcore/status.h include/*/*.h: does every function that returns a kvcore_status say which?
#
# Its own comment has a section "Errors:" that names status codes of kvcore/status.h, or a function whose section does so itself:
# one hop, not two. Every function that a comment names exists.

function complain(text) { print text > "/dev/stderr"; failed = 1 }

# What stands behind "Errors:", up to the next section.
function errors_of(comment,    text) {
    if (!match(comment, /Errors( of [a-z ]+)?:/)) return ""
    text = substr(comment, RSTART + RLENGTH)
    if (match(text, /(Gives|Takes|Cost|Threads|Units|Source|Owns|Limits):/)) text = substr(text, 1, RSTART - 1)
    return text
}

function declaration(text,    name, head) {
    head = substr(text, 1, index(text, "(") - 1)
    if (!match(head, /kv[a-z0-9_]+$/)) return
    name = substr(head, RSTART)
    where[name] = FILENAME
    declared[name] = 1
    if (head ~ /kvcore_status /) section[name] = errors_of(comment) == "" ? "-" : errors_of(comment)
}

FILENAME ~ /kvcore\/status\.h$/ && /^ *KV[A-Z]+_[A-Z_]+ = / { code[$1] = 1 }

/^ *\/\*\*/ { comment = ""; inside = 1 }
inside {
    comment = comment " " $0
    all[FILENAME] = all[FILENAME] " " $0
    if (/\*\//) inside = 0
    next
}
/^KV[A-Z0-9_]+_(API|INLINE)( |$)|^static inline / { text = ""; collecting = 1 }
collecting {
    text = text " " $0
    if (/\(/) { declaration(text); collecting = 0; comment = "" }
    next
}
/^$/ { comment = "" }

END {
    for (name in section) {
        text = section[name]
        if (text == "-") { complain(where[name] ": " name "() does not say its statuses (Errors:)"); continue }
        named = 0
        while (match(text, /(^|[^A-Z_])KV[A-Z]+_E[A-Z_]+|kv[a-z0-9_]+\(\)/)) {
            word = substr(text, RSTART, RLENGTH)
            text = substr(text, RSTART + RLENGTH)
            sub(/^[^kK]/, "", word)
            named = 1
            if (word ~ /\(\)$/) {
                sub(/\(\)/, "", word)
                if (section[word] ~ /kv[a-z0-9_]+\(\)/)
                    complain(where[name] ": " name "() has the errors of " word "(), which has those of another: write them out")
            } else if (!(word in code) && word !~ /_BYTES$/) complain(where[name] ": " name "() names " word ", which is no status")
        }
        if (!named) complain(where[name] ": " name "() has a section Errors that names no status")
    }
    for (file in all) {
        text = all[file]
        while (match(text, /kv[a-z0-9]+_[a-z0-9_]+\(\)/)) {
            word = substr(text, RSTART, RLENGTH - 2)
            text = substr(text, RSTART + RLENGTH)
            if (!(word in declared)) complain(file ": there is no function " word "()")
        }
    }
    exit failed
}
