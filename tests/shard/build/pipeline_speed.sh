#!/bin/sh
# The whole pipeline beside datatrove's, on one core, taking turns: a WARC file -> main text -> language -> the fineweb rules -> MinHash
# signatures -> tokens. datatrove is spared the language (it is handed a label) and weft is not, and weft also clusters and writes shards.
#   tests/shard/build/pipeline_speed.sh BUILD PAGES [--rounds N] [--bytes N]
# PAGES is a tree of HTML; pages of about --bytes (default 10,000,000) are taken evenly from all of it. datatrove, trafilatura and the
# rest come through PyPI into the build folder, once. Exit 77 with a reason when they can't be had.
set -u
build=$(cd "$1" && pwd)
packages=$build/parity/build
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
command -v taskset >/dev/null || skip "no taskset"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    python3 -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 --target "$packages" \
        datatrove spacy regex nltk tokenizers trafilatura lxml_html_clean warcio faust-cchardet python-magic >"$build/pipeline_speed.log" 2>&1 ||
        skip "pip can't install the reference: $(grep -v '^ *$' "$build/pipeline_speed.log" | tail -n 1)"
    touch "$packages/complete"
fi
here=$(cd "$(dirname "$0")" && pwd)
shift
PYTHONPATH=$packages exec taskset -c 0 python3 "$here/pipeline_speed.py" "$build/weft" "$@"
