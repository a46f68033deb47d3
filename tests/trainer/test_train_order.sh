#!/bin/sh
# A mixture that changes over the steps, best-fit packing, a filter, rows left out and two phases: the same losses to the bit on
# 8 -> 6 -> 3 -> 1 ranks, resumed in mid-epoch, as in one straight run; an edit that begins later is taken on resume, one that
# begins in steps already made is refused.
. "$(dirname "$0")/train_fixture.sh"
make_dataset
mkdir "$work/prose"
cp "$source_folder"/docs/*.md "$source_folder/README.md" "$work/prose"
"$weft" shard build -o "$work/more" -t "$work/tokenizer.json" --bin-tokens 5000 "$work/prose" >/dev/null
make_run_file
cat >"$run_file" <<END
model: {layers: 2, width: 64, heads: 4, kv_heads: 2, inner_width: 160, vocabulary: 512, tied: true}
data:
  validation: 0.1
  packing: best-fit
  window: 2
  sources:
    - {name: own, path: $work/data, weight: 3}
    - {name: prose, path: $work/more, weight: 1, filter: tokens > 1500}
  mixture:
    - {from_step: 5, weights: own=1 prose=1}
    - {from_step: 9, weights: prose=1}
    - {from_step: 13, weights: own=2 prose=1}
  skip:
    - {from_step: 7, steps: 2}
train:
  {steps: 12, sequence: 64, global_batch: 24, micro_batch: 3, lr: 3e-3, warmup_steps: 4, precision: bf16, threads: 1}
phases:
  - {steps: 4, sequence: 64, global_batch: 12, micro_batch: 1}
END
train one -n 2

# leave NAME STEP: as if NAME had been killed after it saved STEP.
leave() {
    for folder in "$work/$1"/checkpoints/step-*; do
        [ "${folder##*step-}" -le "$2" ] || rm -r "$folder"
    done
}
train split -n 8 --set train.save_every=1 --set train.keep=100
for pair in 4:6 8:3 11:1; do
    leave split ${pair%:*}
    train split -n ${pair#*:} --resume --set train.save_every=1 --set train.keep=100
    grep -q "resumed from .*step-0*${pair%:*} " "$work/split.out" || fail "did not resume at step ${pair%:*}"
    same_as one split
done

# A change of weights from step 10 on, added after step 10 was reached: as if it had been there from the start.
sed 's/from_step: 13, weights: own=2/from_step: 10, weights: own=7/' "$run_file" >"$work/changed.yaml"
plain=$run_file
run_file=$work/changed.yaml
train changed -n 3
run_file=$plain
leave split 10
run_file=$work/changed.yaml
train split -n 5 --resume --set train.keep=100
same_as changed split
losses one >"$work/plain"
losses changed | cmp -s - "$work/plain" && fail "the change changed nothing"
head -n 10 "$work/plain" >"$work/plain.10"
losses changed | head -n 10 | cmp - "$work/plain.10" || fail "steps before the change are others"

# From step 9 on it is too late.
sed -i 's/from_step: 10, /from_step: 8, /; s/from_step: 9, weights: prose=1/from_step: 7, weights: prose=1/' "$run_file"
leave split 10
code=0
"$weft" train "$run_file" -o "$work/split" -n 2 --resume >"$work/late.out" 2>&1 || code=$?
[ $code = 65 ] || fail "exit code $code for an edit that begins too early"
grep -q 'an edit of the mixture or a skip begins before step 10' "$work/late.out" || fail "it was not said why"

# A misspelt source is said before anything starts.
code=0
"$weft" train "$plain" -o "$work/misspelt" --set 'data.mixture[0].weights=own=1 pros=2' >"$work/misspelt.out" 2>&1 || code=$?
[ $code = 78 ] || fail "exit code $code for a misspelt source"
grep -q "no source is named 'pros'; did you mean 'prose'" "$work/misspelt.out" || fail "$(cat "$work/misspelt.out")"
echo "$n_same runs gave the bits of another"
