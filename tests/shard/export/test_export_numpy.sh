#!/bin/sh
# weft shard export, read back with numpy as Megatron's and llm.c's loaders read: the tokens are those of weft shard cat.
# Argument: the build folder. Skipped without numpy.
set -u
weft=$1/weft
python3 -c 'import numpy' 2>/dev/null || {
    echo "skipped: no numpy"
    exit 77
}
folder=$(mktemp -d "${TMPDIR:-/tmp}/weft-export.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

die() {
    echo "$*" >&2
    exit 1
}

i=0
while [ $i -lt 40 ]; do
    printf '{"text": "document %d of forty, caf\\u00e9 %d"}\n' $i $((i * i))
    i=$((i + 1))
done >in.jsonl
"$weft" shard build -o data in.jsonl >/dev/null || die "shard build"
"$weft" shard cat --tokens data >expected || die "shard cat"
"$weft" shard export --format megatron -o m data >/dev/null || die "export megatron"
"$weft" shard export --format llmc --file-tokens 500 -o l data >/dev/null || die "export llmc"
cat >read.py <<'PYTHON'
import glob
import struct

import numpy

with open("m.idx", "rb") as f:
    assert f.read(9) == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack("<QBQQ", f.read(25))
    offset = f.tell()
assert version == 1
dtype = {4: numpy.int32, 8: numpy.uint16}[code]
index = numpy.memmap("m.idx", mode="r")
lengths = numpy.frombuffer(index, numpy.int32, sequences, offset)
pointers = numpy.frombuffer(index, numpy.int64, sequences, offset + lengths.nbytes)
first = numpy.frombuffer(index, numpy.int64, documents, offset + lengths.nbytes + pointers.nbytes)
assert first[0] == 0 and first[-1] == sequences
tokens = numpy.memmap("m.bin", mode="r")
with open("megatron", "w") as out:
    for n, at in zip(lengths, pointers):
        print(*numpy.frombuffer(tokens, dtype, n, at), file=out)
with open("llmc", "w") as out:
    for name in sorted(glob.glob("l_val_*.bin")) + sorted(glob.glob("l_train_*.bin")):
        header = numpy.fromfile(name, numpy.int32, 256)
        assert header[0] == 20240520 and header[1] == 1
        tokens = numpy.fromfile(name, numpy.uint16, offset=1024)
        assert len(tokens) == header[2] and tokens[0] == 256
        for document in numpy.split(tokens, numpy.flatnonzero(tokens == 256)[1:]):
            print(*document[1:], 256, file=out)
PYTHON
python3 read.py || die "read.py"
cmp megatron expected || die "Megatron's tokens differ"
cmp llmc expected || die "llm.c's tokens differ"
[ "$(find . -name 'l_*.bin' | wc -l)" -gt 2 ] || die "llm.c's files were not cut"
echo fine
