// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/block_weights.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/block_product.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace orrery::nn {
namespace {

class BlockWeights final : public WeightFormat {
public:
    BlockWeights(std::vector<BlockMatrix> parts, DType compute)
        : m_parts(std::move(parts)), m_compute(compute) {
        ORRERY_CHECK(!m_parts.empty(), "at least one matrix");
        ORRERY_CHECK(compute == DType::F32 || compute == DType::BF16,
                     "weights are multiplied in f32 or bf16");
        for (const BlockMatrix& part : m_parts) {
            part.check();
            ORRERY_CHECK(part.columns == m_parts.front().columns && part.columns > 0,
                         "matrices over one another have as many inputs");
            m_outputs += part.rows;
            m_bytes += part.bytes();
            const std::string_view format = orrery::name(part.format);
            if (m_name.find(format) == std::string::npos)
                m_name += (m_name.empty() ? "" : "+") + std::string(format);
        }
    }

    [[nodiscard]] std::string name() const override { return m_name; }
    [[nodiscard]] std::int64_t inputs() const override { return m_parts.front().columns; }
    [[nodiscard]] std::int64_t outputs() const override { return m_outputs; }
    [[nodiscard]] DType inputType() const override { return m_compute; }
    [[nodiscard]] std::size_t bytes() const override { return m_bytes; }

    void apply(const Tensor& x, const LinearEpilogue& epilogue, const Tensor& out) const override {
        const kernels::RowView from = kernels::rowsOf(x, "the input of a linear layer");
        const kernels::RowView to = kernels::writableRowsOf(out, "the output of a linear layer");
        ORRERY_CHECK(from.columns == inputs() && to.columns == outputs() && from.rows == to.rows,
                     fmt::format("{} x {} weights take {} to {}", outputs(), inputs(), x.shape().toText(),
                                 out.shape().toText()));
        kernels::BlockProduct product;
        product.x = from.data;
        product.xBf16 = from.dtype == DType::BF16;
        product.xStride = from.stride;
        product.rows = from.rows;
        product.outBf16 = to.dtype == DType::BF16;
        product.outStride = to.stride;
        product.activation = epilogue.activation;
        product.panelsBf16 = m_compute == DType::BF16;
        const float* bias = nullptr;
        if (epilogue.bias.defined()) {
            ORRERY_CHECK(epilogue.bias.elements() == outputs(), "one bias for each output");
            bias = epilogue.bias.data<float>().data();
        }
        kernels::RowView residual;
        if (epilogue.residual.defined()) {
            residual = kernels::rowsOf(epilogue.residual, "the residual of a linear layer");
            ORRERY_CHECK(residual.rows == to.rows && residual.columns == outputs(),
                         "the residual is like the output");
            product.residualBf16 = residual.dtype == DType::BF16;
            product.residualStride = residual.stride;
        }
        observed(
            [&] {
                std::int64_t first = 0;
                for (const BlockMatrix& part : m_parts) {
                    product.weights = &part;
                    product.out = to.data + static_cast<std::size_t>(first) * itemSize(to.dtype);
                    product.bias = bias == nullptr ? nullptr : bias + first;
                    if (residual.data != nullptr)
                        product.residual =
                            residual.data + static_cast<std::size_t>(first) * itemSize(residual.dtype);
                    kernels::multiplyBlocks(product);
                    first += part.rows;
                }
            },
            [&] { return described(from, to); });
    }

    [[nodiscard]] Tensor toDense() const override {
        const Tensor dense = Tensor::empty({m_outputs, inputs()});
        std::int64_t first = 0;
        for (const BlockMatrix& part : m_parts) {
            for (std::int64_t i = 0; i < part.rows; ++i)
                dequantise(part.format, part.row(i), dense.mutablePointer<float>() + (first + i) * inputs(),
                           inputs());
            first += part.rows;
        }
        return dense;
    }

    [[nodiscard]] std::map<std::string, Tensor> save() const override {
        std::map<std::string, Tensor> saved;
        for (std::size_t i = 0; i < m_parts.size(); ++i) {
            const BlockMatrix& part = m_parts[i];
            const auto width = static_cast<std::int64_t>(part.rowBytes());
            Tensor bytes;
            if (part.order) {
                bytes = Tensor::empty({part.rows, width}, DType::U8);
                for (std::int64_t row = 0; row < part.rows; ++row)
                    std::memcpy(bytes.mutablePointer<std::uint8_t>() + row * width, part.row(row),
                                part.rowBytes());
            } else {
                bytes = Tensor::view(part.storage, part.byteOffset, {part.rows, width}, DType::U8);
            }
            saved.emplace(fmt::format("blocks.{}.{}", i, orrery::name(part.format)), bytes);
        }
        return saved;
    }

private:
    [[nodiscard]] Operation described(const kernels::RowView& from, const kernels::RowView& to) const {
        Operation operation;
        operation.kind = "linear";
        operation.flops = operations(from.rows);
        const auto moved = static_cast<double>(from.rows) *
                           (static_cast<double>(from.columns) * static_cast<double>(itemSize(from.dtype)) +
                            static_cast<double>(to.columns) * static_cast<double>(itemSize(to.dtype)));
        operation.bytes = static_cast<double>(m_bytes) + moved;
        operation.description = fmt::format("m{} n{} k{} {}:{}:{}", from.rows, outputs(), inputs(),
                                            orrery::name(from.dtype), m_name, orrery::name(to.dtype));
        operation.implementation = kernels::name(kernels::isa());
        return operation;
    }

    std::vector<BlockMatrix> m_parts;
    DType m_compute;
    std::int64_t m_outputs = 0;
    std::size_t m_bytes = 0;
    std::string m_name;
};

} // namespace

std::shared_ptr<const WeightFormat> blockWeights(std::vector<BlockMatrix> parts, DType compute) {
    return std::make_shared<BlockWeights>(std::move(parts), compute);
}

std::shared_ptr<const WeightFormat> blockWeightsFrom(const std::map<std::string, Tensor>& saved,
                                                     const std::string& where, DType compute) {
    std::vector<BlockMatrix> parts;
    for (std::size_t i = 0; i < saved.size(); ++i) {
        const std::string prefix = fmt::format("blocks.{}.", i);
        const auto found = saved.lower_bound(prefix);
        const auto format = found != saved.end() && found->first.starts_with(prefix)
                                ? blockFormatFromName(std::string_view(found->first).substr(prefix.size()))
                                : std::nullopt;
        if (!format)
            throw InputError(fmt::format("{} lacks its quantised part {}; write the model again.", where, i));
        const Tensor& bytes = found->second;
        if (bytes.dtype() != DType::U8 || bytes.rank() != 2 || !bytes.isContiguous() ||
            bytes.size(1) % blockBytes(*format) != 0 || bytes.size(1) == 0)
            throw InputError(
                fmt::format("{}: \"{}\" of shape {} holds no rows of {} blocks; write the model again.",
                            where, found->first, bytes.shape().toText(), orrery::name(*format)));
        BlockMatrix part;
        part.format = *format;
        part.storage = bytes.storage();
        part.byteOffset = bytes.byteOffset();
        part.rows = bytes.size(0);
        part.columns = bytes.size(1) / blockBytes(*format) * blockElements(*format);
        if (!parts.empty() && part.columns != parts.front().columns)
            throw InputError(
                fmt::format("{}: \"{}\" is {} wide, the part before it {}; write the model again.", where,
                            found->first, part.columns, parts.front().columns));
        parts.push_back(std::move(part));
    }
    if (parts.empty())
        throw InputError(fmt::format("{} holds no quantised blocks; write the model again.", where));
    return blockWeights(std::move(parts), compute);
}

} // namespace orrery::nn
