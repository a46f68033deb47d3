"""Compares bench_image's bytes with Pillow's and numpy's; see test_image_parity.sh."""

import argparse
import io
import os
import random
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, features

warnings.simplefilter("ignore")
PIXELS_LIMIT = Image.MAX_IMAGE_PIXELS  # where Pillow begins to warn, and weft refuses
Image.MAX_IMAGE_PIXELS = None
BICUBIC = Image.Resampling.BICUBIC
CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
HALF = ([0.5] * 3, [0.5] * 3)


class Dump:
    """bench_image dump: a request is a path and operations, an answer one array an operation."""

    def __init__(self, build):
        self.process = subprocess.Popen(
            [f"{build}/bench_image", "dump"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, n):
        data = self.process.stdout.read(n)
        if len(data) < n:
            sys.exit("bench_image ended")
        return data

    def ask(self, path, ops):
        self.process.stdin.write("\t".join([str(path), *ops]).encode() + b"\n")
        self.process.stdin.flush()
        answers = []
        for _ in ops:
            width, height, n = struct.unpack("<IIQ", self.read(16))
            answers.append((width, height, self.read(n)))
        return answers


def f32(x):
    return float(np.float32(x))


def clip_cut(image):
    """torchvision's Resize(224, BICUBIC) and CenterCrop(224) on a PIL image."""
    width, height = image.size
    short, long = sorted(image.size)
    other = int(224 * long / short)
    size = (224, other) if width <= height else (other, 224)
    image = image.resize(size, BICUBIC)
    left, top = int(round((size[0] - 224) / 2.0)), int(round((size[1] - 224) / 2.0))
    return image.crop((left, top, left + 224, top + 224))


def values(pictures, colours):
    mean, std = (np.array(x, np.float32) for x in colours)
    x = pictures.astype(np.float32) / np.float32(255)
    return ((x - mean) / std).transpose(0, 3, 1, 2)


def grid(width, height):
    """Most of the image's pixels kept, then fewest tiles: by trying all 36, in fractions."""
    from fractions import Fraction
    best = max(((min(Fraction(1), Fraction(224 * c, width), Fraction(224 * r, height)), -c * r, c, r)
                for c in range(1, 7) for r in range(1, 7)), key=lambda x: x[:2])
    return best[2], best[3]


def tiles(image):
    columns, rows = grid(*image.size)
    across, down = 224 * columns, 224 * rows
    width, height = image.size
    if across * height < down * width:
        size = (across, -(-height * across // width))
    else:
        size = (-(-width * down // height), down)
    canvas = Image.new("RGB", (across, down))
    canvas.paste(image.resize(size, BICUBIC), ((across - size[0]) // 2, (down - size[1]) // 2))
    cuts = [canvas.crop((224 * c, 224 * r, 224 * c + 224, 224 * r + 224))
            for r in range(rows) for c in range(columns)]
    if len(cuts) > 1:
        cuts.append(image.resize((224, 224), BICUBIC))
    return np.stack([np.asarray(x) for x in cuts])


def random_resizes(rng, width, height):
    """Sizes and boxes: down, up, odd, a pixel wide or high, one axis alone, a box of reals."""
    whole = (0.0, 0.0, float(width), float(height))
    sizes = [(rng.randint(1, width), rng.randint(1, height)), (width, rng.randint(1, 2 * height)),
             (rng.randint(1, 400), 1), (1, rng.randint(1, 400)),
             (rng.randint(width, width + 500), rng.randint(height, height + 300)), (width, height)]
    out = [(*size, whole) for size in sizes if size[0] * size[1] < 1 << 23]
    x = sorted(f32(rng.uniform(0, width)) for _ in range(2))
    y = sorted(f32(rng.uniform(0, height)) for _ in range(2))
    if x[0] < x[1] <= width and y[0] < y[1] <= height:
        out.append((rng.randint(1, 300), rng.randint(1, 300), (x[0], y[0], x[1], y[1])))
    return out


class Tally:
    def __init__(self):
        self.counts = {}

    def add(self, what, equal, where):
        n, good = self.counts.get(what, (0, 0))
        self.counts[what] = (n + 1, good + bool(equal))
        if not equal:
            print(f"differs: {what}: {where}")


def compare_old(dump, path, rng, tally):
    """Before Pillow 13 rows came first: resizes only."""
    with Image.open(path) as opened:
        if opened.size[0] * opened.size[1] > PIXELS_LIMIT:
            return
        image = opened.convert("RGB")
    resizes = random_resizes(rng, *image.size)
    ops = ["old-resize {} {} {!r} {!r} {!r} {!r}".format(w, h, *box) for w, h, box in resizes]
    pixels, *got = dump.ask(path, ["pixels", *ops])
    image = Image.frombytes("RGB", image.size, pixels[2])
    for (w, h, box), op, answer in zip(resizes, ops, got):
        tally.add("resize", answer == (w, h, image.resize((w, h), BICUBIC, box=box).tobytes()),
                  f"{path} {op}")


def compare(dump, path, rng, tally):
    with Image.open(path) as opened:
        width, height = opened.size
        if width * height > PIXELS_LIMIT:
            answer = dump.ask(path, ["grid"])[0]
            tally.add("refused, beyond Pillow's limit", answer[0] == 0, path)
            return
        kind = f"decode {opened.format} {opened.mode}"
        reference = opened.convert("RGB").tobytes()
    seed, position = rng.getrandbits(32), rng.getrandbits(40)
    resizes = random_resizes(rng, width, height)
    drawn = [f"vit-h-train {seed} {position}", f"crop-flip {seed} {position}"]
    ops = ["pixels", "grid", "cut clip", "values clip", "values vit-h", "cut siglip-224",
           "values siglip-224", "values siglip-384", "cut tiles-224"]
    ops += [f"{what} {key}" for key in drawn for what in ("choice", "cut")]
    ops += ["resize {} {} {!r} {!r} {!r} {!r}".format(w, h, *box) for w, h, box in resizes]
    got = dict(zip(ops, dump.ask(path, ops)))

    ours = got["pixels"]
    if ours[0] == 0:
        tally.add(kind, False, f"{path}: {ours[2].decode()}")
        return
    tally.add(kind, ours[:2] == (width, height) and ours[2] == reference, path)
    # What follows is compared on the pixels that we decoded.
    image = Image.frombytes("RGB", (width, height), ours[2])
    clip, squash = np.asarray(clip_cut(image)), image.resize((224, 224), BICUBIC)
    larger = image.resize((384, 384), BICUBIC)
    expected = {
        "grid": struct.pack("<III", *grid(width, height), len(tiles(image))),
        "cut clip": clip.tobytes(), "cut siglip-224": squash.tobytes(),
        "values clip": values(clip[None], CLIP).tobytes(),
        "values vit-h": values(clip[None], CLIP).tobytes(),
        "values siglip-224": values(np.asarray(squash)[None], HALF).tobytes(),
        "values siglip-384": values(np.asarray(larger)[None], HALF).tobytes(),
        "cut tiles-224": tiles(image).tobytes()}
    for key in drawn:
        *box, flip = struct.unpack("<5f", got[f"choice {key}"][2])
        cut = image.resize((224, 224), BICUBIC, box=tuple(box))
        if flip:
            cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        tally.add(f"cut {key.split()[0]}", got[f"cut {key}"][2] == cut.tobytes(), path)
    for what, data in expected.items():
        tally.add(what, got[what][2] == data, path)
    for w, h, box in resizes:
        op = "resize {} {} {!r} {!r} {!r} {!r}".format(w, h, *box)
        tally.add("resize", got[op] == (w, h, image.resize((w, h), BICUBIC, box=box).tobytes()),
                  f"{path} {op}")


def noise(rng, mode, width, height):
    """Smooth colours with noise: gradients show rounding, noise shows clipping."""
    y, x = np.mgrid[0:height, 0:width]
    bands = {"L": 1, "RGB": 3, "CMYK": 4, "RGBA": 4, "LA": 2}[mode]
    data = np.stack([(x * (b + 1) + y * 3) % 256 for b in range(bands)], -1)
    data = np.where(rng.random((height, width, 1)) < 0.3, rng.integers(0, 256, data.shape), data)
    data = data.astype(np.uint8)
    return Image.fromarray(data[..., 0] if bands == 1 else data, mode) if mode != "CMYK" else \
        Image.frombytes("CMYK", (width, height), data.tobytes())


def make_images(folder, seed):
    """A file for each kind of pixel that the three formats have."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = iter([(97, 61), (1, 40), (300, 1), (640, 480), (33, 500), (1, 1), (225, 225)] * 9)

    def save(name, mode, **options):
        convert = options.pop("convert", None)
        image = noise(rng, mode, *next(sizes))
        if convert:
            image = image.convert(convert)
        image.save(folder / name, **options)

    for mode in ("L", "RGB", "RGBA", "LA"):
        save(f"{mode}.png", mode)
    for bits in (1, 2, 4, 8):
        image = noise(rng, "RGB", *next(sizes)).quantize(1 << bits)
        image.save(folder / f"palette{bits}.png", bits=bits, transparency=0)
    save("bilevel.png", "L", convert="1")
    save("grey16.png", "L", convert="I;16")
    wide = rng.integers(0, 65536, (50, 70), dtype=np.uint16)
    wide[:, ::2] %= 300
    Image.fromarray(wide).save(folder / "grey16-wide.png")
    for number, subsampling in enumerate((0, 1, 2)):
        save(f"sub{subsampling}.jpg", "RGB", subsampling=subsampling, quality=60 + 15 * number)
    save("progressive.jpg", "RGB", progressive=True)
    save("restart.jpg", "RGB", restart_marker_blocks=3)
    save("grey.jpg", "L", quality=95)
    save("cmyk.jpg", "CMYK")
    save("lossy.webp", "RGB", quality=70)
    save("lossless.webp", "RGB", lossless=True)
    save("alpha.webp", "RGBA", quality=50)
    save("exact.webp", "RGBA", lossless=True, exact=True)
    return sorted(folder.iterdir())


def real_images(folder, n, seed):
    names = sorted(p for p in folder.rglob("*") if p.suffix in (".png", ".jpg", ".webp") and p.is_file()
                   and not p.is_symlink())
    return random.Random(seed).sample(names, min(n, len(names)))


def pillow_time(data, decodes, resizes):
    start = time.perf_counter_ns()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    decoded = time.perf_counter_ns()
    if resizes:
        image.resize((224, 224), BICUBIC).tobytes()
    return time.perf_counter_ns() - (start if decodes else decoded)


def speed(build, kind, paths):
    """Rounds of both in turn on one core; of each image the least time."""
    files = [p.read_bytes() for p in paths]
    for what, op, decodes, resizes in (("decode", "decode", True, False),
                                       ("resize to 224 x 224", "cut siglip-224", False, True),
                                       ("both", "+cut siglip-224", True, True)):
        ours, theirs = [], []
        for _ in range(4):
            out = subprocess.run([f"{build}/bench_image", "time", "5", op], check=True, text=True,
                                 input="\n".join(map(str, paths)) + "\n", capture_output=True)
            ours.append([int(x) for x in out.stdout.split()])
            theirs.append([min(pillow_time(x, decodes, resizes) for _ in range(5)) for x in files])
        rates = [len(files) * 1e9 / sum(map(min, zip(*x))) for x in (ours, theirs)]
        print(f"{len(files)} {kind}, {what}: weft {rates[0]:.0f} images/s, Pillow {rates[1]:.0f} "
              f"({rates[0] / rates[1]:.2f} x)")


def time_all(build, folder, seed):
    """PNG files as they are; JPEG files of 500 x 375 made of them; both on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    paths = [p for p in real_images(folder, 120, seed) if p.stat().st_size < 1 << 20][:60]
    made = folder.parent / "images-timed"
    made.mkdir(exist_ok=True)
    jpegs = [made / f"{number}.jpg" for number in range(len(paths))]
    for path, jpeg in zip(paths, jpegs):
        Image.open(path).convert("RGB").resize((500, 375), BICUBIC).save(jpeg, quality=90)
    speed(build, "PNG files", [p for p in paths if p.suffix == ".png"])
    speed(build, "JPEG files of 500 x 375", jpegs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pillow", help="another version to install and compare with")
    parser.add_argument("--speed", action="store_true", help="times instead; needs --images")
    args = parser.parse_args()
    print(f"seed {args.seed}; Pillow {PIL.__version__}, libjpeg-turbo "
          f"{features.version('libjpeg_turbo')}, libwebp {features.version('webp')}")
    if args.speed:
        time_all(args.build, args.folder, args.seed)
        return
    made = make_images(args.folder.parent / "images-made", args.seed)
    real = real_images(args.folder, args.images, args.seed)
    is_old = int(PIL.__version__.split(".")[0]) < 13
    dump, tally = Dump(args.build), Tally()
    for number, path in enumerate(made + real):
        rng = random.Random(f"{args.seed} {number}")
        (compare_old if is_old else compare)(dump, path, rng, tally)
    for what, (n, equal) in sorted(tally.counts.items()):
        print(f"{what}: {equal} of {n} equal")
    print(f"{len(made)} images made here, {len(real)} real ones")
    sys.exit(any(n != equal for n, equal in tally.counts.values()))


if __name__ == "__main__":
    main()
