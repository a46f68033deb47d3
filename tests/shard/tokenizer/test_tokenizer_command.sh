#!/bin/sh
# weft tokenizer train, encode and decode as people type them, and what they say when they can't.
set -u
weft=$1/weft
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

failed() {
    echo "$*"
    exit 1
}

# refused CODE LINE COMMAND...: ends with CODE and this line on standard error, and prints nothing.
refused() {
    code=$1
    line=$2
    shift 2
    "$@" >out 2>err </dev/null
    actual=$?
    [ "$actual" = "$code" ] || failed "$*: exit code $actual, expected $code; $(cat err)"
    [ "$(cat err)" = "weft: $line" ] || failed "$*: said '$(cat err)', expected 'weft: $line'"
    [ ! -s out ] || failed "$*: printed $(head -c 80 out)"
}

mkdir -p corpus/inner
echo 'the cat sat on the mat; the hat that the cat sat on' >corpus/a.txt
echo '{"text": "that theme, this throne"}' >corpus/inner/b.jsonl
mkdir empty

"$weft" tokenizer train -o t.json --vocab 280 corpus >out || failed 'train'
grep -q 'documents 2 bytes .* vocabulary 280 hash ' out || failed "train printed: $(cat out)"
"$weft" tokenizer train --json -o again.json --vocab 280 corpus/inner/b.jsonl corpus/a.txt >out || failed 'train again'
cmp t.json again.json || failed 'the order of inputs changed the vocabulary'

"$weft" tokenizer train -o o200k.json --rule o200k --vocab 290 --workers 2 corpus >out || failed 'train o200k'
grep -q 'Lu}.*Ll}' o200k.json || failed 'no rule of o200k in its file'
[ "$("$weft" tokenizer encode -t o200k.json corpus/a.txt | "$weft" tokenizer decode -t o200k.json)" = "$(cat corpus/a.txt)" ] ||
    failed 'decode of encode is not the input'

head -c 20000 "$weft" >bytes
"$weft" tokenizer encode -t t.json bytes corpus/a.txt >ids || failed 'encode'
[ "$(wc -l <ids)" = 2 ] || failed 'not a line a file'
"$weft" tokenizer decode -t t.json <ids >back || failed 'decode'
cat bytes corpus/a.txt | cmp - back || failed 'decode of encode is not the input'
"$weft" tokenizer encode -t t.json --json <bytes | "$weft" tokenizer decode -t t.json --json >back || failed 'json'
cmp bytes back || failed 'decode --json of encode --json is not the input'
[ "$(printf 'the the' | "$weft" tokenizer encode -t t.json --count)" = 'bytes 7 tokens 2' ] ||
    failed "--count: $(printf 'the the' | "$weft" tokenizer encode -t t.json --count)"
[ "$(printf '' | "$weft" tokenizer encode -t t.json)" = '' ] || failed 'nothing encodes to something'

# Pages are read as weft shard build reads them: their encoding, their main content; the tokenizer sees what the dataset holds.
mkdir pages
printf '<html><head><meta charset="iso-8859-1"></head><body><nav><a href="x">menu</a> <a href="y">more</a></nav><article>%s</article></body></html>' \
    "$(printf '<p>The caf\351 was closed, and the caf\351s beside it were closed too, said the waiter of the caf\351.</p>%.0s' 1 2 3 4)" >pages/a.html
cat >utf8.txt <<END
$("$weft" shard build -o seen pages >/dev/null && "$weft" shard cat seen)
END
grep -q 'The café was closed' utf8.txt || failed "the build reads: $(cat utf8.txt)"
if grep -q menu utf8.txt; then failed 'the build keeps the menu'; fi
"$weft" tokenizer train -o page.json --vocab 300 pages >out || failed 'train on a page'
"$weft" tokenizer train -o text.json --vocab 300 utf8.txt >text || failed 'train on its text'
cmp page.json text.json || failed "other text than the build's: $(cat out text)"
"$weft" tokenizer train -o plain.json --vocab 300 --extract plain pages >plain || failed 'train on whole pages'
[ "$(sed 's/ vocab.*//' out)" != "$(sed 's/ vocab.*//' plain)" ] || failed "--extract plain is the main content: $(cat out plain)"
refused 64 '--extract twice: choose main or plain' "$weft" tokenizer train -o no.json --vocab 300 --extract twice pages

refused 78 'a vocabulary of 256 tokens; from 257 (the bytes and <|endoftext|>) to 4194304 are possible' \
    "$weft" tokenizer train -o no.json --vocab 256 corpus
# The bad line is the first of three records.
printf '{"text": 1}\n{"text": "Some words, and some more."}\n{"text": "Others."}\n' >bad.jsonl
refused 65 'bad.jsonl:1: "text" is not a string' "$weft" tokenizer train -o no.json --vocab 300 --workers 1 bad.jsonl
"$weft" tokenizer train -o lossy.json --vocab 270 --skip-bad bad.jsonl >out 2>err || failed "train with --skip-bad: $(cat err)"
grep -q '^documents 2 ' out && grep -q '^left out 1 bad documents$' out || failed "train with --skip-bad: $(cat out)"
[ "$(cat err)" = 'weft: left out: bad.jsonl:1: "text" is not a string' ] || failed "train with --skip-bad said: $(cat err)"
refused 64 "weft tokenizer train: --rule 'gpt5' is none of gpt2, cl100k, qwen2, o200k and tekken" \
    "$weft" tokenizer train -o no.json --rule gpt5 --vocab 300 corpus
refused 65 't.json: says its rule itself; '"'cl100k:' is for rank files" "$weft" tokenizer encode -t cl100k:t.json
refused 65 'no text to train a tokenizer on' "$weft" tokenizer train -o no.json --vocab 300 empty
refused 64 'weft tokenizer train: no -o TOK given' "$weft" tokenizer train --vocab 300 corpus
refused 64 'weft tokenizer encode: no -t TOK given' "$weft" tokenizer encode corpus/a.txt
refused 74 'open absent.json: No such file or directory' "$weft" tokenizer encode -t absent.json
refused 65 'standard input: byte 1: not a token id' sh -c "echo 1x | '$weft' tokenizer decode -t t.json"
refused 65 'standard input: id 280 is not in the vocabulary' sh -c "echo 280 | '$weft' tokenizer decode -t t.json"
refused 65 'standard input: ids[0] is not a number from 0' \
    sh -c "echo '[-1]' | '$weft' tokenizer decode --json -t t.json"
[ ! -e no.json ] || failed 'a refused training left a file'
echo 'all as expected'
