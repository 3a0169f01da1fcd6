// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/operation_observer.h"
#include "probe/context.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace orrery::model {

/// Tells Context::timed how long a step took and the engine for which module it works; costs nothing when
/// nobody listens.
class Step {
public:
    Step(const Context& context, std::string_view module, int layer = -1) : m_context(context) {
        if (!context.timed && !orrery::detail::operationsObserved.load(std::memory_order_relaxed))
            return;
        m_name = layer < 0 ? std::string(module) : fmt::format("blocks.{}.{}", layer, module);
        m_label.emplace(m_name);
        m_start = std::chrono::steady_clock::now();
    }
    ~Step() {
        if (m_context.timed)
            m_context.timed(
                m_name, std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count());
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

private:
    const Context& m_context;
    std::string m_name;
    std::optional<SiteLabel> m_label;
    std::chrono::steady_clock::time_point m_start;
};

} // namespace orrery::model
