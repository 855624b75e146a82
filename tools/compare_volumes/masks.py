"""Writes volumes with random labels and predictions, in several orientations: the layout of Synapse."""
import sys
from pathlib import Path

import nibabel as nib
import numpy as np

ORIENTATIONS = ["RAS", "LPS", "LAS", "SPL", "AIR", "PSR", "IRP", "RSA"]
CASES = [1, 7, 23, 30]  # of val


def blobs(rng, shape):
    """Boxes of the organs 1 to 13 over each other, some of them absent."""
    out = np.zeros(shape, np.uint8)
    for organ in range(1, 14):
        if rng.random() < 0.15:
            continue
        for _ in range(rng.integers(1, 4)):
            start = [rng.integers(0, n - 2) for n in shape]
            end = [s + rng.integers(1, 1 + n // 3) for s, n in zip(start, shape)]
            out[tuple(slice(s, e) for s, e in zip(start, end))] = organ
    return out


def main(root):
    rng = np.random.default_rng(1)
    for n, case in enumerate(CASES):
        for part in ("imagesTr", "labelsTr", "predictions"):
            (root / part).mkdir(parents=True, exist_ok=True)
        shape = tuple(rng.integers(14, 30, 3))
        truth = blobs(rng, shape)
        prediction = np.where(rng.random(shape) < 0.3, np.roll(truth, 1, 0), truth).astype(np.uint8)
        prediction[truth == rng.integers(1, 14)] = 0
        angle = 0.1 * n
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        affine = np.eye(4)
        affine[:3, :3] = turn @ np.diag(rng.uniform(0.6, 4, 3))
        affine[:3, 3] = rng.uniform(-200, 200, 3)
        image = rng.integers(-1000, 1000, shape).astype(np.int16)
        for part, name, voxels in [("imagesTr", "img", image), ("labelsTr", "label", truth), ("predictions", "img", prediction)]:
            file = nib.Nifti1Image(voxels, affine)
            file.header.set_xyzt_units("mm", "sec")
            file.header["descrip"] = b"random %d" % case
            # The prediction is stored in another orientation than the volume.
            code = ORIENTATIONS[(n + (4 if part == "predictions" else 0)) % 8]
            to = nib.orientations.axcodes2ornt(code)
            file = file.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(affine), to))
            nib.save(file, root / part / f"{name}{case:04d}.nii.gz")


main(Path(sys.argv[1]))
