#!/bin/sh
# The same documents as the libraries that people use: WARC written by warcio and read by fastwarc, samples written and read by
# webdataset. They come through PyPI into the build folder, once. Skips with a reason when they can't be had.
#     tests/shard/read/test_read_parity.sh BUILD_FOLDER [--seed N] [--records N] [--speed]
set -u
build=$1
shift
packages=$build/parity-read/packages
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    mkdir -p "$packages"
    python3 -m pip install --quiet --disable-pip-version-check --retries 2 --timeout 30 --no-compile --target "$packages" \
        fastwarc warcio webdataset >"$build/parity-read/log" 2>&1 ||
        skip "pip can't get the reference: $(grep -v '^ *$' "$build/parity-read/log" | tail -n 1)"
    touch "$packages/complete"
fi
PYTHONPATH=$packages exec python3 "$(dirname "$0")/read_parity.py" "$build" "$@"
