#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A plugin author's path, outside the tree: install Orrery, make plugins from its templates, build them against the
# install, check them, and find their options, help, figures and benchmark entries in the program.
# Usage: out_of_tree.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "$1" && pwd)
tree=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/install" >/dev/null
orrery=$work/install/bin/orrery
export QT_QPA_PLATFORM=offscreen XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache
cd "$work"
model=$work/install/share/orrery/models/docs-topic
has() { grep -q -- "$1" <<<"$2" || { echo "FAIL: '$1' not in: $2"; exit 1; }; }
for pair in analyzer:my_lens token_mixer:my_mixer compressor:my_format; do
  kind=${pair%%:*} name=${pair##*:}
  "$orrery" plugin new "$kind" "$name" -q >/dev/null
  cmake -S "$name" -B "$name/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/install" -DCMAKE_BUILD_TYPE=Release >/dev/null
  cmake --build "$name/build" >/dev/null
  has "loads" "$("$orrery" plugin check "$name/build/$name.so")"
  mkdir -p "$work/data/orrery/plugins"
  cp "$name/build/$name.so" "$work/data/orrery/plugins/"
done
has "my_lens" "$("$orrery" parts list)"
has "relative=false" "$("$orrery" parts show my_lens)"
has "strength=1" "$("$orrery" parts show my_mixer)"
"$orrery" analyze "$model" --text 'Returns the array.' --lens my_lens --set relative=true --out "$work/figures" --format svg,csv -q
test -s "$work/figures/strength.svg"
"$orrery" analyze "$model" --text 'a' --lens my_lens --set relative=perhaps --out "$work/figures" -q 2>"$work/said" && exit 1
has "true or false" "$(cat "$work/said")"
has "my_mixer" "$("$orrery" bench "$model" --grid mixer=none,my_mixer length=16 --set max_repetitions=5 --set min_repetitions=5 --set budget=0.5)"
has "my_format" "$("$orrery" bench "$model" --grid compressor=none,my_format length=16 --set max_repetitions=5 --set min_repetitions=5 --set budget=0.5)"
echo "plugins built outside the tree work"
