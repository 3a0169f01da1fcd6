// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/fourier_mixer.h"

#include "onednn/matmul.h"

#include <cmath>
#include <numbers>

namespace orrery::nn {
namespace {

struct Waves {
    Tensor cosine; ///< [n, n]
    Tensor sine;
};

Waves wavesOf(std::int64_t n, double sign) {
    Waves waves{Tensor::empty({n, n}), Tensor::empty({n, n})};
    std::vector<float> cosine(static_cast<std::size_t>(n));
    std::vector<float> sine(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
        cosine[static_cast<std::size_t>(i)] = static_cast<float>(std::cos(angle));
        sine[static_cast<std::size_t>(i)] = static_cast<float>(sign * std::sin(angle));
    }
    float* c = waves.cosine.mutablePointer<float>();
    float* s = waves.sine.mutablePointer<float>();
    for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t k = 0; k < n; ++k) {
            const auto turn = static_cast<std::size_t>(j * k % n);
            c[j * n + k] = cosine[turn];
            s[j * n + k] = sine[turn];
        }
    return waves;
}

class FourierMixer final : public TokenMixer {
public:
    [[nodiscard]] std::string name() const override { return "fourier"; }
    [[nodiscard]] MixingSupport supports() const override { return {}; }

    [[nodiscard]] Tensor run(const MixerInput& input, const Context& context) const override {
        const std::int64_t batch = input.hidden.size(0);
        const std::int64_t length = input.hidden.size(1);
        const std::int64_t width = input.hidden.size(2);
        const Waves along = wavesOf(width, 1);
        const Waves over = wavesOf(length, -1);
        // [C_L, -S_L] times [x C_D; x S_D], one product for each item.
        const Tensor both = Tensor::empty({length, 2 * length});
        both.slice(1, 0, length).copyFrom(over.cosine);
        both.slice(1, length, 2 * length).copyFrom(over.sine);
        const Tensor out = Tensor::empty({batch, length, width});
        const Tensor halves = Tensor::empty({2 * length, width});
        for (std::int64_t item = 0; item < batch; ++item) {
            context.progress.check();
            const Tensor x = input.hidden.select(0, item);
            onednn::matmul(x, along.cosine, false, false, halves.slice(0, 0, length));
            onednn::matmul(x, along.sine, false, false, halves.slice(0, length, 2 * length));
            onednn::matmul(both, halves, false, false, out.select(0, item));
        }
        return out;
    }

    /// How positions meet: the cosine part C_L (the sine part mixes other features), one head.
    [[nodiscard]] probe::AttentionPattern matrix(const MixerInput& input) const override {
        const std::int64_t batch = input.hidden.size(0);
        const std::int64_t length = input.hidden.size(1);
        const Tensor cosine = wavesOf(length, 1).cosine;
        return probe::AttentionPattern(
            cosine.unsqueeze(0).unsqueeze(0).expand({batch, 1, length, length}).contiguous());
    }

    [[nodiscard]] Cost cost(std::int64_t batch, std::int64_t length, std::int64_t width) const override {
        const auto b = static_cast<double>(batch);
        const auto l = static_cast<double>(length);
        const auto d = static_cast<double>(width);
        return {.operations = 4 * b * l * d * (d + l),
                .bytes = 4 * (2 * d * d + 2 * l * l + 4 * b * l * d),
                .memory = 4 * (2 * d * d + 4 * l * l + 2 * l * d),
                .operationsFormula = "4 B L D (D + L)",
                .bytesFormula = "8 D^2 + 8 L^2 + 16 B L D",
                .memoryFormula = "8 D^2 + 16 L^2 + 8 L D"};
    }
};

} // namespace

std::shared_ptr<const TokenMixer> fourierMixer() {
    static const auto mixer = std::make_shared<const FourierMixer>();
    return mixer;
}

} // namespace orrery::nn
