#!/bin/sh
# end_to_end.sh on made pages: paragraphs of this project's words, menus around them, some pages near duplicates of others.
set -eu
build=${1:?build folder}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-test-end-to-end-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/pages"
cat "$here"/../../../docs/*.md | tr -cs 'a-z' '\n' | awk 'length > 2 && !/script|cookie|polic|lorem/' | sort -u >"$work/words"
awk -v folder="$work/pages" '
    BEGIN { srand(7) }
    { words[++n] = $0 }
    function word() { return rand() < 0.3 ? stop[1 + int(rand() * 8)] : words[1 + int(rand() * n)] }
    function paragraph(   text, i, k) {
        text = ""
        for (k = 0; k < 4; k++) {
            text = text (k ? " " : "") "The"
            for (i = 0; i < 14; i++) text = text " " word()
            text = text "."
        }
        return text
    }
    END {
        split("the be to of and that have with", stop, " ")
        for (page = 0; page < 240; page++) {
            file = sprintf("%s/%04d.html", folder, page)
            if (page % 6 != 5) { body = ""; for (p = 0; p < 12; p++) body = body "<p>" paragraph() "</p>\n" }
            printf "<html><head><title>%d</title></head><body><nav><ul><li><a href=x>menu</a><li><a href=y>more</a></ul></nav>" \
                   "<article><h1>Page of words</h1>\n%s<p>%s</p></article></body></html>\n", page, body, paragraph() >file
            close(file)
        }
    }' "$work/words"
WEFT_PAGES=$work/pages RANKS="1 3" VOCABULARY=512 STEPS=4 WARC_BYTES=20000 PART_BYTES=20000 BIN_TOKENS=10000 SHARD_TOKENS=20000 "$here/end_to_end.sh" "$build" "$work/run" >"$work/out" || {
    cat "$work/out" >&2
    exit 1
}
# Pages were kept, and of the 40 that differ from the one before in a paragraph of 13 most were found.
awk '$4 !~ /%$/ {next}
     $1 == "read" {read = $3} $1 == "dedup_minhash" {before = $2; after = $3} $1 == "encode" {kept = $3}
     END {exit !(read == 240 && before > 200 && after <= before - 30 && kept == after && kept > 150)}' "$work/out" || {
    cat "$work/out" >&2
    echo "the funnel is not that of these pages" >&2
    exit 1
}
tail -n 1 "$work/out"
