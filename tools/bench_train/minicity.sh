#!/usr/bin/env bash
# The comparison on MiniCity in docs/BENCHMARKS.md: five trainings for each of three
# seeds and two with defaults, then the table. Prints and keeps everything below OUT.
#
#   OUT=/tmp/minicity BACKEND=go tools/bench_train/minicity.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
export GOEXPERIMENT=simd
out=${OUT:-/tmp/minicity} backend=${BACKEND:-auto}
mkdir -p "$out"
for command in prepare pretrain train; do go build -o "$out/$command" "./pipelines/$command"; done
"$out/prepare" -q --output="$out/data" --labelled=20 >"$out/prepare.log"
"$out/pretrain" -q --data="$out/data" --output="$out/pretrained" --backend="$backend" >"$out/pretrain.log"
run() { # name, seed, flags that differ
  local name=$1 seed=$2; shift 2
  "$out/train" -q --config=configs/examples/train_minicity.yaml --data="$out/data" --clip="$out/pretrained/clip" \
    --output="$out/$name-$seed" --seed="$seed" --backend="$backend" "$@" >"$out/$name-$seed.log"
}
for seed in 0 1 2; do
  run source_only "$seed" --batch=8,0,0 --guidance=none --loss=ce
  run ct "$seed" --guidance=none --loss=ce
  run ct_dyce "$seed" --guidance=none
  run full "$seed"
  run full_sum_res "$seed" --guidance=sum_res
done
# The defaults of DyCE, consistency and teacher in so short a training, whole images.
for name in defaults ct_defaults; do
  flags=(--steps=400 --window=whole --hard_fraction=0.2 --threshold=0.95 --alpha=0.999)
  if [ $name = ct_defaults ]; then flags+=(--guidance=none --loss=ce); fi
  run $name 0 "${flags[@]}"
done
python3 tools/bench_train/table.py "$out"
