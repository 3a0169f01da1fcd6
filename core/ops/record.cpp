// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/record.h"

#include <atomic>
#include <string>

namespace orrery::ops {
namespace {

/// Only an order: two threads that record at the same time interleave, each of their graphs stays ordered.
std::uint64_t nextSequence() noexcept {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

bool anyTracked(std::span<const Tensor> inputs) noexcept {
    for (const Tensor& input : inputs)
        if (input.tracked())
            return true;
    return false;
}

Tensor attachNode(std::string_view name, const Tensor& output, std::span<const Tensor> inputs,
                  GradNode::Backward backward) {
    auto node = std::make_shared<GradNode>();
    node->name = std::string(name);
    node->sequence = nextSequence();
    node->shape = output.shape();
    node->dtype = output.dtype();
    node->inputs.reserve(inputs.size());
    for (const Tensor& input : inputs)
        node->inputs.push_back(input.gradNode());
    node->backward = std::move(backward);
    return output.withGradNode(std::move(node));
}

} // namespace orrery::ops
