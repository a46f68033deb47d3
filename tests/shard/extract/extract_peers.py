# Quality and speed of weft's extraction beside trafilatura and resiliparse; extract_peers.sh says how to run it.
import argparse
import collections
import glob
import importlib.metadata
import json
import os
import random
import re
import subprocess
import sys
import time

import trafilatura
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree


def norm(text):
    return re.sub(r"\s+", " ", text.replace("\u00ad", "").replace("\u200b", "")).strip()


def weft(build, files, mode=None):
    out = subprocess.run([os.path.join(build, "bench_extract")] + ([mode] if mode else []), check=True, capture_output=True,
                         input=b"".join(os.fsencode(f) + b"\n" for f in files))
    texts, i = [], 0
    for _ in files:
        end = out.stdout.index(b"\n", i)
        n = int(out.stdout[i:end])
        i = end + 1 + max(n, 0)
        texts.append(out.stdout[end + 1:i].decode() if n >= 0 else "")
    return texts, float(re.search(rb"([0-9.]+) s of CPU", out.stderr)[1])


def python(extract):
    def run(files):
        texts, seconds = [], 0.0
        for name in files:
            with open(name, "rb") as f:
                html = f.read()
            start = time.process_time()
            try:
                texts.append(extract(html) or "")
            except Exception:  # a peer's crash is an empty text
                texts.append("")
            seconds += time.process_time() - start
        return texts, seconds
    return run


def resiliparse(html):
    tree = HTMLTree.parse_from_bytes(html, detect_encoding(html))
    return extract_plain_text(tree, main_content=True, alt_texts=False)


def extractors(build):
    return {
        "weft": lambda files: weft(build, files),
        "weft plain": lambda files: weft(build, files, "plain"),
        "trafilatura": python(lambda h: trafilatura.extract(h, include_comments=False)),
        "trafilatura, as datatrove calls it": python(
            lambda h: trafilatura.extract(h, favor_precision=True, include_comments=False, deduplicate=True)),
        "resiliparse, main content": python(resiliparse),
    }


# [(file, snippets to keep, snippets to drop)]
def own_pages(folder):
    pages = []
    for name in sorted(glob.glob(os.path.join(folder, "*.html"))):
        with open(name[:-5] + ".labels", encoding="utf-8") as f:
            lines = f.read().splitlines()
        pages.append((name, [l[2:] for l in lines if l[0] == "+"], [l[2:] for l in lines if l[0] == "-"]))
    return pages


def trafilatura_pages(folder):
    with open(os.path.join(folder, "evaldata.json"), encoding="utf-8") as f:
        data = json.load(f)
    pages = []
    for url in sorted(data):
        for sub in ("cache", "eval"):
            name = os.path.join(folder, sub, data[url]["file"])
            if os.path.isfile(name):
                pages.append((name, data[url]["with"], data[url]["without"]))
                break
    return pages


# Snippets as trafilatura's evaluation counts them, white space made one. A snippet counts if the text has it; "|" between cells
# does not.
def score(pages, texts):
    tp = fp = fn = 0
    for (_, keep, drop), text in zip(pages, texts):
        text = norm(text.replace("|", " "))
        hits = sum(norm(s.replace("|", " ")) in text for s in keep)
        tp, fn = tp + hits, fn + len(keep) - hits
        fp += sum(norm(s.replace("|", " ")) in text for s in drop)
    precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def labelled(build, title, pages):
    files = [p[0] for p in pages]
    n_bytes = sum(os.path.getsize(f) for f in files)
    print(f"\n{title}: {len(pages)} pages, {n_bytes / 1e6:.2f} MB, {sum(len(p[1]) for p in pages)} snippets to keep, "
          f"{sum(len(p[2]) for p in pages)} to drop\n\n| extractor | precision | recall | F1 | MB/s |\n|---|---|---|---|---|")
    for name, run in extractors(build).items():
        texts, seconds = run(files)
        print("| %s | %.3f | %.3f | %.3f | %.1f |" % (name, *score(pages, texts), n_bytes / seconds / 1e6), flush=True)


def words(text):
    return collections.Counter(re.findall(r"\w+", text))


def agreement(build, folder, n, seed):
    files = sorted(glob.glob(os.path.join(folder, "**", "*.html"), recursive=True))
    files = [f for f in files if os.path.getsize(f) > 1000 and os.path.realpath(f) == os.path.abspath(f)]
    files = random.Random(seed).sample(files, min(n, len(files)))
    n_bytes = sum(os.path.getsize(f) for f in files)
    print(f"\nAgreement with trafilatura (words) on {len(files)} pages of {folder}, {n_bytes / 1e6:.1f} MB (seed {seed})\n")
    print("| extractor | mean F1 | of trafilatura's words, has | of its words, trafilatura has | length / trafilatura's | MB/s |"
          "\n|---|---|---|---|---|---|")
    runs = extractors(build)
    reference, seconds = runs["trafilatura"](files)
    for name, run in runs.items():
        texts, seconds = run(files)
        f1 = p = r = 0
        for ours, theirs in zip(texts, reference):
            a, b = words(ours), words(theirs)
            same = sum((a & b).values())
            p += same / sum(a.values()) if a else not b
            r += same / sum(b.values()) if b else not a
            f1 += 2 * same / (sum(a.values()) + sum(b.values())) if a or b else 1
        print("| %s | %.3f | %.3f | %.3f | %.2f | %.1f |" % (name, f1 / len(files), r / len(files), p / len(files),
              sum(map(len, texts)) / sum(map(len, reference)), n_bytes / seconds / 1e6), flush=True)


# Ten rounds of the same pages by turns, so that the machine's moods hit both.
def speed(build, folder, n, seed, rounds=10):
    files = sorted(glob.glob(os.path.join(folder, "**", "*.html"), recursive=True))
    files = random.Random(seed).sample([f for f in files if os.path.getsize(f) > 1000], n)
    n_bytes = sum(os.path.getsize(f) for f in files)
    runs, times = extractors(build), collections.defaultdict(list)
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(run(files)[1])
    print(f"\nSpeed on {n} pages, {n_bytes / 1e6:.1f} MB, CPU time of one core, median of {rounds} rounds by turns\n\n"
          "| extractor | MB/s | weft is faster by |\n|---|---|---|")
    ours = sorted(times["weft"])[rounds // 2]
    for name, seconds in times.items():
        median = sorted(seconds)[rounds // 2]
        print("| %s | %.1f | %.1f |" % (name, n_bytes / median / 1e6, median / ours))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--annotated", help="folder tests/ of trafilatura's repository: evaldata.json, cache, eval")
    parser.add_argument("--pages", help="folder of pages without labels: agreement and speed")
    parser.add_argument("-n", type=int, default=200, help="pages of --pages")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for name in ("trafilatura", "resiliparse", "lxml"):
        print(name, importlib.metadata.version(name), end="; ")
    print("Python", sys.version.split()[0])
    labelled(args.build, "Own pages", own_pages(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pages")))
    if args.annotated:
        labelled(args.build, "trafilatura's evaluation", trafilatura_pages(args.annotated))
    if args.pages:
        agreement(args.build, args.pages, args.n, args.seed)
        speed(args.build, args.pages, min(args.n, 50), args.seed)


main()
