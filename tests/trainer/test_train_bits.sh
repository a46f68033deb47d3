#!/bin/sh
# One run file, one result: losses, norms and parameters to the bit for any ranks, threads, instruction set, lockstep, recomputation
# and ZeRO policy (I2); resumed on other ranks; and the order of steps is the one that the walker plays.
. "$(dirname "$0")/train_fixture.sh"
make_dataset
make_run_file

train one
for n in 2 3 4 8; do
    train "ranks$n" -n $n
    same_as one "ranks$n"
done
train threads2 --set train.threads=2
same_as one threads2
for isa in scalar avx2 avx512; do # whatever the CPU has; amx, where it has it, is what "one" used
    WEFT_ISA=$isa train "$isa"
    same_as one "$isa"
done
train lockstep1 -n 3 --set train.lockstep=1
same_as one lockstep1
train lockstep2 -n 3 --set train.lockstep=2
same_as one lockstep2
train recompute -n 2 --set train.recompute=true
same_as one recompute
train whole -n 3 --set train.zero=0
same_as one whole

# More lanes on a rank than a client of datad has under way.
set -- --set train.global_batch=80 --set train.micro_batch=1 --set train.steps=2 --set train.sequence=16
train wide1 "$@"
train wide3 -n 3 "$@" --set train.lockstep=5
same_as wide1 wide3
set --

# 10 steps on 3 ranks, then 10 on 5.
train resumed -n 3 --set train.save_every=10
rm -r "$work/resumed/checkpoints/step-000020"
train resumed -n 5 --resume
grep -q 'resumed from .*step-000010' "$work/resumed.out" || fail "did not resume from step 10"
same_as one resumed

# f32, and another model: GPT-2's kind.
set -- --set train.precision=f32 --set model.norm=layernorm --set model.positions=learned --set model.activation=gelu_tanh \
    --set model.gated=false --set model.bias=true --set train.clip=0 --set model.kv_heads=4
train gpt1 "$@"
train gpt3 -n 3 "$@"
same_as gpt1 gpt3

# The order of steps.
train traced -n 3 --trace
"$weft" plan "$run_file" -n 3 --walk --steps 20 --trace "$work/walked" >/dev/null
for rank in 0 1 2; do
    cmp "$work/walked" "$work/traced/trace/rank-000$rank.txt" || fail "rank $rank played other steps than the walker"
done

# The loss falls.
first=$(losses one | head -n 1 | cut -d ' ' -f 2)
last=$(losses one | tail -n 1 | cut -d ' ' -f 2)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < a - 0.5) }' || fail "the loss went from $first to $last"
echo "$n_same runs gave the bits of another; loss $first -> $last"
