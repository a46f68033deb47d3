#!/bin/sh
# Extraction's work on hostile pages is linear: instructions within extract_page (valgrind's callgrind) for each page of
# test_extract_hostile at 64 KiB and at 512 KiB, which must be less than 10 times as many. About a minute; 77 = no valgrind.
#     tests/shard/extract/extract_work.sh BUILD_FOLDER
set -u
build=${1:?usage: extract_work.sh BUILD_FOLDER}
command -v valgrind >/dev/null || {
    echo "skipped: no valgrind"
    exit 77
}
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=extract_page "$build/test_extract_hostile" --page "$1" \
        --bytes "$2" 2>&1 >"$build/extract_work.name" | sed -n 's/.*Collected : //p'
}
bad=0
page=0
while small=$(count $page 65536) && [ -n "$small" ] && [ "$small" != 0 ]; do
    large=$(count $page 524288)
    awk -v name="$(cat "$build/extract_work.name")" -v s="$small" -v l="$large" 'BEGIN {
        printf "%-34s %6.1f instructions a byte, x %.2f for 8 times the bytes\n", name, l / 524288, l / s; exit l > 10 * s }' || bad=1
    page=$((page + 1))
done
[ $page -ge 40 ] || { echo "only $page pages ran"; exit 1; }
exit $bad
