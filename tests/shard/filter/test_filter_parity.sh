#!/bin/sh
# Every rule gives datatrove's verdict, on documents cut from the text on this machine (manual pages, documentation) and mutated so
# that every rule fires: on datatrove's own word spans and sentences (must agree), and with our own splitter (the share is said).
# datatrove and spaCy come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/filter/test_filter_parity.sh BUILD_FOLDER [--documents N] [--seed N] [--speed]
set -u
build=$1
shift
packages=$build/parity/filter
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    python3 -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 \
        --target "$packages" datatrove spacy regex >"$build/filter_parity.log" 2>&1 ||
        skip "pip can't install the reference: $(grep -v '^ *$' "$build/filter_parity.log" | tail -n 1)"
    touch "$packages/complete"
fi
PYTHONPATH=$packages:$(dirname "$0") exec python3 "$(dirname "$0")/filter_parity.py" "$build" "$@"
