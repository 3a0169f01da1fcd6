#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is needed, builds everything and runs all tests. Arguments go to ctest (-R NAME, -L LABEL, ...).
set -euo pipefail
cd "$(dirname "$0")/.."
bash app/install.sh
cmake --preset release
cmake --build --preset release
QT_QPA_PLATFORM=offscreen ctest --test-dir build/release --parallel "$(nproc)" --output-on-failure --timeout 600 "$@"
