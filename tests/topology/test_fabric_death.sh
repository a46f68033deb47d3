#!/bin/sh
# Deaths on the MPI fabric: the job ends within a bound, with the right exit code and one line that names rank, step and
# cause; nothing stays in /dev/shm.
build=$1
: "${WEFT_SOURCE:?the source folder}"
export WEFT_TEST_SECONDS=30
failed=0

say() {
    echo "test_fabric_death: $*"
    failed=1
}

# die HOW EXPECTED_CODE EXPECTED_LINE
die() {
    output=$("$WEFT_SOURCE/tests/mpirun" -n 3 "$build/test_fabric_mpi" "$1" 2>&1 </dev/null)
    code=$?
    [ "$code" = "$2" ] || say "$1: exit code $code, expected $2"
    case $output in
    *"$3"*) ;;
    *) say "$1: no line '$3' in: $output" ;;
    esac
    lines=$(echo "$output" | grep -c '^weft: rank')
    [ "$lines" = "$4" ] || say "$1: $lines lines of a rank, expected $4, in: $output"
}

before=$(ls /dev/shm | grep -c vader_segment)
die kill 137 "" 0
die abort 80 "weft: rank 2 step 12: loss is not a number" 1
case $output in
*told*) ;;
*) say "abort: no rank was told before it was killed" ;;
esac
die size 70 "weft: rank 0 step 12: gather unit 1 seq 1: rank 2 sent 4 bytes where 8 were expected" 1
die hang 79 "weft: rank 0 step 12: never seq 2 has no end after 0.05 s: 4 bytes still missing, from rank 2" 1
WEFT_DEADLINE_S=1x die hang 1 "WEFT_DEADLINE_S=1x: want seconds, above 0 and at most 1000000" 0
[ "$(ls /dev/shm | grep -c vader_segment)" = "$before" ] || say "vader segments left in /dev/shm"

# begin: starts ranks that wait for ever; sets wrapper, mpirun and scratch once they do.
begin() {
    rm -f "$pipe"
    mkfifo "$pipe"
    "$WEFT_SOURCE/tests/mpirun" -n 2 "$build/test_fabric_mpi" never >"$pipe" 2>&1 </dev/null &
    wrapper=$!
    exec 3<"$pipe"
    while read -r line <&3 && [ "$line" != ready ]; do :; done
    mpirun=$(pgrep -P "$(pgrep -P "$wrapper" timeout)")
    scratch=$(echo /dev/shm/weft-mpirun-"$wrapper"-*)
    [ -n "$mpirun" ] && [ -d "$scratch" ] && return
    say "no mpirun or no scratch folder under process $wrapper"
    exit 1
}

folder=$(mktemp -d) || exit 70
trap 'rm -rf "$folder"' EXIT
pipe=$folder/pipe

begin
kill -9 "$mpirun"
wait "$wrapper"
code=$?
[ $code = 137 ] || say "kill -9 of mpirun: exit code $code, expected 137"
[ ! -e "$scratch" ] || say "kill -9 of mpirun leaves $scratch"

begin
kill -TERM "$wrapper"
wait "$wrapper"
code=$?
[ $code = 143 ] || say "TERM: exit code $code, expected 143"
[ ! -e "$scratch" ] || say "TERM leaves $scratch"

begin
kill -9 "$wrapper" "$mpirun"
cat <&3 >/dev/null # until the last rank is gone
"$WEFT_SOURCE/tests/mpirun" -n 1 true
[ ! -e "$scratch" ] || say "kill -9 of the wrapper leaves $scratch after the next call"
exit $failed
