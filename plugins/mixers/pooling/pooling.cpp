// SPDX-License-Identifier: GPL-3.0-or-later
#include "pooling.h"

#include "base/error.h"
#include "figure/matrix_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::mixers {
namespace {

/// The band matrix of a pooling, made tile by tile.
class PoolingMatrix final : public figure::MatrixSource {
public:
    struct Row {
        std::int64_t begin;
        std::int64_t end;
        float weight;
    };
    PoolingMatrix(std::vector<Row> rows, std::vector<std::uint8_t> real, bool subtractInput)
        : m_rows(std::move(rows)), m_real(std::move(real)), m_subtractInput(subtractInput) {}
    [[nodiscard]] std::int64_t rows() const override { return static_cast<std::int64_t>(m_rows.size()); }
    [[nodiscard]] std::int64_t columns() const override { return rows(); }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        for (std::int64_t i = 0; i < rowCount; ++i) {
            const Row& one = m_rows[static_cast<std::size_t>(row + i)];
            for (std::int64_t k = 0; k < columnCount; ++k) {
                const std::int64_t j = column + k;
                const bool inside = j >= one.begin && j < one.end && m_real[static_cast<std::size_t>(j)] != 0;
                out[static_cast<std::size_t>(i * columnCount + k)] =
                    (inside ? one.weight : 0.0F) - (m_subtractInput && j == row + i ? 1.0F : 0.0F);
            }
        }
    }

private:
    std::vector<Row> m_rows;
    std::vector<std::uint8_t> m_real;
    bool m_subtractInput;
};

std::vector<std::uint8_t> realPositions(const nn::MixerInput& input, std::int64_t item) {
    const std::int64_t length = input.hidden.size(1);
    std::vector<std::uint8_t> real(static_cast<std::size_t>(length), 1);
    if (input.keyMask.defined()) {
        const auto mask = input.keyMask.select(0, item).toIntegers();
        std::transform(mask.begin(), mask.end(), real.begin(),
                       [](std::int64_t value) { return static_cast<std::uint8_t>(value != 0); });
    }
    return real;
}

} // namespace

std::pair<std::int64_t, std::int64_t> Pooling::window(std::int64_t i, std::int64_t length,
                                                      bool causal) const {
    if (causal)
        return {std::max<std::int64_t>(0, i - m_size + 1), i + 1};
    const std::int64_t half = m_size / 2;
    return {std::max<std::int64_t>(0, i - half), std::min(length, i + half + 1)};
}

nn::MixingSupport Pooling::supports() const {
    nn::MixingSupport support;
    support.causal = true;
    return support;
}

Tensor Pooling::run(const nn::MixerInput& input, const Context& context) const {
    const Tensor hidden = input.hidden.contiguous();
    const std::int64_t batch = hidden.size(0);
    const std::int64_t length = hidden.size(1);
    const auto width = static_cast<std::size_t>(hidden.size(2));
    Tensor out = Tensor::empty(hidden.shape());
    const float* x = hidden.data<float>().data();
    float* y = out.mutableData<float>().data();
    // The window's sum slides along; double keeps the subtraction of what leaves it exact enough at any
    // length.
    std::vector<double> sum(width);
    for (std::int64_t item = 0; item < batch; ++item) {
        const auto real = realPositions(input, item);
        const float* rows = x + static_cast<std::size_t>(item * length) * width;
        std::fill(sum.begin(), sum.end(), 0.0);
        std::int64_t count = 0;
        std::int64_t begin = 0;
        std::int64_t end = 0;
        const auto add = [&](std::int64_t j, double sign) {
            if (real[static_cast<std::size_t>(j)] == 0)
                return;
            count += sign > 0 ? 1 : -1;
            const float* row = rows + static_cast<std::size_t>(j) * width;
            for (std::size_t c = 0; c < width; ++c)
                sum[c] += sign * row[c];
        };
        for (std::int64_t i = 0; i < length; ++i) {
            if (i % 256 == 0)
                context.progress.check();
            const auto [first, last] = window(i, length, input.causal);
            while (end < last)
                add(end++, 1);
            while (begin < first)
                add(begin++, -1);
            const float* own = rows + static_cast<std::size_t>(i) * width;
            float* target = y + static_cast<std::size_t>(item * length + i) * width;
            const double share = count > 0 ? 1.0 / static_cast<double>(count) : 0.0;
            for (std::size_t c = 0; c < width; ++c)
                target[c] = static_cast<float>(sum[c] * share) - (m_subtractInput ? own[c] : 0.0F);
        }
    }
    return out;
}

probe::AttentionPattern Pooling::matrix(const nn::MixerInput& input) const {
    const std::int64_t length = input.hidden.size(1);
    std::vector<std::shared_ptr<const figure::MatrixSource>> matrices;
    for (std::int64_t item = 0; item < input.hidden.size(0); ++item) {
        auto real = realPositions(input, item);
        std::vector<PoolingMatrix::Row> rows;
        for (std::int64_t i = 0; i < length; ++i) {
            const auto [first, last] = window(i, length, input.causal);
            const auto count = std::count_if(real.begin() + first, real.begin() + last,
                                             [](std::uint8_t value) { return value != 0; });
            rows.push_back({first, last, count > 0 ? 1.0F / static_cast<float>(count) : 0.0F});
        }
        matrices.push_back(
            std::make_shared<PoolingMatrix>(std::move(rows), std::move(real), m_subtractInput));
    }
    return {input.hidden.size(0), 1, std::move(matrices)};
}

nn::Cost Pooling::cost(std::int64_t batch, std::int64_t length, std::int64_t width) const {
    const double elements =
        static_cast<double>(batch) * static_cast<double>(length) * static_cast<double>(width);
    return {4 * elements, 8 * elements, 8 * static_cast<double>(width), "4 B L D", "8 B L D", "8 D"};
}

PartInfo PoolingPart::info() const {
    return {"pooling",
            "Pooling",
            "Average pooling over neighbouring positions in place of attention, without parameters: the "
            "token mixer of PoolFormer.",
            "Yu et al.: MetaFormer is actually what you need for vision. CVPR 2022",
            "https://arxiv.org/abs/2111.11418",
            "any layer of any model"};
}

OptionSchema PoolingPart::options() const {
    OptionSchema schema;
    schema
        .integer("size", 3,
                 "Positions in the window; odd, except in causal models where they are the last ones.")
        .range(1, 1001)
        .unit("tokens");
    schema.boolean("subtract_input", true,
                   "Whether the input is taken off the mean, because the block adds it again.");
    return schema;
}

std::shared_ptr<const nn::TokenMixer> PoolingPart::make(const nn::MixerPlace& place,
                                                        const OptionValues& options, Generator&) const {
    const std::int64_t size = options.integer("size");
    if (!place.causal && size % 2 == 0)
        throw UsageError(
            fmt::format("Option 'size' must be odd where the window is centred; {} is not.", size));
    return std::make_shared<Pooling>(size, options.boolean("subtract_input"));
}

} // namespace orrery::mixers
