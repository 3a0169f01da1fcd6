// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/operation_observer.h"
#include "kernels/cpu.h"
#include "kernels/threads.h"

#include <string>

/// The engine: oneDNN where it is the fastest, our own kernels elsewhere, both in one OpenMP pool. Every
/// primitive reports to the observer of base/operation_observer.h.
namespace orrery::onednn {

using kernels::setThreads;
using kernels::threads;

/// "2.6.3 (commit)" of the library in use.
[[nodiscard]] std::string libraryVersion();
/// The instruction set that oneDNN generates code for, "avx512_core_bf16".
[[nodiscard]] std::string libraryIsa();
/// What our own kernels use, "avx512_bf16".
[[nodiscard]] std::string kernelIsa();

/// Primitives kept ready (least recently used leave first). For tests and the memory view.
struct CacheState {
    std::size_t entries = 0;
    std::size_t capacity = 0;
    std::size_t hits = 0;
    std::size_t misses = 0;
};
[[nodiscard]] CacheState primitiveCache();
void setPrimitiveCacheCapacity(std::size_t entries);

} // namespace orrery::onednn
