"""Times in Pillow what BenchmarkSteps and BenchmarkPair of transforms/pixels
time in Go: decode an image and its label ids, resize, remap, encode.

    go test ./transforms/pixels -run TestWriteBenchFiles -benchfiles DIR
    python3 tools/pillow_bench/pillow_bench.py DIR [--processes N] [--images M]
    PIXELS_BENCH_DIR=DIR go test ./transforms/pixels -run '^$' -bench 'Steps|Pair' -cpu 1

DIR holds image_*.png and label_*.png. First each step is timed alone in one
process (median), then whole pairs are prepared, read from and written to files,
by N processes (images/s).
"""
import argparse
import glob
import io
import multiprocessing
import os
import sys
import tempfile
import time

import PIL
from PIL import Image, features

R = Image.Resampling
TRAIN_IDS = [i * 7 & 255 for i in range(256)]


def decode(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def encode(image, level):
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=level)
    return out.getvalue()


def timed(name, step, repeat=9):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = step()
        times.append(time.perf_counter() - start)
    note = f"  {len(result)} bytes" if isinstance(result, bytes) else ""
    print(f"{name:45s} {sorted(times)[repeat // 2] * 1e3:8.2f} ms{note}")
    return result


def steps(folder):
    with open(os.path.join(folder, "image_0.png"), "rb") as f:
        image_file = f.read()
    with open(os.path.join(folder, "label_0.png"), "rb") as f:
        label_file = f.read()
    big = timed("decode_rgb_2048x1024", lambda: decode(image_file))
    ids = timed("decode_label_2048x1024", lambda: decode(label_file))
    for name, f in [("bilinear", R.BILINEAR), ("bicubic", R.BICUBIC)]:
        timed(f"resize_{name}_2048x1024_to_1280x760", lambda: big.resize((1280, 760), f))
    for name, f in [("nearest", R.NEAREST), ("area", R.BOX), ("lanczos", R.LANCZOS),
                    ("bilinear", R.BILINEAR), ("bicubic", R.BICUBIC)]:
        small = timed(f"resize_{name}_2048x1024_to_1024x512", lambda: big.resize((1024, 512), f))
    label = timed("remap_label_2048x1024_to_1024x512",
                  lambda: ids.resize((1024, 512), R.NEAREST).point(TRAIN_IDS))
    for level in (1, 6, 9):
        timed(f"encode_rgb_{level}_1024x512", lambda: encode(small, level), 3)
        timed(f"encode_label_{level}_1024x512", lambda: encode(label, level), 3)


def prepare(job):
    image_path, label_path, out, resample = job
    image = Image.open(image_path).resize((1024, 512), resample)
    label = Image.open(label_path).resize((1024, 512), R.NEAREST).point(TRAIN_IDS)
    image.save(out + "_image.png", compress_level=1)
    label.save(out + "_label.png", compress_level=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--images", type=int, default=40)
    args = parser.parse_args()
    zlib = "zlib-ng" if features.check("zlib_ng") else "zlib"
    print(f"# Pillow {PIL.__version__} ({zlib}), Python {sys.version.split()[0]}, {args.processes} processes")
    steps(args.folder)
    images = sorted(glob.glob(os.path.join(args.folder, "image_*.png")))
    labels = sorted(glob.glob(os.path.join(args.folder, "label_*.png")))
    for name, resample in [("bilinear", R.BILINEAR), ("bicubic", R.BICUBIC)]:
        with tempfile.TemporaryDirectory() as out, multiprocessing.Pool(args.processes) as pool:
            jobs = [(images[i % len(images)], labels[i % len(labels)], os.path.join(out, str(i)), resample)
                    for i in range(args.images)]
            pool.map(prepare, jobs[:args.processes], chunksize=1)
            start = time.perf_counter()
            pool.map(prepare, jobs, chunksize=1)
            took = time.perf_counter() - start
        print(f"pair_{name}: {args.images / took:.1f} images/s, {took / args.images * 1e3:.1f} ms an image")


if __name__ == "__main__":
    main()
