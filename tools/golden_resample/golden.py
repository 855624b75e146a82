"""Volumes resized by torch, for transforms/volumes/resample.

Run:      python tools/golden_resample/golden.py transforms/volumes/resample/testdata/torch.json
Versions: torch 2.5.1, numpy 2.4.6, Python 3.11

"trilinear" is interpolate(mode="trilinear", align_corners=False) of float32 volumes,
"nearest" interpolate(mode="nearest-exact") of labels. Arrays are base64, little-endian.
"""
import base64
import json
import sys

import numpy as np
import torch
from torch.nn.functional import interpolate

SIZES = [
    ((5, 7, 9), (5, 7, 9)), ((5, 7, 9), (10, 14, 18)), ((5, 7, 9), (3, 4, 5)), ((5, 7, 9), (8, 3, 9)),
    ((1, 1, 1), (2, 3, 4)), ((6, 5, 4), (1, 1, 1)), ((2, 11, 3), (7, 2, 13)), ((1, 3, 512), (2, 2, 160)),
    ((147, 2, 2), (80, 3, 3)), ((2, 512, 2), (1, 700, 1)),
]


def b64(a):
    return base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


def main(path):
    rng = np.random.default_rng(6)
    cases = []
    for size, to in SIZES:
        v = (rng.normal(size=size) * 300).astype("<f4")
        ids = rng.integers(0, 14, size).astype(np.uint8)
        out = interpolate(torch.from_numpy(v)[None, None], to, mode="trilinear", align_corners=False)[0, 0].numpy()
        near = interpolate(torch.from_numpy(ids)[None, None], to, mode="nearest-exact")[0, 0].numpy()
        cases.append({"from": size, "to": to, "values": b64(v), "trilinear": b64(out), "ids": b64(ids), "nearest": b64(near)})
    with open(path, "w") as f:
        f.write("[" + ",\n".join(json.dumps(c) for c in cases) + "]\n")


if __name__ == "__main__":
    main(sys.argv[1])
