# Sourced by comparisons with datatrove: puts it and spaCy into $build/parity/filter through PyPI, once, also when two tests
# want it at a time, and names that folder $packages. Skips with a reason when it can't.
packages=$build/parity/filter
skip() {
    echo "skipped: $1"
    exit 77
}

command -v python3 >/dev/null || skip "no python3"
mkdir -p "$build/parity"
exec 9>"$packages.lock"
flock 9
if [ ! -e "$packages/complete" ]; then
    rm -rf "$packages"
    python3 -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    python3 -m pip install --quiet --no-compile --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 \
        --target "$packages" datatrove spacy regex tokenizers >"$packages.log" 2>&1 ||
        skip "pip can't install the reference: $(grep -v '^ *$' "$packages.log" | tail -n 1)"
    touch "$packages/complete"
fi
exec 9>&-
