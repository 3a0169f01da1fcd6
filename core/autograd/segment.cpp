// SPDX-License-Identifier: GPL-3.0-or-later
#include "autograd/segment.h"

#include "autograd/tape.h"
#include "autograd/walk.h"
#include "ops/record.h"

#include <algorithm>
#include <unordered_set>

namespace orrery::autograd {
namespace {

std::vector<Tensor> watched(const std::vector<Tensor>& inputs) {
    std::vector<Tensor> leaves;
    leaves.reserve(inputs.size());
    for (const Tensor& input : inputs)
        leaves.push_back(input.tracked() ? watch(input.detached(), "segment input") : input);
    return leaves;
}

/// Nodes older than the segment that its record reaches: parameters and tensors that the function captured.
std::vector<std::shared_ptr<GradNode>> capturedNodes(const Tensor& output, std::uint64_t begin) {
    std::vector<std::shared_ptr<GradNode>> captured;
    std::unordered_set<const GradNode*> seen;
    std::vector<std::shared_ptr<GradNode>> open{output.gradNode()};
    while (!open.empty()) {
        const std::shared_ptr<GradNode> node = std::move(open.back());
        open.pop_back();
        if (!node || !seen.insert(node.get()).second)
            continue;
        if (node->sequence < begin)
            captured.push_back(node);
        else
            open.insert(open.end(), node->inputs.begin(), node->inputs.end());
    }
    return captured;
}

} // namespace

Tensor recomputed(const std::function<Tensor(std::span<const Tensor> inputs)>& function,
                  const std::vector<Tensor>& inputs) {
    // The record of this first run tells what the function captured, and is dropped on return.
    const Tensor start = watch(Tensor::zeros({}), "segment");
    const std::vector<Tensor> leaves = watched(inputs);
    Tensor output = function(leaves);
    if (!output.tracked())
        return output;
    const std::vector<std::shared_ptr<GradNode>> captured = capturedNodes(output, start.gradNode()->sequence);
    std::vector<Tensor> sources = inputs;
    for (const auto& node :
         captured) // stands for its node only, so that the segment's node has it as an input
        sources.push_back(Tensor::empty({0}, node->dtype).withGradNode(node));
    std::vector<Tensor> constants;
    std::vector<bool> tracked;
    for (const Tensor& input : inputs) {
        constants.push_back(input.detached());
        tracked.push_back(input.tracked());
    }
    return ops::record("segment", output, sources, [&] {
        return [function, constants, tracked, captured](const Tensor& gradient) {
            const Tensor again = watch(Tensor::zeros({}), "segment");
            std::vector<Tensor> fresh = constants;
            for (std::size_t i = 0; i < fresh.size(); ++i)
                if (tracked[i])
                    fresh[i] = watch(fresh[i], "segment input");
            const Tensor result = function(fresh);
            Walk walk;
            walk.stopBelow(again.gradNode()->sequence);
            walk.add(result.gradNode(), gradient, "segment");
            walk.run({.release = true});
            const Gradients found = walk.take();
            std::vector<Tensor> gradients;
            gradients.reserve(fresh.size() + captured.size());
            for (const Tensor& leaf : fresh)
                gradients.push_back(leaf.tracked() ? found.find(leaf) : Tensor());
            for (const auto& node : captured)
                gradients.push_back(found.find(Tensor::empty({0}, node->dtype).withGradNode(node)));
            return gradients;
        };
    });
}

} // namespace orrery::autograd
