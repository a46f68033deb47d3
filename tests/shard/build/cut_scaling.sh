#!/bin/sh
# One large JSONL file of seeded words, built into a dataset in turns: whole and cut, on 1 and 2 ranks of a thread each. Prints of each
# turn the seconds by the clock and each rank's seconds of CPU (the largest is what the clock would say on cores that are free), and
# checks that all datasets have the same files.
#   tests/shard/build/cut_scaling.sh BUILD [MB] [ROUNDS] [SEED]
set -eu
source=$(cd "$(dirname "$0")/../../.." && pwd)
build=$(cd "${1:?build folder}" && pwd)
mb=${2:-300} rounds=${3:-5} seed=${4:-1}
top=/tmp
[ -w /dev/shm ] && top=/dev/shm
work=$(mktemp -d "$top/weft-cut-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# 3 MB of documents of 100 to 900 words, with the ends of words of a language; then as often as wanted, numbered on.
awk -v seed="$seed" 'BEGIN {
    srand(seed)
    n = split("the of and to in a is that for it as was with be by on not he this are or his from at which but have an they you were her all she there", common, " ")
    for (i = 0; i < 4000; i++) {
        word = ""
        for (k = 0; k < 1 + int(rand() * 3); k++) word = word substr("bcdfghlmnprst", 1 + int(rand() * 13), 1) substr("aeiou", 1 + int(rand() * 5), 1)
        rare[i] = word substr("ndrst", 1 + int(rand() * 5), 1)
    }
    for (bytes = 0; bytes < 3000000; bytes += length(line)) {
        line = ""
        for (w = 100 + int(rand() * 800); w > 0; w--) line = line (rand() < 0.4 ? common[1 + int(rand() * n)] : rare[int(rand() * rand() * 4000)]) (w % 12 ? " " : ".\\n")
        print "{\"text\": \"" line "\"}"
    }
}' >block
for i in $(seq $((mb / 3))); do sed "s/^{/{\"block\": $i, /" block; done >input.jsonl
"$build/weft" tokenizer train -o tok.json --vocab 4096 block >/dev/null
echo "$(wc -c <input.jsonl) bytes; round, ranks, file, wall s, CPU s of each rank"
whole=$(($(wc -c <input.jsonl) + 1))
for round in $(seq "$rounds"); do
    for ranks in 1 2; do
        for file in whole cut; do
            bytes=0
            [ $file = whole ] && bytes=$whole
            rm -rf out cpu.*
            command time -f %e -o wall "$source/tests/mpirun" -n "$ranks" sh -c 'command time -f "%U %S" -o "cpu.$OMPI_COMM_WORLD_RANK" "$@" >/dev/null' - \
                "$build/weft" shard build -o out -t tok.json --workers 1 --shard-tokens 4000000 --part-bytes $bytes input.jsonl
            echo "$round, $ranks, $file, $(tail -n 1 wall),$(for r in $(seq 0 $((ranks - 1))); do tail -n 1 "cpu.$r"; done | awk '{printf " %.2f", $1 + $2}')"
            sum=$(cat out/* | sha256sum)
            [ "$sum" = "${first:=$sum}" ] || {
                echo "other files" >&2
                exit 1
            }
        done
    done
done
