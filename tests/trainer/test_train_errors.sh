#!/bin/sh
# What goes wrong ends the job within seconds with DESIGN's exit code and one line that names rank, step and cause; it loses no checkpoint, and --resume gives
# the bits of the unbroken run: a full disk at every write in turn, an error on one rank only, a stopped rank, divergence, and folders that do not fit.
. "$(dirname "$0")/train_fixture.sh"
make_dataset
make_run_file
mpirun=$source_folder/tests/mpirun
options="--set train.steps=6 --set train.save_every=2 --set train.eval_every=3"
train unbroken $options

# ends CODE PATTERN NAME COMMAND...: COMMAND ends with CODE and one line of ours, which matches PATTERN.
ends() {
    expected=$1 pattern=$2 name=$3
    shift 3
    code=0
    "$@" >"$work/$name.out" 2>"$work/$name.err" || code=$?
    grep '^weft: ' "$work/$name.err" | grep -v 'has no checkpoint: starting' >"$work/lines" || true
    [ $code = "$expected" ] || { cat "$work/$name.err" >&2; fail "$name: exit code $code, not $expected"; }
    [ "$(wc -l <"$work/lines")" = 1 ] && grep -q -- "$pattern" "$work/lines" || {
        cat "$work/$name.err" >&2
        fail "$name: not one line with '$pattern'"
    }
}

resumes() { # resumes NAME...: NAME goes on to the bits of the unbroken run
    train "$1" --resume $options
    same_as unbroken "$1"
}

# A full disk at the k-th write of a rank 0 of two, until a run survives.
k=0
code=74
while [ $code = 74 ]; do
    k=$((k + 1 + k / 2)) # the writes of a part file are many, and alike
    rm -rf "$work/full"
    code=0
    "$mpirun" -n 1 env WEFT_FAULT=file_write:$k:enospc "$weft" train "$run_file" -o "$work/full" $options : \
        -n 1 "$weft" train "$run_file" -o "$work/full" $options >"$work/full.out" 2>"$work/full.err" || code=$?
    [ $code = 74 ] || [ $code = 0 ] || { cat "$work/full.err" >&2; fail "exit code $code for a full disk at write $k"; }
    [ $code = 0 ] && break
    [ "$(grep -c '^weft: .*No space left on device' "$work/full.err")" = 1 ] || { cat "$work/full.err" >&2; fail "not one line for a full disk at write $k"; }
    resumes full
done
[ $k -gt 20 ] || fail "only write $k failed"
same_as unbroken full
last_write=$k

# An error on rank 1 alone, as it saves.
ends 74 'rank 1.*part.*Input/output error' one "$mpirun" -n 1 "$weft" train "$run_file" -o "$work/one" $options : \
    -n 1 env WEFT_FAULT=file_fsync:1:eio "$weft" train "$run_file" -o "$work/one" $options
resumes one

# A stopped rank is named by the others when their deadline has passed.
WEFT_DEADLINE_S=2 "$mpirun" -n 3 "$weft" train "$run_file" -o "$work/stopped" --set train.steps=100000 >"$work/stopped.out" 2>"$work/stopped.err" &
job=$!
while ! grep -q '^step 2/' "$work/stopped.out" && kill -0 $job 2>/dev/null; do :; done
victim=
for pid in $(pgrep -f -- "^$weft train $run_file -o $work/stopped"); do
    tr '\0' '\n' <"/proc/$pid/environ" | grep -qx 'OMPI_COMM_WORLD_RANK=2' && victim=$pid
done
kill -STOP "$victim" || fail "no rank 2 to stop"
code=0
wait $job || code=$?
[ $code = 79 ] || { cat "$work/stopped.err" >&2; fail "exit code $code for a stopped rank"; }
grep -q '^weft: rank [01] step [0-9]*: .* no end after 2 s: .*\(from\|to\) rank .*2' "$work/stopped.err" || { cat "$work/stopped.err" >&2; fail "the stopped rank is not named"; }

# Divergence: said once, and what was saved before stays.
ends 80 'not applied\|not saved' diverged "$weft" train "$run_file" -n 2 -o "$work/diverged" --set train.lr=1e3 --set train.warmup_steps=0 \
    --set train.clip=0 --set train.steps=20 --set train.save_every=1 --set model.init_std=10 --set train.precision=f32

# Folders that do not fit: refused, and left as they were.
train kept --set train.steps=4 --set train.save_every=2
cp "$work/kept/run.yaml" "$work/kept.yaml"
resume="$weft train $run_file -o $work/kept --resume"
ends 65 'another model: .*is \[.*in the run file' model $resume --set model.inner_width=192
ends 65 'was trained on other data' data $resume $options --set data.seed=5
ends 65 'global_batch 8, the run file says 4' batch $resume $options --set train.global_batch=4
ends 78 'already holds a run' again "$weft" train "$run_file" -o "$work/kept"
cmp "$work/kept.yaml" "$work/kept/run.yaml" || fail "a refused resume changed run.yaml"
mkdir "$work/kept/checkpoints/step-000098" # half-written
train kept --resume --set train.steps=4 --set train.save_every=2
grep -q 'nothing to do: 4 of 4 steps are done' "$work/kept.out" || fail "a finished run was not recognised"
cp -r "$work/kept/checkpoints/step-000004" "$work/kept/checkpoints/step-000099"
ends 65 'step-000099 holds step 4: its folder was renamed' renamed $resume --set train.steps=100
rm -r "$work/kept/checkpoints/step-000099"
train kept --resume --set train.steps=6 --set train.save_every=2 --set train.eval_every=3 --set train.schedule=constant
[ "$(losses kept | cut -d ' ' -f 1 | tr '\n' ' ')" = '1 2 3 4 5 6 ' ] || fail "steps of the log: $(losses kept | cut -d ' ' -f 1 | tr '\n' ' ')"
mkdir "$work/empty"
train empty --resume $options
same_as unbroken empty

# A filter that datad refuses, or that leaves nothing: the reason itself, and the exit code of a bad run file.
ends 78 "filter: at 1: the dataset has no column 'quality'" column "$weft" train "$run_file" -o "$work/column" --set 'data.sources[0].filter=quality > 0.4'
ends 78 'its filter lets no document through' nothing "$weft" train "$run_file" -n 2 -o "$work/nothing" --set 'data.sources[0].filter=tokens > 99999999'

# A run that could not start may be started again without --resume.
ends 74 'nowhere' nowhere "$weft" train "$run_file" -o "$work/nowhere" --set 'data.sources[0].path=/nowhere'
train nowhere $options
same_as unbroken nowhere
echo "writes up to the ${last_write}th failed, one rank failed, one stopped, divergence, nine misfits: one line each, nothing lost"
