#!/bin/sh
# Quality and speed of extraction beside trafilatura and resiliparse, which come through PyPI into the build folder, once:
# precision, recall and F1 on the labelled pages in pages/, and, of folders that you have:
#     tests/shard/extract/extract_peers.sh build/release [--annotated TRAFILATURA/tests] [--pages FOLDER] [-n PAGES] [--seed N]
# --annotated: the 990 annotated pages of trafilatura's own evaluation; --pages: any pages (Debian: /usr/share/doc of python3.11-doc,
# postgresql-doc-15, libboost1.81-doc), for agreement and speed. Wants build/release with bench_extract. 77 = no peers.
set -u
build=${1:?usage: extract_peers.sh BUILD_FOLDER [--annotated FOLDER] [--pages FOLDER] [-n PAGES] [--seed N]}
shift
packages=$build/extract_peers
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 --target "$packages" \
        'lxml<6' lxml_html_clean resiliparse charset_normalizer certifi urllib3 courlan htmldate chardet >"$build/extract_peers.log" 2>&1 &&
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --retries 2 --timeout 30 \
            --target "$packages" trafilatura justext >>"$build/extract_peers.log" 2>&1 || {
        echo "skipped: pip can't install the peers: $(grep -v '^ *$' "$build/extract_peers.log" | tail -n 1)"
        exit 77
    }
    touch "$packages/complete"
fi
PYTHONPATH=$packages exec python3 "$(dirname "$0")/extract_peers.py" "$build" "$@"
