"""CPU time of weft shard build against datatrove's steps on the same WARC file, one core, taking turns."""
import argparse
import logging
import os
import shutil
import subprocess
import sys
import tempfile


def cpu_seconds():
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def choose_pages(tree, n_bytes):
    pages = []
    for folder, _, names in os.walk(tree):
        pages += [os.path.join(folder, n) for n in names if n.endswith((".html", ".htm"))]
    pages = sorted(p for p in pages if os.path.isfile(p))
    total = sum(os.path.getsize(p) for p in pages)
    step = max(1.0, total / n_bytes)
    return [pages[int(i * step)] for i in range(max(1, int(len(pages) / step)))]


def make_warc(weft, tree, n_bytes, work):
    chosen = os.path.join(work, "pages")
    n = 0
    for i, page in enumerate(choose_pages(tree, n_bytes)):
        os.makedirs(os.path.join(chosen, str(i)), exist_ok=True)
        target = os.path.join(chosen, str(i), os.path.basename(page))
        shutil.copyfile(page, target)
        n += os.path.getsize(target)
    os.makedirs(os.path.join(work, "warc"))
    path = os.path.join(work, "warc", "pages.warc.gz")
    subprocess.run([weft, "warc", "pack", "-o", path, chosen], check=True, stdout=subprocess.DEVNULL)
    return path, n


def train_tokenizer(weft, warc, work):
    tokenizer, sample, text = (os.path.join(work, name) for name in ("tokenizer.json", "sample", "sample.txt"))
    subprocess.run([weft, "shard", "build", "-o", sample, warc], check=True, stdout=subprocess.DEVNULL)
    with open(text, "wb") as f:
        subprocess.run([weft, "shard", "cat", sample], check=True, stdout=f)
    subprocess.run([weft, "tokenizer", "train", "-o", tokenizer, "--vocab", "8192", text], check=True, stdout=subprocess.DEVNULL)
    return tokenizer


def ours(weft, warc, tokenizer, work):
    out = os.path.join(work, "dataset")
    shutil.rmtree(out, ignore_errors=True)
    start = cpu_seconds()
    result = subprocess.run([weft, "shard", "build", "-o", out, "-t", tokenizer, "--workers", "1", "--profile", "fineweb", "--set-rule",
                             "language=any", "--set-rule", "language_score=off", "--dedup", "minhash", "--skip-bad", warc],
                            check=True, stdout=subprocess.PIPE, text=True)
    seconds = cpu_seconds() - start
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.split()[3:4] and line.split()[3].endswith("%")}
    return seconds, int(rows["extract"][2]), int(rows["dedup_minhash"][1])


def steps():
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    return [GopherRepetitionFilter(), GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]


def theirs(warc, tokenizer, work):
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.utils.hashing import HashConfig
    out = os.path.join(work, "datatrove")
    shutil.rmtree(out, ignore_errors=True)
    config = MinhashConfig(hash_config=HashConfig(hash_fc="sha1", precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8)
    start = cpu_seconds()
    data = WarcReader(os.path.dirname(warc), default_metadata={"language": "en", "language_score": 1.0}).run(None, 0, 1)
    n_extracted = 0

    def extracted(documents):  # without datatrove's process for each extractor, which is slower
        nonlocal n_extracted
        extractor = Trafilatura(favour_precision=True)
        for document in documents:
            try:
                document.text = extractor.extract(document.text)
            except (ValueError, AssertionError, RecursionError):
                continue
            if document.text:
                n_extracted += 1
                yield document
    data = extracted(data)
    for step in steps():
        data = step.run(data, 0, 1)
    kept = list(data)
    for _ in MinhashDedupSignature(os.path.join(out, "signatures"), config=config).run(iter(kept), 0, 1) or ():
        pass
    for _ in DocumentTokenizer(os.path.join(out, "tokens"), tokenizer_name_or_path=tokenizer, eos_token="<|endoftext|>",
                               shuffle_documents=False).run(iter(kept), 0, 1) or ():
        pass
    return cpu_seconds() - start, n_extracted, len(kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weft")
    parser.add_argument("pages")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bytes", type=int, default=10_000_000)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    import datatrove.utils.logging  # noqa: F401, adds a sink of its own
    from loguru import logger
    logger.remove()
    with tempfile.TemporaryDirectory() as work:
        warc, n_bytes = make_warc(options.weft, options.pages, options.bytes, work)
        tokenizer = train_tokenizer(options.weft, warc, work)
        warm, _ = make_warc(options.weft, os.path.join(work, "pages", "0"), 1, os.path.join(work, "warm"))
        theirs(warm, tokenizer, work)  # imports and models
        ratios = []
        for _ in range(options.rounds):
            our_seconds, our_extracted, our_kept = ours(options.weft, warc, tokenizer, work)
            their_seconds, their_extracted, their_kept = theirs(warc, tokenizer, work)
            ratios.append(their_seconds / our_seconds)
            print(f"{n_bytes / 1e6:.1f} MB of HTML: weft {our_seconds:.2f} s ({n_bytes / our_seconds / 1e6:.1f} MB/s, {our_extracted} with "
                  f"text, {our_kept} kept), datatrove {their_seconds:.2f} s ({n_bytes / their_seconds / 1e6:.2f} MB/s, {their_extracted} "
                  f"with text, {their_kept} kept), ratio {ratios[-1]:.1f}", flush=True)
    print(f"median ratio {sorted(ratios)[len(ratios) // 2]:.1f}")
    return 0


sys.exit(main())
