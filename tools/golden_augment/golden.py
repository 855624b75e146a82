"""Writes transforms/augment/testdata/torchvision.{json,bin}: what torchvision's PIL
transforms make of a small image, and hashes of what they make of all 2^24 colours.

Made with torchvision 0.20.1, Pillow 13.0.0, NumPy 2.4.6 on Python 3.11:

    pip install torchvision==0.20.1 pillow==13.0.0 numpy==2.4.6
    python tools/golden_augment/golden.py transforms/augment/testdata
"""
import hashlib
import json
import sys

import numpy as np
from PIL import Image, ImageFilter
from torchvision.transforms import functional as F

W, H = 29, 17


def picture(w, h):
    """The image of scene() in augment_test.go: ramps with noise, integers only."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    noise = ((x * 7919 + y * 104729 + c * 1299709) % 65537) * 2654435761 % 2**32 >> 26
    return ((x * (5 + 2 * c) + y * (9 - 3 * c) + noise) % 256).astype(np.uint8)


def cases():
    for f in (0.0, 0.5, 0.73, 1.0, 1.2345, 1.5):
        yield "brightness", f, lambda m, f=f: F.adjust_brightness(m, f)
        yield "contrast", f, lambda m, f=f: F.adjust_contrast(m, f)
        yield "saturation", f, lambda m, f=f: F.adjust_saturation(m, f)
    for f in (0.6180339, 1.3819661, 1.4142135):
        yield "saturation", f, lambda m, f=f: F.adjust_saturation(m, f)
    for f in (-0.25, -0.1, 0.0, 0.07, 0.25, 0.5):
        yield "hue", f, lambda m, f=f: F.adjust_hue(m, f)
    yield "gray", 0.0, lambda m: F.rgb_to_grayscale(m, 3)
    for s in (0.1, 0.3, 0.5, 0.8165, 1.0, 1.42, 1.7, 2.0, 2.4):
        yield "blur", s, lambda m, s=s: m.filter(ImageFilter.GaussianBlur(s))


def main(out):
    image = Image.fromarray(picture(W, H))
    cube = np.arange(1 << 24, dtype=np.uint32)
    cube = Image.fromarray(np.stack([cube >> 16, cube >> 8 & 255, cube & 255], -1).astype(np.uint8).reshape(4096, 4096, 3))
    table, data = [], [np.asarray(image).tobytes()]
    for op, value, fn in cases():
        case = {"op": op, "value": value}
        data.append(np.asarray(fn(image)).tobytes())
        if op in ("saturation", "hue", "gray"):
            case["cube"] = hashlib.sha256(np.asarray(fn(cube)).tobytes()).hexdigest()
        table.append(case)
    for w, h in ((1, 1), (2, 1), (1, 3), (3, 2), (5, 4)):
        for s in (0.4, 1.9):
            data.append(np.asarray(Image.fromarray(picture(w, h)).filter(ImageFilter.GaussianBlur(s))).tobytes())
            table.append({"op": "blur", "value": s, "size": [w, h]})
    with open(out + "/torchvision.bin", "wb") as f:
        f.write(b"".join(data))
    with open(out + "/torchvision.json", "w") as f:
        json.dump(table, f, indent=1)
        f.write("\n")


main(sys.argv[1])
