// SPDX-License-Identifier: GPL-3.0-or-later
// The second half of a block: feed-forwards, plain, gated, or a mixture of experts.
#include "kernels/elementwise.h"
#include "kernels/gate.h"
#include "kernels/threads.h"
#include "model/runner.h"
#include "model/step.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

namespace orrery::model {

using probe::SiteKind;
using Slot = nn::Workspace::Slot;

namespace {

Tensor rowsOf(const Tensor& x) {
    return x.reshape({-1, x.size(-1)});
}

/// Rows of hidden units lie a little further apart than they are long: lengths of whole pages would make
/// every row of the next product compete for the same cache lines.
constexpr std::int64_t gap = 32;

/// A row that an expert works on, and what its result counts.
struct Share {
    std::int64_t row = 0;
    float weight = 0;
};

/// For every expert the rows that chose it: those of the count largest weights of each row (of equal ones the
/// first), divided by their sum where normalise.
std::vector<std::vector<Share>> sharesOf(const Tensor& weights, int count, bool normalise) {
    const std::int64_t experts = weights.size(1);
    std::vector<std::vector<Share>> shares(static_cast<std::size_t>(experts));
    std::vector<std::int64_t> order(static_cast<std::size_t>(experts));
    for (std::int64_t row = 0; row < weights.size(0); ++row) {
        const float* values = weights.pointer<float>() + row * experts;
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + count, order.end(),
                          [&](std::int64_t a, std::int64_t b) {
                              return values[a] != values[b] ? values[a] > values[b] : a < b;
                          });
        float sum = 0;
        for (int i = 0; i < count; ++i)
            sum += values[order[static_cast<std::size_t>(i)]];
        for (int i = 0; i < count; ++i) {
            const std::int64_t expert = order[static_cast<std::size_t>(i)];
            const float weight = normalise && sum != 0 ? values[expert] / sum : values[expert];
            shares[static_cast<std::size_t>(expert)].push_back({row, weight});
        }
    }
    return shares;
}

} // namespace

Tensor Runner::hiddenUnits(int layer, const nn::Linear& in, const nn::Linear& out, const Tensor& rows,
                           bool shown) {
    const std::int64_t count = rows.size(0);
    const std::int64_t width = in.outputs();
    // Nobody looks at the hidden units: they stay in the dtype of the next product.
    const DType type = shown ? DType::F32 : out.format()->inputType();
    const Tensor hidden = shown
                              ? m_workspace.take(Slot::Hidden, {count, width}, type)
                              : m_workspace.take(Slot::Hidden, {count, width + gap}, type).slice(1, 0, width);
    if (m_config.gated) {
        const std::int64_t units = width / 2;
        linear(in, rows, hidden);
        if (shown) {
            const Tensor all = hidden.reshape({m_batch, m_length, width});
            visit(SiteKind::MlpPre, layer, all.slice(2, 0, units));
            visit(SiteKind::MlpPreLinear, layer, all.slice(2, units, width));
        }
        const Step step(m_context, "mlp.gate", layer);
        const Tensor result = hidden.slice(1, 0, units);
        kernels::gate(m_config.activation, result, hidden.slice(1, units, width), result);
        if (shown)
            visit(SiteKind::MlpPost, layer, hidden.reshape({m_batch, m_length, width}).slice(2, 0, units));
        return result;
    }
    if (shown && touches(SiteKind::MlpPre, layer)) {
        linear(in, rows, hidden);
        visit(SiteKind::MlpPre, layer, hidden.reshape({m_batch, m_length, width}));
        kernels::activate(m_config.activation, hidden, hidden);
    } else {
        linear(in, rows, hidden, m_config.activation);
    }
    if (shown)
        visit(SiteKind::MlpPost, layer, hidden.reshape({m_batch, m_length, width}));
    return hidden;
}

std::size_t Runner::blockBytes() const {
    const std::int64_t rows = m_batch * m_length;
    std::size_t most = 0;
    for (int layer = 0; layer < static_cast<int>(m_config.layers); ++layer) {
        const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
        if (modules.qkv.defined() && mixerOf(layer) == nullptr) {
            const std::size_t item = narrowAttention(layer) ? itemSize(DType::BF16) : itemSize(DType::F32);
            const std::int64_t mixed = std::int64_t{m_config.heads} * m_config.headSize;
            most = std::max(
                most, nn::Workspace::rounded(static_cast<std::size_t>(rows * modules.qkv.outputs()) * item) +
                          static_cast<std::size_t>(rows * mixed) * item);
        }
        if (!modules.mlpIn.defined()) // how many rows an expert gets shows in the run
            continue;
        const bool shown = touches(SiteKind::MlpPre, layer) || touches(SiteKind::MlpPreLinear, layer) ||
                           touches(SiteKind::MlpPost, layer);
        const DType type = shown ? DType::F32 : modules.mlpOut.format()->inputType();
        most = std::max(most, static_cast<std::size_t>(rows * (modules.mlpIn.outputs() + (shown ? 0 : gap))) *
                                  itemSize(type));
    }
    return most;
}

void Runner::feedForward(int layer, const Tensor& input, const Tensor& x) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const Tensor xRows = rowsOf(x);
    const bool branch = touches(SiteKind::MlpOut, layer) || modules.mlpNorm.defined();
    if (modules.experts.empty() && !branch) {
        const bool shown = touches(SiteKind::MlpPre, layer) || touches(SiteKind::MlpPreLinear, layer) ||
                           touches(SiteKind::MlpPost, layer);
        const Tensor hidden = hiddenUnits(layer, modules.mlpIn, modules.mlpOut, rowsOf(input), shown);
        linear(modules.mlpOut, hidden, xRows, nn::Activation::None, xRows);
        return;
    }
    const Tensor out = m_workspace.take(Slot::Branch, x.shape());
    if (modules.experts.empty()) {
        const bool shown = touches(SiteKind::MlpPre, layer) || touches(SiteKind::MlpPreLinear, layer) ||
                           touches(SiteKind::MlpPost, layer);
        linear(modules.mlpOut, hiddenUnits(layer, modules.mlpIn, modules.mlpOut, rowsOf(input), shown),
               rowsOf(out));
    } else {
        experts(layer, rowsOf(input), rowsOf(out));
    }
    if (modules.mlpNorm.defined())
        norm(modules.mlpNorm, out, out, "ln2_post", layer);
    visit(SiteKind::MlpOut, layer, out);
    kernels::add(xRows, rowsOf(out), xRows);
}

void Runner::experts(int layer, const Tensor& input, const Tensor& out) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const std::int64_t rows = input.size(0);
    const Tensor weights = Tensor::empty({rows, m_config.experts});
    linear(modules.router, input, weights);
    kernels::softmaxRows(weights, weights);
    visit(SiteKind::ExpertWeights, layer, weights.reshape({m_batch, m_length, m_config.experts}));
    const auto shares = sharesOf(weights, m_config.expertsPerToken, m_config.expertsShareToOne);
    out.fill(0);
    const std::int64_t width = out.size(1);
    float* sums = out.mutablePointer<float>();
    const std::size_t rowBytes = static_cast<std::size_t>(input.size(1)) * itemSize(input.dtype());
    for (std::size_t e = 0; e < shares.size(); ++e) {
        if (shares[e].empty())
            continue;
        const auto count = static_cast<std::int64_t>(shares[e].size());
        const Tensor given = m_workspace.take(Slot::ExpertRows, {count, input.size(1)}, input.dtype());
        for (std::size_t i = 0; i < shares[e].size(); ++i)
            std::memcpy(given.mutableRawData() + i * rowBytes,
                        input.rawData() + static_cast<std::size_t>(shares[e][i].row) * rowBytes, rowBytes);
        const Expert& expert = modules.experts[e];
        const Tensor result = m_workspace.take(Slot::ExpertResults, {count, width});
        linear(expert.out, hiddenUnits(layer, expert.in, expert.out, given, false), result);
        const float* values = result.pointer<float>();
        kernels::parallelFor(count, std::max<std::int64_t>(1, 8192 / width),
                             [&](std::int64_t begin, std::int64_t end) {
                                 for (std::int64_t i = begin; i < end; ++i) {
                                     const Share& share = shares[e][static_cast<std::size_t>(i)];
                                     float* to = sums + share.row * width;
                                     const float* from = values + i * width;
                                     for (std::int64_t j = 0; j < width; ++j)
                                         to[j] += share.weight * from[j];
                                 }
                             });
    }
}

} // namespace orrery::model
