#!/bin/sh
# weft eval gives, for each checkpoint, the validation loss that training logged at that step, digit
# for digit, on one rank and on two; on random tokens and on text held out.
. "$(dirname "$0")/command_fixture.sh"
field() { # field FILE STEP: val_loss that the line of STEP holds
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    record = json.loads(line)
    if record["step"] == int(sys.argv[2]):
        print("%.9g" % record["val_loss"])' "$1" "$2"
}
loss() { python3 -c 'import json, sys; print("%.9g" % json.load(sys.stdin)["val_loss"])'; }
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }

cat >run.yaml <<EOY
model: {layers: 1, width: 32, heads: 4, inner_width: 64, vocabulary: 97, init_std: 0.2}
data: {kind: random}
train: {steps: 4, sequence: 16, global_batch: 8, micro_batch: 2, lr: 0.02, threads: 1,
        eval_every: 2, eval_rows: 8, save_every: 2}
EOY
"$weft" train run.yaml >log 2>&1 || fail "$(cat log)"
for step in 2 4; do
    want=$(field run/log.jsonl $step)
    [ -n "$want" ] || fail "no val_loss of step $step in the log"
    got=$("$weft" eval run --step $step --json | loss)
    [ "$got" = "$want" ] || fail "step $step: $got, training said $want"
    got=$("$tests/mpirun" -n 2 "$weft" eval run --step $step --json | loss)
    [ "$got" = "$want" ] || fail "step $step on two ranks: $got, training said $want"
done
[ "$(field run/log.jsonl 2)" != "$(field run/log.jsonl 4)" ] || fail "two steps, one loss"
"$weft" eval run --rows 32 >out || fail "--rows"
grep -q '^step 4  val_loss [0-9.]*  perplexity [0-9.]*  rows 32  tokens [0-9]*$' out || fail "$(cat out)"
refuses 64 "--rows 5 is not a multiple of train.micro_batch 2" "$weft" eval run --rows 5
refuses 65 "run has no checkpoint of step 3; the newest is of step 4" "$weft" eval run --step 3
refuses 74 "none is not a run directory: it has no run.yaml" "$weft" eval none

# Text: the bins that are held out, through a datad that eval starts.
mkdir text
for i in 1 2 3 4 5 6 7 8; do yes "$i cats sat on $i mats." | head -40 | tr '\n' ' ' >text/$i.txt; done
"$weft" shard build -o data --bin-tokens 1000 text >log 2>&1 || fail "$(cat log)"
cat >text.yaml <<EOY
model: {layers: 1, width: 32, heads: 4, inner_width: 64, vocabulary: 257, init_std: 0.2}
data: {sources: [{name: text, path: data}], validation: 0.3}
train: {steps: 3, sequence: 32, global_batch: 4, micro_batch: 2, lr: 0.01, threads: 1,
        eval_every: 3, eval_rows: 6}
EOY
"$weft" train text.yaml -o text-run >log 2>&1 || fail "$(cat log)"
got=$("$weft" eval text-run --json | loss)
[ "$got" = "$(field text-run/log.jsonl 3)" ] || fail "text: $got, training said $(field text-run/log.jsonl 3)"
