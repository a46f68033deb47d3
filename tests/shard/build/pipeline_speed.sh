#!/bin/sh
# The whole pipeline beside datatrove's, on one core, taking turns: a WARC file -> main text -> language -> the fineweb rules -> MinHash
# signatures -> tokens. datatrove is spared the language (it is handed a label) and weft is not, and weft also clusters and writes shards.
#   tests/shard/build/pipeline_speed.sh BUILD PAGES [--rounds N] [--bytes N]
# PAGES is a tree of HTML; pages of about --bytes (default 10,000,000) are taken evenly from all of it. datatrove, trafilatura and the
# rest come through PyPI into the build folder, once. Exit 77 with a reason when they can't be had.
set -u
build=$(cd "$1" && pwd)
. "$(dirname "$0")/../../peers.sh"
command -v taskset >/dev/null || skip "no taskset"
peers pipeline datatrove spacy regex nltk tokenizers trafilatura lxml_html_clean warcio faust-cchardet python-magic
here=$(cd "$(dirname "$0")" && pwd)
shift
PYTHONPATH=$packages exec taskset -c 0 python3 "$here/pipeline_speed.py" "$build/weft" "$@"
