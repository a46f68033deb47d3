#!/bin/sh
# Every rule gives datatrove's verdict, on documents cut from the text on this machine (manual pages, documentation) and mutated so
# that every rule fires: on datatrove's own word spans and sentences (must agree), and with our own splitter (the share is said).
# datatrove and spaCy come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/filter/test_filter_parity.sh BUILD_FOLDER [--documents N] [--seed N] [--text FOLDER] [--tfds] [--speed]
set -u
build=$1
shift
here=$(dirname "$0")
. "$here/../datatrove.sh"
case " $* " in *" --tfds "*)
    [ -e "$packages/tensorflow_datasets" ] || pip_get install --no-compile --no-deps --target "$packages" tensorflow-datasets ;;
esac
PYTHONPATH=$packages:$here exec python3 "$here/filter_parity.py" "$build" "$@"
