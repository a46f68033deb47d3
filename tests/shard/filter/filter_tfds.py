"""Profile c4-tfds against the function of TensorFlow Datasets that made C4, run alone: its module is loaded with what it does not need left out."""
import importlib.util
import json
import os
import subprocess
import sys
import types


def load():
    for name in ["absl", "tensorflow_datasets", "tensorflow_datasets.public_api", "tensorflow_datasets.core.utils.lazy_imports_utils"]:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["absl"].logging = None
    sys.modules["tensorflow_datasets"].public_api = sys.modules["tensorflow_datasets.public_api"]
    sys.modules["tensorflow_datasets.core.utils.lazy_imports_utils"].tensorflow = None
    path = next(p for p in (os.path.join(folder, "tensorflow_datasets/text/c4_utils.py") for folder in sys.path) if os.path.exists(p))
    spec = importlib.util.spec_from_file_location("c4_utils", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["c4_utils"] = module
    spec.loader.exec_module(module)
    module.get_counter_inc_fn = lambda namespace: lambda *a: None
    return module


def compare(build, documents, split_into_sentences, folder):
    """Same verdict and text, on our own words; sentences are datatrove's, in place of NLTK's model."""
    module = load()
    module._get_sentences = split_into_sentences
    clean = module.get_clean_page_fn()
    path, expected = os.path.join(folder, "tfds.jsonl"), []
    with open(path, "w") as f:
        for i, text in enumerate(documents):
            page = module.PageFeatures(text=text)
            pages = list(clean(page)) if module.is_valid_length(page) else []
            expected.append(pages[0].text if pages else None)
            f.write(json.dumps({"id": str(i), "text": text}) + "\n")
    command = [os.path.join(build, "weft"), "shard", "judge", "--json", "--text", "--profile=c4-tfds", "--set-rule=language=off",
               "--set-rule=language_score_min=off", path]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    actual = [o["text"] if o["kept"] else None for o in map(json.loads, out)]
    same = sum(a == b for a, b in zip(expected, actual))
    print(f"c4-tfds: verdict and text the same for {same} of {len(documents)} (kept {sum(e is not None for e in expected)})")
    return same / len(documents)
