#!/usr/bin/env bash
# Times a training step of the V-Net in turns: Go backend, XLA where PLUGIN names a PJRT
# plug-in, and PyTorch where TORCH names a Python that has it.
#
#   PLUGIN=/path/pjrt_c_api_cpu_plugin.so TORCH=/path/python tools/bench_vnet/run.sh [SIZE...]
#
# ROUNDS (3) of STEPS (4). Sizes are those of BenchmarkStep in model/vnet. A line each: what,
# processor seconds a step, least and median seconds, peak memory.
set -euo pipefail
cd "$(dirname "$0")/../.."
export GOEXPERIMENT=simd
bin=$(mktemp)
trap 'rm -f "$bin"' EXIT
go test -c -o "$bin" ./model/vnet
go_step() { # backend, size
  echo "$1 $2: $("$bin" -test.run '^$' -test.bench "Step/$2\$" -test.benchtime "${STEPS:-4}x" -test.timeout 60m -backend "$1" 2>/dev/null | grep -o '[0-9.]* cpu-s.*' || echo failed)"
}
for size in "${@:-F8_L4_2x32x64x64}"; do
  for _ in $(seq "${ROUNDS:-3}"); do
    go_step go "$size"
    if [ -n "${PLUGIN:-}" ]; then go_step "xla:$PLUGIN" "$size"; fi
    # Threads that wait without turning: otherwise the processor time says nothing.
    if [ -n "${TORCH:-}" ]; then KMP_BLOCKTIME=0 OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 "$TORCH" tools/bench_vnet/torch_step.py --size="$size" --steps="${STEPS:-4}"; fi
  done
done
