#!/bin/sh
# The same documents as the libraries that people use: WARC written by warcio and read by fastwarc, samples written and read by
# webdataset. They come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/read/test_read_parity.sh BUILD_FOLDER [--seed N] [--records N] [--speed]
set -u
build=$1
shift
. "$(dirname "$0")/../../peers.sh"
peers reading fastwarc warcio webdataset brotli
PYTHONPATH=$packages exec python3 "$(dirname "$0")/read_parity.py" "$build" "$@"
