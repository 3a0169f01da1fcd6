#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Byte-level BPE and WordPiece against Hugging Face's Rust tokenizers, interleaved, user CPU time of one thread:
# bash tests/bench/vs_tokenizers.sh [BUILD_FOLDER] [PAIRS] [TEXT_FILE]
# Needs node and npm; installs @anush008/tokenizers (the Rust library behind a node module) below the build folder.
# Without a text file the documentation in the repository is read.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:-$top/build/release}")
pairs=${2:-15}
work=$build/bench
mkdir -p "$work"
cmake --build "$build" --target vs_tokenizers
[ -d "$work/node_modules/@anush008/tokenizers" ] ||
  npm install --no-audit --no-fund --prefix "$work" @anush008/tokenizers@0.6.0
if [ $# -ge 3 ]; then
  cat "$3" >"$work/corpus.txt"
else
  find "$top/README.md" "$top/resources" "$top/plugins" "$top/tests/bench" -name '*.md' -exec cat {} + >"$work/corpus.txt"
fi
cd "$work"
exec "$build/bin/vs_tokenizers" "$top/tests/bench/tokenizers_peer.js" "$work/corpus.txt" "$pairs" "$top/tests/golden/tokenizers"
