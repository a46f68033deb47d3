#!/bin/sh
# weft warc pack and weft shard bins from outside: the same pages from a tree and from WARC files of any size, one line and
# nothing left behind where it fails. Argument: the build folder.
set -u
. "$(dirname "$0")/../command.sh"

mkdir -p 'tree/a b'
i=0
while [ $i -lt 60 ]; do
    printf '<html><body><p>Page %d of the tree says something of its own, %d times over.</p></body></html>' $i $((i * i)) \
        >"tree/a b/page-$i.html"
    i=$((i + 1))
done
printf '<p>caf\303\251' >tree/umlaut.htm
printf 'no page' >tree/note.txt

"$weft" warc pack -o one.warc.gz tree >stdout || die "warc pack"
grep -q '^one.warc.gz: pages 61 .* files 1 .* left out 1 files$' stdout || die "$(cat stdout)"
"$weft" warc pack -o again.warc.gz tree >/dev/null || die "warc pack"
cmp one.warc.gz again.warc.gz || die "the same pages gave other bytes"
"$weft" warc pack -o part.warc.gz --file-bytes 4000 tree >/dev/null || die "warc pack --file-bytes"
[ "$(ls part-*.warc.gz | wc -l)" -gt 2 ] || die "not cut into files"
gzip -t one.warc.gz part-*.warc.gz || die "not gzip"
[ "$(zcat one.warc.gz | grep -c '^WARC-Type: response')" = 61 ] || die "not a record a page"
zcat one.warc.gz | grep -q '^WARC-Target-URI: file:///tree/a%20b/page-7.html' || die "no address of its own"
"$weft" shard build --extract plain -o t tree/*.htm tree/*/*.html >/dev/null || die "build of the tree"
"$weft" shard build --extract plain -o w1 one.warc.gz >/dev/null || die "build of one file"
"$weft" shard build --extract plain -o w2 part-*.warc.gz >/dev/null || die "build of parts"
for d in t w1 w2; do
    "$weft" shard cat --tokens $d | sort >$d.tokens || die "shard cat $d"
done
[ "$(wc -l <t.tokens)" = 61 ] || die "pages are missing"
cmp t.tokens w1.tokens || die "pages differ"
cmp w1.tokens w2.tokens || die "pages differ in parts"

expect 64 'exists already' "$weft" warc pack -o one.warc.gz tree
expect 64 'ends in .warc.gz' "$weft" warc pack -o one.warc tree
expect 65 'no HTML' "$weft" warc pack -o x.warc.gz tree/note.txt
WEFT_FAULT='file_write:1+:enospc' expect 74 'No space left' "$weft" warc pack -o x.warc.gz tree
[ -z "$(ls x* 2>/dev/null)" ] || die "something of a failed pack is left"

# Damage: the members around it are kept, and what was lost is said.
printf 'XXXXXXXX' | dd of=one.warc.gz bs=1 seek=3000 conv=notrunc 2>/dev/null
expect 65 'one.warc.gz: damaged gzip member at byte' "$weft" shard build -o x one.warc.gz
"$weft" shard build --extract plain --skip-bad -o lossy one.warc.gz >stdout || die "build with --skip-bad"
grep -q '^lossy: documents 60 ' stdout || die "$(cat stdout)"
grep -q ' 1 bad documents' stdout || die "$(cat stdout)"

# Edges of bins, and a dataset of trajectories with them.
i=0
while [ $i -lt 100 ]; do
    printf '{"instruction": "go", "steps": [{"observation": [%d, 2.5], "action": [%d]}]}\n' $i $((100 - i))
    i=$((i + 1))
done >robot.jsonl
"$weft" shard bins -o edges.json robot.jsonl >stdout || die "shard bins"
grep -q '^edges.json: observation 2 action 1 dimensions of 256 bins, from 100 trajectories of 100 steps' stdout ||
    die "$(cat stdout)"
[ "$(tr -d ' \n' <edges.json)" = '{"format":"weftbinedges","version":1,"bins":256,"observation":[[0.98999999999999999,98.010000000000005],[2.5,2.5]],"action":[[1.99,99.010000000000005]]}' ] ||
    die "$(cat edges.json)"
"$weft" shard build --bins edges.json -o robot robot.jsonl >/dev/null || die "build of trajectories"
cmp robot/bins.json edges.json || die "the edges are not kept"
[ "$("$weft" shard cat --tokens --document 0 robot)" = "103 111 10 257 257 512 256" ] ||
    die "$("$weft" shard cat --tokens --document 0 robot)"
expect 65 'weft shard bins' "$weft" shard build -o x robot.jsonl
printf '{"steps":[{"action":[1]}]}\n{"steps":[{"action":[1,2]}]}\n' >unlike.jsonl
expect 65 'unlike.jsonl:2: a step of 0 + 2 numbers; those before have 0 + 1' "$weft" shard bins -o x unlike.jsonl
"$weft" shard bins -o unlike.json --skip-bad unlike.jsonl | grep -q 'from 1 trajectories .* left out 1$' || die "bins of unlike ones"
expect 65 'no trajectories' "$weft" shard bins -o x tree
expect 65 'not bin edges' "$weft" shard build --bins robot/dataset.json -o x robot.jsonl
echo fine
