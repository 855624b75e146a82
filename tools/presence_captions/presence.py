#!/usr/bin/env python3
"""Captions that name the classes that an image's label holds: the most that a captioner could tell
of their presence. For comparisons alone, since they need the labels of all images.

    python presence.py camvid11 /data/camvid trainannot:train valannot:val > /data/camvid/captions.jsonl
    go run ./pipelines/prepare --config=configs/examples/camvid_day_to_dusk.yaml --output=out/camvid_presence

Needs numpy and Pillow.
"""
import json
import os
import sys

import numpy as np
from PIL import Image

CLASSES = {"camvid11": "sky,building,pole,road,pavement,tree,sign symbol,fence,car,pedestrian,bicyclist".split(",")}
SHARE = 0.0005  # of the pixels, from which on a class is named

names, root = CLASSES[sys.argv[1]], sys.argv[2]
for pair in sys.argv[3:]:
    labels, images = pair.split(":")
    for file in sorted(os.listdir(os.path.join(root, labels))):
        label = np.asarray(Image.open(os.path.join(root, labels, file)))
        there = [name for i, name in enumerate(names) if (label == i).mean() >= SHARE]
        text = "A street scene with " + ", ".join(there[:-1]) + " and " + there[-1] + "."
        print(json.dumps({"image": f"{images}/{file}", "caption": text}))
