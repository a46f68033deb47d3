#!/bin/sh
# Two hosts with two ranks each, joined by links of 1 Gbit/s: a datad on each host, ownership by rails, and the bits of one rank.
. "$(dirname "$0")/../trainer/train_fixture.sh"
. "$(dirname "$0")/virtual_cluster.sh"
missing=$(cluster_missing)
[ -z "$missing" ] || { echo "skipped: $missing"; exit 77; }
make_dataset
make_run_file
train one --set train.steps=8

cluster_up 2 1gbit
trap 'cluster_down; rm -rf "$work"' EXIT
cluster_mpirun -n 4 "$weft" train "$run_file" -o "$work/hosts" --set train.steps=8 >"$work/hosts.out" 2>&1 || {
    cat "$work/hosts.out" >&2
    fail "training on two hosts"
}
same_as one hosts
grep -q '^2 *n2 ' "$work/hosts.out" || fail "rank 2 is not on host n2"
[ -s "$work/hosts/datad-0.log" ] && [ -s "$work/hosts/datad-1.log" ] || fail "not a datad on each host"
