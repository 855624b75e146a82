#!/usr/bin/env bash
# Measures the training step of ViT-B/16 at 512x512 on one NVIDIA card: ours on XLA beside
# PyTorch eager and compiled, median time and peak memory of each, in under 8 minutes. A
# line each as they come and a Markdown table at the end; OUT (/tmp/bench_gpu) keeps the
# table, results.jsonl and log.txt. What fails or finds no time left is a row too.
#
#   tools/bench_gpu/run.sh
#   STEP=step.gz PYTHON=/path/python tools/bench_gpu/run.sh      # where there is no Go
#   DEVICE=cpu PLUGIN=/path/pjrt_c_api_cpu_plugin.so PYTHON=... tools/bench_gpu/run.sh
#
# PYTHON (python3) has PyTorch and JAX's CUDA plug-in; PLUGIN names another plug-in, OPTIONS
# are go-xla's (allocator=cuda_async,tf32=false). STEP is the benchmark built elsewhere:
#   CGO_ENABLED=1 GOEXPERIMENT=simd go test -c -ldflags='-s -w' -o step ./model/train && gzip step
# VISIONS, BATCHES, PRECISIONS ("bf16 fp32") and ENGINES ("xla eager compile") take a part of
# the rows, STEPS are the timed steps, TOTAL is the seconds for all and LIMIT for a row that
# compiles. DEVICE=cpu tries the script itself on the tiny preset. Products of fp32 are TF32
# on a card, in XLA and PyTorch.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/bench_gpu python=${PYTHON:-python3} device=${DEVICE:-cuda} out=${OUT:-/tmp/bench_gpu}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$out/results.jsonl"
: >"$out/log.txt"

case ${STEP:-} in
  "") CGO_ENABLED=1 GOEXPERIMENT=simd go test -c -ldflags='-s -w' -o "$work/step" ./model/train ;;
  *.gz) gzip -dc "$STEP" >"$work/step" ;;
  *) cp "$STEP" "$work/step" ;;
esac
chmod +x "$work/step"

# What PYTHON's packages hold: the plug-in, the folders of CUDA's libraries, libdevice's root.
mapfile -t found < <("$python" $here/measure.py where)
plugin=${PLUGIN:-${found[0]}}
if [ "$device" = cuda ]; then
  preset=vit-b-16 crop=512x512 batches=${BATCHES:-1,1,1 4,4,4} steps=${STEPS:-20}
  torch=(--device=cuda --tf32 --warmup=5)
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
  # Memory is taken as needed: go-xla asks for that where the plug-in's path says cuda.
  xla_env=(LD_LIBRARY_PATH="${found[1]}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" GOPJRT_CUDA_CHECKS=0)
  xla_flags="${XLA_FLAGS:-} ${found[2]:+--xla_gpu_cuda_data_dir=${found[2]}}"
else
  preset=tiny crop=64x64 batches=${BATCHES:-1,1,1 2,2,2} steps=${STEPS:-3}
  torch=(--device=cpu --warmup=5) xla_env=() xla_flags=${XLA_FLAGS:-}
fi
"$python" -c 'import torch; print("PyTorch", torch.__version__, "on", torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU")' || true
echo "plug-in $(basename "$(dirname "$plugin")")/$(basename "$plugin"), $preset, crops $crop, $steps steps, $device"

end=$((SECONDS + ${TOTAL:-450}))
row() { # seconds at most, engine, vision, batch, precision[+remat]
  local limit=$1 engine=$2 vision=$3 batch=$4 precision=$5
  local flags=(preset=$preset vision="$vision" crop=$crop batch="$batch" loss=dyce) command
  case " ${ENGINES:-xla eager compile} " in *" $engine "*) ;; *) return ;; esac
  case " ${PRECISIONS:-bf16 fp32} " in *" ${precision%+remat} "*) ;; *) return ;; esac
  if [ "$engine" = xla ]; then
    case $precision in bf16*) flags+=(bf16) ;; esac
    case $precision in *+remat) flags+=(remat) ;; esac
    # XLA reports the memory that it plans for a program beside the program's dump.
    command=(env "${xla_env[@]}" XLA_FLAGS="$xla_flags --xla_dump_to=$work/dump --xla_dump_hlo_as_text"
      "$work/step" -test.run '^$' -test.bench Step -test.benchtime "${steps}x"
      -backend "xla:$plugin${OPTIONS:+,$OPTIONS}" "${flags[@]/#/-}")
  else
    if [ "$precision" = bf16 ]; then flags+=(bf16); fi
    if [ "$engine" = compile ]; then flags+=(compile); fi
    # A cache of its own: a row that was ended leaves half-written files there.
    command=(env TORCHINDUCTOR_CACHE_DIR="$work/inductor" "$python" tools/bench_train/torch_step.py
      "${torch[@]}" --steps="$steps" "${flags[@]/#/--}")
  fi
  rm -rf "$work/dump" "$work/inductor"
  "$python" $here/measure.py row --engine="$engine" --step="$vision ${batch//,/+}" --precision="$precision" \
    --device="$device" --seconds="$limit" --left=$((end - SECONDS)) --dump="$work/dump" --out="$out" -- "${command[@]}"
}
each() { # precision, pairs of engine and seconds
  local precision=$1 batch vision pair; shift
  for batch in $batches; do
    for vision in ${VISIONS:-frozen attn}; do
      for pair in "$@"; do row "${pair#*=}" "${pair%=*}" "$vision" "$batch" "$precision"; done
    done
  done
}
# The rows that matter most come first, for the time may not suffice for all.
limit=${LIMIT:-90}
each bf16 xla="$limit" eager=40
each bf16 compile="$limit"
each fp32 xla="$limit" eager=40
row "$limit" xla attn "${batches##* }" bf16+remat
each fp32 compile="$limit"
"$python" $here/measure.py table "$out" | tee "$out/table.md"
