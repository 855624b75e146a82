"""Prints mean and spread of the val mIoU of the trainings below a folder, as Markdown.

    python3 table.py FOLDER    # of FOLDER/NAME-SEED/summary.json
"""

import json
import pathlib
import statistics
import sys

runs = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*-[0-9]/summary.json")):
    name, _, _ = path.parent.name.rpartition("-")
    s = json.loads(path.read_text())
    runs.setdefault(name, []).append((100 * s["student"]["miou"], 100 * s["teacher"]["miou"], 100 * s["student"]["pixel_accuracy"]))
print("| training | seeds | student mIoU % | least to most | teacher mIoU % | pixels right % |\n|---|---|---|---|---|---|")
for name, scores in runs.items():
    student, teacher, right = zip(*scores)
    print(f"| {name} | {len(scores)} | {statistics.mean(student):.1f} | {min(student):.1f} to {max(student):.1f} | "
          f"{statistics.mean(teacher):.1f} | {statistics.mean(right):.1f} |")
