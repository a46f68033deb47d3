# Sourced by tests of commands: they work in a scratch folder that is removed at the end.
# Gives $build $weft $tests; functions fail, refuses.
build=${1:?build folder}
weft=$build/weft
tests=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/weft-command-XXXXXX") || exit 70
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 70

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# refuses CODE LINE COMMAND...: exit code, the line on stderr, and no output, which COMMAND calls no.
refuses() {
    code=$1 line=$2
    shift 2
    "$@" >out 2>err
    actual=$?
    [ $actual = "$code" ] || fail "$* gave $actual, expected $code: $(cat err)"
    [ "$(cat err)" = "weft: $line" ] || fail "$* said: $(cat err)"
    if [ -e no ] || [ -e no.partial ]; then fail "$* left something"; fi
}
