// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/weight_format.h"
#include "onednn/matmul.h"

#include <utility>

namespace orrery::nn {
namespace {

/// One or several stored matrices, packed for the engine when first multiplied.
class DenseFormat final : public WeightFormat {
public:
    explicit DenseFormat(onednn::PackedWeight weight) : m_weight(std::move(weight)) {}

    [[nodiscard]] std::string name() const override {
        return m_weight.compute() == DType::BF16 ? "dense_bf16" : "dense_f32";
    }
    [[nodiscard]] std::int64_t inputs() const override { return m_weight.inputs(); }
    [[nodiscard]] std::int64_t outputs() const override { return m_weight.outputs(); }
    [[nodiscard]] DType inputType() const override { return m_weight.compute(); }
    void apply(const Tensor& x, const LinearEpilogue& epilogue, const Tensor& out) const override {
        onednn::linear(
            x, m_weight,
            {.bias = epilogue.bias, .activation = epilogue.activation, .residual = epilogue.residual}, out);
    }
    [[nodiscard]] std::size_t bytes() const override { return m_weight.bytes(); }
    [[nodiscard]] std::size_t bytesToPack() const override {
        return m_weight.packed() ? 0 : m_weight.bytes();
    }
    [[nodiscard]] Tensor toDense() const override { return m_weight.toDense(); }
    [[nodiscard]] std::map<std::string, Tensor> save() const override {
        return {{"weight", m_weight.toDense().to(m_weight.originals().front().dtype())}};
    }

private:
    onednn::PackedWeight m_weight;
};

} // namespace

std::shared_ptr<const WeightFormat> denseFormat(Tensor weight, bool transposed, DType compute) {
    return std::make_shared<DenseFormat>(onednn::PackedWeight(
        std::move(weight), transposed ? onednn::WeightLayout::InOut : onednn::WeightLayout::OutIn, compute));
}

std::shared_ptr<const WeightFormat> stackedFormat(std::vector<Tensor> weights, DType compute) {
    return std::make_shared<DenseFormat>(
        onednn::PackedWeight(std::move(weights), onednn::WeightLayout::OutIn, compute));
}

} // namespace orrery::nn
