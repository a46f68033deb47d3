#!/bin/sh
# The sources keep the house rules, and each rule is seen when it is broken.
here=$(cd "$(dirname "$0")" && pwd)
source_root=$(cd "$here/../.." && pwd)
"$here/tidy" "$source_root" || exit 1

scratch=$(mktemp -d) || exit 70
trap 'rm -rf "$scratch"' EXIT
status=0

# broken FILE RULE: with the text on stdin as FILE, tidy must fail and name FILE and RULE.
broken() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/$(dirname "$1")"
    cat >"$scratch/tree/$1"
    printf 'module(base     LIBS x)\nmodule(topology DEPS base LIBS y)\nmodule(shard DEPS topology base)\n' \
        >"$scratch/tree/CMakeLists.txt"
    if "$here/tidy" "$scratch/tree" >"$scratch/out" || ! grep -q "^$1:.*$2" "$scratch/out"; then
        echo "a broken rule was not seen: $1: $2"
        cat "$scratch/out"
        status=1
    fi
}

echo '#include "topology/fabric.h"' | broken base/a.c 'base may not use topology'
echo '#include "topology/place.h"' | broken shard/a.c 'shard may use only topology/fabric.h'
echo '#include "a.h"' | broken base/b.c 'include "folder/file.h"'
echo '#include "base/a.h"' | broken other/b.c 'other is not a module'
echo '#include <mpi.h>' | broken topology/a.c '<mpi.h> is only for'
echo '#include <sys/socket.h>' | broken base/a.c '<sys/socket.h> is only for'
echo '#include <immintrin.h>' | broken base/a.c '<immintrin.h> is only for'
echo 'int x = atoi ("3");' | broken base/a.c 'banned call: .*atoi'
echo 'char *y = "/*"; void f(void) { strcpy(a, b); }' | broken tests/a.c 'banned call: .*strcpy'
echo 'void *p = malloc(3); // free' | broken base/a.c 'memory comes from'
printf '// %sDO: later\n' TO | broken base/a.c 'left for later'
printf '# see /ro%s/x\n' ot | broken docs/a.md 'a path of one machine'
printf '// %0100d\n' 0 | broken base/a.c 'at most 100 columns'
echo 'void f(void) { fprintf(stderr, "x"); }' | broken base/a.c 'only commands print'
echo 'void f(void) { printf("x"); }' | broken topology/a.c 'only commands print'
printf '#pragma once\n/// Does.\nint f(void);\n\nint g(void);\n' | broken base/a.h 'documented by'
echo 'see `base/gone.c`' | broken docs/a.md 'base/gone.c is not there'
echo 'run test_gone_2' | broken docs/a.md 'test_gone is not there'
echo 'int x;' | broken base/a.h 'pragma once'
printf '#pragma once\nsize_t x;\n' | broken base/a.h 'compiles alone'
{ echo '#pragma once'; seq -f '// %g' 250; } | broken base/a.h 'at most 250 lines'
seq -f '// %g' 801 | broken base/a.c 'at most 800 lines'
{ printf 'void f(void)\n{\n'; seq -f '    // %g' 69; echo '}'; } | broken base/a.c 'at most 70 lines'

# clean FILE: with the text on stdin as FILE, tidy must find nothing.
clean() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/$(dirname "$1")"
    cat >"$scratch/tree/$1"
    printf 'module(base LIBS x)\n' >"$scratch/tree/CMakeLists.txt"
    "$here/tidy" "$scratch/tree" || { echo "a rule was seen broken in $1"; status=1; }
}
printf '// malloc(3), strcpy(a, b)\nconst char *x = "free(\\"atoi(";\n/* gets(\nsprintf( */\n' | clean base/a.c
printf 'void f(void)\n{\n    a->free(b);\n    arena_free(c);\n}\n' | clean base/a.c
{ printf 'void f(void)\n{\n'; seq -f '    // %g' 68; echo '}'; } | clean base/a.c
echo 'void f(void) { printf("x"); }' | clean base/command_a.c
printf '#pragma once\n/// Does, and does not.\nint f(void);\nint g(void);\n' | clean base/a.h
printf '// %097d\n// é%096d\n' 0 0 | clean base/a.c

rm -rf "$scratch/tree" && mkdir -p "$scratch/tree/base" "$scratch/tree/tests"
echo 'int x;' | tee "$scratch/tree/base/a.c" >"$scratch/tree/tests/a.c"
echo 'module(base LIBS x)' >"$scratch/tree/CMakeLists.txt"
"$here/tidy" "$scratch/tree" | grep -q 'file names are unique' || { echo "two files of one name were not seen"; status=1; }
exit $status
