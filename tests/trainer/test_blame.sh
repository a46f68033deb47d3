#!/bin/sh
# weft data blame names the documents of a step; with its skip list, a resumed run leaves them out from that step on and changes no step
# before it.
. "$(dirname "$0")/train_fixture.sh"
make_dataset
make_run_file

train straight --set train.save_every=10
"$weft" data blame "$work/straight" --step 14 --json >"$work/step.json" || fail "blame --json"
[ "$(grep -o '"row": [0-9]*' "$work/step.json" | sort -u | wc -l)" = 8 ] || fail "a step of 8 rows has other rows: $(cat "$work/step.json")"
tokens=$(sed -n 's/.*"tokens": \([0-9]*\).*/\1/p' "$work/step.json" | awk '{n += $1} END {print n}')
[ "$tokens" = 512 ] || fail "8 rows of 64 tokens hold $tokens"
grep -q '"id": "text/' "$work/step.json" || fail "documents have no ids: $(cat "$work/step.json")"

"$weft" data blame "$work/straight" --step 14 --skip-list "$work/bad.txt" >"$work/table" || fail "blame"
documents=$(sed -n 's/.*"document": \([0-9]*\).*/\1/p' "$work/step.json" | sort -u | wc -l)
[ "$(grep -cv '^#' "$work/bad.txt")" = "$documents" ] || fail "$documents documents, but: $(cat "$work/bad.txt")"
"$weft" data blame "$work/straight" --step 14 --skip-list "$work/bad.txt" | grep -q ': 0 documents added' || fail "added twice"

cp -r "$work/straight" "$work/resumed"
rm -r "$work/resumed/checkpoints/step-000020"
# Lines are put behind those of a list that somebody has written by hand, and into no other file.
printf '# mine' >"$work/mine.txt"
"$weft" data blame "$work/straight" --step 14 --skip-list "$work/mine.txt" >"$work/table" || fail "blame into a list without a last newline"
[ "$(head -n 1 "$work/mine.txt")" = '# mine' ] || fail "a list without a last newline: $(cat "$work/mine.txt")"
grep -v '^#' "$work/bad.txt" >"$work/expected"
grep -v '^#' "$work/mine.txt" | cmp -s - "$work/expected" || fail "other documents in a list with more: $(cat "$work/mine.txt")"
echo "steps: 10" >"$work/notes.txt"
"$weft" data blame "$work/straight" --step 14 --skip-list "$work/notes.txt" >"$work/table" 2>"$work/line" && fail "a file that is no list was extended"
grep -q "notes.txt:1: " "$work/line" && [ "$(cat "$work/notes.txt")" = "steps: 10" ] || fail "a file that is no list: $(cat "$work/line" "$work/notes.txt")"
train resumed --resume --set data.skip_documents="$work/bad.txt" --set train.save_every=10
losses straight | head -n 13 >"$work/expected"
losses resumed | head -n 13 >"$work/actual"
[ "$(wc -l <"$work/actual")" = 13 ] && diff "$work/expected" "$work/actual" || fail "steps before the first that leaves documents out differ"
losses straight | sed -n 14p >"$work/expected"
losses resumed | sed -n 14p >"$work/actual"
cmp -s "$work/expected" "$work/actual" && fail "step 14 still has its documents"
"$weft" data blame "$work/resumed" --step 14 --json | grep -q '"left_out": false' && fail "step 14 has documents left"
"$weft" data blame "$work/resumed" --step 13 --json | grep -q '"left_out": true' && fail "step 13 lost documents"

# A list for other datasets would keep nothing out.
sed 's/^[0-9a-f]\{32\}/00000000000000000000000000000000/' "$work/bad.txt" >"$work/other.txt"
code=0
"$weft" train "$run_file" -o "$work/other" --set data.skip_documents="$work/other.txt" >"$work/other.out" 2>&1 || code=$?
[ $code = 78 ] || fail "exit code $code for a list of documents that are nowhere"
grep -q "other.txt: none of its $documents documents is in a source's dataset" "$work/other.out" || fail "$(cat "$work/other.out")"

"$weft" data blame "$work/straight" --step 99 2>"$work/err" && fail "a step beyond the run"
grep -q 'step 99: the run has 20' "$work/err" || fail "$(cat "$work/err")"
"$weft" data blame "$work/data" --step 1 2>"$work/err" && fail "no run directory"
grep -q 'not a run directory' "$work/err" || fail "$(cat "$work/err")"
