#!/bin/sh
# From web pages to a training run, with what issue-size claims need: pages -> WARC -> extract, language, the fineweb rules, MinHash,
# personal data -> tokens -> shards, by 1, 2 and 4 ranks whose files must be the same bytes; then weft train on them.
#   tests/shard/build/end_to_end.sh BUILD [FOLDER]
# FOLDER (default: a scratch folder, removed) keeps packages, pages and datasets. WEFT_PAGES names a tree of pages to take instead of
# Debian's documentation packages (about 170 MB to download, 1.1 GB of HTML); RANKS, VOCABULARY, STEPS and WORKERS change the size.
set -eu
build=$(cd "${1:?build folder}" && pwd)
weft=$build/weft
here=$(cd "$(dirname "$0")" && pwd)
mpirun=$here/../../mpirun
ranks=${RANKS:-1 2 4} vocabulary=${VOCABULARY:-8192} steps=${STEPS:-30} workers=${WORKERS:-1}
packages="openjdk-17-doc libboost1.81-doc libgtk-4-doc python3.11-doc postgresql-doc-15 debian-handbook linux-doc-6.1
debian-reference-en installation-guide-amd64 git-doc cmake-doc python-django-doc python-pandas-doc apache2-doc qtbase5-doc-html"
if [ $# -gt 1 ]; then
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/weft-end-to-end-XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

say() {
    echo "== $*"
}

# timed WHAT COMMAND...: the command's output to WHAT.out, and how long it took.
timed() {
    what=$1
    shift
    begin=$(date +%s.%N)
    "$@" >"$what.out" 2>&1 || {
        tail -n 5 "$what.out" >&2
        fail "$what: $*"
    }
    seconds=$(echo "$(date +%s.%N) $begin" | awk '{printf "%.2f", $1 - $2}')
    echo "$what: $seconds s"
}

fetch_pages() {
    mkdir -p packages pages
    (cd packages && apt-get download -qq $packages)
    for package in packages/*.deb; do
        dpkg -x "$package" pages
    done
}

if [ -n "${WEFT_PAGES:-}" ]; then
    pages=$WEFT_PAGES
else
    pages=$work/pages
    [ -d pages ] || fetch_pages
fi
html_bytes=$(find "$pages" -type f \( -name '*.html' -o -name '*.htm' \) -printf '%s\n' | awk '{n += $1} END {print n + 0}')
say "$html_bytes bytes of HTML in $(find "$pages" -type f \( -name '*.html' -o -name '*.htm' \) | wc -l) pages"

if ! ls crawl*.warc.gz >/dev/null 2>&1; then
    timed pack "$weft" warc pack -o crawl.warc.gz --file-bytes "${WARC_BYTES:-8000000}" "$pages"
    cat pack.out
fi
if [ ! -e tokenizer.json ]; then
    timed sample "$weft" shard build -o sample --profile fineweb --workers "$workers" "$(ls crawl*.warc.gz | head -n 1)"
    "$weft" shard cat sample >sample.txt
    timed tokenizer "$weft" tokenizer train -o tokenizer.json --vocab "$vocabulary" sample.txt
fi

hash_of() {
    (cd "$1" && sha256sum -- * | sha256sum)
}

reference=
for n in $ranks; do
    rm -rf "dataset-$n"
    timed "build-$n" "$mpirun" -n "$n" "$weft" shard build -o "dataset-$n" -t tokenizer.json --workers "$workers" --profile fineweb \
        --languages en --dedup minhash --mask-pii --skip-bad --shard-tokens "${SHARD_TOKENS:-500000}" --bin-tokens "${BIN_TOKENS:-250000}" \
        --part-bytes "${PART_BYTES:-8000000}" crawl*.warc.gz
    echo "build-$n: $(echo "$html_bytes $seconds" | awk '{printf "%.1f MB of HTML a second", $1 / 1e6 / $2}') on $n ranks of $workers threads"
    hash=$(hash_of "dataset-$n")
    [ -n "$reference" ] || reference=$hash
    [ "$hash" = "$reference" ] || fail "$n ranks wrote other bytes than the first build"
done
first=dataset-${ranks%% *}
say "the same files from $ranks ranks: $reference"
timed verify "$weft" shard verify "$first"
"$weft" shard stat "$first"

cat >run.yaml <<END_OF_RUN
model: {layers: 2, width: 128, heads: 4, inner_width: 384, vocabulary: $vocabulary, tied: true}
data:
  validation: 0.02
  sources:
    - {name: pages, path: $work/$first}
train: {steps: $steps, sequence: 128, global_batch: 8, micro_batch: 1, lr: 3e-3, warmup_steps: 2}
END_OF_RUN
rm -rf run
timed train "$weft" train run.yaml -o run
grep -E '^step|step [0-9]+/' train.out | sed -n '1p;$p'
first_loss=$(sed -n 's/.*"step": 1, "loss": \([0-9.]*\).*/\1/p' run/log.jsonl | head -n 1)
last_loss=$(sed -n "s/.*\"step\": $steps, \"loss\": \\([0-9.]*\\).*/\\1/p" run/log.jsonl | head -n 1)
say "loss $first_loss at step 1, $last_loss at step $steps"
echo "$first_loss $last_loss" | awk 'NF != 2 || $2 >= $1 {exit 1}' || fail "the loss did not fall"
