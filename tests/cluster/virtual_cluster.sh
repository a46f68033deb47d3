# Sourced: hosts made of namespaces on this machine, for tests of what crosses a network. Each host n1, n2, .. has its own host name, network, process ids,
# /proc and /dev/shm; they meet on a bridge in the network namespace of "login", where mpirun runs. Nothing appears in the real network.
#
#     cluster_up 2 1gbit          # hosts, and the rate of each one's link (none = unshaped)
#     cluster_mpirun -n 4 weft train ...
#     cluster_down
#
# Needs root and ip, tc, unshare, nsenter; cluster_missing says what is not there.

cluster_missing() {
    [ "$(id -u)" = 0 ] || { echo "not root"; return; }
    for tool in ip tc unshare nsenter; do command -v $tool >/dev/null || { echo "no $tool (Debian: iproute2, util-linux)"; return; }; done
    unshare --net --uts --ipc --mount --pid --fork true 2>/dev/null || echo "namespaces are not allowed here"
}

# Waits until a file of a starting host has content: bounded, 5 s.
cluster_await() {
    n=0
    until [ -s "$1" ]; do
        n=$((n + 1))
        [ $n -lt 500 ] || { echo "virtual cluster: $1 does not come" >&2; exit 1; }
        sleep 0.01
    done
}

cluster_boot_login() {
    unshare --net sh -c "ip link set lo up; ip link add br0 type bridge stp_state 0; ip addr add 10.77.0.250/24 dev br0
        ip link set br0 up; echo \$\$ >$cluster/login.pid; exec sleep 3600" </dev/null >"$cluster/login.log" 2>&1 &
    cluster_await "$cluster/login.pid"
}

cluster_boot() { # NUMBER RATE
    unshare --net --uts --ipc --mount --pid --fork --kill-child sh -c "hostname n$1; mount --make-rprivate /; mount -t proc proc /proc
        mount -t tmpfs -o size=1g tmpfs /dev/shm; mount --bind $cluster/hosts /etc/hosts; ip link set lo up; exec sleep 3600" \
        </dev/null >"$cluster/n$1.log" 2>&1 &
    echo $! >"$cluster/n$1.outer"
    n=0
    until host=$(pgrep -P "$(cat "$cluster/n$1.outer")") && [ "$(cat "/proc/$host/comm" 2>/dev/null)" = sleep ]; do
        n=$((n + 1))
        [ $n -lt 500 ] || { echo "virtual cluster: host n$1 does not start: $(cat "$cluster/n$1.log")" >&2; exit 1; }
        sleep 0.01
    done
    echo "$host" >"$cluster/n$1.pid"
    login=$(cat "$cluster/login.pid")
    nsenter -t "$login" -n ip link add "p$1" type veth peer name eth0 netns "$host"
    nsenter -t "$login" -n ip link set "p$1" master br0 up
    nsenter -t "$host" -n ip addr add "10.77.0.$1/24" dev eth0
    nsenter -t "$host" -n ip link set eth0 up
    [ "$2" = none ] && return
    nsenter -t "$host" -n tc qdisc replace dev eth0 root tbf rate "$2" burst 256kb latency 20ms
    nsenter -t "$login" -n tc qdisc replace dev "p$1" root tbf rate "$2" burst 256kb latency 20ms
}

cluster_up() { # HOSTS RATE
    cluster=$(mktemp -d /tmp/weft-cluster-XXXXXX)
    echo 127.0.0.1 localhost >"$cluster/hosts"
    echo 10.77.0.250 login >>"$cluster/hosts"
    cat >"$cluster/agent" <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
exec nsenter -t "\$(cat $cluster/\$host.pid)" -n -u -i -m -p -- /bin/sh -c "\$*"
END
    chmod +x "$cluster/agent"
    cluster_boot_login
    for i in $(seq "$1"); do
        echo "10.77.0.$i n$i" >>"$cluster/hosts"
        echo "n$i slots=2" >>"$cluster/hostfile"
    done
    for i in $(seq "$1"); do cluster_boot "$i" "$2"; done
}

# One TCP connection queues requests behind bulk data unless messages are sent, not put (btl_tcp_flags).
cluster_mpirun() {
    nsenter -t "$(cat "$cluster/login.pid")" -n unshare --uts --mount sh -c "hostname login; mount --bind $cluster/hosts /etc/hosts; exec \"\$@\"" sh \
        env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -q --hostfile "$cluster/hostfile" \
        --mca plm rsh --mca plm_rsh_agent "$cluster/agent" --mca plm_rsh_no_tree_spawn 1 --mca oob_tcp_if_include 10.77.0.0/24 \
        --mca pml ob1 --mca btl self,vader,tcp --mca btl_tcp_if_include 10.77.0.0/24 --mca btl_tcp_flags send,inplace \
        --mca mpi_yield_when_idle 1 --bind-to none "$@"
}

cluster_down() {
    for pid in "$cluster"/*.outer "$cluster"/login.pid; do kill -9 "$(cat "$pid")" 2>/dev/null || true; done
    rm -rf "$cluster"
}
