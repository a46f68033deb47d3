#!/bin/sh
# weft shard from outside: a tokenizer trained, a dataset built with it, text back byte for byte, and one line with the right
# exit code for each kind of bad input. Argument: the build folder.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/../command.sh"

mkdir in empty
i=0
while [ $i -lt 50 ]; do
    printf 'Document %d: the quick brown fox jumps over the lazy dog, again and again.\n' $i >in/$i.txt
    i=$((i + 1))
done
printf 'caf\303\251 \377 \360\237\230\200\n' >in/bytes.txt
"$weft" tokenizer train -o tok.json --vocab 400 in >stdout || die "tokenizer train"
"$weft" shard build -o out --tokenizer tok.json --workers 2 in >stdout || die "shard build"
grep -q '^out: documents 51 ' stdout || die "$(cat stdout)"
"$weft" shard verify out out/shard-00000.shard >stdout || die "shard verify"
[ "$(grep -c ': ok$' stdout)" = 2 ] || die "$(cat stdout)"
"$weft" shard cat --document 50 out >text || die "shard cat"
cmp text in/bytes.txt || die "text differs"
"$weft" shard cat out >all || die "shard cat"
"$weft" shard build -o again --tokenizer tok.json --separator "$(printf '\n\f\n')" all >stdout || die "rebuild"
for dataset in out again; do
    "$weft" shard stat --json $dataset | grep -q '"documents": 51' || die "shard stat $dataset"
done
"$weft" shard build -o compact -t tok.json --compression lz4 in >stdout || die "lz4"
[ "$("$weft" shard stat --json out | grep '"hash"')" = "$("$weft" shard stat --json compact | grep '"hash"')" ] ||
    die "the codec changed the dataset's hash"

"$weft" shard build -o judged --profile gopher --keep-dropped in >stdout || die "rules"
grep -q '^gopher_words_min ' stdout || die "no funnel: $(cat stdout)"
"$weft" shard stat judged | grep -q '^verdict .*blob' || die "no verdicts"
"$weft" shard stat --json judged | grep -q '"stage": "gopher_words_min"' || die "no funnel in JSON"

# Of a document that a rule drops no line may be left: it is counted once.
printf '{"text":"Kurz."}\n{"text":"%s"}\n' "$(cat in/1.txt in/2.txt in/3.txt | tr '\n' ' ')" >short.jsonl
"$weft" shard build -o short --profile none --set-rule c4_line_words=3 --languages en short.jsonl >stdout || die "short lines"
grep -q '^short: documents 1 ' stdout && ! grep -q '^left out' stdout || die "counted twice: $(cat stdout)"

# With the dropped ones kept, the totals are of all: what is kept of them is said, and is the funnel's end.
mkdir mixed
for i in 1 2 3 4; do echo "Words and more words, $i times." >mixed/$i.txt; done
for i in 1 2 3; do echo "$i 2 3 4 5" >mixed/n$i.txt; done
"$weft" shard build -o mixed-all --set-rule gopher_alphabetic_words=0.5 --keep-dropped mixed >stdout || die "keep dropped"
grep -q '^of these 3 documents are dropped ones' stdout || die "$(cat stdout)"
"$weft" shard build -o mixed-kept --set-rule gopher_alphabetic_words=0.5 mixed >stdout || die "drop"
"$weft" shard stat mixed-all >stdout
for line in '^documents     7$' '^of these kept 4 documents, 128 tokens, 124 text bytes:' '^and dropped   3 documents, 33 tokens, 30 text bytes:' \
    '^encode  *4  *4 .* 124  *124 '; do
    grep -q "$line" stdout || die "no $line: $(cat stdout)"
done
"$weft" shard stat mixed-kept >stdout
if grep -q '^of these kept' stdout; then die "kept of what is kept: $(cat stdout)"; fi
for dataset in mixed-all mixed-kept; do
    "$weft" shard stat --json $dataset | tr -d '\n ' | grep -q '"kept":{"documents":4,"tokens":128,"text_bytes":124}' || die "kept of $dataset"
done

# Rules are for documents of one text: judge and build agree that a chat passes.
printf '{"messages":[{"role":"user","content":"One?"},{"role":"assistant","content":"Two."}]}\n{"text":"Two."}\n' >chat.jsonl
"$weft" shard judge --profile gopher chat.jsonl | grep -q '^documents 2 .* kept 1 ' || die "judge of a chat"
"$weft" shard build -o chats --profile gopher chat.jsonl | grep -q '^chats: documents 1 ' || die "build of a chat"

# Where there is no terminal, progress is a plain line now and then (here: each time), from rank 0 alone.
mpirun=$(cd "$here/../.." && pwd)/mpirun
WEFT_PROGRESS_S=0 "$mpirun" -n 2 "$weft" shard build -o shown --part-bytes 500 --dedup line in >stdout 2>stderr ||
    die "on two ranks: $(cat stderr)"
grep -q '^shown: documents ' stdout || die "$(cat stdout)"
for station in judge dedup_line encode; do
    grep -q "^weft: shard build: $station: rank 0 of 2: part [1-9][0-9]* of [1-9][0-9]*, [1-9][0-9]* documents [0-9.]* MB text" stderr ||
        die "no progress of $station: $(cat stderr)"
done
if grep -v 'rank 0 of 2' stderr; then die "somebody else speaks"; fi
"$weft" shard build -o silent in >stdout 2>stderr || die "shard build"
[ ! -s stderr ] || die "progress at once: $(cat stderr)"

# Fields of others: a number of words, a hash of 64 bits.
printf '{"text":"Two words.","words":2,"hash":18446744073709551615}\n' >fields.jsonl
"$weft" shard judge --profile gopher fields.jsonl | grep -q '^documents 1 ' || die "judge of a line with other fields"
printf '{"text":"Two words.","words":2,"line_words":[2],"line_sentences":[1]}\n' >fields.jsonl
expect 65 'fields.jsonl:1: words, line_words and line_sentences are arrays' "$weft" shard judge fields.jsonl

# A page that cannot be extracted is named by its record.
mkdir pages
printf '<p>A page of one sentence.' >pages/a.html
head -c 20000 /dev/zero | sed 's/\x0/<div>/g' >pages/b.html
"$weft" warc pack -o pages.warc.gz pages >stdout || die "warc pack"
expect 65 '^weft: pages.warc.gz#3: HTML nested deeper' "$weft" shard build -o x pages.warc.gz
expect 65 '^weft: pages.warc.gz#3: HTML nested deeper' "$weft" shard judge pages.warc.gz
expect 65 '^weft: pages/b.html: HTML nested deeper' "$weft" shard judge pages
expect 64 'shard judge: which INPUT' "$weft" shard judge

expect 65 'no document is left of 51 (51 files read); most went at language$' "$weft" shard build -o x --languages english in
expect 74 'absent' "$weft" shard build -o x --language-model absent in
expect 64 'exists already' "$weft" shard build -o out in
expect 64 '-o OUT is missing' "$weft" shard build in
expect 64 'nonsense' "$weft" shard build -o x --profile nonsense in
expect 64 'nonsense' "$weft" shard build -o x --set-rule nonsense=3 in
expect 64 'nonsense' "$weft" shard build -o x --dedup document,nonsense in
expect 64 'for --dedup minhash' "$weft" shard build -o x --minhash 20x13 in
expect 64 '-o OUT is missing' "$weft" shard build -o '' in
expect 64 'nonsense' "$weft" shard build -o x --extract nonsense in
expect 64 'choose zstd' "$weft" shard build -o x --compression gzip in
i=0
while [ $i -lt 15 ]; do
    printf '{"text": "Some words."}\n{"text": %d}\n' $i
    i=$((i + 1))
done >some.jsonl
"$weft" shard build -o some --skip-bad some.jsonl >stdout 2>stderr || die "build with --skip-bad"
grep -q '^left out: .* 15 bad documents' stdout || die "$(cat stdout)"
[ "$(grep -c '^weft: left out: some.jsonl:[0-9]*: "text" is not a string$' stderr)" = 10 ] || die "not ten lines: $(cat stderr)"
[ "$(tail -n 1 stderr)" = 'weft: more is left out, without a line' ] || die "$(cat stderr)"
"$weft" shard judge --skip-bad pages.warc.gz some.jsonl >stdout 2>stderr || die "judge with --skip-bad"
tail -n 2 stdout | tr '\n' ' ' | grep -q '^documents 16 .* left out 16 bad documents ' || die "$(cat stdout)"
[ "$(wc -l <stderr)" = 11 ] || die "$(cat stderr)"

touch empty/page.docx
expect 65 'no document in the input (0 files read, 1 of other kinds, 0 empty documents, 0 bad ones)' "$weft" shard build -o x empty
printf 'x' >bad.png && printf 'a caption' >bad.txt
expect 65 "$folder/bad.png: image bad.png: neither JPEG" "$weft" shard build -o x "$folder/bad.png"
"$weft" shard export --format megatron -o ids out >stdout || die "shard export"
expect 65 "document ids.idx#1 of ids.idx: token [0-9]* is none of the tokenizer's 257; -t" "$weft" shard build -o x ids.idx
rm -rf x.partial
expect 74 'absent: No such file' "$weft" shard build -o x absent
expect 74 'absent' "$weft" shard build -o x --tokenizer absent in
expect 74 'No such file' "$weft" shard verify absent
expect 65 'no document 51' "$weft" shard cat --document 51 out
WEFT_FAULT='file_write:3+:enospc' expect 74 'No space left' "$weft" shard build -o x in
[ ! -e x ] && [ ! -e x.partial ] || die "something of a failed build is left"
printf 'x' | dd of=out/shard-00000.shard bs=1 seek=100 conv=notrunc 2>/dev/null
expect 65 'out/shard-00000.shard: column tokens frame 0 at offset 64: checksum' "$weft" shard verify out
echo fine
