"""Compares the scores of evaluate with those of medpy, by both rules."""
import json
import sys
from pathlib import Path

import medpy
import nibabel as nib
import numpy as np
from medpy.metric.binary import asd, dc


def read(path):
    file = nib.as_closest_canonical(nib.load(path))
    return np.asanyarray(file.dataobj), nib.affines.voxel_sizes(file.affine)


def main(root, scores):
    most, compared = {"dice": 0.0, "asd": 0.0}, 0
    for line in open(scores):
        row = json.loads(line)
        case = row["key"][-4:]
        truth, spacing = read(root / "labelsTr" / f"label{case}.nii.gz")
        prediction, _ = read(root / "predictions" / f"img{case}.nii.gz")
        for organ in range(1, 14):
            p, t = prediction == organ, truth == organ
            for rule, unit in (("compat", None), ("strict", spacing)):
                got = row["rules"][rule][organ - 1]
                if p.any() and t.any():
                    want = {"dice": dc(p, t), "asd": asd(p, t, voxelspacing=unit)}
                elif rule == "compat":  # what DHC and GenericSSL print
                    want = {"dice": 0 if p.any() or t.any() else 0.01, "asd": 128 if p.any() or t.any() else 0}
                else:
                    want = {"dice": 0 if p.any() or t.any() else 1, "asd": None}
                for key, value in want.items():
                    if value is None or got[key] is None:
                        assert value is None and got[key] is None, (case, organ, rule, key, value, got)
                        continue
                    most[key] = max(most[key], abs(got[key] - value))
                compared += 1
    print(f"medpy {medpy.__version__}, nibabel {nib.__version__}, numpy {np.__version__}: {compared} scores; "
          f"Dice differ by at most {most['dice']:.2g}, distances by {most['asd']:.2g}")
    assert compared == 4 * 13 * 2 and most["dice"] < 1e-9 and most["asd"] < 1e-6


main(Path(sys.argv[1]), sys.argv[2])
