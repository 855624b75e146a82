#!/usr/bin/env bash
# Times pseudolabel on MiniCity's unlabelled images, from shards on the pure-Go backend,
# beside the same network and steps in PyTorch, and its peak memory at 220 and 2,200 raw
# images.
#
#   TORCH=/path/python CHECKPOINT=out/train CLIP=out/pretrain/clip DATA=out/prepare \
#     tools/bench_loop/pseudolabel.sh [WORKDIR] [ROUNDS]
#
# CHECKPOINT is an output of train with the tiny preset, CLIP the model folder that it
# had, DATA the output of prepare. BACKEND is another backend than go, COUNTS other
# numbers of raw images. Without TORCH there is no PyTorch; with it the labels are
# compared too. PyTorch's threads wait passively unless OMP_WAIT_POLICY says otherwise:
# decoding and writing share the cores with them.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/bench_loop work=$(realpath -m "${1:-/tmp/bench_pseudolabel}") rounds=${2:-3}
data=${DATA:-out/prepare} backend=${BACKEND:-go}
export GOEXPERIMENT=${GOEXPERIMENT-simd}
mkdir -p "$work"
go build -o "$work/" ./pipelines/pseudolabel ./pipelines/export ./$here
[ -z "${TORCH:-}" ] || "$work/export" -q --checkpoint="$CHECKPOINT" --clip="$CLIP" --output="$work/export" --overwrite
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY-PASSIVE}
label() { # title, input, output, further flags
  local title=$1 input=$2 output=$3; shift 3
  python3 $here/cost.py "$title" "$work/pseudolabel" --checkpoint="$CHECKPOINT" --clip="$CLIP" --backend="$backend" --window=whole \
    --input="$input" --output="$output" "$@"
}
for round in $(seq "$rounds"); do
  echo "round $round of $rounds"
  rm -rf "$work/out" "$work/torch"
  label "pseudolabel, unlabelled shards" "$data" "$work/out"
  if [ -n "${TORCH:-}" ]; then
    python3 $here/cost.py "PyTorch, the same shards" "$TORCH" $here/torch_pseudolabel.py "$work/export" "$data" "$work/torch" \
      --compare="$work/out/labels"
  fi
  label "pseudolabel, another threshold for its predictions" "$data" "$work/out" --threshold=0.9 --overwrite
done
echo "peak memory, raw images"
for n in ${COUNTS:-220 2200}; do
  rm -rf "$work/raw" "$work/out"
  "$work/bench_loop" copies "$data/minicity/cityscapes/leftImg8bit/train/almstadt" "$work/raw" "$n"
  label "pseudolabel, $n raw images" "$work/raw" "$work/out" --captions=classnames
done
rm -rf "$work/raw" "$work/out" "$work/torch"
