#!/bin/sh
# weft prof on a run of two ranks: its table, its JSON, what it predicts against the plan, a cut log, and what is no run.
set -eu
weft=$1/weft
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-prof-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

cat >run.yaml <<'END'
model: {layers: 2, width: 32, heads: 2, vocabulary: 300}
data: {kind: random}
train: {steps: 6, sequence: 32, global_batch: 4, lr: 1e-3}
phases:
- {steps: 4, sequence: 16, global_batch: 4}
END
"$weft" train run.yaml -n 2 >out 2>&1 || fail "$(cat out)"

"$weft" prof run -w 2 >table
grep -q '^run: steps 1 to 10 of 10, 1024 tokens' table || fail "$(cat table)"
for line in '1-3 ' '4-6 ' 'phase 1' '7-8 ' '9-10 ' '1-10 ' 'linear_dw' 'all ops' 'REDUCE_WAIT'; do
    grep -q "^$line" table || fail "no line '$line' in $(cat table)"
done

# sum KEY: of all its values in JSON on stdin.
sum() {
    awk -v key="\"$1\":" '$1 == key { sub(",", "", $2); n += $2 } END { printf "%.0f\n", n }'
}

# Rank 0 has half of the lanes: what its ops were predicted to do is half of what the plan says of the phase's four steps.
"$weft" plan run.yaml -n 2 --json | awk '/plan_hash/ { n++ } n == 1 && !/plan_hash/' >phase.json
planned=$(sum flops_per_step <phase.json)
"$weft" prof run --json >prof.json
predicted=$(sum flops <prof.json)
[ "$planned" -gt 0 ] && [ $((planned * 4 / 2)) -eq "$predicted" ] || fail "predicted $predicted, planned $planned a step"
grep -q '"log_cut": false' prof.json || fail "$(cat prof.json)"

printf '{"step": 11, "lo' >>run/log.jsonl
"$weft" prof run >table
grep -q '^the last line of log.jsonl was cut and is left out$' table || fail "$(cat table)"
grep -q '^run: steps 1 to 10 of 10' table || fail "$(cat table)"

# refused CODE LINE FOLDER
refused() {
    code=0
    "$weft" prof "$3" >out 2>errors || code=$?
    [ "$code" -eq "$1" ] && [ "$(cat errors)" = "weft: $2" ] && [ ! -s out ] || fail "exit code $code: $(cat errors)"
}
refused 74 'absent: no such folder' absent
mkdir empty
refused 74 'open empty/log.jsonl: No such file or directory' empty
: >empty/log.jsonl
refused 65 'empty/log.jsonl: no whole step in it' empty
echo '{"step": 1}' >empty/log.jsonl
refused 65 "empty/log.jsonl:1: no number 'tokens': not the log of a run" empty
echo '{"first_step": 1}' >run/profile.json
refused 65 'run/profile.json: not the profile of a run' run
