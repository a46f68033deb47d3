"""Documents that weft finds in WARC and WebDataset files, against fastwarc and webdataset."""

import argparse
import gzip
import io
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import zlib

import brotli
import webdataset
from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

arguments = argparse.ArgumentParser()
arguments.add_argument("build")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--records", type=int, default=500)
arguments.add_argument("--speed", action="store_true")
options = arguments.parse_args()
print(f"seed {options.seed}; again: {sys.argv[0]} {options.build} --seed {options.seed}")
rng = random.Random(options.seed)
weft = os.path.abspath(os.path.join(options.build, "weft"))
bench = os.path.abspath(os.path.join(options.build, "bench_reader"))


def text(most):
    n = rng.choice([1, 10, 1000, most])
    alphabet = rng.choice(["etaoin shrdlu\r\n", "грамота и \n", "WARC/1.0\r\n\r\n: x"])
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, n))).encode()


def weft_documents(*files):
    """Bytes of each document: without a tokenizer, tokens are bytes and 256 ends a document."""
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        subprocess.run([weft, "shard", "build", "-o", data, *files], check=True, stdout=subprocess.DEVNULL)
        lines = subprocess.run([weft, "shard", "cat", "--tokens", data], check=True, stdout=subprocess.PIPE).stdout
    return [bytes(map(int, line.split()[:-1])) for line in lines.splitlines()]


def write_warc(path, packed):
    with open(path, "wb") as out:
        writer = WARCWriter(out, gzip=packed)
        for i in range(options.records):
            body = text(20000)
            headers = [("Content-Type", rng.choice(["text/plain", "text/plain; charset=utf-8", "image/png", "TEXT/PLAIN"]))]
            kind = rng.choice(["response", "response", "response", "request", "conversion"])
            if kind == "response" and rng.random() < 0.3:
                coding = rng.choice(["gzip", "br"])
                headers.append(("Content-Encoding", coding))
                body = gzip.compress(body, mtime=0) if coding == "gzip" else brotli.compress(body, quality=rng.randint(0, 11))
            if kind == "response" and rng.random() < 0.3:
                headers.append(("Transfer-Encoding", "chunked"))
                cuts = sorted(rng.randint(0, len(body)) for _ in range(3))
                pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)]) if b > a]
                body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
            status = rng.choice(["200 OK", "200", "404 Not Found"])
            http = None
            if kind == "response":
                http = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
            elif kind == "request":
                http = StatusAndHeaders("GET / HTTP/1.1", headers, is_http_request=True)
            record = writer.create_warc_record(
                f"http://example.org/{i}", kind, payload=io.BytesIO(body), length=len(body), http_headers=http,
                warc_content_type="text/plain" if kind == "conversion" else "")
            writer.write_record(record)


def unpack(response):
    """The body as fastwarc hands it out; it undoes chunks only when told to, compression never."""
    body = response.reader.read()
    if "chunked" in response.http_headers.get("Transfer-Encoding", ""):
        joined, rest = b"", body
        while rest:
            size, rest = rest.split(b"\r\n", 1)
            joined, rest = joined + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
            if int(size, 16) == 0:
                break
        body = joined
    if "gzip" in response.http_headers.get("Content-Encoding", ""):
        body = zlib.decompress(body, 31)
    if "br" in response.http_headers.get("Content-Encoding", ""):
        body = brotli.decompress(body)
    return body


def fastwarc_documents(path):
    documents = []
    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream, parse_http=True):
            if record.record_type == WarcRecordType.conversion:
                documents.append(record.reader.read())
            elif record.record_type == WarcRecordType.response:
                plain = (record.http_content_type or "").lower() == "text/plain"
                if record.http_headers.status_code == 200 and plain:
                    documents.append(unpack(record))
    return [d for d in documents if d]


def png():
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def check_webdataset(folder):
    path = os.path.join(folder, "samples.tar")
    with webdataset.TarWriter(path) as out:
        for i in range(options.records):
            sample = {"__key__": f"{'long' * rng.randint(0, 40)}/{i:06d}"}
            if rng.random() < 0.8:
                sample["txt"] = text(2000)
            if rng.random() < 0.5:
                sample["png"] = png()
            if rng.random() < 0.5:
                sample["json"] = b'{"caption": "of json"}'
            if len(sample) > 1:
                out.write(sample)
    expected = []
    for sample in webdataset.WebDataset(path, shardshuffle=False):
        caption = b"of json" if "json" in sample else b""
        body = sample.get("txt", caption)
        if body or "png" in sample:
            expected.append(body)
    found = weft_documents(path)
    assert found == expected, f"samples differ: {len(found)} and {len(expected)}"
    print(f"webdataset: {len(found)} samples alike")


def cpu(run):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare_speed(path):
    """CPU seconds, turn by turn: every record found, its HTTP head parsed and its body read."""
    theirs = "import sys\nfrom fastwarc.warc import ArchiveIterator\n"
    theirs += "for r in ArchiveIterator(open(sys.argv[1], 'rb'), parse_http=True): r.reader.read()\n"
    seconds = {"weft": [], "fastwarc": []}
    for _ in range(5):
        seconds["weft"].append(cpu(lambda: subprocess.run([bench, path], check=True, stdout=subprocess.DEVNULL)))
        seconds["fastwarc"].append(cpu(lambda: subprocess.run([sys.executable, "-c", theirs, path], check=True)))
    print("CPU seconds, median of 5 turns:", {name: round(sorted(s)[2], 3) for name, s in seconds.items()})


with tempfile.TemporaryDirectory() as scratch:
    for name, packed in (("plain.warc", False), ("packed.warc.gz", True)):
        warc = os.path.join(scratch, name)
        write_warc(warc, packed)
        found, expected = weft_documents(warc), fastwarc_documents(warc)
        assert found == expected, f"{name}: documents differ: {len(found)} and {len(expected)}"
        print(f"{name}: {len(found)} of {options.records} records are documents, alike")
    if options.speed:
        compare_speed(warc)
    check_webdataset(scratch)
