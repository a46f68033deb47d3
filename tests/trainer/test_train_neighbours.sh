#!/bin/bash
# Two runs at once, of the same name in different folders: each starts a datad of its own and trains on its own data.
. "$(dirname "$0")/train_fixture.sh"
make_dataset
make_run_file
mkdir "$work/a" "$work/b"
mkfifo "$work/never"

(cd "$work/a" && exec "$weft" train "$run_file" -o run --set train.steps=1000000 >out 2>&1) &
first=$!
trap 'kill $first 2>/dev/null || true; rm -rf "$work"' EXIT
until [ -s "$work/a/run/log.jsonl" ]; do
    kill -0 $first || fail "$(cat "$work/a/out")"
    read -r -t 0.05 <>"$work/never" || true
done
(cd "$work/b" && "$weft" train "$run_file" -o run --set train.steps=2 >out 2>&1) || fail "$(cat "$work/b/out")"
[ -e "$work/b/run/datad-0.log" ] || fail 'the second run used the datad of the first'
kill $first
code=0
wait $first || code=$?
[ $code -eq 75 ] || fail "exit code $code after TERM: $(cat "$work/a/out")"
