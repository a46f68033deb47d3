#!/bin/sh
# The quickstart's plan, walked for every number of ranks from 1 to 64 (with 64 lanes so that 64 ranks have one each), and for the
# quickstart's own lanes as far as they go.
set -eu
build=${1:?build folder}
recipe=$(cd "$(dirname "$0")/../.." && pwd)/trainer/recipes/quickstart/run.yaml
output=$(mktemp)
trap 'rm -f "$output"' EXIT
walk() {
    "$build/weft" plan "$recipe" --walk "$@" >"$output" 2>&1 || {
        cat "$output" >&2
        echo "FAILED: weft plan --walk $*" >&2
        exit 1
    }
    grep -q '^walked' "$output"
}
for n in $(seq 1 64); do
    walk -n "$n" --steps 1 --set train.micro_batch=1 --set train.global_batch=64
done
for n in 1 2 3 4; do walk -n "$n"; done
code=0
"$build/weft" plan "$recipe" -n 4096 --walk >"$output" 2>&1 || code=$?
[ $code = 78 ] || { echo "FAILED: 4096 ranks gave exit code $code"; exit 1; }
