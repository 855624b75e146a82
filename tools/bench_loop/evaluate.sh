#!/usr/bin/env bash
# Times evaluate --predictions on 50 and 500 pairs of 2048x1024, the parts of its work
# without Beam, and cityscapesScripts on 50 of the pairs where PYTHON names a Python that
# has it.
#
#   PYTHON=/path/python tools/bench_loop/evaluate.sh [WORKDIR] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/bench_loop work=$(realpath -m "${1:-/tmp/bench_evaluate}") rounds=${2:-3}
export GOEXPERIMENT=${GOEXPERIMENT-simd}
mkdir -p "$work"
go build -o "$work/" ./pipelines/evaluate ./$here
"$work/bench_loop" pairs "$work/p50" 50 50
[ -d "$work/p500" ] || cp -r "$work/p50" "$work/p500"
"$work/bench_loop" pairs "$work/p500" 50 500
find "$work/p500/data/gtFine" "$work/p500/results" -name '*.png' -printf '%s\n' | awk '{n++; s += $1} END {printf "%d files, mean %.1f kB\n", n, s / n / 1e3}'
for round in $(seq "$rounds"); do
  echo "round $round of $rounds"
  for n in 50 500; do
    rm -rf "$work/out"
    python3 $here/cost.py "evaluate, $n pairs" "$work/evaluate" --data=cityscapes:"$work/p$n/data" --predictions="$work/p$n/results" --output="$work/out"
  done
  "$work/bench_loop" parts "$work/p500" "$(nproc)"
  if [ -n "${PYTHON:-}" ]; then
    python3 $here/cost.py "cityscapesScripts, 50 pairs, one process" "$PYTHON" $here/cityscapes_eval.py "$work/p50"
  fi
done
