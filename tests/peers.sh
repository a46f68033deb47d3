# Sourced by comparisons with the libraries that people use; wants $build. Gives functions skip, pip_get, peers.

# skip REASON: the test ends as skipped.
skip() {
    echo "skipped: $1"
    exit 77
}

# pip_get COMMAND ARGUMENT...: pip install or download, of wheels alone.
pip_get() {
    python3 -m pip "$@" --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 >"$build/parity/pip.$$.log" 2>&1 ||
        skip "pip can't get the reference: $(grep -v '^ *$' "$build/parity/pip.$$.log" | tail -n 1)"
    rm "$build/parity/pip.$$.log"
}

# peers NAME REQUIREMENT...: puts them into $build/parity/NAME through PyPI, once, also when two tests want it at a time, and names
# that folder $packages. Options of pip install may stand among the requirements. Skips with a reason when they can't be had.
peers() {
    packages=$build/parity/$1
    shift
    command -v python3 >/dev/null || skip "no python3"
    mkdir -p "$build/parity"
    exec 9>"$packages.lock"
    flock 9
    if [ ! -e "$packages/complete" ]; then
        rm -rf "$packages"
        python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
        pip_get install --no-compile --target "$packages" "$@"
        touch "$packages/complete"
    fi
    exec 9>&-
}
