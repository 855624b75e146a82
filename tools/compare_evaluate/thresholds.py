"""Checks what pseudolabel keeps against the confidences that it writes.

    python thresholds.py ALL KEPT THRESHOLD

ALL and KEPT are label folders of pseudolabel for the same images, written with
--confidence: at threshold 0, where every pixel has a label, and at THRESHOLD. The
confidence PNGs have 8 bits, so that they decide all pixels but those within half a
step of the threshold. Kept pixels must have the label of ALL, others must be ignored,
and the label ids must be those of the train ids. Needs numpy and Pillow.
"""
import glob
import math
import sys

import numpy as np
from PIL import Image

IDS = np.zeros(256, np.uint8)
IDS[:19] = 7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33
everything, kept_folder, threshold = sys.argv[1], sys.argv[2], float(sys.argv[3])
sure, unsure = math.ceil(threshold * 255 + 0.5), math.floor(threshold * 255 - 0.5)
read = lambda path: np.array(Image.open(path))
names = sorted(p[len(everything):-len("labelTrainIds.png")] for p in glob.glob(f"{everything}/**/*_pseudo_labelTrainIds.png", recursive=True))
pixels = between = kept_pixels = wrong = 0
for name in names:
    label, confidence = read(f"{everything}{name}labelTrainIds.png"), read(f"{everything}{name}confidence.png")
    kept = read(f"{kept_folder}{name}labelTrainIds.png")
    again = read(f"{kept_folder}{name}confidence.png")
    above, below = confidence >= sure, confidence < unsure
    faults = {
        "a pixel is ignored at threshold 0": label == 255,
        "confidences differ between the runs": confidence != again,
        "a pixel above the threshold is ignored": above & (kept == 255),
        "a pixel below the threshold is kept": below & (kept != 255),
        "a kept pixel has another label": (kept != 255) & (kept != label),
        "label ids are not those of the train ids": read(f"{kept_folder}{name}labelIds.png") != IDS[kept],
    }
    for fault, where in faults.items():
        if where.any():
            wrong += 1
            print(f"{name}: {fault}: {where.sum()} pixels")
    pixels += label.size
    between += (~above & ~below).sum()
    kept_pixels += (kept != 255).sum()
print(f"threshold {threshold}: {len(names)} images, {pixels} pixels, {kept_pixels} kept; 8-bit confidences from {sure} up must be kept, "
      f"below {unsure} ignored, which leaves {between} pixels undecided; {wrong} faults")
sys.exit(wrong > 0 or not names)
