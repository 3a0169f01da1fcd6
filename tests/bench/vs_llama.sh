#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Prefill and decoding against llama.cpp, interleaved: bash tests/bench/vs_llama.sh [BUILD_FOLDER] [PAIRS]
# Needs node and npm; installs node-llama-cpp and writes 3 GB of weights below the build folder.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:-$top/build/release}")
pairs=${2:-5}
work=$build/bench
mkdir -p "$work"
cmake --build "$build" --target vs_llama
# Its install script only compiles what the package carries already.
[ -d "$work/node_modules/node-llama-cpp" ] ||
  npm install --no-audit --no-fund --ignore-scripts --prefix "$work" node-llama-cpp@3
cd "$work"
cp "$top/tests/bench/llama_peer.js" .
exec "$build/bin/vs_llama" llama_peer.js "$work/llama" "$top/tests/golden/tokenizers" "$pairs"
