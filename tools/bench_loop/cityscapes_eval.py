"""Scores DIR/results against DIR/data with cityscapesScripts, for evaluate.sh."""
import os
import sys

directory = sys.argv.pop()
os.environ.update(CITYSCAPES_DATASET=f"{directory}/data", CITYSCAPES_RESULTS=f"{directory}/results")
import cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling as official  # noqa: E402

official.args.evalInstLevelScore = official.args.JSONOutput = False
official.args.quiet = True
# main forgets what the evaluation returns.
labels = official.glob.glob(official.args.groundTruthSearch)
scores = official.evaluateImgLists([official.getPrediction(official.args, name) for name in labels], labels, official.args)
print(f"mean IoU {float(scores['averageScoreClasses'])!r}; compiled counting: {official.CSUPPORT}")
