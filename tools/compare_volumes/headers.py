"""Compares label files of pseudolabel with their volumes: affine, grid, units and texts."""
import sys
from pathlib import Path

import nibabel as nib
import numpy as np


def main(images, labels):
    files = sorted(images.glob("*.nii.gz"))
    for path in files:
        image, label = nib.load(path), nib.load(labels / path.name)
        sure = nib.load(labels / path.name.replace(".nii.gz", "_confidence.nii.gz"))
        for other in (label, sure):
            assert other.shape == image.shape and (other.affine == image.affine).all(), path
            assert other.get_data_dtype() == np.uint8, path
            for key in ("pixdim", "qform_code", "sform_code", "xyzt_units", "descrip", "quatern_b", "qoffset_x"):
                assert (image.header[key] == other.header[key]).all(), (path, key)
        assert np.asanyarray(label.dataobj).max() < 14
    print(f"{len(files)} volumes: the headers of labels and confidences are theirs")


main(Path(sys.argv[1]), Path(sys.argv[2]))
