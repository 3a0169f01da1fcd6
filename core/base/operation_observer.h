// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace orrery {

/// One executed primitive of the engine: a matrix product, an attention, a norm ...
struct Operation {
    std::string_view kind;           ///< "linear", "matmul", "attention", "norm", "activation", ...
    std::string description;         ///< sizes and dtypes, "m128 n2304 k768 f32:f32:f32 bias gelu"
    std::string_view implementation; ///< "avx512", "avx512_bf16", "portable", "onednn:brgemm:avx512_core"
    double flops = 0;                ///< an FMA counts two; least number that the task needs
    double bytes = 0;                ///< least traffic: operands read once, results written once
    std::chrono::steady_clock::time_point start{};
    std::chrono::nanoseconds duration{};
    std::string_view site; ///< innermost SiteLabel of the calling thread, "" without one
};

/// Told of every primitive that is executed while it is set. Called on the thread that asked for the
/// primitive, possibly on several at once; must not throw and should be quick.
class OperationObserver {
public:
    virtual ~OperationObserver() = default;
    virtual void executed(const Operation& operation) = 0;
};

/// Sets the observer of this process; nullptr for none. Primitives under way finish with the former one.
void setOperationObserver(std::shared_ptr<OperationObserver> observer);
[[nodiscard]] std::shared_ptr<OperationObserver> operationObserver();

namespace detail {
extern std::atomic<bool> operationsObserved;
void reportOperation(Operation operation, std::chrono::steady_clock::time_point start);
} // namespace detail

/// Names the site for which this thread computes, while in scope; scopes nest. The text must outlive the
/// scope.
class SiteLabel {
public:
    explicit SiteLabel(std::string_view site) noexcept;
    ~SiteLabel();
    SiteLabel(const SiteLabel&) = delete;
    SiteLabel& operator=(const SiteLabel&) = delete;
    [[nodiscard]] static std::string_view current() noexcept;

private:
    std::string_view m_outer;
};

/// Runs work() and reports it as describe() says (an Operation without its times and site). Costs one load
/// of a flag when nobody observes: describe is not called then.
template <typename Work, typename Describe>
void observed(const Work& work, const Describe& describe) {
    if (!detail::operationsObserved.load(std::memory_order_relaxed)) [[likely]] {
        work();
        return;
    }
    const auto start = std::chrono::steady_clock::now();
    work();
    detail::reportOperation(describe(), start);
}

} // namespace orrery
