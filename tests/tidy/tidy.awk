# Reads CMakeLists.txt and then every source file; prints one line a broken rule, "file:line: rule".
# The rules are those of HACKING.md. Layers come from CMakeLists' module() lines; narrow[] says which
# headers of a module that depends on another it may use, when not all.

BEGIN {
    narrow["shard topology"] = "topology/fabric.h"
    narrow["trainer datad"] = "datad/client.h datad/daemon.h datad/datad_config.h datad/blame.h"
    narrow["trainer shard"] = "shard/tokenizer/tokenizer.h shard/dataset/dataset.h"

    door["mpi.h"] = "topology/fabric_mpi.c"
    door["sys/socket.h"] = door["sys/un.h"] = door["netinet/in.h"] = "datad/"
    door["immintrin.h"] = door["x86intrin.h"] = "trainer/kernel/ base/hash.c shard/"

    # Memory comes from arenas, slabs and mappings; these may ask malloc, each for a reason it states.
    memory_files = "base/arena.c base/grow.c"

    banned = "(^|[^A-Za-z0-9_.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gets) *\\("
    memory = "(^|[^A-Za-z0-9_.>])(malloc|calloc|realloc|free|aligned_alloc|strdup|strndup) *\\("
    # Only commands, their machinery and the last words of a job print; the rest returns and fails.
    print_files = "base/cli.c base/err.c base/log.c topology/fabric_core.c trainer/run/train.c trainer/run/step_log.c"
    prints = "(^|[^A-Za-z0-9_.>])((printf|puts|putchar|perror) *\\(|stdout|stderr)"

    # Bracketed, so that this file does not break its own rules.
    unfinished = "(^|[^A-Za-z0-9_])([T]ODO|[F]IXME|[X]XX|[H]ACK)([^A-Za-z0-9_]|$)"
    machine_path = "/[w]ork/|/[r]oot/|/[h]ome/|\\.\\./[s]hared"
}

function broken(line, rule) {
    printf "%s:%d: %s\n", file, line, rule
    n_broken++
}

function among(list, word,    words, n, i) {
    n = split(list, words, " ")
    for (i = 1; i <= n; i++) if (words[i] == word) return 1
    return 0
}

# Is file one of the files, or in one of the folders, of list?
function within(list,    words, n, i) {
    n = split(list, words, " ")
    for (i = 1; i <= n; i++)
        if (words[i] == file || (words[i] ~ /\/$/ && index(file, words[i]) == 1)) return 1
    return 0
}

# Columns of a line of UTF-8: continuation bytes take none.
function columns(line) {
    gsub(/[\200-\277]/, "", line)
    return length(line)
}

# The line without string and character literals and comments; in_comment goes on over lines.
function code_of(line,    out, i, c, pair, quote) {
    out = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        pair = substr(line, i, 2)
        if (in_comment) {
            if (pair == "*/") { in_comment = 0; i++ }
        } else if (quote != "") {
            if (c == "\\") i++
            else if (c == quote) quote = ""
        } else if (pair == "//") {
            break
        } else if (pair == "/*") {
            in_comment = 1
            i++
        } else if (c == "\"" || c == "'") {
            quote = c
            out = out c
        } else {
            out = out c
        }
    }
    return out
}

function end_of_file() {
    if (file == "" || !is_source) return
    if (is_header && n_lines > 250) broken(n_lines, "a header has at most 250 lines")
    if (!is_header && n_lines > 800) broken(n_lines, "a source file has at most 800 lines")
    if (is_header && !has_pragma) broken(1, "a header begins with #pragma once")
}

function begin_file(    parts, n) {
    end_of_file()
    file = substr(FILENAME, length(root) + 2)
    n = split(file, parts, "/")
    name = parts[n]
    folder = n > 1 ? parts[1] : ""
    is_test = folder == "tests"
    is_header = name ~ /\.h$/
    is_source = name ~ /\.(c|h|cc)$/
    has_pragma = documented = in_comment = function_line = n_lines = 0
    if (name ~ /\.(c|h|cc|sh)$/) {
        if (name in seen) broken(1, "file names are unique; the other is " seen[name])
        seen[name] = file
    }
}

function check_include(header,    to) {
    if (header in door && !is_test && !within(door[header]))
        broken(FNR, "<" header "> is only for " door[header])
}

function check_layer(header,    to) {
    to = header
    if (!sub(/\/.*/, "", to)) { broken(FNR, "include \"folder/file.h\", not \"" header "\""); return }
    if (is_test || folder == "" || to == folder) return
    if (!(folder in uses)) broken(FNR, folder " is not a module of CMakeLists.txt")
    else if (!among(uses[folder], to)) broken(FNR, folder " may not use " to)
    else if ((folder " " to) in narrow && !among(narrow[folder " " to], header))
        broken(FNR, folder " may use only " narrow[folder " " to] " of " to)
}

function check_code(code) {
    if (match(code, banned)) broken(FNR, "banned call: " substr(code, RSTART, RLENGTH))
    if (!is_test && !within(memory_files) && match(code, memory))
        broken(FNR, "memory comes from an arena, a slab or a mapping: " substr(code, RSTART, RLENGTH))
    if (!is_test && folder != "" && name !~ /^command_/ && !within(print_files) && match(code, prints))
        broken(FNR, "only commands print: " substr(code, RSTART, RLENGTH))
    if (code ~ /^\{/) function_line = FNR
    if (code ~ /^\}/ && function_line) {
        if (FNR - function_line + 1 > 70) broken(function_line, "a function has at most 70 lines")
        function_line = 0
    }
}

# An exported function of a header has a /// above it, or above the group of lines it stands in.
function check_documented(line) {
    if (line ~ /^ *$/) documented = 0
    else if (line ~ /^\/\/\//) documented = 1
    else if (line ~ /^[a-z_A-Z][a-zA-Z0-9_ *]*[ *][a-z0-9_]+\(/ && line !~ /^(static|typedef) |INLINE/ && !documented)
        broken(FNR, "an exported function is documented by ///")
}

FNR == 1 { begin_file() }
{ n_lines++ }
file == "CMakeLists.txt" && match($0, /^module\([a-z]+/) {
    module = substr($0, 8, RLENGTH - 7)
    uses[module] = ""
    if (match($0, /DEPS[a-z ]*/)) uses[module] = substr($0, RSTART + 5, RLENGTH - 5)
}
$0 ~ unfinished { broken(FNR, "nothing is left for later in the sources: an issue or nothing") }
$0 ~ machine_path { broken(FNR, "a path of one machine") }
is_source {
    if (columns($0) > 100) broken(FNR, "a line has at most 100 columns, comments too")
    if (is_header && !is_test) check_documented($0)
    if ($0 ~ /^#pragma once/) has_pragma = 1
    if (match($0, /^ *# *include *<[^>]*>/)) {
        header = $0
        gsub(/.*<|>.*/, "", header)
        check_include(header)
    } else if (match($0, /^ *# *include *"/)) {
        split($0, quoted, "\"")
        check_layer(quoted[2])
    } else {
        check_code(code_of($0))
    }
}
END {
    end_of_file()
    exit n_broken > 0
}
