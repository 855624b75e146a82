"""The pixel work of prepare in Python with Pillow, for comparison.

    python3 tools/bench_prepare/pillow_prepare.py DIR OUT PROCESSES

Reads a Cityscapes folder; each process decodes image and label, resizes the
image to 1024x512 (bicubic), remaps and resizes the label (nearest), encodes both
as PNG at the fastest level and appends them to a tar file of its own.
"""
import io
import multiprocessing
import os
import sys
import tarfile
import time

import PIL
from PIL import Image

TRAIN_IDS = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13,
             27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
TABLE = [TRAIN_IDS.get(i, 255) for i in range(256)]


def work(args):
    part, files, out = args
    with tarfile.open(os.path.join(out, f"part{part}.tar"), "w", format=tarfile.USTAR_FORMAT) as tar:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for key, image, label in files:
            with Image.open(image) as m:
                small = m.convert("RGB").resize((1024, 512), Image.BICUBIC)
            buffer = io.BytesIO()
            small.save(buffer, "PNG", compress_level=1)
            add(key + ".image.png", buffer.getvalue())
            with Image.open(label) as m:
                ids = m.point(TABLE).resize((1024, 512), Image.NEAREST)
            buffer = io.BytesIO()
            ids.save(buffer, "PNG", compress_level=1)
            add(key + ".label.png", buffer.getvalue())
            add(key + ".caption.txt", b"a street")
    return len(files)


def main():
    root, out, processes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    files = []
    base = os.path.join(root, "leftImg8bit", "train", "bench")
    for name in sorted(os.listdir(base)):
        stem = name[:-len("_leftImg8bit.png")]
        files.append((stem, os.path.join(base, name), os.path.join(root, "gtFine", "train", "bench", stem + "_gtFine_labelIds.png")))
    os.makedirs(out, exist_ok=True)
    with multiprocessing.Pool(processes) as pool:
        pool.map(len, [[]] * processes)  # start the processes before the clock
        start = time.time()
        done = sum(pool.map(work, [(i, files[i::processes], out) for i in range(processes)]))
        os.sync()
        took = time.time() - start
    print(f"pillow {PIL.__version__}: {done} images in {took:.2f} s, {done / took:.1f} images/s, {processes} processes")


main()
