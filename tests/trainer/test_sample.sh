#!/bin/sh
# weft sample on a model trained for some steps, of text and of random tokens: the same seed gives the same text, temperature 0 the likeliest,
# what cannot be done one clear line and the exit code.
. "$(dirname "$0")/command_fixture.sh"

mkdir text
for i in 1 2 3 4 5 6 7 8; do # 8 files of 8 sentences
    yes "the cat sat on the mat and ate." | head -8 | tr "\n" " " >text/$i.txt
done
"$weft" tokenizer train -o tok.json --vocab 280 text >log 2>&1 || fail "$(cat log)"
"$weft" shard build -o data --tokenizer tok.json text >log 2>&1 || fail "$(cat log)"
cat >run.yaml <<EOY
model: {layers: 1, width: 32, heads: 4, inner_width: 64, vocabulary: 280, context: 48}
data: {sources: [{name: text, path: data}], validation: 0}
train: {steps: 60, sequence: 32, global_batch: 4, micro_batch: 2, lr: 0.01, threads: 1, save_every: 30}
EOY
"$weft" train run.yaml >log 2>&1 || fail "$(cat log)"

text=$("$weft" sample run --prompt 'the cat' --tokens 12 --temperature 0) || fail "sample"
case $text in
"the cat sat on the mat"*) ;;
*) fail "a model of one sentence wrote: $text" ;;
esac
one=$("$weft" sample run --prompt 'the' --seed 3 --temperature 2)
[ "$one" = "$("$weft" sample run --prompt 'the' --seed 3 --temperature 2)" ] || fail "the same seed gave another text"
[ "$one" != "$("$weft" sample run --prompt 'the' --seed 4 --temperature 2)" ] || fail "another seed gave the same text"
[ "$text" = "$("$weft" sample run --prompt 'the cat' --tokens 12 --temperature 1 --top-k 1 --seed 5)" ] || fail "top-k 1"
[ "$text" = "$("$weft" sample run --prompt 'the cat' --tokens 12 --temperature 1 --top-p 0.0001)" ] || fail "top-p"
[ "$one" != "$("$weft" sample run --prompt 'the' --seed 3 --temperature 2 --step 30)" ] || fail "--step 30 is the last one"
"$weft" sample run --prompt 'the cat' --json --tokens 500 >out || fail "--json"
grep -q '"stopped": "context"\|"stopped": "end_of_text"' out || fail "did not stop: $(cat out)"
grep -q '"step": 60' out || fail "not the newest: $(cat out)"
"$weft" sample run --prompt x --tokens 3 >out || fail "a byte"
"$weft" sample run --ids 5,1,2 --tokens 0 --json >out || fail "--ids"
grep -q '"stopped": "tokens"' out || fail "--tokens 0: $(cat out)"

refuses 64 "the prompt is empty: give at least one token" "$weft" sample run --prompt ''
refuses 64 "give --prompt TEXT, or --ids LIST" "$weft" sample run
refuses 64 "--temperature -1: 0 or more" "$weft" sample run --prompt a --temperature -1
refuses 64 "--top-p 0: above 0, at most 1" "$weft" sample run --prompt a --top-p 0
refuses 64 "--ids: 'x' is not a token id" "$weft" sample run --ids 1,x
refuses 65 "token 280 is outside the model's vocabulary of 280" "$weft" sample run --ids 1,280
refuses 65 "run has no checkpoint of step 31; the newest is of step 60" "$weft" sample run --prompt a --step 31
refuses 74 "data is not a run directory: it has no run.yaml" "$weft" sample data --prompt a
long=$(head -c 400 text/1.txt)
"$weft" sample run --prompt "$long" >out 2>err
[ $? = 65 ] || fail "a prompt above the context"
grep -q "the model's context is 48" err || fail "said: $(cat err)"

# Tokens are bytes without a tokenizer.
"$weft" shard build -o data_bytes text >log 2>&1 || fail "$(cat log)"
sed 's/path: data/path: data_bytes/; s/steps: 60/steps: 2/' run.yaml >bytes.yaml
"$weft" train bytes.yaml >log 2>&1 || fail "$(cat log)"
[ "$("$weft" sample bytes --prompt 'abc' --tokens 0)" = abc ] || fail "bytes"

# Random tokens have no text.
cat >random.yaml <<EOY
model: {layers: 1, width: 16, heads: 2, inner_width: 16, vocabulary: 19, context: 8}
data: {kind: random}
train: {steps: 1, sequence: 8, global_batch: 1, lr: 0.01, threads: 1}
EOY
"$weft" train random.yaml >log 2>&1 || fail "$(cat log)"
refuses 65 "this run has no text (data.kind random): give --ids" "$weft" sample random --prompt a
[ "$("$weft" sample random --ids 1,2 --tokens 3 --seed 1 | wc -w)" = 5 ] || fail "ids of a random run"
