// SPDX-License-Identifier: GPL-3.0-or-later
#include "autograd/backward.h"

#include "autograd/walk.h"
#include "kernels/elementwise.h"
#include "ops/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::autograd {
namespace {

template <typename T>
bool allFinite(const Tensor& tensor) {
    const auto values = tensor.data<T>();
    return std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
}

void requireFinite(const Tensor& gradient, const GradNode& consumer, const GradNode& producer) {
    const Tensor plain = gradient.dtype() == DType::F64 ? gradient.contiguous() : gradient.to(DType::F32);
    if (plain.dtype() == DType::F64 ? allFinite<double>(plain) : allFinite<float>(plain))
        return;
    throw Error(fmt::format(
        "The backward of {} (op {} of the tape) gave a gradient that is not finite to {} of shape {}; "
        "look at the values that went into it.",
        consumer.name, consumer.sequence, producer.name, producer.shape.toText()));
}

} // namespace

Tensor Gradients::find(const Tensor& tensor) const {
    ORRERY_CHECK(tensor.tracked(), "gradients are asked for of tracked tensors");
    const auto entry = m_gradients.find(tensor.gradNode().get());
    return entry == m_gradients.end() ? Tensor() : entry->second.second;
}

Tensor Gradients::of(const Tensor& tensor) const {
    const Tensor found = find(tensor);
    return found.defined() ? found : Tensor::zeros(tensor.shape(), tensor.dtype());
}

void Walk::keep(const std::shared_ptr<GradNode>& node) {
    m_kept.insert(node.get());
}

void Walk::add(const std::shared_ptr<GradNode>& node, const Tensor& gradient, const std::string& from) {
    ORRERY_CHECK(gradient.shape() == node->shape && gradient.dtype() == node->dtype,
                 fmt::format("{} gives {} a gradient of {} {} instead of {} {}", from, node->name,
                             gradient.shape().toText(), name(gradient.dtype()), node->shape.toText(),
                             name(node->dtype)));
    auto [entry, fresh] = m_pending.try_emplace(node.get());
    Pending& pending = entry->second;
    if (fresh) {
        pending.node = node;
        pending.gradient = gradient.detached();
        m_order.emplace(node->sequence, node.get());
        return;
    }
    // The first gradient may be shared with another input of its op; a sum is ours alone and is added to in
    // place.
    const bool inPlace = pending.summed && pending.gradient.dtype() == DType::F32 && gradient.isContiguous();
    if (inPlace)
        kernels::add(pending.gradient, gradient, pending.gradient);
    else
        pending.gradient = ops::add(pending.gradient, gradient.detached());
    pending.summed = true;
}

void Walk::run(const BackwardOptions& options) {
    while (!m_order.empty()) {
        options.progress.check();
        GradNode* key = m_order.top().second;
        m_order.pop();
        const auto entry = m_pending.find(key);
        const Pending pending = std::move(entry->second);
        m_pending.erase(entry);
        const GradNode& node = *pending.node;
        const bool boundary = node.sequence < m_floor;
        if (boundary || m_kept.contains(key) || (!node.backward && node.inputs.empty()))
            m_gradients.m_gradients[key] = {pending.node, pending.gradient.contiguous()};
        if (boundary || node.inputs.empty())
            continue;
        if (!node.backward)
            throw Error(fmt::format(
                "What {} saved has been released by an earlier backward; run the computation again.",
                node.name));
        const std::vector<Tensor> gradients = node.backward(pending.gradient);
        ORRERY_CHECK(gradients.size() == node.inputs.size(),
                     fmt::format("{} gives {} gradients for {} inputs", node.name, gradients.size(),
                                 node.inputs.size()));
        for (std::size_t i = 0; i < gradients.size(); ++i) {
            const auto& input = node.inputs[i];
            if (!input || !gradients[i].defined())
                continue;
            if (options.checkFinite)
                requireFinite(gradients[i], node, *input);
            add(input, gradients[i], node.name);
        }
        if (options.release)
            pending.node->backward = nullptr;
    }
}

Gradients backward(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients,
                   const BackwardOptions& options) {
    ORRERY_CHECK(outputs.size() == gradients.size(), "a gradient for every output");
    Walk walk;
    for (const Tensor& tensor : options.keep) {
        ORRERY_CHECK(tensor.tracked(), "gradients are kept of tracked tensors");
        walk.keep(tensor.gradNode());
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (!outputs[i].tracked())
            throw Error("This result depends on no watched tensor, so that it has no gradient; watch a "
                        "parameter or an "
                        "input before the computation.");
        walk.add(outputs[i].gradNode(), gradients[i], "the caller");
    }
    walk.run(options);
    return walk.take();
}

Gradients backward(const Tensor& loss, const Tensor& gradient, const BackwardOptions& options) {
    return backward(std::vector<Tensor>{loss}, std::vector<Tensor>{gradient}, options);
}

Gradients backward(const Tensor& loss, const BackwardOptions& options) {
    ORRERY_CHECK(loss.defined() && loss.elements() == 1,
                 "backward from a scalar; give a gradient of the shape of any other tensor");
    return backward(loss, Tensor::full(loss.shape(), 1, loss.dtype()), options);
}

} // namespace orrery::autograd
