#!/bin/sh
# kill -9 of a rank, of datad or of mpirun at a random moment, then --resume, until the run is done: the bits of the unbroken run, with a mixture
# whose weights change and best-fit packing. WEFT_KILLS (20) kills with seed WEFT_SEED. 1,000 kills: WEFT_KILLS=1000 tests/trainer/test_train_kill.sh BUILD
. "$(dirname "$0")/train_fixture.sh"
kills=${WEFT_KILLS:-20}
seed=${WEFT_SEED:-1}
echo "seed $seed; again: WEFT_SEED=$seed WEFT_KILLS=$kills $0 $build"
make_dataset
mkdir "$work/prose"
cp "$source_folder"/docs/*.md "$work/prose"
"$weft" shard build -o "$work/more" -t "$work/tokenizer.json" --bin-tokens 5000 "$work/prose" >/dev/null
make_run_file
sed -i "s|^  sources:|  packing: best-fit\\n  mixture: [{from_step: 8, weights: own=1 prose=3}]\\n  sources:\\n    - {name: prose, path: $work/more, weight: 1}|" "$run_file"
train unbroken --set train.save_every=2

next_random() { # next_random LIMIT: sets $random in [0, LIMIT)
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    random=$((seed / 8 % $1))
}

victims() { # process ids of a kind for the run under way
    case $1 in
    rank) pgrep -f "^[^ ]*weft train .*--output=$work/broken" ;;
    mpirun) pgrep -f "^mpirun .*--output=$work/broken" ;;
    datad) pgrep -f "^[^ ]*weft datad .*$work/broken" ;;
    esac
}

kill_one() { # kill_one KIND: true if there was one
    found=$(victims "$1") || return 1
    next_random 1000
    n=$(echo "$found" | wc -l)
    kill -9 "$(echo "$found" | sed -n "$((random % n + 1))p")" 2>/dev/null
}

n_killed=0
n_rounds=0
killed_kinds=
while [ "$n_killed" -lt "$kills" ]; do
    rm -rf "$work/broken"
    resume=
    done=0
    n_rounds=$((n_rounds + 1))
    while [ "$done" = 0 ]; do
        next_random 4
        ranks=$((random + 2))
        "$weft" train "$run_file" -n $ranks -o "$work/broken" --set train.save_every=2 $resume >"$work/broken.out" 2>&1 &
        job=$!
        resume=--resume
        if [ "$n_killed" -lt "$kills" ]; then
            next_random 160
            sleep "$(awk -v r="$random" 'BEGIN { print 0.1 + r / 100 }')"
            next_random 3
            kind=$(echo rank mpirun datad | cut -d ' ' -f $((random + 1)))
            if kill_one "$kind"; then
                n_killed=$((n_killed + 1))
                killed_kinds="$killed_kinds $kind"
            fi
        fi
        code=0
        wait $job || code=$?
        [ $code = 0 ] && done=1
        case $code in 65 | 70 | 77 | 78 | 80) cat "$work/broken.out" >&2; fail "exit code $code after kill $n_killed" ;; esac
    done
    same_as unbroken broken
done
echo "$n_killed kills ($(echo "$killed_kinds" | tr ' ' '\n' | grep . | sort | uniq -c | tr -s ' \n' ' ')) in $n_rounds runs: identical bits"
[ -z "$(ls /dev/shm/weft-job-* 2>/dev/null)" ] || echo "note: scratch folders of killed launchers are left"
