"""Text of many kinds for the parity tests: what Debian and Python packages carry, scripts and emoji made here, and
bytes that are not text."""
import gzip
import os
import random
import unicodedata

FILE_BYTES = 25_000  # of each file at most, so that many come in


def files_below(folder, endings):
    """Paths of files with these endings, sorted, without following links."""
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.join(path, name)


def read_all(n_bytes, *sources):
    """Bytes of the files below each (folder, endings), up to n_bytes."""
    data = []
    for folder, *endings in sources:
        for path in files_below(folder, tuple(endings)):
            if n_bytes <= 0:
                return b"".join(data)
            try:
                with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                    data.append(file.read(min(FILE_BYTES, n_bytes)))
            except (OSError, EOFError):
                continue
            n_bytes -= len(data[-1])
    return b"".join(data)


def scripts(rng, n_bytes):
    """Words of many scripts with all kinds of space, number and punctuation between them, then every letter, number
    and symbol there is (as Python's Unicode data knows it)."""
    ranges = [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x587), (0x5D0, 0x5EA),
              (0x620, 0x64A), (0x660, 0x669), (0x900, 0x97F), (0x980, 0x9FF), (0xE01, 0xE5B), (0x10A0, 0x10FF),
              (0x1100, 0x11FF), (0x1F00, 0x1FFE), (0x2150, 0x218B), (0x3041, 0x30FF), (0x3400, 0x3440), (0x4E00, 0x9FFF),
              (0xAC00, 0xD7A3), (0x10330, 0x1034A), (0x1D400, 0x1D7FF), (0x20000, 0x200FF)]
    between = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", " \n", "\r\n", "\u00a0", "\u3000", "\u2009", "\u0085", "\u200b",
               ", ", ". ", "'s ", "'LL ", "!", "\u2014", "\u3002", "\uff0c", "12 ", " 3.5", "1234567", "\u00bd", "_", " _", "\u0301",
               "/\n", "\x01", "\u017f", "'\u017f"]
    out = []
    while n_bytes > 0:
        first, last = rng.choice(ranges)
        word = "".join(c for c in (chr(rng.randint(first, last)) for _ in range(rng.randint(1, 9)))
                       if unicodedata.category(c) != "Cn")
        out.append(word + rng.choice(between))
        n_bytes -= 2 * len(out[-1])
    return "".join(out).encode()


def every_character(rng):
    """Assigned or not."""
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    rng.shuffle(every)
    return "".join(every).encode()


def emoji(rng, n_bytes):
    bases = [chr(c) for c in [*range(0x1F300, 0x1F650), *range(0x1F680, 0x1F6C6), *range(0x2600, 0x27BF),
                              *range(0x1F900, 0x1F9FF)]]
    joins = ["", "", "", "\u200d", "\ufe0f", "\U0001F3FD", " ", "  ", "\n", "\u20e3", " ok ", "7"]
    return "".join(rng.choice(bases) + rng.choice(joins) for _ in range(n_bytes // 6)).encode()


def break_bytes(rng, data):
    """Flips, drops and inserts bytes, so that much of it is not UTF-8."""
    data = bytearray(data)
    pieces = []
    while data:
        n = rng.randint(1, 60)
        pieces.append(bytes(data[:n]))
        del data[:n]
        action = rng.randrange(3)
        if action == 0:
            pieces.append(bytes([rng.randrange(256)]))
        elif action == 1:
            del data[:rng.randint(1, 3)]
        else:
            pieces.append(rng.choice([b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90", b"\xc0\xaf", b"\x80",
                                      b"\xf0\x9f\x98", b"\x00"]))
    return b"".join(pieces)


def texts(seed, packages, n_bytes):
    """Kind of text -> bytes, n_bytes in all where the machine has as much."""
    rng = random.Random(seed)

    def part(share, *sources):
        return read_all(int(share * n_bytes), *sources)

    django = packages + "/django"
    parts = {
        "english": part(0.2, ("/usr/share/doc", ".txt", ".txt.gz", "README", "README.gz", "changelog.gz", "NEWS.gz"),
                        (packages, ".rst", ".txt")),
        "languages": part(0.2, (django + "/contrib", ".po"), (django + "/conf/locale", ".po"),
                          ("/var/lib/dpkg/info", ".templates")),
        "man pages": part(0.1, ("/usr/share/man", ".gz")),
        "python": part(0.15, (os.path.dirname(os.__file__), ".py")),
        "other code": part(0.1, (django, ".js", ".html", ".css"), ("/usr/include", ".h")),
        "scripts": scripts(rng, int(0.1 * n_bytes)),
        "emoji": emoji(rng, int(0.03 * n_bytes)),
    }
    if n_bytes >= 5_000_000:
        parts["every character"] = every_character(rng)
    mixed = b"".join(data[:int(0.01 * n_bytes)] for data in parts.values())
    missing = int(0.97 * n_bytes) - sum(map(len, parts.values())) - len(mixed)
    if missing > 0:
        parts["more scripts"] = scripts(rng, missing)
    parts["broken"] = break_bytes(rng, mixed)
    parts["random bytes"] = rng.randbytes(int(0.05 * n_bytes))
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
    """What the peers take: text."""
    return data.decode("utf-8", errors="replace").encode()
