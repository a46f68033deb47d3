#!/bin/sh
# Two phases with other sequence lengths and batches: state moves over, all phases are planned before step 0, any ranks, the same bits; resumed inside the second.
. "$(dirname "$0")/train_fixture.sh"
make_dataset
make_run_file
cat >>"$run_file" <<END
phases:
  - {steps: 6, sequence: 128, global_batch: 8, micro_batch: 1}
END
set -- --set train.steps=6 --set train.save_every=4
train one "$@"
[ "$(losses one | wc -l)" = 12 ] || fail "not 12 steps"
train three -n 3 "$@"
same_as one three
rm -r "$work/three/checkpoints/step-000012"
train three -n 2 --resume "$@"
grep -q 'resumed from .*step-000008' "$work/three.out" || fail "did not resume inside the second phase"
same_as one three
"$weft" plan "$run_file" -n 3 --walk "$@" | grep -c '^walked' | grep -qx 2 || fail "not two phases walked"

# A later phase that cannot run is said before step 0.
code=0
"$weft" train "$run_file" -o "$work/bad" "$@" --set 'train.zero=3' -n 9 2>"$work/bad.err" >/dev/null || code=$?
[ $code = 78 ] || fail "exit code $code for 9 ranks and 8 lanes"
[ ! -e "$work/bad/checkpoints/step-000004" ] || fail "it trained before it found out"
