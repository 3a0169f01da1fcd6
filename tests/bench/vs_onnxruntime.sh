#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# BERT-base and ViT-base shapes against ONNX Runtime, interleaved: bash tests/bench/vs_onnxruntime.sh [BUILD_FOLDER] [PAIRS]
# Needs node and npm; installs onnxruntime-node and writes 2 GB of weights below the build folder.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:-$top/build/release}")
pairs=${2:-20}
work=$build/bench
mkdir -p "$work"
cmake --build "$build" --target vs_onnxruntime
# Its install script only fetches what GPUs need.
[ -d "$work/node_modules/onnxruntime-node" ] ||
  npm install --no-audit --no-fund --ignore-scripts --prefix "$work" onnxruntime-node@1.30
for kind in bert vit; do
  [ -f "$work/$kind-base/model_int8.onnx" ] || node "$top/tests/bench/onnxruntime_peer.js" make "$work/$kind-base" $kind
done
cd "$work"
exec "$build/bin/vs_onnxruntime" "$top/tests/bench/onnxruntime_peer.js" "$work/bert-base" "$work/vit-base" "$pairs"
