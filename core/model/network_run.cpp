// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/network_run.h"

#include "base/error.h"
#include "kernels/elementwise.h"
#include "kernels/threads.h"
#include "model/step.h"
#include "ops/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery::model {
namespace {

Tensor rowsOf(const Tensor& x) {
    return x.reshape({-1, x.size(-1)});
}

/// Long products go in pieces, so that a cancelled run ends soon.
void runLinear(const Context& context, const nn::Linear& module, const Tensor& x, const Tensor& out,
               nn::Activation activation, const Tensor& residual) {
    constexpr double operationsAtOnce = 1e10;
    const std::int64_t rows = x.size(0);
    const auto pieces = static_cast<std::int64_t>(module.format()->operations(rows) / operationsAtOnce) + 1;
    const std::int64_t stride =
        pieces == 1 ? rows : std::max<std::int64_t>(64, (rows / pieces + 63) / 64 * 64);
    for (std::int64_t row = 0; row < rows; row += stride) {
        context.progress.check();
        const std::int64_t end = std::min(rows, row + stride);
        module.run(x.slice(0, row, end), out.slice(0, row, end), activation,
                   residual.defined() ? residual.slice(0, row, end) : residual);
    }
}

} // namespace

NetworkRun::NetworkRun(const Context& context, const NetworkTable& table, Purpose purpose)
    : m_context(context), m_table(table), m_purpose(purpose), m_trace(context.trace),
      m_edits(context.edits == nullptr ? probe::NamedEdits() : probe::NamedEdits(*context.edits)),
      m_watched(m_trace != nullptr || !m_edits.empty() || purpose == Purpose::Sizes) {}

bool NetworkRun::wants(std::string_view name, std::string_view alias) {
    return m_trace != nullptr && m_trace->wants(name, alias);
}

bool NetworkRun::edits(std::string_view name, std::string_view alias) {
    return !m_edits.empty() && m_edits.any(name, alias);
}

bool NetworkRun::touches(std::string_view name, std::string_view alias) {
    if (!m_watched)
        return false;
    const bool wanted = wants(name, alias);
    const bool edited = edits(name, alias);
    return wanted || edited || m_purpose == Purpose::Sizes;
}

void NetworkRun::note(std::string_view name, std::string_view alias, const Shape& shape, bool pattern,
                      std::size_t lazyBytes) {
    if (m_watched)
        m_seen.push_back({std::string(name), std::string(alias), shape, pattern, lazyBytes});
}

void NetworkRun::visit(std::string_view name, const Tensor& tensor, std::string_view alias) {
    if (!m_watched)
        return;
    note(name, alias, tensor.shape(), false, static_cast<std::size_t>(tensor.elements()) * sizeof(float));
    if (edits(name, alias))
        m_edits.apply(name, alias, tensor);
    if (wants(name, alias))
        m_trace->capture(name, alias, tensor.clone());
}

void NetworkRun::visitMap(std::string_view name, const Tensor& map, std::string_view alias) {
    if (m_watched)
        visit(name, map.transpose(2, 3).transpose(1, 2), alias);
}

void NetworkRun::visitPattern(std::string_view name, probe::AttentionPattern pattern,
                              std::string_view alias) {
    if (!m_watched)
        return;
    note(name, alias, {pattern.batch(), pattern.heads(), pattern.queries(), pattern.keys()}, true,
         pattern.bytesKept());
    if (edits(name, alias))
        throw UsageError(
            fmt::format("The pattern at \"{}\" is not what the model computes with and cannot be "
                        "edited; edit the output of its layer instead.",
                        name));
    if (wants(name, alias))
        m_trace->capturePattern(name, alias, std::move(pattern));
}

Tensor NetworkRun::empty(const Shape& shape, DType dtype) {
    return Tensor::empty(shape, dtype);
}

Tensor NetworkRun::dense(const Tensor& view) {
    const Tensor out = empty(view.shape());
    if (onlySizes())
        return out;
    if (view.rank() < 3) {
        out.copyFrom(view);
        return out;
    }
    const std::int64_t rows = view.size(1);
    const std::int64_t each =
        std::max<std::int64_t>(1, view.elements() / std::max<std::int64_t>(1, view.size(0) * rows));
    kernels::parallelFor(view.size(0) * rows, std::max<std::int64_t>(1, 16384 / each),
                         [&](std::int64_t begin, std::int64_t end) {
                             for (std::int64_t i = begin; i < end; ++i)
                                 out.select(0, i / rows)
                                     .select(0, i % rows)
                                     .copyFrom(view.select(0, i / rows).select(0, i % rows));
                         });
    return out;
}

const nn::Linear& NetworkRun::module(LinearId id) const {
    ORRERY_CHECK(id.defined() && static_cast<std::size_t>(id.index) < m_table.linears.size(),
                 "a linear of this network");
    return m_table.linears[static_cast<std::size_t>(id.index)];
}

Tensor NetworkRun::linear(LinearId id, const Tensor& x, nn::Activation activation, const Tensor& residual) {
    const nn::Linear& linear = module(id);
    const Tensor input = x.contiguous();
    ORRERY_CHECK(input.size(-1) == linear.inputs(), "as many inputs as the linear has");
    const Tensor out = empty(x.shape().with(x.rank() - 1, linear.outputs()));
    if (onlySizes()) {
        m_cost.matmulOperations += linear.format()->operations(input.elements() / linear.inputs());
        m_cost.weightBytes += static_cast<double>(linear.format()->bytes());
        return out;
    }
    const Step step(m_context, linear.name());
    runLinear(m_context, linear, rowsOf(input), rowsOf(out), activation,
              residual.defined() ? rowsOf(residual.contiguous()) : residual);
    return out;
}

Tensor NetworkRun::norm(const nn::Norm& module, const Tensor& x) {
    const Tensor input = x.contiguous();
    const Tensor out = empty(input.shape());
    if (onlySizes())
        return out;
    module.run(rowsOf(input), rowsOf(out));
    return out;
}

Tensor NetworkRun::groupNorm(const GroupNorm& module, const Tensor& x) {
    const Tensor out = empty(x.shape());
    if (onlySizes())
        return out;
    kernels::groupNorm(x, module.groups, module.weight, module.bias, module.epsilon, out);
    return out;
}

Tensor NetworkRun::convolve(const nn::Convolution& module, const Tensor& x, nn::Activation activation) {
    if (x.rank() == 3) {
        ORRERY_CHECK(module.kernel()[0] == 1, "a kernel of height 1 for sequences");
        const Tensor out =
            convolve(module, x.contiguous().reshape({x.size(0), 1, x.size(1), x.size(2)}), activation);
        return out.reshape({out.size(0), out.size(2), out.size(3)});
    }
    const Tensor input = x.contiguous();
    const Tensor out = empty(module.resultShape(input.shape()));
    if (onlySizes()) {
        m_cost.matmulOperations += module.operations(out.shape());
        m_cost.weightBytes += static_cast<double>(module.bytes());
        if (std::find(m_convolutions.begin(), m_convolutions.end(), &module) == m_convolutions.end())
            m_convolutions.push_back(&module);
        return out;
    }
    m_context.progress.check();
    const Step step(m_context, module.name());
    module.run(input, out, activation);
    return out;
}

Tensor NetworkRun::embed(const Tensor& table, const Tensor& ids) {
    Shape shape = ids.shape();
    shape.append(table.size(1));
    const Tensor out = empty(shape);
    if (onlySizes())
        return out;
    kernels::gatherRows(table, ids, out);
    return out;
}

Tensor NetworkRun::activate(nn::Activation activation, const Tensor& x) {
    if (activation == nn::Activation::None)
        return x;
    const Tensor out = empty(x.shape());
    if (onlySizes())
        return out;
    kernels::activate(activation, x.contiguous(), out);
    return out;
}

Tensor NetworkRun::add(const Tensor& a, const Tensor& b) {
    const Tensor out = empty(a.shape());
    if (onlySizes())
        return out;
    kernels::add(a.contiguous(), b.contiguous(), out);
    return out;
}

Tensor NetworkRun::multiply(const Tensor& a, const Tensor& b) {
    return onlySizes() ? empty(a.shape()) : ops::mul(a, b);
}

Tensor NetworkRun::addRepeated(const Tensor& a, const Tensor& b) {
    const Tensor left = a.contiguous();
    const Tensor right = b.contiguous();
    const Tensor out = empty(left.shape());
    const std::int64_t each = right.elements();
    ORRERY_CHECK(each > 0 && left.elements() % each == 0, "what is added repeats evenly");
    if (onlySizes())
        return out;
    const std::int64_t times = left.elements() / each;
    for (std::int64_t i = 0; i < times; ++i)
        kernels::add(left.reshape({times, each}).select(0, i), right.reshape({each}),
                     out.reshape({times, each}).select(0, i));
    return out;
}

Tensor NetworkRun::addScaled(const Tensor& x, const Tensor& y, const Tensor& scale) {
    if (!scale.defined())
        return add(x, y);
    const Tensor out = empty(x.shape());
    if (onlySizes())
        return out;
    kernels::addScaled(x.contiguous(), y.contiguous(), scale, out);
    return out;
}

Tensor NetworkRun::scaleChannels(const Tensor& x, const Tensor& scale, const Tensor& shift) {
    const Tensor out = empty(x.shape());
    if (onlySizes())
        return out;
    kernels::scaleChannels(x.contiguous(), scale, shift, out);
    return out;
}

Tensor NetworkRun::concat(std::initializer_list<Tensor> parts, int dimension) {
    Shape shape = parts.begin()->shape();
    shape[dimension] = 0;
    for (const Tensor& part : parts)
        shape[dimension] += part.size(dimension);
    const Tensor out = empty(shape);
    if (onlySizes())
        return out;
    std::int64_t at = 0;
    for (const Tensor& part : parts) {
        out.slice(dimension, at, at + part.size(dimension)).copyFrom(part);
        at += part.size(dimension);
    }
    return out;
}

Tensor NetworkRun::softmax(const Tensor& x) {
    const Tensor out = empty(x.shape());
    if (onlySizes())
        return out;
    kernels::softmaxRows(x.contiguous(), out);
    return out;
}

void NetworkRun::countMixing(const nn::Cost& cost) {
    m_cost.attentionOperations += cost.operations;
    m_cost.mixingBytes += cost.bytes;
}

void NetworkRun::finish(NamedTensors& outputs) {
    for (auto& [name, tensor] : outputs)
        visit(name, tensor);
    m_cost.operations = m_cost.matmulOperations + m_cost.attentionOperations;
    if (!m_mixerAsked && (!m_context.mixers.empty() || !m_table.mixers.empty()))
        throw UsageError("This model has no attention in whose place a token mixer could stand.");
    if (!m_watched)
        return;
    std::vector<std::string> names;
    for (const SeenSite& site : m_seen) {
        names.push_back(site.name);
        if (!site.alias.empty())
            names.push_back(site.alias);
    }
    if (m_trace != nullptr)
        m_trace->endNamed(names);
    m_edits.finish(names);
}

} // namespace orrery::model
