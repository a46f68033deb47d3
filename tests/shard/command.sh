# Sourced by tests of weft shard and weft warc, with the build folder as $1: they work in a scratch folder that is removed at the end.
# Gives $weft $folder; functions die, expect.
weft=$1/weft
top=/tmp
[ -w /dev/shm ] && top=/dev/shm
folder=$(mktemp -d $top/weft-shard-command.XXXXXX) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

die() {
    echo "$*" >&2
    exit 1
}

# expect CODE PATTERN COMMAND...: exit code, and one line on stderr that holds the pattern.
expect() {
    code=$1 pattern=$2
    shift 2
    "$@" >stdout 2>stderr
    got=$?
    [ $got = "$code" ] || die "$*: exit $got, expected $code: $(cat stderr)"
    [ "$(wc -l <stderr)" = 1 ] || die "$*: not one line: $(cat stderr)"
    grep -q -- "$pattern" stderr || die "$*: '$(cat stderr)' lacks '$pattern'"
}
