#!/bin/sh
# TERM, INT and USR1 to the launcher, or to a lone rank, at random moments (start, steps, saves, second phase): exit code 75, and after --resume the bits of the
# unbroken run. kill -9 of the launcher: mpirun and ranks end, and the next job removes what it left. WEFT_SIGNALS (12) signals with seed WEFT_SEED.
. "$(dirname "$0")/train_fixture.sh"
signals=${WEFT_SIGNALS:-12}
seed=${WEFT_SEED:-1}
echo "seed $seed; again: WEFT_SEED=$seed WEFT_SIGNALS=$signals $0 $build"
make_dataset
make_run_file
cat >>"$run_file" <<END
phases:
  - {steps: 6, sequence: 128, global_batch: 8, micro_batch: 1}
END
options="--set train.save_every=3 --set train.steps=8"
train unbroken $options

next_random() { # next_random LIMIT: sets $random in [0, LIMIT)
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    random=$((seed / 8 % $1))
}

steps_logged() {
    [ -e "$work/broken/log.jsonl" ] && wc -l <"$work/broken/log.jsonl" || echo 0
}

# A shell makes what it starts in the background ignore INT.
start() { # start RANKS [--resume]: in the background, as $job
    ranks=$1
    shift
    before=$(steps_logged)
    env --default-signal=INT "$weft" train "$run_file" -n "$ranks" -o "$work/broken" $options "$@" >"$work/broken.out" 2>&1 &
    job=$!
}

await_steps() { # until that many steps were logged by the job, or it has ended
    while [ "$(steps_logged)" -lt $((before + $1)) ] && kill -0 $job 2>/dev/null; do :; done
}

ended_with() {
    code=0
    wait $job || code=$?
}

pass_moments() { # pass_moments N: a short time that differs with N
    moments=$1
    while [ "$moments" -gt 0 ]; do
        moments=$((moments - 1))
        kill -0 $job 2>/dev/null || true
    done
}

n_sent=0
n_saved=0
moments_of=
while [ $n_sent -lt "$signals" ]; do
    rm -rf "$work/broken"
    resume=
    done=0
    while [ $done = 0 ]; do
        next_random 3
        start $((random + 1)) $resume
        resume=--resume
        if [ $n_sent -lt "$signals" ]; then
            next_random 4
            [ $random = 0 ] && next_random 20000 && pass_moments $random || await_steps $random
            next_random 3
            kill -$(echo TERM INT USR1 | cut -d ' ' -f $((random + 1))) $job 2>/dev/null && n_sent=$((n_sent + 1))
        fi
        ended_with
        case $code in
        0) done=1 ;;
        75)
            grep -q 'saved on a signal\|stopped before the first step' "$work/broken.out" || fail "75 without a line"
            n_saved=$((n_saved + 1))
            ;;
        # A lone process that has not come to its handler ends as any would: nothing was begun.
        130 | 138 | 143) [ "$ranks" = 1 ] && [ "$(steps_logged)" = "$before" ] || fail "exit code $code on $ranks ranks" ;;
        *) cat "$work/broken.out" >&2 && fail "exit code $code" ;;
        esac
        if [ $code = 75 ] && grep -q 'saved on a signal' "$work/broken.out"; then
            newest=$(ls "$work/broken/checkpoints" | tail -n 1)
            [ "$newest" = "$(printf 'step-%06d' "$(steps_logged)")" ] || fail "newest is $newest after step $(steps_logged)"
        fi
    done
    same_as unbroken broken
done
[ $n_saved -gt 0 ] || fail "no signal found a run under way"

# kill -9 of the launcher.
rm -rf "$work/broken"
start 2
await_steps 1
kill -9 $job
wait $job 2>/dev/null || true
pgrep -f -- "--output=$work/broken" >"$work/left" || true
for pid in $(cat "$work/left"); do
    timeout 30 tail --pid="$pid" -f /dev/null || fail "process $pid outlives its launcher: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
done
start 2 --resume
ended_with
[ $code = 0 ] || fail "exit code $code after kill -9 of the launcher"
[ -z "$(ls -d /dev/shm/weft-job-$job-* 2>/dev/null)" ] || fail "its scratch folder is left"
same_as unbroken broken

# A second signal ends a lone rank now.
rm -rf "$work/broken"
env --default-signal=INT "$weft" train "$run_file" -o "$work/broken" --set train.steps=100000 >"$work/broken.out" 2>&1 &
job=$!
before=0
await_steps 1
kill -STOP $job
kill -TERM $job
kill -INT $job
kill -CONT $job
ended_with
[ $code = 143 ] || [ $code = 130 ] || fail "exit code $code after two signals"
echo "$n_sent signals ($n_saved times saved or not begun), kill -9 of the launcher: identical bits"
