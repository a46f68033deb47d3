#!/bin/bash
# A running datad answers `weft datad status` and GET /metrics, reloads its config on SIGHUP, keeps the old one when the new one is
# bad, and drains on SIGTERM. Bash for /dev/tcp; only loopback.
set -u
weft=$1/weft
folder=$(mktemp -d)
datad=
finish() {
    [ -z "$datad" ] || kill -9 "$datad" 2>/dev/null
    rm -rf "$folder"
}
trap finish EXIT
fail() {
    echo "failed: $1"
    cat "$folder"/*.log
    exit 1
}
awaits() { # until the log says $1, or datad has ended
    while ! grep -qs "$1" "$folder/log"; do
        kill -0 "$datad" 2>/dev/null || fail "datad ended before '$1'"
        read -r -t 0.02 <> <(:) || true
    done
}

for i in $(seq 40); do
    echo "The river runs past house number $i, and nobody in it knows where the water goes."
done >"$folder/text.txt"
"$weft" shard build -o "$folder/data" --split blank-lines --bin-tokens 256 "$folder/text.txt" >"$folder/build.log" 2>&1 || fail "build"
config() { # weight
    cat >"$folder/datad.yaml" <<END
socket: $folder/run/socket
metrics: "0"
sources:
  - {name: rivers, path: $folder/data, weight: $1}
validation: 0
END
}
config 2
"$weft" datad "$folder/datad.yaml" >"$folder/log" 2>&1 &
datad=$!
awaits 'metrics at port'
port=$(sed -n 's/.*metrics at port //p' "$folder/log")

http() { # method path
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' "$1" "$2" >&3
    timeout 10 cat <&3
    exec 3>&-
}
http GET /metrics >"$folder/metrics"
grep -q '^HTTP/1.[01] 200' "$folder/metrics" || fail "GET /metrics: $(head -n 1 "$folder/metrics")"
grep -q '^weft_datad_source_weight{source="rivers"} 2' "$folder/metrics" || fail "no weight in the metrics"
grep -q '^weft_datad_batch_seconds_bucket{le="+Inf"} 0' "$folder/metrics" || fail "no histogram in the metrics"
http GET /elsewhere | grep -q ' 404 ' || fail "GET /elsewhere"
http POST /metrics | grep -q ' 405 ' || fail "POST /metrics"

"$weft" datad status "$folder/datad.yaml" >"$folder/table" || fail "status"
grep -q '0 clients' "$folder/table" || fail "status: $(cat "$folder/table")"
"$weft" datad status --json "$folder/run/socket" | grep -q '"weft_datad_reloads_total": 0' || fail "status --json"
"$weft" datad status "$folder/none" 2>"$folder/absent.log" && fail "status of nothing"

config 3
kill -HUP "$datad"
awaits 'reloaded'
while ! "$weft" datad status --json "$folder/run/socket" >"$folder/json" 2>&1; do
    kill -0 "$datad" 2>/dev/null || fail "datad ended in a reload"
done
grep -q '"weft_datad_reloads_total": 1' "$folder/json" || fail "reloads are not counted"
grep -q '"weight": 3' "$folder/json" || fail "the new weight is not in use"
config -1
kill -HUP "$datad"
awaits 'the old config stays'
"$weft" datad status --json "$folder/run/socket" | grep -q '"weight": 3' || fail "a bad config replaced a good one"

kill -TERM "$datad"
wait "$datad"
code=$?
datad=
[ $code = 0 ] || fail "SIGTERM ended datad with $code"
[ ! -e "$folder/run/socket" ] || fail "the socket is still there"
