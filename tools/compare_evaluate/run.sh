#!/usr/bin/env bash
# Compares evaluate with cityscapesScripts on drawn labels and on the labels that
# pseudolabel writes, and pseudolabel's thresholds with its confidences.
#
#   PYTHON=/path/python CHECKPOINT=out/train DATA=out/prepare tools/compare_evaluate/run.sh [WORKDIR]
#
# PYTHON has cityscapesscripts, numpy and Pillow; CHECKPOINT is an output of train on
# MiniCity, DATA the output of prepare that it had. Without CHECKPOINT only drawn
# labels are compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/compare_evaluate python=${PYTHON:-python3} data=${DATA:-out/prepare}
work=$(realpath -m "${1:-/tmp/compare_evaluate}")
export GOEXPERIMENT=${GOEXPERIMENT-simd}
rm -rf "$work" && mkdir -p "$work"
go build -o "$work/bin/" ./pipelines/evaluate ./pipelines/pseudolabel

echo "drawn labels, all ids"
"$python" $here/scenes.py "$work/drawn" 12
"$python" $here/compare.py "$work/drawn/data" "$work/drawn/results" "$work/bin/evaluate" "$work/drawn"
echo "drawn labels without trains and riders, which have no IoU then"
"$python" $here/scenes.py "$work/absent" 3 2 25,31
"$python" $here/compare.py "$work/absent/data" "$work/absent/results" "$work/bin/evaluate" "$work/absent"
[ -n "${CHECKPOINT:-}" ] || exit 0

minicity=$(realpath "$data/minicity/cityscapes")
for threshold in 0 0.95; do
  "$work/bin/pseudolabel" -q --checkpoint="$CHECKPOINT" --input=cityscapes:"$minicity" --subset=val --window=whole \
    --threshold=$threshold --confidence --output="$work/pseudo-$threshold" >/dev/null
  # cityscapesScripts takes CITY_SEQ_FRAME*.png and refuses two of them, so it is shown
  # the label ids alone: neither train ids, colours nor confidences.
  mkdir -p "$work/results-$threshold"
  find "$work/pseudo-$threshold/labels" -name '*_pseudo_labelIds.png' -exec cp -t "$work/results-$threshold" {} +
  echo "labels of pseudolabel, threshold $threshold"
  "$python" $here/compare.py "$minicity" "$work/results-$threshold" "$work/bin/evaluate" "$work/pseudo-$threshold-scores"
done
"$python" $here/thresholds.py "$work/pseudo-0/labels" "$work/pseudo-0.95/labels" 0.95
