// SPDX-License-Identifier: GPL-3.0-or-later
// Products with quantised blocks against dense weights of the same sizes: how near decoding comes to the
// memory's bandwidth. Processor time of one thread, the least of several runs: what a busy machine leaves
// measurable.
#include "core/kernels/block_samples.h"
#include "kernels/block_product.h"
#include "kernels/threads.h"
#include "onednn/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <limits>

namespace {

using namespace orrery;

constexpr std::int64_t inputs = 4096;
constexpr std::int64_t outputs = 8192;

double processorSeconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double bestSeconds(const std::function<void()>& work) {
    work();
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 8; ++i) {
        const double start = processorSeconds();
        work();
        best = std::min(best, processorSeconds() - start);
    }
    return best;
}

void report(std::int64_t rows, std::string_view format, std::size_t bytes, double seconds) {
    const double operations = 2.0 * static_cast<double>(rows * inputs * outputs);
    fmt::print("m{:<4} {:9} {:7.2f} ms {:7.2f} GB/s {:8.1f} GFLOP/s\n", rows, format, seconds * 1e3,
               static_cast<double>(bytes) / seconds * 1e-9, operations / seconds * 1e-9);
    std::fflush(stdout);
}

} // namespace

int main() {
    kernels::setThreads(1);
    Generator generator(1);
    for (const std::int64_t rows : {1, 4, 16, 17, 64}) {
        const Tensor x = Tensor::full({rows, inputs}, 0.5);
        const Tensor y = Tensor::empty({rows, outputs});
        for (const BlockFormat format : allBlockFormats) {
            const BlockMatrix matrix = randomBlocks(format, outputs, inputs, generator);
            kernels::BlockProduct product;
            product.weights = &matrix;
            product.x = x.rawData();
            product.xStride = inputs;
            product.rows = rows;
            product.out = y.mutableRawData();
            product.outStride = outputs;
            report(rows, orrery::name(format), matrix.bytes(),
                   bestSeconds([&] { kernels::multiplyBlocks(product); }));
        }
        for (const DType compute : {DType::F32, DType::BF16}) {
            const onednn::PackedWeight weight(Tensor::zeros({outputs, inputs}), onednn::WeightLayout::OutIn,
                                              compute);
            report(rows, fmt::format("dense {}", orrery::name(compute)), weight.bytes(),
                   bestSeconds([&] { onednn::linear(x, weight, {}, y); }));
        }
    }
}
