#!/bin/sh
# Tokens a second of datad with one client, MosaicML Streaming and litData, in turns on one core: the same tokens (bytes of the text
# files named, concatenated) in rows of 1,024, shuffled, batches of 8 rows, everything in the page cache. datad once with what the
# peers give, the tokens alone, and once with all five arrays. The peers must be importable by python3 (mosaicml-streaming, litdata,
# torch).
#     tests/datad/bench_loader.sh build/release TEXT...
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
shift
rows=8 length=1024 steps=2000
folder=$(mktemp -d)
datad=
trap '[ -z "$datad" ] || kill "$datad"; rm -rf "$folder"' EXIT
core="taskset -c $(($(nproc) - 1))"

"$build/weft" shard build -o "$folder/data" "$@"
python3 "$here/bench_loader.py" write "$folder" $length "$@" >"$folder/write.log" 2>&1
printf 'socket: %s/run/socket\nsources:\n  - {name: text, path: %s/data}\nvalidation: 0\n' "$folder" "$folder" >"$folder/datad.yaml"
$core "$build/weft" datad "$folder/datad.yaml" >"$folder/datad.log" 2>&1 &
datad=$!
until "$build/weft" datad status "$folder/datad.yaml" >/dev/null 2>&1; do kill -0 $datad; done
for _ in 1 2 3 4 5; do
    echo "datad tokens $($core "$build/bench_loader" "$folder/run/socket" $length $rows $steps tokens)"
    echo "datad all    $($core "$build/bench_loader" "$folder/run/socket" $length $rows $steps)"
    for peer in mosaic litdata; do
        echo "$peer $($core python3 "$here/bench_loader.py" read $peer "$folder" $length $rows $steps 2>/dev/null | tail -n 1)"
    done
done
