"""Documents for the comparison with datatrove: real text cut at random places, plain or mutated so that each rule drops some."""
import functools
import glob
import gzip
import html
import os
import re

TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.S)
MACRO = re.compile(r"^[.'].*\n?|\\f[A-Z]|\\[&|]", re.M)
# Patterns and how often they are drawn from; below --text FOLDER the same are looked for.
SOURCES = {"/usr/share/doc/linux-doc-*/html/**/*.html": 6, "/usr/share/doc/python3*/html/**/*.html": 3, "/usr/share/man/man*/*.gz": 2,
           "/usr/share/man/*/man*/*.gz": 1, "/usr/share/perl/*/**/*.pod": 3, "/usr/share/doc/bible-kjv-text/*": 4, "/usr/share/dictd/gcide.dict.dz": 1,
           "/usr/share/common-licenses/*": 1, "/usr/share/doc/*/README*": 1, "/usr/lib/python3*/*.py": 1, "/usr/share/doc/*/changelog*.gz": 1}


@functools.lru_cache(500)
def read_once(path):
    with open(path, "rb") as f:
        packed = f.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else open(path, "rb") as f:
        data = f.read(2000000)
    text = data.decode("utf-8", "replace")
    if path.endswith(".html"):
        text = re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", html.unescape(TAG.sub("", text)))
    if "/man/" in path:
        text = MACRO.sub("", text).replace("\\-", "-")
    return text


class Documents:
    def __init__(self, rng, root):
        self.rng = rng
        files = {pattern: sorted({path for top in ("", root or "") for path in glob.glob(top + pattern, recursive=True)}) for pattern in SOURCES}
        self.kinds = [files[pattern] for pattern, weight in SOURCES.items() if files[pattern] for _ in range(weight)]

    def real(self):
        while True:
            path = self.rng.choice(self.rng.choice(self.kinds))
            try:
                text = read_once(path)
            except (OSError, EOFError):
                continue
            n = int(2 ** self.rng.uniform(7, 13.5))
            start = self.rng.randrange(max(1, len(text) - n // 2))
            text = text[start:start + n]
            if text.strip() and "IS_ALPHA" not in text:
                return text

    def words(self, text):
        return text.split() or ["word"]

    def prose(self, text):
        """Without the lines that are code, tables and markup: text that most rules let through."""
        lines = [line for line in text.split("\n") if len(re.findall(r"[^\w\s]", line)) * 20 <= len(line) and "{" not in line]
        return "\n".join(re.sub(r"[()\[\]<>:;/\"*_-]+", " ", line).strip() for line in lines)

    # Mutations: each takes a text and gives one that some rule dislikes.
    def repeat_lines(self, text):
        lines = text.split("\n")
        some = self.rng.sample(lines, min(len(lines), self.rng.randrange(1, 12)))
        return "\n".join(line for line in lines for _ in range(self.rng.randrange(1, 5) if line in some else 1))

    def repeat_paragraphs(self, text):
        paragraphs = text.split("\n\n")
        extra = [self.rng.choice(paragraphs) for _ in range(self.rng.randrange(1, len(paragraphs) + 2))]
        return "\n\n".join(paragraphs + extra)

    def repeat_words(self, text):
        words = self.words(text)
        n = self.rng.randrange(1, 14)
        at = self.rng.randrange(len(words))
        run = words[at:at + n]
        out = list(words)
        for _ in range(self.rng.randrange(1, 2 + len(words) // (3 * n))):
            at = self.rng.randrange(len(out) + 1)
            out[at:at] = run
        return " ".join(w + ("\n" if self.rng.random() < 0.08 else "") for w in out)

    def one_pair(self, text):
        words = self.words(text)
        share = self.rng.uniform(0.05, 0.4)
        gram = " ".join(self.rng.choice(words) for _ in range(self.rng.randrange(2, 5)))
        return " ".join(w if self.rng.random() > share else gram for w in words)

    def no_stops(self, text):
        return re.sub(r"[.!?\"']\s*$", "", text, flags=re.M)

    def bullets(self, text):
        mark, share = self.rng.choice(["- ", "\u2022 ", "  - ", "* "]), self.rng.uniform(0.8, 1)
        return "\n".join(mark + line if self.rng.random() < share else line for line in text.split("\n"))

    def ellipses(self, text):
        mark, share = self.rng.choice(["...", "\u2026", "... ", "...."]), self.rng.uniform(0.1, 0.6)
        return "\n".join(line + mark if self.rng.random() < share else line for line in text.split("\n"))

    def scatter(self, text):
        mark = self.rng.choice(["#", "# #", "...", "\u2026", "##", "2", "17.5", "$", "%", "--", "x", "(c)"])
        share = self.rng.uniform(0.03, 0.6)
        return " ".join(w + " " + mark if self.rng.random() < share else w for w in self.words(text))

    def phrases(self, text):
        phrase = self.rng.choice(["lorem ipsum", "Lorem Ipsum dolor", "JavaScript", "please enable javascript", "{", "our Terms of Use", "privacy policy",
                                  "Cookie Policy", "this site uses cookies", "use cookies", "the use of cookies"])
        lines = text.split("\n")
        for _ in range(self.rng.randrange(1, 4)):
            at = self.rng.randrange(len(lines))
            lines[at] += " " + phrase + self.rng.choice(["", " more of it.", "."])
        return "\n".join(lines)

    def citations(self, text):
        words = self.words(text)
        marks = ["[1]", "[23]", "[]", "[edit]", "[citation needed]", "[4][5]", "[a]", "[6", " [7] "]
        return " ".join(w + (self.rng.choice(marks) if self.rng.random() < 0.05 else "") + ("\n" if self.rng.random() < 0.1 else "") for w in words)

    def short_words(self, text):
        n = self.rng.randrange(1, 4)
        return "\n".join(" ".join(w[:n] for w in line.split()) for line in text.split("\n"))

    def long_words(self, text):
        n = self.rng.randrange(2, 6)
        words = re.findall(r"[A-Za-z]+", text) or ["word"]
        return "\n".join(" ".join("".join(words[i:i + n]) for i in range(k, min(k + 40, len(words)), n)) for k in range(0, len(words), 40))

    def very_long_word(self, text):
        return text + "\n" + "x" * self.rng.randrange(900, 1100) + " is a word.\n"

    def short_lines(self, text):
        n = self.rng.choice([2, 3, 3, 4, 5, 6])
        words = self.words(text)
        return "\n".join(" ".join(words[i:i + n]) for i in range(0, len(words), n))

    def long_lines(self, text):
        return re.sub(r"\s+", " ", text)

    def no_stop_words(self, text):
        keep = set(self.rng.sample(["the", "be", "to", "of", "and", "that", "have", "with"], self.rng.randrange(0, 3)))
        return re.sub(r"\b(the|be|to|of|and|that|have|with)\b", lambda m: m[0] if m[0] in keep else "it", text)

    def strange_ends(self, text):
        ends = ["\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\n\n", "\n", "\n \n", "\u3002\n", "\uff01\n", "\u00a0\n"]
        return "".join(line + self.rng.choice(ends) for line in text.split("\n"))

    def strange_letters(self, text):
        marks = ["\u00e9", "\u4e2d\u6587", "\u0430", "\U0001f600", "\u00b2", "\u201c", "\u2019s", "\u00ab", "\u20ac", "\u0301", "\ufffd", "\u00b0C."]
        return "".join(c + (self.rng.choice(marks) if self.rng.random() < 0.03 else "") for c in text)

    def truncate(self, text):
        return text[:self.rng.randrange(0, 400)]

    def space(self, text):
        return self.rng.choice(["", "\n", "  ", "\n\n\n", "\t"]) + text + self.rng.choice(["", "\n", " \n ", "\n\n\n", "\t"])

    def huge(self, text):
        return (text + "\n") * (1 + 1200000 // len(text))

    def document(self, i):
        text = self.real()
        if self.rng.random() < 0.6:
            text = self.prose(text) or text
        if i % 2 == 0:
            return text
        changes = [self.repeat_lines, self.repeat_paragraphs, self.repeat_words, self.one_pair, self.no_stops, self.bullets, self.ellipses, self.scatter,
                   self.phrases, self.citations, self.short_words, self.long_words, self.very_long_word, self.short_lines, self.long_lines,
                   self.no_stop_words, self.strange_ends, self.strange_letters, self.truncate, self.space]
        if i % 1500 == 1007:
            return self.huge(text)
        for _ in range(self.rng.randrange(1, 3)):
            text = self.rng.choice(changes)(text)
        return text
