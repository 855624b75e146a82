#!/usr/bin/env bash
# Times the training step: Go backend, XLA where PLUGIN names a PJRT plug-in, and PyTorch
# where TORCH names a Python that has it. A line each: what, median seconds.
#
#   PLUGIN=/path/pjrt_c_api_cpu_plugin.so TORCH=/path/python tools/bench_train/run.sh [big]
#
# ROUNDS (1) of the tiny preset follow one another, of STEPS (15) each; BIG_STEPS (3) are those of ViT-B/16.
#
# With "big" also ViT-B/16 at 512x512, which takes minutes and 15 GB.
set -euo pipefail
cd "$(dirname "$0")/../.."
export GOEXPERIMENT=simd
bin=$(mktemp)
trap 'rm -f "$bin"' EXIT
go test -c -o "$bin" ./model/train
go_step() { # backend, times, flags
  local backend=$1 times=$2; shift 2
  echo "$backend $*: $("$bin" -test.run '^$' -test.bench Step -test.benchtime "${times}x" -test.timeout 30m -backend "$backend" "${@/#--/-}" | grep -o '[0-9.e+]* median-s' || echo failed)"
}
torch_step() { # steps, flags
  local steps=$1; shift
  echo "torch $*: $("$TORCH" tools/bench_train/torch_step.py --steps="$steps" "$@" | grep -o '"median_s": [0-9.]*' || echo failed)"
}
all() { # times, flags
  go_step go "$@"
  if [ -n "${PLUGIN:-}" ]; then go_step "xla:$PLUGIN" "$@"; fi
  if [ -n "${TORCH:-}" ]; then torch_step "$@"; fi
}
for _ in $(seq "${ROUNDS:-1}"); do
  for loss in ce dyce; do all "${STEPS:-15}" --preset=tiny --vision=all --crop=128x64 --batch=4,4,4 --loss="$loss"; done
done
if [ "${1:-}" = big ]; then
  for vision in frozen attn; do all "${BIG_STEPS:-3}" --preset=vit-b-16 --vision="$vision" --crop=512x512 --batch=1,1,1; done
fi
