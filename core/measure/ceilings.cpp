// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "kernels/cpu.h"
#include "kernels/threads.h"
#include "measure/machine.h"
#include "onednn/matmul.h"
#include "store/workspace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>

namespace orrery::measure {
namespace {

using Seconds = std::chrono::duration<double>;

double now() {
    return Seconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The best rate over repeated calls for half a second: a ceiling is what is reached when nothing else
/// disturbs.
template <typename Work>
double bestRate(double amount, const Progress& progress, const Work& work) {
    work(); // packs, compiles, touches pages
    double best = 0;
    const double end = now() + 0.5;
    do {
        progress.check();
        const double start = now();
        work();
        best = std::max(best, amount / (now() - start));
    } while (now() < end);
    return best;
}

Tensor filled(const Shape& shape) {
    Tensor tensor = Tensor::empty(shape);
    Generator generator(1);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.uniform(-1, 1));
    return tensor;
}

} // namespace

// Sums 16 times what the last cache holds: of four times as much a fifth was still found there.
double readBandwidth(const Progress& progress) {
    const std::int64_t cache = std::clamp<std::int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), 8 << 20, 64 << 20);
    const Tensor data = Tensor::full({4 * cache}, 1.0);
    const float* values = data.pointer<float>();
    float sink = 0;
    const double rate = bestRate(static_cast<double>(data.bytes()), progress, [&] {
        std::atomic<float> sum{0};
        kernels::parallelFor(data.elements(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
            // Enough independent sums that memory, not the chain of additions, is what is waited for.
            constexpr std::int64_t lanes = 128;
            alignas(64) float sums[lanes] = {};
            std::int64_t i = begin;
            for (; i + lanes <= end; i += lanes)
                for (std::int64_t lane = 0; lane < lanes; ++lane)
                    sums[lane] += values[i + lane];
            sum.fetch_add(std::accumulate(sums, sums + lanes, 0.0F), std::memory_order_relaxed);
        });
        sink += sum.load();
    });
    return sink > 0 ? rate : 0; // the sum is used, so it is computed
}

Ceilings measureCeilings(int threads, const Progress& progress) {
    const kernels::ThreadsScope before;
    if (threads > 0)
        kernels::setThreads(threads);
    Ceilings result;
    result.threads = kernels::threads();
    // Large enough for full speed, small enough for the second-level caches to matter as they do in models.
    constexpr std::int64_t rows = 512;
    constexpr std::int64_t size = 1024;
    constexpr double operations = 2.0 * rows * size * size;
    const Tensor x = filled({rows, size});
    const Tensor weight = filled({size, size});
    const Tensor out = Tensor::empty({rows, size});
    progress.report("measuring the peak of f32 products", 0, 4);
    const onednn::PackedWeight f32(weight);
    result.f32 = bestRate(operations, progress, [&] { onednn::linear(x, f32, {}, out); });
    progress.report("measuring the peak of bf16 products", 1, 4);
    if (kernels::isa() >= kernels::Isa::Avx512Bf16) {
        const onednn::PackedWeight bf16(weight, onednn::WeightLayout::OutIn, DType::BF16);
        const Tensor narrow = x.to(DType::BF16);
        const Tensor narrowOut = Tensor::empty({rows, size}, DType::BF16);
        result.bf16 = bestRate(operations, progress, [&] { onednn::linear(narrow, bf16, {}, narrowOut); });
    }
    progress.report("measuring the peak of int8 products", 2, 4);
    if (kernels::isa() >= kernels::Isa::Avx512Vnni) {
        const onednn::Int8Weight int8 = onednn::Int8Weight::quantise(weight);
        result.int8 = bestRate(operations, progress, [&] { onednn::linear(x, int8, {}, out); });
    }
    progress.report("measuring the bandwidth of memory", 3, 4);
    result.bandwidth = readBandwidth(progress);
    return result;
}

std::optional<Ceilings> knownCeilings(const store::Workspace& workspace, const Machine& machine,
                                      int threads) {
    const auto value = [&](const char* name) {
        return workspace.machineValue(machine.key(), fmt::format("{} with {} threads", name, threads));
    };
    const auto f32 = value("peak f32");
    const auto bandwidth = value("read bandwidth");
    if (!f32 || !bandwidth)
        return std::nullopt;
    return Ceilings{threads, *f32, value("peak bf16").value_or(0), value("peak int8").value_or(0),
                    *bandwidth};
}

Ceilings ceilings(store::Workspace& workspace, const Machine& machine, int threads,
                  const Progress& progress) {
    const int wanted = threads > 0 ? threads : kernels::threads();
    if (const auto known = knownCeilings(workspace, machine, wanted))
        return *known;
    const Ceilings measured = measureCeilings(wanted, progress);
    const auto keep = [&](const char* name, double value, const char* unit) {
        workspace.setMachineValue(machine.key(), fmt::format("{} with {} threads", name, wanted), value,
                                  unit);
    };
    keep("peak f32", measured.f32, "FLOP/s");
    keep("peak bf16", measured.bf16, "FLOP/s");
    keep("peak int8", measured.int8, "OP/s");
    keep("read bandwidth", measured.bandwidth, "B/s");
    return measured;
}

} // namespace orrery::measure
