#!/bin/sh
# Memory of a build does not grow with its input: peak resident bytes of weft shard build (extract, language, fineweb, MinHash and line
# dedup, tokens) on every hundredth page of a tree and on all of it, with --memory MIB, which both must stay below.
#   tests/shard/build/memory_bound.sh BUILD PAGES [MIB] [WORKERS]
set -eu
build=$(cd "${1:?build folder}" && pwd)
pages=$(cd "${2:?tree of pages}" && pwd)
mib=${3:-512} workers=${4:-1}
weft=$build/weft
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-memory-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir few
find "$pages" -type f \( -name '*.html' -o -name '*.htm' \) | sort | awk 'NR % 100 == 50' | while read -r page; do
    n=$((${n:-0} + 1))
    mkdir "few/$n"
    cp "$page" "few/$n/"
done
"$weft" warc pack -o few.warc.gz few >/dev/null
"$weft" warc pack -o all.warc.gz --file-bytes 16000000 "$pages" >/dev/null
echo "input, HTML bytes, peak resident MiB (--memory $mib, $workers threads)"
for input in few all; do
    tree=$pages
    [ $input = few ] && tree=few
    bytes=$(find "$tree" -type f \( -name '*.html' -o -name '*.htm' \) -printf '%s\n' | awk '{n += $1} END {print n}')
    command time -f '%M' -o peak "$weft" shard build -o "dataset-$input" --memory "$mib" --workers "$workers" --profile fineweb --dedup minhash,line \
        --mask-pii --skip-bad $input*.warc.gz >out
    peak=$(tail -n 1 peak)
    echo "$input, $bytes, $((peak / 1024))"
    [ $((peak / 1024)) -lt "$mib" ] || {
        echo "more than $mib MiB" >&2
        exit 1
    }
done
