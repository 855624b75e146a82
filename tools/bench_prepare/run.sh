#!/usr/bin/env bash
# Compares prepare with a plain loop of the same functions and with Pillow, in
# turns, and its peak memory at 200 and 2,000 images. Wants python3 with Pillow.
#   tools/bench_prepare/run.sh [WORKDIR] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:-/tmp/bench_prepare} rounds=${2:-3}
export GOEXPERIMENT=${GOEXPERIMENT-simd}
mkdir -p "$work"
go build -o "$work/prepare" ./pipelines/prepare
go build -o "$work/bench" ./tools/bench_prepare
"$work/bench" scenes "$work/s200" 20 200
ls -l "$work/s200/leftImg8bit/train/bench" | awk '{n++; s+=$5} END {printf "mean image file: %.2f MB\n", s/n/1e6}'
cores=$(nproc)
for round in $(seq "$rounds"); do
  rm -rf "$work/out"
  "$work/prepare" --source=cityscapes:"$work/s200" --source_size=1024x512 --captions=classnames --output="$work/out" 2>&1 | grep 'images (100%)' || true
  "$work/bench" loop "$work/s200" "$work/loop.tar" "$cores"
  python3 tools/bench_prepare/pillow_prepare.py "$work/s200" "$work/pillow" "$cores"
done
echo "peak memory"
"$work/bench" scenes "$work/s2000" 20 2000
for n in 200 2000; do
  rm -rf "$work/out"
  python3 - "$work" "$n" <<'P'
import resource, subprocess, sys
work, n = sys.argv[1:]
subprocess.run([f"{work}/prepare", "-q", f"--source=cityscapes:{work}/s{n}", "--source_size=1024x512", "--captions=classnames", f"--output={work}/out"], check=True, stdout=subprocess.DEVNULL)
print(f"{n} images: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")
P
done
rm -rf "$work/out"
