#!/bin/sh
# The table of rules in docs/DATA.md is what weft itself prints; --bless puts it there.
#     tests/shard/filter/test_filter_docs.sh BUILD_FOLDER [--bless]
set -u
build=$1
docs=$(dirname "$0")/../../../docs/DATA.md
actual=$(mktemp) && expected=$(mktemp) || exit 1
trap 'rm -f "$actual" "$expected"' EXIT
"$build/weft" shard judge --rules >"$actual" || exit 1
if [ "${2:-}" = --bless ]; then
    awk -v table="$actual" '/^\| rule \|/ { while ((getline line < table) > 0) print line; skip = 1 } !/^\|/ { skip = 0 } !skip' "$docs" >"$expected" &&
        cat "$expected" >"$docs"
    exit
fi
awk '/^\| rule \|/ { on = 1 } !/^\|/ { on = 0 } on' "$docs" >"$expected"
diff -u "$expected" "$actual" && [ -s "$actual" ] && exit 0
echo "docs/DATA.md differs from the rules; again with --bless writes them there"
exit 1
