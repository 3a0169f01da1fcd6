#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the fuzz targets with clang and runs each: tests/fuzz/run.sh SECONDS [TARGET...]
# A crash, a leak, a hang of 10 s or more than 2 GiB of memory is a finding: the script prints its input and fails.
# Inputs that were findings once are kept in tests/fuzz/found/TARGET and run first.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
build=${ORRERY_FUZZ_BUILD:-build/fuzz}
jobs=${ORRERY_FUZZ_JOBS:-2}

cmake -S tests/fuzz -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE= >"$build.configure.log" 2>&1 ||
  { cat "$build.configure.log"; exit 1; }
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
ninja -C "$build" "${targets[@]}"

fuzz() {
  local target=$1 corpus="$build/corpus/$1" findings="$build/findings/$1" log="$build/$1.log" seed
  mkdir -p "$corpus" "$findings"
  # Seeds: what the target names, as far as it is small enough to be tried thousands of times a second.
  for seed in $(sed -n 's|^// Seeds: ||p' "tests/fuzz/$target.cpp"); do
    [ "$(stat -c %s "$seed" 2>/dev/null || echo 999999)" -le 65536 ] &&
      cp "$seed" "$corpus/seed-$(echo "$seed" | tr / -)"
  done
  local options=(-rss_limit_mb=2048 -timeout=10 -artifact_prefix="$findings/" -print_final_stats=1)
  [ -f "tests/fuzz/$target.dict" ] && options+=(-dict="tests/fuzz/$target.dict")
  if compgen -G "tests/fuzz/found/$target/*" >/dev/null &&
    ! "$build/bin/$target" "${options[@]}" tests/fuzz/found/"$target"/* >"$log" 2>&1; then
    echo "$target: an old finding is back"; tail -n 40 "$log"; return 1
  fi
  if ! "$build/bin/$target" "${options[@]}" -max_total_time="$seconds" -max_len=65536 "$corpus" >"$log" 2>&1; then
    echo "$target: a finding (its input lies in $findings)"; tail -n 60 "$log"; return 1
  fi
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1) inputs, no finding"
}
export -f fuzz
export build seconds
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz {}'
