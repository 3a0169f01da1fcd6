// SPDX-License-Identifier: GPL-3.0-or-later
// Rates of the engine's primitives at BERT-base shapes, against the measured peak of the multipliers. Each
// figure is the best of several rounds: what the code can do when nothing else runs.
#include "base/random.h"
#include "kernels/attention.h"
#include "onednn/engine.h"
#include "onednn/matmul.h"
#include "peak.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace orrery;

Tensor randomTensor(const Shape& shape, Generator& generator, DType dtype) {
    const Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.uniform(-1, 1));
    return tensor.to(dtype);
}

double bestSeconds(const std::function<void()>& work, double budget = 0.4) {
    double best = std::numeric_limits<double>::infinity();
    double spent = 0;
    work();
    while (spent < budget) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        best = std::min(best, seconds);
        spent += seconds;
    }
    return best;
}

void linearRates(std::int64_t rows, std::int64_t in, std::int64_t out, onednn::Activation activation,
                 double peak) {
    Generator generator(1);
    std::string line =
        fmt::format("linear m{:<4} {:>4} -> {:<4} {:5}", rows, in, out, kernels::name(activation));
    const double flops = 2.0 * static_cast<double>(rows * in * out);
    constexpr int copies =
        6; // as in a model, weights come from memory or the last cache, not from a near one
    for (const DType type : {DType::F32, DType::BF16}) {
        const Tensor x = randomTensor({rows, in + 16}, generator, type).slice(1, 0, in);
        const Tensor y = Tensor::empty({rows, out}, type);
        for (const onednn::Backend backend : {onednn::Backend::Kernels, onednn::Backend::OneDnn}) {
            std::vector<onednn::PackedWeight> weights;
            for (int i = 0; i < copies; ++i)
                weights.emplace_back(randomTensor({out, in}, generator, DType::F32),
                                     onednn::WeightLayout::OutIn, type, backend);
            const onednn::Epilogue epilogue{randomTensor({out}, generator, DType::F32), activation, {}};
            const double seconds = bestSeconds([&] {
                                       for (const auto& weight : weights)
                                           onednn::linear(x, weight, epilogue, y);
                                   }) /
                                   copies;
            line +=
                fmt::format("  {} {} {:6.1f}", name(type),
                            backend == onednn::Backend::Kernels ? "ours" : "onednn", flops / seconds / 1e9);
            if (type == DType::F32)
                line += fmt::format(" ({:3.0f} %)", 100 * flops / seconds / 1e9 / peak);
            if (rows == 1)
                line += fmt::format(" {:5.1f} GB/s", static_cast<double>(weights[0].bytes()) / seconds / 1e9);
        }
    }
    const auto int8 = onednn::Int8Weight::quantise(randomTensor({out, in}, generator, DType::F32));
    const Tensor x = randomTensor({rows, in}, generator, DType::F32);
    const Tensor y = Tensor::empty({rows, out});
    line +=
        fmt::format("  i8 {:6.1f}", flops / bestSeconds([&] { onednn::linear(x, int8, {}, y); }, 0.1) / 1e9);
    fmt::print("{}\n", line);
    std::fflush(stdout); // each line as it is measured
}

void attentionRates(std::int64_t batch, std::int64_t length, double peak) {
    Generator generator(2);
    const std::int64_t heads = 12;
    std::string line = fmt::format("attention {}x{:<5} h12 d64", batch, length);
    for (const DType type : {DType::F32, DType::BF16}) {
        const Tensor qkv = randomTensor({batch, length, 3, heads, 64}, generator, type);
        kernels::AttentionProblem problem;
        problem.query = qkv.select(2, 0).transpose(1, 2);
        problem.key = qkv.select(2, 1).transpose(1, 2);
        problem.value = qkv.select(2, 2).transpose(1, 2);
        problem.scale = 0.125;
        const Tensor out = Tensor::empty({batch, length, heads, 64}, type);
        const double flops = 4.0 * static_cast<double>(batch * heads * length * length * 64);
        const double rate =
            flops / bestSeconds([&] { kernels::attention(problem, out.transpose(1, 2)); }) / 1e9;
        line += fmt::format("  {} {:6.1f} GFLOP/s", name(type), rate);
        if (type == DType::F32)
            line += fmt::format(" ({:3.0f} % of peak)", 100 * rate / peak);
    }
    fmt::print("{}\n", line);
    std::fflush(stdout); // each line as it is measured
}

} // namespace

int main() {
    const double peak = bench::peakF32(onednn::threads());
    fmt::print("oneDNN {}, its set {}, ours {}, {} threads, f32 peak {:.1f} GFLOP/s\n",
               onednn::libraryVersion(), onednn::libraryIsa(), onednn::kernelIsa(), onednn::threads(), peak);
    for (const std::int64_t rows : {1, 32, 128, 512, 1024}) {
        linearRates(rows, 768, 2304, onednn::Activation::None, peak);
        linearRates(rows, 768, 768, onednn::Activation::None, peak);
        linearRates(rows, 768, 3072, onednn::Activation::Gelu, peak);
        linearRates(rows, 3072, 768, onednn::Activation::None, peak);
    }
    for (const std::int64_t length : {32, 128, 512, 4096})
        attentionRates(1, length, peak);
    attentionRates(8, 128, peak);
    return 0;
}
