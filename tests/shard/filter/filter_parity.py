"""Compares the verdict of every rule with datatrove's, rule by rule, and whole profiles; see test_filter_parity.sh."""
import argparse
import bisect
import collections
import functools
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import warnings

logging.disable(logging.CRITICAL)
warnings.simplefilter("error", RuntimeWarning)
parser = argparse.ArgumentParser()
parser.add_argument("build")
parser.add_argument("--documents", type=int, default=200)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--text", help="folder with unpacked packages of text, searched as / is")
parser.add_argument("--tfds", action="store_true", help="also c4-tfds against TensorFlow Datasets' function")
parser.add_argument("--speed", action="store_true")
arguments = parser.parse_args()

from filter_documents import Documents  # noqa: E402
from loguru import logger  # noqa: E402

logger.remove()
from datatrove.data import Document  # noqa: E402
from datatrove.pipeline.filters import C4BadWordsFilter, C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter  # noqa: E402
from datatrove.pipeline.filters import c4_filters, language_filter  # noqa: E402
from datatrove.utils import text as datatrove_text  # noqa: E402

plain_split = datatrove_text.split_into_parts
split_once = functools.lru_cache(None)(plain_split.__wrapped__)
BAD_WORDS = ["kernel", "manual page", "c++", "Über"]


def label_filter():
    """datatrove's language rule on a label that is given."""
    rule = object.__new__(language_filter.LanguageFilter)
    rule.languages, rule.language_threshold, rule.backend, rule.label_only, rule.keep_top_pairs_threshold = ["en"], 0.65, "ft176", False, -1

    class Model:
        def predict(self, doc):
            pair = doc.metadata["label"]
            return pair, {pair[0]: pair[1]} if pair[0] in rule.languages else {}
    rule.model = Model()
    return rule


def repetition(**only):
    everything = dict(dup_line_frac=None, dup_para_frac=None, dup_line_char_frac=None, dup_para_char_frac=None, top_n_grams=(), dup_n_grams=())
    return GopherRepetitionFilter(**{**everything, **only})


def quality(**only):
    names = ["min_doc_words", "max_doc_words", "min_avg_word_length", "max_avg_word_length", "max_symbol_word_ratio", "max_bullet_lines_ratio",
             "max_ellipsis_lines_ratio", "max_non_alpha_words_ratio", "min_stop_words"]
    return GopherQualityFilter(**{**dict.fromkeys(names), **only})


def c4(**only):
    return C4QualityFilter(**{**dict(filter_no_terminal_punct=False, min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False), **only})


def fineweb(**only):
    return FineWebQualityFilter(**{**dict(line_punct_thr=-1, short_line_thr=9, char_duplicates_ratio=9, new_line_ratio=1e9), **only})


# Our rule -> datatrove's filter with that rule alone and, where several share a switch, the reason that counts. Those of the last group read the edited text.
RULES = {
    "gopher_empty": (repetition(), "empty"),
    "gopher_duplicate_paragraphs": (repetition(dup_para_frac=0.3), "dup_para_frac"),
    "gopher_duplicate_paragraph_characters": (repetition(dup_para_char_frac=0.2), "dup_para_char_frac"),
    "gopher_duplicate_lines": (repetition(dup_line_frac=0.3), "dup_line_frac"),
    "gopher_duplicate_line_characters": (repetition(dup_line_char_frac=0.2), "dup_line_char_frac"),
    **{f"gopher_top_{n}_gram": (repetition(top_n_grams=((n, at),)), f"top_{n}_gram") for n, at in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"gopher_duplicate_{n}_gram": (repetition(dup_n_grams=((n, at),)), f"duplicated_{n}_n_grams")
       for n, at in ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))},
    "gopher_words_min": (quality(min_doc_words=50), None),
    "gopher_words_max": (quality(max_doc_words=100000), None),
    "gopher_word_length_min": (quality(min_avg_word_length=3), None),
    "gopher_word_length_max": (quality(max_avg_word_length=10), None),
    "gopher_hashes": (quality(max_symbol_word_ratio=0.1), "gopher_too_many_hashes"),
    "gopher_ellipses": (quality(max_symbol_word_ratio=0.1), "gopher_too_many_ellipsis"),
    "gopher_bullet_lines": (quality(max_bullet_lines_ratio=0.9), None),
    "gopher_ellipsis_lines": (quality(max_ellipsis_lines_ratio=0.3), None),
    "gopher_alphabetic_words": (quality(max_non_alpha_words_ratio=0.8), None),
    "gopher_stop_words": (quality(min_stop_words=2), None),
    "c4_lorem_ipsum": (c4(filter_lorem_ipsum=True), None),
    "c4_curly_bracket": (c4(filter_curly_bracket=True), None),
    "c4_sentences": (c4(min_num_sentences=5), None),
}
EDITED_RULES = {
    "fineweb_empty": (fineweb(), "empty"),
    "fineweb_terminal_lines": (fineweb(line_punct_thr=0.12), "line_punct_ratio"),
    "fineweb_short_lines": (fineweb(short_line_thr=0.67), "short_line_ratio"),
    "fineweb_repeated_lines": (fineweb(char_duplicates_ratio=0.01), "char_dup_ratio"),
    "fineweb_newlines": (fineweb(new_line_ratio=0.3), "list_ratio"),
}
CHAIN = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]
REASONS = {"gopher_short_doc": "gopher_words_min", "gopher_long_doc": "gopher_words_max", "gopher_below_avg_threshold": "gopher_word_length_min",
           "gopher_above_avg_threshold": "gopher_word_length_max", "gopher_too_many_hashes": "gopher_hashes", "gopher_too_many_ellipsis": "gopher_ellipses",
           "gopher_too_many_bullets": "gopher_bullet_lines", "gopher_too_many_end_ellipsis": "gopher_ellipsis_lines",
           "gopher_below_alpha_threshold": "gopher_alphabetic_words", "gopher_enough_stop_words": "gopher_stop_words", "lorem_ipsum": "c4_lorem_ipsum",
           "curly_bracket": "c4_curly_bracket", "too_few_sentences": "c4_sentences", "line_punct_ratio": "fineweb_terminal_lines",
           "short_line_ratio": "fineweb_short_lines", "char_dup_ratio": "fineweb_repeated_lines", "list_ratio": "fineweb_newlines",
           **{reason: rule for rule, (_, reason) in RULES.items() if reason and rule.startswith(("gopher_dup", "gopher_top", "gopher_empty"))}}


def ask(rule, text, **metadata):
    """(dropped, reason, text afterwards); dropped None where datatrove divides by zero, with an exception or numpy's warning."""
    doc = Document(text=text, id="", metadata=metadata)
    try:
        result = rule.filter(doc)
    except (ZeroDivisionError, RuntimeWarning):
        return None, None, doc.text
    if isinstance(result, tuple):
        return not result[0], result[1], doc.text
    return not result, None, doc.text


def one_rule(rule_and_reason, text):
    rule, reason = rule_and_reason
    dropped, said, _ = ask(rule, text)
    if reason == "gopher_too_many_ellipsis" and said == "gopher_too_many_hashes":
        return None
    return dropped if dropped is None or not reason else dropped and said == reason


def theirs(text, label):
    verdicts = {name: one_rule(rule, text) for name, rule in RULES.items()}
    verdicts["language"] = verdicts["language_score"] = None
    verdicts["label"] = ask(label_rule, text, label=label)[0]
    edited = ask(c4(), text)[2]
    verdicts.update({name: one_rule(rule, edited) for name, rule in EDITED_RULES.items()})
    first, left = None, text
    if verdicts["label"]:
        first = "label"
    for rule in CHAIN:
        if first:
            break
        dropped, reason, left = ask(rule, left)
        if dropped or dropped is None:
            first = "fineweb_empty" if reason == "empty" and rule is CHAIN[-1] else REASONS.get(reason, "undefined")
    paper = ask(C4QualityFilter(), text)
    return {"verdicts": verdicts, "edited": edited, "first": first, "paper": paper, "bad_words": ask(bad_words, text)[0]}


def byte_offsets(text):
    offsets = [0]
    for c in text:
        offsets.append(offsets[-1] + len(c.encode()))
    return offsets


def spans(text):
    """Words of datatrove as byte ranges; words and sentences of each line as C4 edits it."""
    at, words, starts = 0, [], []
    offsets = range(len(text) + 1) if text.isascii() else byte_offsets(text)
    for word in datatrove_text.split_into_words(text):
        at = text.index(word, at)
        starts.append(at)
        words += [offsets[at], offsets[at + len(word)]]
        at += len(word)
    line_words, line_sentences, at = [], [], 0
    for line in text.splitlines(keepends=True):
        edited = c4_filters.CITATION_REGEX.sub("", line.splitlines()[0].strip())
        plain = edited == line.splitlines()[0].strip()
        line_words.append(bisect.bisect_left(starts, at + len(line)) - bisect.bisect_left(starts, at) if plain
                          else len(datatrove_text.split_into_words(edited)))
        line_sentences.append(len(datatrove_text.split_into_sentences(edited)))
        at += len(line)
    return {"words": words, "line_words": line_words, "line_sentences": line_sentences}


def judge(path, *options):
    command = [os.path.join(arguments.build, "weft"), "shard", "judge", "--json", "--text", *options, path]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.decode("utf-8", "surrogatepass").split("\n")[:-1]]


def compare(name, pairs):
    """pairs of (theirs, ours, document); returns the documents that differ."""
    known = [(a, b, i) for a, b, i in pairs if a is not None]
    differ = [i for a, b, i in known if a != b]
    print(f"  {name:40} {len(known):6} {sum(bool(a) for a, _, _ in known):8} {sum(bool(b) for _, b, _ in known):8} {len(differ):6}")
    return differ


def compare_rules(expected, actual):
    worst, n_different = 1.0, collections.Counter()
    print(f"  {'rule':40} {'asked':>6} {'theirs':>8} {'ours':>8} {'differ':>6}")
    for name in list(RULES) + list(EDITED_RULES) + ["label"]:
        ours_say = [bool({"language", "language_score"} & set(o["failed"])) if name == "label" else name in o["failed"] for o in actual]
        differ = compare(name, [(e["verdicts"][name], ours_say[i], i) for i, e in enumerate(expected)])
        for i in differ:
            n_different[i] += 1
        if differ:
            print(f"    document {differ[0]}: {json.dumps(documents[differ[0]][:160])}")
        worst = min(worst, 1 - len(differ) / max(1, len(expected)))
    return worst


def first_rule(o):
    return "label" if o["rule"] in ("language", "language_score") else o["rule"]


def share(what, same, total):
    print(f"  {what}: {same} of {total} ({100 * same / max(1, total):.2f} %)")
    return same / max(1, total)


def compare_whole(expected, actual):
    known = [(e, o) for e, o in zip(expected, actual) if e["first"] != "undefined"]
    differ = [(e["first"], first_rule(o)) for e, o in known if e["first"] != first_rule(o)]
    for (a, b), n in collections.Counter(differ).most_common(8):
        print(f"    first rule theirs {a}, ours {b}: {n}")
    kept = [(e, o) for e, o in known if e["first"] is None and o["kept"]]
    return min(share("kept or dropped alike", sum((e["first"] is None) == o["kept"] for e, o in known), len(known)),
               share("dropped by the same rule", len(known) - len(differ), len(known)),
               share("text alike after C4's edits", sum(e["edited"] == o["text"] for e, o in zip(expected, actual)), len(expected)),
               share("of those that both keep, the same text", sum(e["edited"] == o["text"] for e, o in kept), len(kept)))


def compare_paper(expected, actual):
    return min(share("c4-paper: kept or dropped alike", sum(e["paper"][0] != o["kept"] for e, o in zip(expected, actual)), len(expected)),
               share("c4-paper: the same text of those kept", sum(e["paper"][2] == o["text"] for e, o in zip(expected, actual) if o["kept"]),
                     sum(o["kept"] for o in actual)))


def check(folder):
    with_words, without, n_words = os.path.join(folder, "words.jsonl"), os.path.join(folder, "plain.jsonl"), 0
    expected = []
    with open(with_words, "w") as f, open(without, "w") as g:
        for i, text in enumerate(documents):
            row = {"id": str(i), "text": text, "language": labels[i][0], "language_score": labels[i][1]}
            g.write(json.dumps(row) + "\n")
            row.update(spans(text))
            n_words += len(row["words"]) // 2
            f.write(json.dumps(row) + "\n")
            expected.append(theirs(text, labels[i]))
            expected[-1]["n_words"] = len(row["words"]) // 2
            split_once.cache_clear()
    print(f"{len(documents)} documents, {n_words} words, {sum(len(d.encode()) for d in documents) / 1e6:.1f} MB")
    with open(os.path.join(folder, "bad"), "w") as f:
        f.write("\n".join(BAD_WORDS) + "\n")
    bad = "--set-rule=badwords=" + os.path.join(folder, "bad")
    print("on datatrove's words and sentences:")
    actual = judge(with_words, bad)
    worst = compare_rules(expected, actual)
    worst = min(worst, 1 - len(compare("c4_bad_words", [(e["bad_words"], "c4_bad_words" in o["failed"], i)
                                                        for i, (e, o) in enumerate(zip(expected, actual))])) / len(documents))
    worst = min(worst, compare_whole(expected, judge(with_words)))
    worst = min(worst, compare_paper(expected, judge(with_words, "--profile=c4-paper", "--set-rule=language=off", "--set-rule=language_score_min=off")))
    print("with our own words and sentences:")
    actual = judge(without)
    own = compare_rules(expected, actual)
    compare_whole(expected, actual)
    print(f"lowest share of a rule: {100 * worst:.3f} % on their words, {100 * own:.2f} % on ours")
    return worst >= 0.999


print(f"seed {arguments.seed}; again: {sys.argv[0]} {arguments.build} --documents {arguments.documents} --seed {arguments.seed}")
rng = random.Random(arguments.seed)
source = Documents(rng, arguments.text)
if not source.kinds:
    print("skipped: no text on this machine")
    sys.exit(77)
documents = [source.document(i) for i in range(arguments.documents)]
documents[:3] = ["", "\n \n", "word"]
documents = [d.encode("utf-8", "replace").decode() for d in documents]
labels = [(rng.choice(["en"] * 9 + ["de", ""]), rng.choice([0.65, 0.5, 0.66, 0.7, 0.8, 0.9, 0.97, 0.99, 1.0])) for _ in documents]
label_rule = label_filter()
if arguments.speed:
    import filter_speed
    sys.exit(filter_speed.compare(arguments.build, documents, CHAIN))
datatrove_text.split_into_parts = split_once
with tempfile.TemporaryDirectory() as scratch:
    with open(os.path.join(scratch, "en"), "w") as words_file:
        words_file.write("\n".join(BAD_WORDS) + "\n")
    c4_filters.cached_asset_path_or_download = lambda *a, **k: os.path.join(scratch, "en")
    bad_words = C4BadWordsFilter()
    fine = check(scratch)
    if arguments.tfds:
        import filter_tfds
        fine = filter_tfds.compare(arguments.build, documents, datatrove_text.split_into_sentences, scratch) >= 0.999 and fine
sys.exit(not fine)
