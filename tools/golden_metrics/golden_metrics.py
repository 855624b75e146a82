"""Scores of cityscapesScripts on random label maps, for transforms/metrics.

Run:      python tools/golden_metrics/golden_metrics.py transforms/metrics/testdata/cityscapes.json
Versions: cityscapesScripts 2.3.0, numpy 2.4.6, Pillow 13.0.0, Python 3.11

Each case holds one or more pairs of maps of train ids (255 = ignored) and what
the scripts say of them. They read label ids, so a true 255 becomes one of the
ids that they ignore, and a predicted 255 becomes 0 (unlabeled). The "ignored"
scores are those of the same pairs with the true pixels of terrain, truck and
train ignored. Python writes floats so that they read back as the same bits.
"""
import base64
import json
import math
import os
import sys
import tempfile

import numpy as np
from PIL import Image

from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as evaluation
from cityscapesscripts.helpers.labels import labels, trainId2label

H, W, K = 24, 32, 19
IGNORED_IDS = [l.id for l in labels if l.id >= 0 and l.ignoreInEval]
evaluation.args.evalInstLevelScore = False
evaluation.args.evalPixelAccuracy = False
evaluation.args.JSONOutput = False
evaluation.args.quiet = True


def blocks(rng, classes):
    """A map of blocks, so that classes form areas."""
    coarse = rng.choice(classes, size=(H // 4, W // 4))
    return np.kron(coarse, np.ones((4, 4), np.int64)).astype(np.uint8)


def pair(rng, classes, predicted, noise, missed):
    truth = blocks(rng, classes)
    prediction = truth.copy()
    prediction[truth == 255] = rng.choice(predicted, size=int((truth == 255).sum()))
    wrong = rng.random((H, W)) < noise
    prediction[wrong] = rng.choice(predicted, size=int(wrong.sum()))
    prediction[rng.random((H, W)) < missed] = 255
    return truth, prediction


def to_ids(rng, train, true):
    ids = np.zeros_like(train)
    for t in range(K):
        ids[train == t] = trainId2label[t].id
    if true:
        ids[train == 255] = rng.choice(IGNORED_IDS, size=int((train == 255).sum()))
    return ids


def score(rng, pairs):
    with tempfile.TemporaryDirectory() as folder:
        files = [[], []]
        for i, maps in enumerate(pairs):
            for m in range(2):
                path = os.path.join(folder, f"{i}_{m}.png")
                Image.fromarray(to_ids(rng, maps[m], m == 0)).save(path)
                files[m].append(path)
        result = evaluation.evaluateImgLists(files[1], files[0], evaluation.args)
    iou = [result["classScores"][trainId2label[t].name] for t in range(K)]
    return [None if math.isnan(v) else v for v in iou], result["averageScoreClasses"]


def average(iou, classes):
    value = evaluation.getScoreAverage({c: math.nan if iou[c] is None else iou[c] for c in classes}, evaluation.args)
    return None if math.isnan(value) else value


def main(path):
    rng = np.random.default_rng(20)
    every = list(range(K))
    sixteen = [c for c in every if c not in (9, 14, 16)]
    thirteen = [c for c in sixteen if c not in (3, 4, 5)]
    specs = [
        ("dense", 1, every, every, 0.3, 0),
        ("ignored", 2, every + [255] * 5, every, 0.3, 0),
        ("missed", 1, every + [255] * 3, every, 0.2, 0.15),
        ("sixteen", 2, every + [255] * 3, sixteen, 0.4, 0.05),
        ("few", 1, [0, 2, 10, 14, 255], [0, 2, 10, 13], 0.2, 0.02),
        ("random", 1, every + [255], every + [255], 1, 0),
    ]
    cases = []
    for name, n, classes, predicted, noise, missed in specs:
        pairs = [pair(rng, classes, predicted, noise, missed) for _ in range(n)]
        iou, mean = score(rng, pairs)
        without = [(np.where(np.isin(t, (9, 14, 16)), 255, t).astype(np.uint8), p) for t, p in pairs]
        iou_ignored, _ = score(rng, without)
        cases.append({
            "name": name,
            "truth": [base64.b64encode(t.tobytes()).decode() for t, _ in pairs],
            "prediction": [base64.b64encode(p.tobytes()).decode() for _, p in pairs],
            "iou": iou,
            "iou_ignored": iou_ignored,
            "means": {
                "19": mean,
                "16": average(iou, sixteen),
                "16-ignored": average(iou_ignored, sixteen),
                "13": average(iou, thirteen),
                "13-ignored": average(iou_ignored, thirteen),
            },
        })
    with open(path, "w") as f:
        json.dump(cases, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
