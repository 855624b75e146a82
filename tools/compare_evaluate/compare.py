"""Compares the scores of evaluate with those of cityscapesScripts on the same files.

    python compare.py DATA RESULTS EVALUATE WORKDIR

DATA is a data set in the layout of Cityscapes, RESULTS a folder of label id PNGs whose
names begin with CITY_SEQ_FRAME, EVALUATE the built command. cityscapesScripts' own
evalPixelLevelSemanticLabeling finds the pairs by its own search and scores them;
instances, which have files of their own, are left out. The IoU of each class, the mean
and the counts behind them must be the same to the last bit of a float64. Needs
cityscapesscripts.
"""
import json
import math
import os
import subprocess
import sys

data, results, evaluate, work = sys.argv[1:]
exported, output = f"{work}/cityscapesscripts", f"{work}/evaluate"
os.makedirs(exported, exist_ok=True)
os.environ.update(CITYSCAPES_DATASET=data, CITYSCAPES_RESULTS=results, CITYSCAPES_EXPORT_DIR=exported)
sys.argv[1:] = []
# It reads the environment when it is imported.
import cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling as official  # noqa: E402
from cityscapesscripts.helpers.labels import name2label  # noqa: E402

official.args.evalInstLevelScore = False
official.args.quiet = True
official.main()
with open(official.args.exportFile) as f:
    theirs = json.load(f)
subprocess.run([evaluate, "-q", f"--data=cityscapes:{data}", f"--predictions={results}", f"--output={output}", "--overwrite"],
               check=True, stdout=subprocess.DEVNULL)
with open(f"{output}/report.json") as f:
    report = json.load(f)["networks"][0]["report"]
ours = next(s for s in report["scores"] if s["rule"] == "19")

largest, unequal = 0.0, 0


def same(name, a, b):
    global largest, unequal
    a, b = (math.nan if x is None else x for x in (a, b))
    if math.isnan(a) or math.isnan(b):
        equal = math.isnan(a) and math.isnan(b)
    else:
        equal, largest = a == b, max(largest, abs(a - b))
    unequal += not equal
    print(f"{name:<14} {a!r:<22} {b!r:<22} {'equal' if equal else 'NOT EQUAL'}")


print(f"{'class':<14} {'cityscapesScripts':<22} {'evaluate':<22}")
for c in ours["classes"]:
    same(c["class"], theirs["classScores"][c["class"]], c["iou"])
same("mean", theirs["averageScoreClasses"], ours["mean_iou"])
ids = [name2label[c["class"]].id for c in ours["classes"]]
matrix, k = report["confusion"]["matrix"], len(ids)
rows = [matrix[i * k:(i + 1) * k] for i in range(k)] if not isinstance(matrix[0], list) else matrix
cells = sum(rows[i][j] != theirs["confMatrix"][ids[i]][ids[j]] for i in range(k) for j in range(k))
missed = sum(m != sum(theirs["confMatrix"][i]) - sum(theirs["confMatrix"][i][j] for j in ids) for m, i in zip(report["confusion"]["missed"], ids))
pixels = sum(map(sum, theirs["confMatrix"]))
print(f"{report['confusion']['images']} images, {pixels} pixels; largest difference {largest!r}; "
      f"{unequal} unequal scores, {cells} of {k * k} unequal counts, {missed} of {k} unequal counts of other predictions")
sys.exit(unequal + cells + missed > 0)
