// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "autograd/backward.h"

#include <queue>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace orrery::autograd {

/// One walk down the tape: what backward and segments are made of; no part of the interface of this room. A
/// node comes off the queue when its gradient is complete, because all that used it have higher numbers.
class Walk {
public:
    /// Nodes with a lower number are not walked; their gradients are results.
    void stopBelow(std::uint64_t sequence) { m_floor = sequence; }
    /// Also keeps the gradient of an inner node.
    void keep(const std::shared_ptr<GradNode>& node);
    /// Adds to the gradient of a node; from names the giver in the message when the shape is wrong.
    void add(const std::shared_ptr<GradNode>& node, const Tensor& gradient, const std::string& from);
    void run(const BackwardOptions& options);
    [[nodiscard]] Gradients take() { return std::move(m_gradients); }

private:
    struct Pending {
        std::shared_ptr<GradNode> node;
        Tensor gradient;
        bool summed = false; ///< the gradient is a sum made here
    };
    std::uint64_t m_floor = 0;
    std::unordered_set<const GradNode*> m_kept;
    std::unordered_map<const GradNode*, Pending> m_pending;
    std::priority_queue<std::pair<std::uint64_t, GradNode*>> m_order;
    Gradients m_gradients;
};

} // namespace orrery::autograd
