"""Writes the tokens of text files (bytes, then 256) as MosaicML Streaming and litData datasets of rows, and reads them back.
    bench_loader.py write FOLDER T FILE...
    bench_loader.py read mosaic|litdata FOLDER T ROWS STEPS
"""
import os
import sys
import time

import numpy as np


def rows_of(files, T):
    parts = []
    for path in files:
        with open(path, "rb") as f:
            parts += [np.frombuffer(f.read(), dtype=np.uint8).astype(np.uint16), np.array([256], dtype=np.uint16)]
    tokens = np.concatenate(parts)
    return tokens[: len(tokens) // T * T].reshape(-1, T)


class Tokens:
    def __init__(self, rows):
        self.rows = rows

    def __call__(self, i):
        import torch
        yield torch.from_numpy(self.rows[i].astype(np.int64))


def write(folder, T, files):
    from litdata import optimize
    from litdata.streaming.item_loader import TokensLoader
    from streaming import MDSWriter

    rows = rows_of(files, T)
    with MDSWriter(out=os.path.join(folder, "mosaic"), columns={"tokens": f"ndarray:uint16:{T}"}) as out:
        for row in rows:
            out.write({"tokens": row})
    optimize(fn=Tokens(rows), inputs=list(range(len(rows))), output_dir=os.path.join(folder, "litdata"), num_workers=1,
             chunk_size=T * 2048, item_loader=TokensLoader(block_size=T))


def open_mosaic(folder, rows):
    from streaming import StreamingDataset
    return StreamingDataset(local=os.path.join(folder, "mosaic"), shuffle=True, shuffle_seed=1, batch_size=rows)


def open_litdata(folder, T):
    import torch
    from litdata import StreamingDataset
    from litdata.streaming.item_loader import TokensLoader

    def load_item_from_chunk(self, index, chunk_index, chunk_filepath, begin, chunk_bytes):
        self._load_chunk(chunk_index, chunk_filepath)
        return torch.frombuffer(self._buffers[chunk_index], dtype=torch.int64, count=T, offset=8 * (index - begin) * T)

    # The same reads without torch.dtype.itemsize, which torch has from 2.1 on and Debian 12 not.
    TokensLoader.load_item_from_chunk = load_item_from_chunk
    return StreamingDataset(os.path.join(folder, "litdata"), item_loader=TokensLoader(block_size=T), shuffle=True, seed=1)


def read(kind, folder, T, rows, steps):
    import torch
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    dataset = open_mosaic(folder, rows) if kind == "mosaic" else open_litdata(folder, T)

    def collate(samples):
        arrays = [s["tokens"].astype(np.int64) if isinstance(s, dict) else s.numpy() for s in samples]
        return torch.from_numpy(np.stack(arrays))

    done = total = 0
    start = None
    while done < steps:
        for batch in DataLoader(dataset, batch_size=rows, num_workers=0, collate_fn=collate, drop_last=True):
            if start is None:  # what opening costs is not counted, as for datad
                start = time.perf_counter()
            total += int(batch.sum())
            done += 1
            if done == steps:
                break
    seconds = time.perf_counter() - start
    n = T * rows * (steps - 1)
    print(f"tokens {n} seconds {seconds:.3f} rate {n / seconds:.0f} sum {total}")


if __name__ == "__main__":  # litData's writers import this file again
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    else:
        read(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
