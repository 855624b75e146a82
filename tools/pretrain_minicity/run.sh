#!/usr/bin/env bash
# Pre-trains the built-in CLIP of MiniCity and stores it in half precision in
# model/weights/builtin, from where the program embeds it. Further arguments are those of
# pretrain.
#
#   OUT=/tmp/clip tools/pretrain_minicity/run.sh --backend=go
set -euo pipefail
cd "$(dirname "$0")/../.."
export GOEXPERIMENT=simd
out=${OUT:-/tmp/clip}
mkdir -p "$out"
go build -o "$out" ./pipelines/prepare ./pipelines/pretrain ./tools/pretrain_minicity
"$out/prepare" -q --output="$out/data" --labelled=20
"$out/pretrain" --data="$out/data" --output="$out/pretrained" --steps=200 --scenes=0 --words=0 "$@"
"$out/pretrain_minicity" "$out/pretrained/clip" model/weights/builtin
