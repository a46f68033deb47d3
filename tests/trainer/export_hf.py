#!/usr/bin/env python3
"""export_hf.py TEXT NAME:TOLERANCE...: loads each folder NAME-hf with transformers, gives it the token ids of NAME.json (weft sample --logits)
and compares: every logit within TOLERANCE times the largest one. Where the folder has a tokenizer, it must give those ids for TEXT."""
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def check_logits(folder, said, tolerance):
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    for what in "missing_keys", "unexpected_keys", "mismatched_keys":
        if info[what]:
            sys.exit(f"{folder}: {what}: {info[what]}")
    with torch.no_grad():
        theirs = model.float().eval()(torch.tensor([said["ids"]])).logits[0]
    ours = torch.tensor(said["logits"])
    if theirs.shape != ours.shape:
        sys.exit(f"{folder}: shapes {tuple(theirs.shape)} and {tuple(ours.shape)}")
    scale, worst = ours.abs().max().item(), (theirs - ours).abs().max().item()
    print(f"{folder}: {model.config.model_type} {tuple(ours.shape)} logits up to {scale:.3g} differ by at most {worst:.3g}")
    if not scale > 0.5:
        sys.exit(f"{folder}: a model that says nothing proves nothing")
    if not worst <= tolerance * scale:
        sys.exit(f"{folder}: that is more than {tolerance} of the largest")
    return model


def check_tokenizer(folder, said, text, model):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(text)["input_ids"]
    if ids != said["ids"] or tokenizer.decode(ids) != text:
        sys.exit(f"{folder}: the tokenizer gives {ids}, weft {said['ids']}")
    if tokenizer.eos_token_id is None or tokenizer.eos_token_id != model.config.eos_token_id:
        sys.exit(f"{folder}: eos {tokenizer.eos_token_id} and {model.config.eos_token_id}")


def main():
    torch.set_num_threads(1)
    for name, tolerance in (pair.split(":") for pair in sys.argv[2:]):
        with open(f"{name}.json", encoding="utf-8") as f:
            said = json.load(f)
        model = check_logits(f"{name}-hf", said, float(tolerance))
        if os.path.exists(f"{name}-hf/tokenizer.json"):
            check_tokenizer(f"{name}-hf", said, sys.argv[1], model)


main()
