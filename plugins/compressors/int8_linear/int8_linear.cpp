// SPDX-License-Identifier: GPL-3.0-or-later
#include "int8_linear.h"

#include "base/error.h"
#include "onednn/matmul.h"

#include <fmt/format.h>

#include <cmath>

namespace orrery::compressors {
namespace {

class Int8Format final : public nn::WeightFormat {
public:
    explicit Int8Format(onednn::Int8Weight weight) : m_weight(std::move(weight)) {}
    [[nodiscard]] std::string name() const override { return "int8_dynamic"; }
    [[nodiscard]] std::int64_t inputs() const override { return m_weight.inputs(); }
    [[nodiscard]] std::int64_t outputs() const override { return m_weight.outputs(); }
    void apply(const Tensor& x, const nn::LinearEpilogue& epilogue, const Tensor& out) const override {
        onednn::linear(x, m_weight, {epilogue.bias, epilogue.activation, epilogue.residual}, out);
    }
    [[nodiscard]] std::size_t bytes() const override { return m_weight.bytes(); }
    [[nodiscard]] Tensor toDense() const override { return m_weight.toDense(); }
    [[nodiscard]] std::map<std::string, Tensor> save() const override {
        return {{"weight", m_weight.values()}, {"weight_scale", m_weight.scales()}};
    }

private:
    onednn::Int8Weight m_weight;
};

/// The largest ratio of a channel's greatest weight to its root mean square.
double outlierRatio(const Tensor& weight) {
    const auto values = weight.data<float>();
    const auto width = static_cast<std::size_t>(weight.size(1));
    double worst = 0;
    for (std::size_t begin = 0; begin < values.size(); begin += width) {
        double most = 0;
        double squares = 0;
        for (const float value : values.subspan(begin, width)) {
            most = std::max(most, std::fabs(static_cast<double>(value)));
            squares += static_cast<double>(value) * value;
        }
        if (squares > 0)
            worst = std::max(worst, most / std::sqrt(squares / static_cast<double>(width)));
    }
    return worst;
}

} // namespace

PartInfo Int8Linear::info() const {
    return {"int8_linear",
            "8-bit linear layers",
            "Weights as 8-bit integers with a scale for each channel, activations quantised row by row at "
            "run time, integer "
            "products.",
            "Jacob et al.: Quantization and training of neural networks for efficient "
            "integer-arithmetic-only inference. CVPR "
            "2018",
            "https://arxiv.org/abs/1712.05877",
            "linear layers of any model"};
}

OptionSchema Int8Linear::options() const {
    OptionSchema schema;
    schema
        .real("skip_outliers", 0,
              "Leave a linear as it is when a weight exceeds this multiple of its channel's root mean "
              "square; 0 compresses all.")
        .range(0, 1e6);
    return schema;
}

std::shared_ptr<const nn::WeightFormat> Int8Linear::compress(const std::string&, const Tensor& weight,
                                                             const OptionValues& options,
                                                             const Progress& progress) const {
    progress.check();
    const double limit = options.real("skip_outliers");
    if (limit > 0 && outlierRatio(weight) > limit)
        return nullptr;
    return std::make_shared<Int8Format>(onednn::Int8Weight::quantise(weight));
}

std::shared_ptr<const nn::WeightFormat> Int8Linear::load(const std::string& name,
                                                         const std::map<std::string, Tensor>& saved,
                                                         std::int64_t outputs, std::int64_t inputs) const {
    const auto values = saved.find("weight");
    const auto scales = saved.find("weight_scale");
    if (values == saved.end() || scales == saved.end())
        throw InputError(fmt::format(
            "The compressed linear {} lacks its weight or weight_scale; compress the model again.", name));
    auto weight = onednn::Int8Weight::fromParts(values->second, scales->second);
    if (weight.outputs() != outputs || weight.inputs() != inputs)
        throw InputError(fmt::format(
            "The compressed linear {} is {} x {}, the model needs {} x {}; compress the model again.", name,
            weight.outputs(), weight.inputs(), outputs, inputs));
    return std::make_shared<Int8Format>(std::move(weight));
}

} // namespace orrery::compressors
