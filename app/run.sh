#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is needed, builds the release and opens the window on the demo model with a sample sentence analysed.
# Without a display it makes the same pictures and a report offscreen and says where they are.
set -euo pipefail
cd "$(dirname "$0")/.."
bash app/install.sh
cmake --preset release >/dev/null
cmake --build --preset release
orrery=build/release/bin/orrery
sample='Returns the [MASK] of the array along the given axis.'
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec "$orrery" resources/models/docs-bert --text "$sample" "$@"
fi
out=build/pictures
mkdir -p "$out"
export QT_QPA_PLATFORM=offscreen
"$orrery" --workspace "$out/demo.orrery" --tour "$out" resources/models/docs-bert --text "$sample"
for lens in attention_statistics attention_rollout head_detectors logit_lens; do
  "$orrery" analyze resources/models/docs-bert --text "$sample" --lens "$lens" --workspace "$out/demo.orrery" \
    --out "$out/$lens" --format svg,png,csv -q
done
"$orrery" report --workspace "$out/demo.orrery" --out "$out/report.html" -q
"$orrery" report --workspace "$out/demo.orrery" --out "$out/report.pdf" -q
echo "There is no display here. The pictures of every panel are in $PWD/$out (*.png),"
echo "the analyses in its folders, and the report in $PWD/$out/report.html and report.pdf."
