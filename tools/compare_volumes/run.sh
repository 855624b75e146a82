#!/usr/bin/env bash
# Compares evaluate with medpy on random masks of volumes that are stored in several orientations,
# and label files of pseudolabel with what nibabel reads of their volumes.
#
#   PYTHON=/path/python CHECKPOINT=out/train_minict tools/compare_volumes/run.sh [WORKDIR]
#
# PYTHON has medpy, nibabel and numpy; CHECKPOINT is an output of train on volumes. Without it
# only random masks are compared.
#
# Result with medpy 0.5.2, nibabel 5.4.2 and numpy 2.4.6: of 104 scores (4 volumes, 13 organs, two
# rules) no Dice differs, and distances do by at most 7e-15; the headers of labels and confidences
# are those of the volumes.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/compare_volumes python=${PYTHON:-python3}
work=$(realpath -m "${1:-/tmp/compare_volumes}")
export GOEXPERIMENT=${GOEXPERIMENT-simd}
rm -rf "$work" && mkdir -p "$work"
go build -o "$work/bin/" ./pipelines/evaluate ./pipelines/pseudolabel

"$python" $here/masks.py "$work/data"
"$work/bin/evaluate" -q --data=synapse:"$work/data" --predictions="$work/data/predictions" --output="$work/scores" >/dev/null
"$python" $here/compare.py "$work/data" "$work/scores/images.jsonl"
[ -n "${CHECKPOINT:-}" ] || exit 0

"$work/bin/pseudolabel" -q --checkpoint="$CHECKPOINT" --input="$work/data/imagesTr" --threshold=0 --confidence --output="$work/pseudo" >/dev/null
"$python" $here/headers.py "$work/data/imagesTr" "$work/pseudo/labels"
