"""Writes resize.txt: checksums of images resized by Pillow.

Run with: python3 gen.py > resize.txt

Each line holds filter, width and height before and after, and the CRC-32 of the
resized RGB pixels. The source is noise from a linear congruential generator
seeded with width * 65536 + height; resize_test.go makes the same one.
"""
import sys
import zlib

import PIL
from PIL import Image

R = Image.Resampling
FILTERS = {"nearest": R.NEAREST, "area": R.BOX, "bilinear": R.BILINEAR,
           "bicubic": R.BICUBIC, "lanczos": R.LANCZOS}
SIZES = [
    (1, 1, 1, 1), (1, 1, 5, 7), (2, 2, 1, 1), (3, 5, 3, 2), (3, 5, 7, 5),
    (8, 8, 4, 4), (16, 12, 8, 6), (17, 13, 5, 4), (31, 29, 64, 70),
    (64, 48, 40, 30), (100, 75, 33, 100), (97, 89, 96, 90), (128, 64, 1, 64),
    (128, 64, 128, 1), (191, 105, 128, 76), (256, 128, 128, 64),
    (256, 128, 160, 95), (480, 360, 512, 512), (640, 380, 320, 190),
    (957, 526, 640, 380), (1024, 512, 77, 33), (50, 40, 1000, 3),
    (50, 40, 51, 39), (100, 100, 99, 1), (100, 100, 1, 99), (10, 100, 300, 101),
    (40, 50, 10, 200),
]


def noise(w, h):
    x = w * 65536 + h
    out = bytearray(3 * w * h)
    for i in range(len(out)):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = x >> 24
    return Image.frombytes("RGB", (w, h), bytes(out))


print(f"# Pillow {PIL.__version__}, Python {sys.version.split()[0]}")
for w, h, w2, h2 in SIZES:
    src = noise(w, h)
    for name, f in FILTERS.items():
        crc = zlib.crc32(src.resize((w2, h2), f).tobytes())
        print(name, w, h, w2, h2, f"{crc:08x}")
