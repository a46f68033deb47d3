"""CPU time of the fineweb profile against datatrove's four filters on the same text, one thread each, taking turns."""
import json
import os
import subprocess
import tempfile
import time


def ours(build, path):
    out = subprocess.run([os.path.join(build, "bench_filter"), "fineweb", path, "1"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    return float(out[out.index("seconds") + 1]), int(out[out.index("kept") + 1])


def theirs(documents, chain):
    from datatrove.data import Document
    docs = [Document(text=text, id="") for text in documents]
    start, n_kept = time.process_time(), 0
    for doc in docs:
        results = (rule.filter(doc) for rule in chain)
        n_kept += all(result is True for result in results)
    return time.process_time() - start, n_kept


def compare(build, documents, chain, rounds=5):
    documents = [d for d in documents if d.strip()]
    n_bytes = sum(len(d.encode()) for d in documents)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "documents.jsonl")
        with open(path, "w") as f:
            f.writelines(json.dumps({"id": str(i), "text": d}) + "\n" for i, d in enumerate(documents))
        theirs(documents[:20], chain)
        ratios = []
        for _ in range(rounds):
            ours_seconds, ours_kept = ours(build, path)
            their_seconds, their_kept = theirs(documents, chain)
            ratios.append(their_seconds / ours_seconds)
            print(f"  {n_bytes / 1e6:.2f} MB: weft {n_bytes / ours_seconds / 1e6:.1f} MB/s (kept {ours_kept}), "
                  f"datatrove {n_bytes / their_seconds / 1e6:.2f} MB/s (kept {their_kept}), ratio {ratios[-1]:.0f}")
    print(f"median ratio {sorted(ratios)[rounds // 2]:.0f}")
    return 0
