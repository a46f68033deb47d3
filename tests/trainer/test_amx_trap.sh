#!/bin/sh
# The AMX kernel as compiled, on tiles in software (amx_trap.c): the tests of matrix products,
# attention and head, their golden bits, and training on two ranks of two threads give the bits that
# other instruction sets give, and no instruction would fault. Skipped where the CPU has AMX (the
# ordinary tests use it) or no AVX-512.
. "$(dirname "$0")/train_fixture.sh"

# software NAME: runs $build/amx/NAME, which must have used tiles.
software() {
    code=0
    "$build/amx/$1" >"$work/out" 2>&1 || code=$?
    if [ $code = 77 ]; then
        cat "$work/out"
        exit 77
    fi
    [ $code = 0 ] && grep -q '^amx: .* [1-9][0-9]* products$' "$work/out" || {
        cat "$work/out" >&2
        fail "$1 on tiles in software: exit code $code"
    }
    echo "$1: $(grep '^amx: ' "$work/out")"
}

for name in test_matmul test_attention test_head test_matrix_bits; do
    software $name
done

make_dataset
make_run_file
set -- --set train.steps=3 --set train.global_batch=4 --set train.eval_every=3 \
    --set train.eval_rows=2
WEFT_ISA=avx2 train avx2 "$@"
weft=$build/amx/weft
train amx "$@" -n 2 --set train.threads=2
same_as avx2 amx
n_ranks=$(grep -c '^amx: .* [1-9][0-9]* products$' "$work/amx.out")
[ "$n_ranks" = 2 ] || fail "$n_ranks of 2 ranks used tiles"
echo "training: $(grep '^amx: ' "$work/amx.out" | tr '\n' ' ')"
