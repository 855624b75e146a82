#!/usr/bin/env bash
# Compares exported networks with PyTorch: the logits of every kind of guidance, decoder and
# normalisation, drawn at random; transformers' towers, processor and both tokenisers; ONNX
# Runtime; token ids of golden captions. Then, where CHECKPOINT and DATA are given, the labels of
# a trained network. SIZE=vit-b-16 compares networks of that size (1 GB of files, no ONNX).
#
#   TORCH=/path/python tools/compare_export/run.sh [WORKDIR]
#   TORCH=/path/python CHECKPOINT=out/train DATA=out/prepare tools/compare_export/run.sh
#
# TORCH has torch, safetensors, numpy, pillow, transformers 4, onnx and onnxruntime.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/compare_export work=$(realpath -m "${1:-/tmp/compare_export}") python=${TORCH:-python3}
export GOEXPERIMENT=${GOEXPERIMENT-simd}
mkdir -p "$work/bin"
go build -o "$work/bin/" ./pipelines/export ./pipelines/pseudolabel ./$here
rm -rf "$work/checkpoints" "$work/exports"
names=$("$work/bin/compare_export" "$work/checkpoints" ${SIZE:-})
for name in $names; do
  "$work/bin/export" -q --checkpoint="$work/checkpoints/$name" --output="$work/exports/$name" >/dev/null
done
"$python" $here/compare.py logits ${SIZE:+--no_onnx} $(for name in $names; do echo "$work/exports/$name"; done)
"$python" $here/compare.py captions pipelines/internal/export transforms/text/testdata/{small,golden_small.jsonl}
if [ -n "${CHECKPOINT:-}" ]; then
  rm -rf "$work/trained" "$work/labels"
  "$work/bin/export" --checkpoint="$CHECKPOINT" --output="$work/trained"
  "$work/bin/pseudolabel" -q --checkpoint="$CHECKPOINT" --input="$DATA" --subset=val --threshold=0 --output="$work/labels" >/dev/null
  "$python" $here/compare.py labels "$work/trained" "$DATA" "$work/labels"
fi
