#!/bin/sh
# Mistakes and accidents that people meet: each is one line on stderr that begins with "weft: ", an exit code of
# base/err.h, and nothing half-written. On one rank and on two.
. "$(dirname "$0")/train_fixture.sh"
cd "$work"

# expect CODE PATTERN COMMAND...: exit code, and one line that matches the shell pattern after "weft: ".
expect() {
    expected_code=$1
    pattern=$2
    shift 2
    code=0
    "$@" >out 2>errors || code=$?
    line=$(cat errors)
    [ "$code" -eq "$expected_code" ] || fail "$*: exit code $code, not $expected_code: $line"
    [ "$(wc -l <errors)" -eq 1 ] || fail "$*: not one line on stderr: $line"
    # shellcheck disable=SC2254 # a pattern
    case $line in
    "weft: "$pattern) ;;
    *) fail "$*: said: $line" ;;
    esac
}

# absent PATH...: none of them was made.
absent() {
    for path in "$@"; do
        [ ! -e "$path" ] || fail "$path was made"
    done
}

make_dataset
make_run_file
sed -e 's/global_batch: [0-9]*/global_batch: 16/' -e 's/micro_batch: [0-9]*/micro_batch: 2/' run.yaml >good.yaml

# --- the run file ---

sed 's/layers: 2/layrs: 2/' good.yaml >bad.yaml
for ranks in 1 2; do
    expect 78 "bad.yaml:1: unknown key 'model.layrs'; did you mean 'model.layers'?" "$weft" train bad.yaml -n $ranks
    expect 78 "*'model.width'*" "$weft" train good.yaml -n $ranks -o new --set model.width=wide
    expect 78 "*global_batch 16 is not a multiple of*micro_batch 3*" \
        "$weft" train good.yaml -n $ranks -o new --set train.micro_batch=3
    expect 74 "open absent.yaml: No such file or directory" "$weft" train absent.yaml -n $ranks
done
expect 78 "9 ranks but 8 lanes a step*" "$weft" train good.yaml -n 9 -o new
expect 78 "*9 ranks*8 lanes*" "$weft" plan good.yaml -n 9
expect 64 "*" "$weft" train good.yaml --rank 2
absent bad absent new

# --- the data ---

mkdir empty-folder
: >empty-file.txt
for input in empty-folder empty-file.txt; do
    expect 65 "no text to train a tokenizer on" "$weft" tokenizer train -o new.json --vocab 512 $input
    expect 65 "no document in the input*" "$weft" shard build -o new-data -t tokenizer.json $input
done
expect 74 "*absent*" "$weft" tokenizer train -o new.json --vocab 512 absent
expect 74 "*absent*" "$weft" shard build -o new-data -t tokenizer.json absent
expect 78 "a vocabulary of 100 tokens; from 257*" "$weft" tokenizer train -o new.json --vocab 100 text
expect 74 "*absent.json*" "$weft" shard build -o new-data -t absent.json text
absent new.json new-data
for ranks in 1 2; do
    expect 78 "model.vocabulary 300 is smaller than the data's 512*" \
        "$weft" train good.yaml -n $ranks -o small$ranks --set model.vocabulary=300
    # Nothing was trained, so the same folder can be used once the mistake is mended.
    "$weft" train good.yaml -n $ranks -o small$ranks --set train.steps=2 >out 2>&1 ||
        fail "after a mended mistake: $(cat out)"
    expect 74 "data.sources?0?.path: no folder $work/no-data" \
        "$weft" train good.yaml -n $ranks -o nodata$ranks --set "data.sources[0].path=$work/no-data"
done
# What datad says of its data before it serves any ends the run at once, with datad's line and exit code.
mkdir no-index no-shard half-shard
cp data/*.json data/*.shard half-shard
cp data/*.json no-shard
truncate -s 3000 half-shard/shard-00000.shard
for ranks in 1 2; do
    expect 74 "datad ended with exit code 74: source own: open $work/no-shard/shard-00000.shard: No such file*" \
        "$weft" train good.yaml -n $ranks -o noshard$ranks --set "data.sources[0].path=$work/no-shard"
done
expect 74 "datad ended with exit code 74: source own: no dataset in $work/no-index *: weft shard build makes one*" \
    "$weft" train good.yaml -o noindex --set "data.sources[0].path=$work/no-index"
expect 65 "datad ended with exit code 65: source own: $work/half-shard/shard-00000.shard: truncated*" \
    "$weft" train good.yaml -o halfshard --set "data.sources[0].path=$work/half-shard"
expect 78 "datad ended with exit code 78: source own: filter: *no column 'foo'*" \
    "$weft" train good.yaml -o nocolumn --set "data.sources[0].filter=foo > 1"

# --- checkpoints and folders ---

"$weft" train good.yaml -n 2 -o run --set train.steps=4 >out 2>&1 || fail "training: $(cat out)"
before=$(cd run/checkpoints && find . -type f -exec cksum {} + | sort)
for ranks in 1 2; do
    expect 78 "run already holds a run: use --resume to go on, or -o for another folder" \
        "$weft" train good.yaml -n $ranks -o run
    expect 65 "run/checkpoints/step-000004*" "$weft" train good.yaml -n $ranks -o run --resume --set model.width=96
    (
        exec 9>run/lock
        flock 9
        expect 77 "run is in use by another job*" "$weft" train good.yaml -n $ranks -o run --resume
    )
done
[ "$before" = "$(cd run/checkpoints && find . -type f -exec cksum {} + | sort)" ] || fail 'a refusal changed a checkpoint'

# A socket that is somebody else's.
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 700 theirs
    chown 65534 theirs
    for ranks in 1 2; do
        expect 77 "*theirs*belongs to user 65534*" \
            "$weft" train good.yaml -n $ranks -o new$ranks --set "data.socket=$work/theirs/datad.sock"
    done
fi

# --- a full disk ---

# The checkpoint before stays, and the run goes on from it with the bits of an unbroken run.
"$weft" train good.yaml -n 2 -o whole --set train.steps=8 --set train.save_every=4 >out 2>&1 || fail "training: $(cat out)"
expected=$(sed -n 's/^saved .*step-000008  parameters //p' out)
[ -n "$expected" ] || fail "no hash of the parameters: $(cat out)"
spaces=-m
[ "$(id -u)" -eq 0 ] || spaces=-rm
if unshare $spaces true 2>/dev/null; then
    mkdir full
    unshare $spaces sh -eu -c '
        mount -t tmpfs -o size=3m none full
        head -c 1000000 /dev/zero >full/ballast
        code=0
        "$1" train good.yaml -n 2 -o full/run --set train.steps=8 --set train.save_every=4 --set train.keep=9 >out 2>errors || code=$?
        [ "$code" -eq 74 ] || { echo "exit code $code"; cat errors; exit 1; }
        [ "$(wc -l <errors)" -eq 1 ] || { echo "not one line:"; cat errors; exit 1; }
        grep -q "^weft: .*No space left on device" errors || { cat errors; exit 1; }
        [ "$(ls full/run/checkpoints/*/manifest)" = full/run/checkpoints/step-000004/manifest ] ||
            { ls full/run/checkpoints; exit 1; }
        rm full/ballast
        "$1" train good.yaml -n 2 -o full/run --set train.steps=8 --set train.save_every=4 --resume >out 2>&1 ||
            { cat out; exit 1; }' sh "$weft" >result 2>&1 || fail "a full disk: $(cat result)"
    [ "$(sed -n 's/^saved .*step-000008  parameters //p' out)" = "$expected" ] || fail "after a full disk: $(cat out)"
fi
expect 74 "*No space left on device*" env WEFT_FAULT=file_write:1:enospc "$weft" tokenizer train -o new.json --vocab 512 text
expect 74 "*No space left on device*" env WEFT_FAULT=file_write:3:enospc "$weft" shard build -o new-data -t tokenizer.json text
absent new.json new-data
