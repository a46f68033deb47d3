"""Compares weft's tokenizers with the libraries that they come from; see test_tokenizer_parity.sh.

Each document is a file; weft encodes them all in one go and every line of ids must be the peer's.
"""
import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time

import parity_text
import parity_vocabulary
from parity_vocabulary import tokenizers


def weft_encode(weft, tokenizer, folder, documents):
    paths = []
    for i, data in enumerate(documents):
        paths.append(os.path.join(folder, f"{i:06}"))
        with open(paths[-1], "wb") as file:
            file.write(data)
    lines = []
    for i in range(0, len(paths), 5000):
        result = subprocess.run([weft, "tokenizer", "encode", "-t", tokenizer, *paths[i:i + 5000]],
                                capture_output=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{tokenizer}: {result.stderr.decode()}")
        lines += result.stdout.decode().split("\n")[:-1]
    for path in paths:
        os.unlink(path)
    return [[int(word) for word in line.split()] for line in lines]


def compare(name, documents, actual, expected):
    """The number of tokens; ends the program at the first difference."""
    assert len(actual) == len(documents), f"{name}: {len(actual)} lines for {len(documents)}"
    for data, got, want in zip(documents, actual, expected):
        if got != want:
            at = next((i for i, (x, y) in enumerate(zip(got, want)) if x != y), min(len(got), len(want)))
            sys.exit(f"{name}: a document of {len(data)} bytes differs at token {at}: weft {got[at - 2:at + 5]}, "
                     f"peer {want[at - 2:at + 5]}; it begins {data[:60]!r}")
    return sum(map(len, expected))


def documents_for(options, parts, rng, newer, old):
    """Documents that the peer can be asked about."""
    documents = []
    for data in parts.values():
        for document in parity_text.slices(rng, data):
            errors = "surrogateescape" if options.get("raw") else "replace"
            for _ in range(2):  # what is left may be a character
                document = document.decode(errors=errors).translate(newer).encode(errors=errors)
            if options.get("old"):
                document = document.decode().translate(old).encode()
            if any(added in document for added in options.get("added", [])):
                continue
            documents.append(document)
    return documents


def check(options, folder, parts, little):
    weft = os.path.join(options.build, "weft")
    used = "".join(set("".join(data.decode(errors="replace") for data in [*parts.values(), *little.values()])))
    newer = parity_vocabulary.newer_characters(used)
    for kind, characters in newer.items():
        print(f"utf8proc's Unicode lacks {len(characters)} of {len(used)} characters of the class {kind}")
    newer = {ord(c): None for characters in newer.values() for c in characters}
    old = {ord(c): None for c in parity_vocabulary.old_characters(used)}
    print(f"tokenizers' normal forms, of an older Unicode, lack {len(old)} characters")
    corpus = (parts["english"][:200_000] + parts["languages"][:200_000]).decode(errors="replace")
    n_all = 0
    for name, path, ids, traits in parity_vocabulary.cases(options.wheels, folder, corpus):
        if options.only and options.only not in name:
            continue
        rng = random.Random(options.seed)
        documents = documents_for(traits, little if traits.get("little") else parts, rng, newer, old)
        actual = weft_encode(weft, path, os.path.join(folder, "texts"), documents)
        n_tokens = compare(name, documents, actual, [ids(document) for document in documents])
        n_bytes = sum(map(len, documents))
        n_all += n_bytes
        print(f"{name}: {len(documents)} documents, {n_bytes} bytes, {n_tokens} tokens: same", flush=True)
    print(f"in all {n_all} bytes")


def merges_of(model):
    return [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]


def check_trained(options, folder, corpus, vocabulary):
    """A vocabulary that weft trained: same merges as tokenizers trains, same ids when it loads it."""
    weft = os.path.join(options.build, "weft")
    corpus = parity_text.whole_characters(corpus)
    path, trained = os.path.join(folder, "corpus.txt"), os.path.join(folder, "trained.json")
    with open(path, "wb") as file:
        file.write(corpus)
    subprocess.run([weft, "tokenizer", "train", "-o", trained, "--vocab", str(vocabulary), path], check=True,
                   stdout=subprocess.DEVNULL)
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.train_from_iterator([corpus.decode()], tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary - 1, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    with open(trained, encoding="utf-8") as file:
        ours = merges_of(json.load(file)["model"])
    peers = merges_of(json.loads(theirs.to_str())["model"])
    n_same = next((i for i, (x, y) in enumerate(zip(ours, peers)) if x != y), min(len(ours), len(peers)))
    if ours != peers:
        sys.exit(f"trained merges differ from tokenizers' at {n_same} of {len(ours)}: {ours[n_same]}, {peers[n_same]}")
    print(f"trained on {len(corpus)} bytes: {len(ours)} merges as tokenizers makes them")
    loaded = tokenizers.Tokenizer.from_file(trained)
    documents = [parity_text.whole_characters(d) for d in parity_text.slices(random.Random(1), corpus[:200_000])]
    compare("trained, loaded by tokenizers", documents,
            weft_encode(weft, trained, os.path.join(folder, "texts"), documents),
            [loaded.encode(d.decode(), add_special_tokens=False).ids for d in documents])


def weft_seconds(weft, tokenizer, paths):
    """CPU time for the text, without start-up."""
    seconds = {}
    for n, path in paths.items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([weft, "tokenizer", "encode", "--count", "-t", tokenizer, path], stdout=subprocess.DEVNULL,
                       check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds[n] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (seconds[9] - seconds[1]) / 8


def show_speed(options, folder, name, data, cases):
    """weft and the peers in turn on the same text on one core, the least CPU time of five runs each."""
    weft = os.path.join(options.build, "weft")
    data = parity_text.whole_characters(data)
    paths = {n: os.path.join(folder, f"speed{n}") for n in (1, 9)}
    for n, path in paths.items():
        with open(path, "wb") as file:
            file.write(data * n)
    best = {}
    for _ in range(5):
        for case, (path, ids) in cases.items():
            seconds = weft_seconds(weft, path, paths)
            best[case, "weft"] = min(best.get((case, "weft"), 1e9), seconds)
            start = time.process_time()
            ids(data)
            best[case, "peer"] = min(best.get((case, "peer"), 1e9), time.process_time() - start)
    for case in cases:
        ours, peer = best[case, "weft"], best[case, "peer"]
        print(f"speed, {name}, {len(data)} bytes, {case}: weft {len(data) / 1e6 / ours:.1f} MB/s, peer "
              f"{len(data) / 1e6 / peer:.1f} MB/s, ratio {peer / ours:.1f}", flush=True)


def speeds(options, folder, parts):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    wanted = ("tiktoken gpt2", "tokenizers gpt2", "tiktoken cl100k_base", "tiktoken o200k_base")
    corpus = parts["english"][:200_000].decode(errors="replace")
    cases = {name: (path, ids) for name, path, ids, _ in parity_vocabulary.cases(options.wheels, folder, corpus)
             if name in wanted}
    for name in ("english", "python", "languages"):
        show_speed(options, folder, name, parts[name][:3_000_000], cases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("packages")
    parser.add_argument("wheels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bytes", type=int, default=200_000, help="of text for each tokenizer")
    parser.add_argument("--only", default="", help="tokenizers with this in their name")
    parser.add_argument("--speed", action="store_true", help="only compare speeds")
    parser.add_argument("--train", type=int, default=0, help="only train this many tokens on --bytes of text")
    options = parser.parse_args()
    print(f"seed {options.seed}; again: test_tokenizer_parity.sh BUILD --seed {options.seed} --bytes {options.bytes}")
    folder = os.path.join(options.build, "parity", f"run{os.getpid()}")
    os.makedirs(os.path.join(folder, "texts"))
    try:
        n_bytes = 20_000_000 if options.speed else options.bytes
        parts = parity_text.texts(options.seed, options.packages, n_bytes)
        if options.speed:
            speeds(options, folder, parts)
        elif options.train:
            check_trained(options, folder, b"".join(parts.values()), options.train)
        else:
            little = parity_text.texts(options.seed, options.packages, min(n_bytes, 60_000))
            check(options, folder, parts, little)
            if not options.only:
                check_trained(options, folder, parts["python"] + parts["languages"], 1500)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
