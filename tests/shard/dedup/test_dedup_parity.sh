#!/bin/sh
# The same simplified text and the same MinHash signatures as datatrove's FineWeb configuration, on its own words (must agree) and with our
# own splitter (the share is said); CCNet's form of lines; decontamination's verdicts. datatrove and spaCy come through PyPI into the
# build folder, once. Skips with a reason when they can't be had.
#     tests/shard/dedup/test_dedup_parity.sh BUILD_FOLDER [--documents N] [--seed N] [--speed]
set -u
build=$1
shift
packages=$build/parity/dedup
here=$(dirname "$0")
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    python3 -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 \
        --target "$packages" datatrove spacy regex tokenizers >"$build/dedup_parity.log" 2>&1 ||
        skip "pip can't install the reference: $(grep -v '^ *$' "$build/dedup_parity.log" | tail -n 1)"
    touch "$packages/complete"
fi
PYTHONPATH=$packages:$here:$here/../filter exec python3 "$here/dedup_parity.py" "$build" "$@"
