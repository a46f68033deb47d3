# Sourced by training tests: a scratch folder, a small real dataset (this project's own prose and code as text), a tiny run file.
# Gives: $weft $work $run_file; functions train, losses, parameters.
set -eu
build=${1:?build folder}
weft=$build/weft
source_folder=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-train-XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

make_dataset() {
    mkdir -p "$work/text"
    find "$source_folder" -path "$source_folder/build*" -prune -o \( -name '*.h' -o -name '*.md' -o -name '*.c' \) -type f -print |
        sort | head -150 | while read -r file; do cp "$file" "$work/text/$(echo "${file#"$source_folder"/}" | tr / _).txt"; done
    "$weft" tokenizer train -o "$work/tokenizer.json" --vocab 512 "$work/text" >/dev/null
    "$weft" shard build -o "$work/data" -t "$work/tokenizer.json" --bin-tokens 20000 "$work/text" >/dev/null
}

make_run_file() {
    run_file=$work/run.yaml
    cat >"$run_file" <<END
model: {layers: 2, width: 64, heads: 4, kv_heads: 2, inner_width: 160, vocabulary: 512, tied: true}
data:
  validation: 0.1
  sources:
    - {name: own, path: $work/data, weight: 1}
train:
  {steps: 20, sequence: 64, global_batch: 8, micro_batch: 1, lr: 3e-3, warmup_steps: 4, precision: bf16,
   eval_every: 10, eval_rows: 3, threads: 1}
END
}

# train NAME ARGUMENTS...: trains into $work/NAME, output in $work/NAME.out.
train() {
    name=$1
    shift
    "$weft" train "$run_file" -o "$work/$name" "$@" >"$work/$name.out" 2>&1 || {
        tail -n 20 "$work/$name.out" "$work/$name"/datad-*.log >&2
        fail "train $name $*"
    }
}

# What must not depend on how it ran: losses, norms and validation losses of all steps, to the bit.
losses() {
    sed -E 's/.*"step": ([0-9]+), "loss": ([^,]+), "grad_norm": ([^,]+),.*/\1 \2 \3 &/; s/ \{.*"val_loss": ([^}]+)\}/ \1/; s/ \{.*//' "$work/$1/log.jsonl"
}

# Hash of the parameters that the last checkpoint holds.
parameters() {
    grep -ao '"state_hash": *"[0-9a-f]*"' "$(ls -d "$work/$1"/checkpoints/step-*/manifest | tail -n 1)"
}

# same_as REFERENCE NAME: NAME gave REFERENCE's bits; counted in n_same.
n_same=0
same_as() {
    losses "$1" >"$work/expected"
    losses "$2" >"$work/actual"
    grep -qvE '^[0-9]+ [0-9.e+-]+ [0-9.e+-]+' "$work/expected" && fail "no losses in $1"
    [ -s "$work/expected" ] || fail "no steps in $1"
    diff "$work/expected" "$work/actual" >&2 || fail "losses of $2 differ from $1"
    [ -n "$(parameters "$1")" ] && [ "$(parameters "$1")" = "$(parameters "$2")" ] || fail "parameters of $2 differ from $1"
    n_same=$((n_same + 1))
}
