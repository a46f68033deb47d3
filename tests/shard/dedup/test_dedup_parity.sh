#!/bin/sh
# The same simplified text and the same MinHash signatures as datatrove's FineWeb configuration, on its own words (must agree) and with our
# own splitter (the share is said); CCNet's form of lines; decontamination's verdicts. datatrove and spaCy come through PyPI into the
# build folder, once. Skips with a reason when they can't be had.
#     tests/shard/dedup/test_dedup_parity.sh BUILD_FOLDER [--documents N] [--seed N] [--speed]
set -u
build=$1
shift
here=$(dirname "$0")
. "$here/../datatrove.sh"
PYTHONPATH=$packages:$here:$here/../filter exec python3 "$here/dedup_parity.py" "$build" "$@"
