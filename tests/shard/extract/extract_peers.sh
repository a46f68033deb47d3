#!/bin/sh
# Quality and speed of extraction beside trafilatura and resiliparse, which come through PyPI into the build folder, once:
# precision, recall and F1 on the labelled pages in pages/, and, of folders that you have:
#     tests/shard/extract/extract_peers.sh build/release [--annotated TRAFILATURA/tests] [--pages FOLDER] [-n PAGES] [--seed N]
# --annotated: the 990 annotated pages of trafilatura's own evaluation; --pages: any pages (Debian: /usr/share/doc of python3.11-doc,
# postgresql-doc-15, libboost1.81-doc), for agreement and speed. Wants build/release with bench_extract. 77 = no peers.
set -u
build=${1:?usage: extract_peers.sh BUILD_FOLDER [--annotated FOLDER] [--pages FOLDER] [-n PAGES] [--seed N]}
shift
. "$(dirname "$0")/../../peers.sh"
peers extract 'lxml<6' lxml_html_clean resiliparse charset_normalizer certifi urllib3 courlan htmldate chardet
[ -e "$packages/trafilatura" ] || pip_get install --no-deps --target "$packages" trafilatura justext
PYTHONPATH=$packages exec python3 "$(dirname "$0")/extract_peers.py" "$build" "$@"
