"""Dice and average surface distance of medpy on small label volumes, for transforms/metrics.

Run:      python tools/golden_organs/golden.py transforms/metrics/testdata/medpy.json
Versions: MedPy 0.5.2, scipy 1.17.1, numpy 2.4.6, Python 3.11

Each case is a prediction and a truth of train ids 0 to classes-1 or 255 (base64 of
zlib); of each class from 1 on it has dc, asd in voxels and asd with the spacing.
medpy gets the masks without the voxels whose truth is 255. Distances are null where
it raises, that is where a mask is empty, and Dice where it is NaN, where both are.
"""
import base64
import json
import sys
import zlib

import numpy as np
from medpy.metric.binary import asd, dc


def pack(a):
    return base64.b64encode(zlib.compress(np.ascontiguousarray(a, np.uint8).tobytes(), 9)).decode()


def case(name, pred, truth, classes, spacing=(2.5, 0.8, 0.7)):
    pred, truth = np.asarray(pred, np.uint8), np.asarray(truth, np.uint8)
    organs = []
    for k in range(1, classes):
        p, g = (pred == k) & (truth != 255), (truth == k)
        o = {"dice": float(dc(p, g)) if p.any() or g.any() else None, "voxels": None, "mm": None}
        if p.any() and g.any():
            o["voxels"], o["mm"] = float(asd(p, g)), float(asd(p, g, voxelspacing=spacing))
        organs.append(o)
    return {"name": name, "shape": list(pred.shape), "spacing": list(spacing), "classes": classes,
            "pred": pack(pred), "truth": pack(truth), "organs": organs}


def balls(rng, shape, classes, jitter, radius):
    """Ellipsoids, in truth and, shifted, in the prediction."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).astype(float)
    pred, truth = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for k in range(1, classes):
        at, r = rng.uniform(0, shape), rng.uniform(*radius, 3)
        truth[(((grid - at) / r) ** 2).sum(-1) < 1] = k
        at = at + rng.normal(size=3) * jitter
        pred[(((grid - at) / r) ** 2).sum(-1) < 1] = k
    return pred, truth


def main(path):
    rng = np.random.default_rng(40)
    cases = []
    for n in range(6):
        shape = tuple(rng.integers(8, 24, 3))
        p, g = balls(rng, shape, 5, 1.5, (2, 7))
        spacing = tuple(np.round(rng.uniform(0.3, 5, 3), 3).tolist())
        cases.append(case(f"balls {n}", p, g, 5, spacing))
        g = g.copy()
        g[rng.random(shape) < 0.05] = 255
        p[rng.random(shape) < 0.02] = 255
        cases.append(case(f"balls {n}, ignored", p, g, 5, spacing))
    for n, share in enumerate((0.01, 0.1, 0.5, 0.9, 0.99)):
        shape = (5, 6, 7)
        p, g = rng.random(shape) < share, rng.random(shape) < share
        cases.append(case(f"noise {share}", p, g, 2))
        cases.append(case(f"noise {share}, classes", rng.integers(0, 4, shape), rng.integers(0, 4, shape), 4))
    shape = (4, 5, 6)
    empty, full, one, other = (np.zeros(shape, np.uint8) for _ in range(4))
    full[:], one[1, 2, 3], other[3, 0, 5] = 1, 1, 1
    slab = np.zeros(shape, np.uint8)
    slab[:, :, 2:4] = 1
    apart = np.zeros(shape, np.uint8)
    apart[0, 0, 0] = apart[3, 4, 5] = apart[1:3, 1:3, 3:5] = 1
    for pn, p in {"empty": empty, "full": full, "one": one, "other": other, "slab": slab, "apart": apart}.items():
        for gn, g in {"empty": empty, "full": full, "one": one, "slab": slab, "apart": apart}.items():
            cases.append(case(f"{pn} and {gn}", p, g, 2))
    flat = rng.integers(0, 2, (1, 9, 9))
    cases.append(case("one slice", flat, np.roll(flat, 2, 1), 2))
    line = rng.integers(0, 2, (1, 1, 40))
    cases.append(case("one row", line, np.roll(line, 3, 2), 2))
    cases.append(case("one column", line.reshape(40, 1, 1), np.roll(line, 3, 2).reshape(40, 1, 1), 2))
    with open(path, "w") as f:
        f.write("[" + ",\n".join(json.dumps(c) for c in cases) + "]\n")


if __name__ == "__main__":
    main(sys.argv[1])
