#!/bin/sh
# weft export --format hf: both layouts load in transformers, every key in its place, and give weft's logits; the exported tokenizer gives weft's
# ids. What cannot be exported gets one line, and nothing half-written stays. transformers comes through PyPI into the build folder, once;
# torch is Debian's python3-torch. The comparison is skipped, with a reason, when they cannot be had.
. "$(dirname "$0")/command_fixture.sh"
train() { # train NAME MODEL PRECISION: on random tokens, with weights large enough to say something
    cat >"$1.yaml" <<EOY
model: {layers: 2, width: 48, heads: 6, inner_width: 80, vocabulary: 101, context: 40, init_std: 0.2, $2}
data: {kind: random}
train: {steps: 3, sequence: 16, global_batch: 4, lr: 0.02, precision: $3, threads: 1}
EOY
    "$weft" train "$1.yaml" >log 2>&1 || fail "$(cat log)"
}
gpt2='norm: layernorm, bias: true, positions: learned, activation: gelu_tanh, gated: false, tied: true'

train gpt2 "$gpt2" f32
train gpt2_bf16 "$gpt2" bf16
train llama 'kv_heads: 2' f32
train llama_tied 'tied: true, rope_base: 500000, norm_eps: 1.0e-6' f32
train llama_bf16 'kv_heads: 3' bf16
ids=7,100,3,3,55,0,81,12,9,64,33,2,98,17,40,41,42,5,6,77,29,13,90
for run in gpt2 gpt2_bf16 llama llama_tied llama_bf16; do
    "$weft" export $run --format hf -o $run-hf >log || fail "export of $run"
    "$weft" sample $run --ids $ids --logits >$run.json || fail "logits of $run"
done
grep -q 'no tokenizer.json: the run has no text' log || fail "did not say so: $(cat log)"
"$weft" export gpt2 -o gpt2-16-hf --dtype bf16 --json >log || fail "export as bf16"
grep -q '"dtype": "bf16"' log || fail "--json: $(cat log)"
cp gpt2.json gpt2-16.json

mkdir text
for i in 1 2 3 4; do yes "It's the cat's mat, 3 cats sat: naïve café 42. " | head -20 | tr '\n' ' ' >text/$i.txt; done
"$weft" tokenizer train -o tok.json --vocab 290 text >log 2>&1 || fail "$(cat log)"
"$weft" shard build -o data --tokenizer tok.json text >log 2>&1 || fail "$(cat log)"
cat >text.yaml <<EOY
model: {layers: 1, width: 32, heads: 4, inner_width: 64, vocabulary: 290, init_std: 0.2}
data: {sources: [{name: text, path: data}], validation: 0}
train: {steps: 4, sequence: 32, global_batch: 4, micro_batch: 2, lr: 0.01, threads: 1, precision: f32, save_every: 2}
EOY
"$weft" train text.yaml -o text-run >log 2>&1 || fail "$(cat log)"
"$weft" export text-run -o text-hf --step 2 >log || fail "export of a run with text"
cmp -s text-hf/tokenizer.json data/tokenizer.json || fail "not the data's tokenizer"
text="It's naïve: 42 cats"
"$weft" sample text-run --step 2 --prompt "$text" --logits >text.json || fail "logits of text"

# What is refused, and that nothing half-written stays.
train odd 'activation: relu2' f32
refuses 78 "transformers has no layout for this model: not gpt2 (model.norm is not layernorm), not llama (model.activation is not silu)" \
    "$weft" export odd -o no
refuses 64 "gpt2-hf exists already; remove it or choose another name" "$weft" export gpt2 -o gpt2-hf
refuses 64 "--format golf: only hf is known" "$weft" export gpt2 --format golf -o no
refuses 64 "--dtype f64: f32 or bf16" "$weft" export gpt2 --dtype f64 -o no
refuses 64 "no -o OUT given" "$weft" export gpt2
refuses 65 "gpt2 has no checkpoint of step 1; the newest is of step 3" "$weft" export gpt2 --step 1 -o no
"$weft" export text-run -o reference >log || fail "export of the newest"
k=0
while k=$((k + 1)); do # the k-th file operation fails
    WEFT_FAULT="*:$k:enospc" "$weft" export text-run -o whole >log 2>err && break
    [ ! -e whole.partial ] || fail "fault $k: left whole.partial: $(cat err)"
    if [ -e whole ]; then # it failed when all was in place
        diff -r whole reference || fail "fault $k: half-written"
        rm -rf whole
    fi
    [ $k -lt 300 ] || fail "never succeeds"
done
[ $k -gt 20 ] || fail "only $k places to fail at"

python=
for one in python3 /usr/bin/python3; do
    "$one" -c 'import torch' >/dev/null 2>&1 && python=$one && break
done
skip() {
    echo "skipped: the comparison with transformers: $1"
    exit 77
}
[ -n "$python" ] || skip "no torch for python3 (Debian: python3-torch)"
packages=$build/transformers
if [ ! -e "$packages/complete" ]; then
    pip=python3
    "$python" -m pip --version >/dev/null 2>&1 && pip=$python
    "$pip" -m pip --version >/dev/null 2>&1 || skip "no pip (Debian: python3-pip)"
    rm -rf "$packages"
    "$pip" -m pip install --quiet --disable-pip-version-check --only-binary :all: --retries 2 --timeout 30 --target "$packages" \
        --python-version "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" \
        'transformers==4.40.2' 'numpy<2' >"$build/transformers.log" 2>&1 ||
        skip "pip can't install it: $(grep -v '^ *$' "$build/transformers.log" | tail -n 1)"
    touch "$packages/complete"
fi
export PYTHONPATH="$packages" HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
# Computed in bf16 and exported as f32 (NAME_bf16), or the other way round (gpt2-16): bf16's tolerance. All f32: rounding alone.
"$python" "$tests/trainer/export_hf.py" "$text" gpt2:5e-6 llama:5e-6 llama_tied:5e-6 text:5e-6 gpt2_bf16:3e-2 llama_bf16:3e-2 gpt2-16:3e-2
