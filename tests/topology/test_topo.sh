#!/bin/sh
# weft topo on described machines: text, JSON and exit codes.
weft=$1/weft
failed=0

# expect CODE TEXT ARGUMENTS...: runs weft topo ARGUMENTS; its output is exactly TEXT.
expect() {
    code=$1
    text=$2
    shift 2
    output=$("$weft" topo "$@" 2>&1)
    actual=$?
    [ "$actual" = "$code" ] && [ "$output" = "$text" ] && return
    printf 'weft topo %s\n exit %s, expected %s\n%s\nexpected\n%s\n' "$*" "$actual" "$code" "$output" "$text"
    failed=1
}

expect 0 "machine: 2 packages, 2 NUMA nodes, 4 cores, 2.0 GiB
  package 0
    numa 0: 2 cores (cpus 0-3), 1.0 GiB
  package 1
    numa 1: 2 cores (cpus 4-7), 1.0 GiB" show --machine "pack:2 numa:1 core:2 pu:2"
expect 0 "rank  host  cores  numa  memory   bound
0     -     0-3    0     1.0 GiB  yes
1     -     4-7    1     1.0 GiB  yes" place -n 2 --machine "pack:2 numa:1 core:2 pu:2"
expect 0 '{
 "cores": 1,
 "numa_nodes": [
  {
   "numa": 0,
   "package": 0,
   "cores": 1,
   "cpus": "0",
   "memory_bytes": 1073741824
  }
 ]
}' show --json --machine "pack:1 numa:1 core:1 pu:1"
expect 0 '{
 "ranks": [
  {
   "local_rank": 0,
   "cores": 1,
   "cpus": "0",
   "numa": "0",
   "numa_node": 0,
   "memory_bytes": 1073741824,
   "bound": true,
   "why_not": ""
  }
 ]
}' place -n 1 --json --machine "pack:1 numa:1 core:1 pu:1"
expect 64 "weft: machine 'nonsense': not an hwloc synthetic description" show --machine nonsense
expect 64 "weft: place: -n RANKS is missing or not in 1..1024" place
"$weft" topo show >/dev/null || failed=1
exit $failed
