"""Makes pairs of label and prediction files in the layout of Cityscapes' val set.

    python scenes.py DIR [PAIRS] [SEED] [ABSENT,...]

DIR/data/gtFine/val/CITY/CITY_SEQ_FRAME_gtFine_labelIds.png and
DIR/results/CITY_SEQ_FRAME_pred_labelIds.png, 2048x1024, label ids. The label files are
street-like: sky above, buildings, a road below, and poles, cars and people before
them, so that all ids from 0 to 33 occur in large regions. A prediction is its label
moved by a few pixels, with some regions of another class, some of ids that the
evaluation ignores, and a little noise. Ids that are to be absent are road in both.
Needs numpy and Pillow.
"""
import os
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 2048, 1024
FLAT, BUILT, THINGS = (6, 7, 8, 9, 10, 22), (11, 12, 13, 14, 15, 16, 21), (5, 17, 18, 19, 20, *range(24, 34))
IGNORED = (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30)


def rectangle(rng, to, value, top, bottom, width, height):
    w, h = rng.integers(width[0], width[1]), rng.integers(height[0], height[1])
    x, y = rng.integers(-w // 2, WIDTH - w // 2), rng.integers(top, bottom)
    to[max(y, 0):max(y + h, 0), max(x, 0):max(x + w, 0)] = value


def ellipse(rng, to, value, top, bottom, width, height):
    w, h = rng.integers(width[0], width[1]), rng.integers(height[0], height[1])
    x, y = rng.integers(0, WIDTH), rng.integers(top, bottom)
    x0, x1, y0, y1 = max(x - w, 0), min(x + w, WIDTH), max(y - h, 0), min(y + h, HEIGHT)
    yy, xx = np.mgrid[y0:y1, x0:x1]
    to[y0:y1, x0:x1][((xx - x) / w) ** 2 + ((yy - y) / h) ** 2 < 1] = value


def label(rng):
    out = np.full((HEIGHT, WIDTH), 23, np.uint8)
    out[440:] = 7
    for _ in range(8):
        rectangle(rng, out, rng.choice(BUILT), 100, 350, (100, 500), (150, 400))
    for value in rng.permutation(FLAT)[:4]:
        rectangle(rng, out, value, 560, 900, (200, 900), (40, 200))
    for value in rng.permutation(THINGS):
        ellipse(rng, out, value, 300, 800, (10, 140), (20, 160))
    out[960 + rng.integers(0, 40):] = 1  # the car's own bonnet
    out[:, :5], out[:, -5:] = 3, 2
    out[:4], out[-3:] = 0, 4
    return out


def prediction(rng, truth):
    out = np.roll(truth, tuple(rng.integers(-6, 7, 2)), (0, 1))
    for _ in range(30):
        ellipse(rng, out, rng.integers(0, 34), 0, HEIGHT, (5, 120), (5, 80))
    for _ in range(5):
        ellipse(rng, out, rng.choice(IGNORED), 0, HEIGHT, (20, 120), (20, 80))
    noisy = rng.random((HEIGHT, WIDTH)) < 0.002
    out[noisy] = rng.integers(0, 34, noisy.sum(), dtype=np.uint8)
    return out


def pair(directory, seed, i, absent):
    rng = np.random.default_rng([seed, i])
    city = ("almstadt", "birkenau", "corvin")[i % 3]
    name = f"{city}_{i:06d}_000019"
    truth = label(rng)
    for path, ids in ((f"data/gtFine/val/{city}/{name}_gtFine_labelIds.png", truth),
                      (f"results/{name}_pred_labelIds.png", prediction(rng, truth)),
                      (f"data/leftImg8bit/val/{city}/{name}_leftImg8bit.png", None)):
        path = f"{directory}/{path}"
        if ids is not None:
            ids[np.isin(ids, absent)] = 7
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # An image must exist to have a label; nobody opens it.
        Image.fromarray(ids if ids is not None else np.zeros((1, 1), np.uint8)).save(path)


if __name__ == "__main__":
    pairs, seed, absent = (sys.argv[2:] + ["12", "1", ""][len(sys.argv) - 2:])[:3]
    for number in range(int(pairs)):
        pair(sys.argv[1], int(seed), number, [int(a) for a in absent.split(",") if a])
