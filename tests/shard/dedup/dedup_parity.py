"""bench_dedup against datatrove, document by document; see test_dedup_parity.sh."""
import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata

from datatrove.pipeline.decont.n_grams import NGramsDecontConfig
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig, create_hash_func
from datatrove.utils.text import ngrams, simplify_text
from datatrove.utils.word_tokenizers import load_word_tokenizer
from filter_documents import Documents

VALUES = 14 * 8


def characters_texts(rng):
    """Every character, among cased letters, digits, capital sigmas and spaces, in an order of its own."""
    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"]
    texts = []
    for i in range(0, len(codes), 2000):
        texts.append("".join(f"a{chr(c)}\u03a3 {chr(c)}\u03a3b 1{chr(c)}2 {chr(c)}" for c in codes[i:i + 2000]))
    shuffled = codes[:]
    rng.shuffle(shuffled)
    marks = [c for c in codes if unicodedata.combining(chr(c))]
    for i in range(0, 60000, 2000):
        texts.append("".join(chr(c) + "".join(chr(rng.choice(marks)) for _ in range(rng.randrange(3))) for c in shuffled[i:i + 2000]))
    return texts


def words_of(tokenizer, text):
    """datatrove's words as byte ranges of text."""
    spans, at, byte = [], 0, 0
    for word in tokenizer.word_tokenize(text):
        start = text.index(word, at)
        byte += len(text[at:start].encode())
        end = byte + len(word.encode())
        spans.append((byte, end))
        at, byte = start + len(word), end
    return spans


def packed(texts, spans):
    out = bytearray()
    for text, words in zip(texts, spans):
        data = text.encode()
        out += struct.pack("<I", len(data)) + data + struct.pack("<I", len(words)) + b"".join(struct.pack("<II", *w) for w in words)
    return bytes(out)


class Bench:
    def __init__(self, build, folder):
        self.program, self.folder = os.path.join(build, "bench_dedup"), folder

    def run(self, mode, texts, spans, *arguments):
        source, target = os.path.join(self.folder, "in"), os.path.join(self.folder, "out")
        with open(source, "wb") as f:
            f.write(packed(texts, spans))
        subprocess.run([self.program, mode, *arguments, source, target], check=True)
        with open(target, "rb") as f:
            return f.read()

    def strings(self, mode, texts):
        data, at, out = self.run(mode, texts, [[]] * len(texts)), 0, []
        while at < len(data):
            n, = struct.unpack_from("<I", data, at)
            out.append(data[at + 4:at + 4 + n].decode())
            at += 4 + n
            if mode == "sign":
                at += 2 * (1 + 8 * VALUES)
        return out

    def signatures(self, texts, spans):
        data, at = self.run("sign", texts, spans), 0
        for _ in texts:
            n, = struct.unpack_from("<I", data, at)
            at += 4 + n
            both = []
            for _ in range(2):
                both.append(struct.unpack_from(f"<{VALUES}Q", data, at + 1) if data[at] else None)
                at += 1 + 8 * VALUES
            yield both


def report(what, n_same, n, must):
    print(f"{what}: {n_same} of {n} the same ({100 * n_same / max(n, 1):.3f} %)")
    return n_same == n or not must


def compare(what, ours, theirs):
    differing = [i for i in range(len(theirs)) if ours[i] != theirs[i]]
    for i in differing[:5]:
        at = next((k for k, (a, b) in enumerate(zip(ours[i], theirs[i])) if a != b), min(len(ours[i]), len(theirs[i])))
        print(f"  {what} {i}: ours {ours[i][max(0, at - 10):at + 10]!r}, theirs {theirs[i][max(0, at - 10):at + 10]!r}")
    return report(what, len(theirs) - len(differing), len(theirs), True)


def ccnet_form(line):
    """cc_net's normalize_for_dedup: strip, lower case, digits to 0, its punctuation and the controls dropped."""
    drop = set("\uff0c\u3002\u3001\u201e\u201d\u201c\u00ab\u00bb\uff11\u300d\u300c\u300a\u300b\u00b4\u2236\uff1a\uff1f\uff01\uff08\uff09\uff1b"
               "\u2013\u2014\uff0e\uff5e\u2019\u2026\u2501\u3008\u3009\u3010\u3011\uff05\u25ba")
    line = line.strip().lower()
    line = "".join("0" if unicodedata.category(c) == "Nd" else c for c in line)
    return "".join(c for c in line if c not in drop and not ord(c) < 32 and not 127 <= ord(c) < 160)


def check_decontamination(bench, rng, simple, texts, spans, tokenizer):
    """Evaluation items cut out of some documents: question and answer; every document is judged."""
    config = NGramsDecontConfig(find_query_ngrams=True, hash_config=HashConfig(hash_fc="sha1", precision=64))
    hash_of = create_hash_func(config.hash_config)
    items, index = [], set()
    for i in rng.sample(range(len(texts)), min(len(texts), 40)):
        words = texts[i].split()
        start = rng.randrange(max(1, len(words) - 10))
        items.append({"query": " ".join(words[start:start + rng.randrange(1, 25)]), "label": " ".join(words[start + 25:start + 25 + rng.randrange(1, 25)])})
    for item in items:
        query, label = (tokenizer.word_tokenize(simplify_text(item[k])) for k in ("query", "label"))
        n = config.n_grams
        grams = list(ngrams(label, n)) + list(ngrams(query, n))
        grams += [query[-n + 1 + i:] + label[:i + 1] for i in range(n - 1) if len(query) >= n - 1 - i and len(label) >= i + 1]
        index.update(hash_of(" ".join(g)) for g in grams)
    path = os.path.join(bench.folder, "eval.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(item) + "\n" for item in items)
    ours = list(bench.run("judge", texts, spans, path))
    theirs = []
    for text, words in zip(simple, spans):
        data = text.encode()
        tokens = [data[a:b].decode() for a, b in words]
        theirs.append(int(any(hash_of(" ".join(g)) in index for g in ngrams(tokens, config.n_grams))))
    print(f"decontamination drops {sum(theirs)} of {len(theirs)}")
    n_same = sum(a == b for a, b in zip(ours, theirs))
    report("verdicts of decontamination (their words in documents, ours in evaluation items)", n_same, len(theirs), False)
    return n_same >= 0.99 * len(theirs)


def check_speed(build, bench, signer, texts):
    bench.run("sign", texts, [[]] * len(texts))
    n_bytes = sum(len(t.encode()) for t in texts)
    ratios = []
    for _ in range(3):
        start = time.process_time()
        for text in texts:
            shingles = signer.get_shingles(text)
            if shingles.size:
                signer.get_signature(shingles)
        theirs = time.process_time() - start
        line = subprocess.run([bench.program, "speed", os.path.join(bench.folder, "in"), "1"], check=True, capture_output=True, text=True).stdout
        ours = float(line.split()[2])
        ratios.append(theirs / ours)
        print(f"{n_bytes / 1e6:.2f} MB: datatrove {theirs:.2f} s ({n_bytes / 1e6 / theirs:.3f} MB/s), weft {ours:.3f} s ({n_bytes / 1e6 / ours:.1f} MB/s), ratio {theirs / ours:.1f}")
    print(f"signatures: {sorted(ratios)[1]:.1f} times datatrove's speed (median of 3, interleaved, CPU time, one core)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--documents", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--text", help="folder below which more text is looked for")
    o = parser.parse_args()
    print(f"seed {o.seed}; again: test_dedup_parity.sh {o.build} --seed {o.seed} --documents {o.documents}")
    rng = random.Random(o.seed)
    documents = Documents(rng, o.text)
    if not documents.kinds:
        print("skipped: no text on this machine")
        return 77
    texts = [documents.document(i).encode("utf-8", "replace").decode() for i in range(o.documents)]
    signer = MinhashDedupSignature(tempfile.gettempdir(), MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8,
                                                                       hash_config=HashConfig(hash_fc="sha1", precision=64)))
    tokenizer = load_word_tokenizer("en")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(o.build, folder)
        if o.speed:
            check_speed(o.build, bench, signer, texts)
            return 0
        every = characters_texts(rng) if o.documents >= 1000 else characters_texts(rng)[::25]
        good &= compare("simplified characters", bench.strings("sign", every), [simplify_text(t) for t in every])
        simple = [simplify_text(t) for t in texts]
        good &= compare("simplified documents", bench.strings("sign", texts), simple)
        lines = [line for t in texts for line in t.split("\n")][:40 * o.documents] + every
        good &= compare("CCNet's lines", bench.strings("ccnet", lines), [ccnet_form(line) for line in lines])
        spans = [words_of(tokenizer, t) for t in simple]
        n_same = n_own = n_signed = 0
        for i, (given, own) in enumerate(bench.signatures(texts, spans)):
            data = simple[i].encode()
            shingles = [" ".join(g) for g in ngrams([data[a:b].decode() for a, b in spans[i]], 5)]
            theirs = None
            if shingles:
                shingles = signer.get_shingles(texts[i])
                theirs = tuple(v for bucket in signer.get_signature(shingles) for v in bucket)
                n_signed += 1
            n_same += given == theirs
            n_own += own == theirs
        print(f"{n_signed} of {len(texts)} documents have a signature")
        good &= report("signatures on datatrove's words", n_same, len(texts), True)
        report("signatures on our own words", n_own, len(texts), False)
        good &= check_decontamination(bench, rng, simple, texts, spans, tokenizer)
    return 0 if good else 1


sys.exit(main())
