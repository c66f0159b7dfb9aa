# awk -f calls.awk answers.txt core/exports.txt … include/kvcore/status.h … > calls.h
#
# Makes one C function for every public function of the headers: it calls that one with NULL for each pointer and zero for each
# value. Fails when a library exports a function that no header declares in a form that is read here.

function trim(s) { gsub(/[ \t\n]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }

function complain(text) { print "null calls: " text > "/dev/stderr"; failed = 1 }

# The C of one argument from its declaration, "const char *text".
function argument(parameter) {
    if (parameter ~ /[*([]/) return "NULL"
    sub(/ ?[A-Za-z_0-9]+$/, "", parameter)
    sub(/^const /, "", parameter)
    return "(" parameter "){0}"
}

# What a function with this result answers when nothing else is stated.
function usual(type) {
    if (type == "void") return "nothing"
    if (type == "kvcore_status") return "EINVAL"
    if (type ~ /\*$/) return "NULL"
    if (type == "bool") return "false"
    if (type ~ /^(int|unsigned|size_t|double|u?int[0-9]+_t)$/) return "0"
    return "zero"
}

# "TYPE NAME(PARAMETERS)", without what the compiler alone needs.
function declaration(text,    open, head, name, type, parameters, depth, i, c, one, list, recorded) {
    gsub(/KVCORE_NODISCARD|__attribute__ *\(\(.*\)\)|struct /, "", text)
    text = trim(text)
    open = index(text, "(")
    head = trim(substr(text, 1, open - 1))
    if (!match(head, /[a-z_0-9]+$/)) { complain("cannot read: " text); return }
    name = substr(head, RSTART)
    type = trim(substr(head, 1, RSTART - 1))
    parameters = substr(text, open + 1)
    sub(/\) *$/, "", parameters)
    parameters = trim(parameters)
    if (parameters != "void") {
        one = ""; depth = 0
        for (i = 1; i <= length(parameters) + 1; i++) {
            c = substr(parameters, i, 1)
            if (c == "(") depth++
            if (c == ")") depth--
            if (i > length(parameters) || (c == "," && depth == 0)) {
                one = trim(one)
                if (one != "...") {
                    list = list (list == "" ? "" : ", ") (one ~ /^kvcore_error \*/ ? "record" : argument(one))
                    if (one ~ /^kvcore_error \*/) recorded = 1
                }
                one = ""
            } else one = one c
        }
    }
    if (name in declared) complain(name " is declared twice")
    declared[name] = 1
    write(name, type, list, recorded)
}

function write(name, type, list, recorded,    expected) {
    expected = name in answer ? answer[name] : usual(type)
    if (name in answer && answer[name] == usual(type)) complain(name " needs no line in answers.txt")
    order[++count] = sprintf("    {\"%s\", \"%s\", call_%s, %s},", name, expected, name, \
                             recorded && type == "kvcore_status" ? "true" : "false")
    print "static void call_" name "(kvcore_error *record, char *answer) {"
    print "    (void)record;"
    if (type == "void") {
        print "    " name "(" list ");"
        print "    say_nothing(answer);"
    } else {
        print "    " type " result = " name "(" list ");"
        if (type == "kvcore_status") print "    say_status(answer, result);"
        else if (type ~ /\*$/) print "    say_pointer(answer, result);"
        else if (type == "bool") print "    say_bool(answer, result);"
        else if (usual(type) == "0") print "    say_number(answer, (double)result);"
        else print "    say_bytes(answer, &result, sizeof result);"
    }
    print "}\n"
}

# All declarations of a header that was read to its end.
function header(text,    start, end) {
    while ((start = index(text, "/*")) > 0) {
        end = index(substr(text, start + 2), "*/")
        text = substr(text, 1, start - 1) " " substr(text, start + end + 3)
    }
    while (match(text, /KV[A-Z0-9_]+_(API|INLINE)[ \n]/)) {
        text = substr(text, RSTART + RLENGTH)
        declaration(substr(text, 1, match(text, /[;{]/) - 1))
    }
}

BEGIN { print "/* Made by calls.awk from the public headers. */\n" }
FNR == 1 && whole != "" { header(whole); whole = "" }
FILENAME ~ /answers\.txt$/ {
    if ($0 ~ /^#/ || NF == 0) next
    if (NF < 3) complain("answers.txt: " $1 " has no reason")
    answer[$1] = $2
    next
}
FILENAME ~ /exports\.txt$/ {
    if ($0 !~ /^#/ && NF > 0) exported[$1] = FILENAME
    next
}
FNR == 1 { line = FILENAME; sub(/^.*\/include\//, "", line); print "#include <" line ">" }
/^[ \t]*#/ { continued = /\\$/; next }
continued { continued = /\\$/; next }
{ whole = whole "\n" $0 }
END {
    header(whole)
    for (name in exported)
        if (!(name in declared)) complain(name " of " exported[name] " is in no header in a form that calls.awk reads")
    for (name in declared)
        if (!(name in exported)) complain(name " is declared in a header, but in no exports.txt")
    for (name in answer)
        if (!(name in declared)) complain("answers.txt: there is no function " name)
    print "static const null_call calls[] = {"
    for (i = 1; i <= count; i++) print order[i]
    print "};"
    exit failed
}
