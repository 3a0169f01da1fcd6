// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace orrery {

/// A flag shared by the one who may cancel a job and the code that runs it. Copies share the flag.
class CancelToken {
public:
    CancelToken() : m_flag(std::make_shared<std::atomic<bool>>(false)) {}
    void cancel() const noexcept { m_flag->store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool cancelled() const noexcept { return m_flag->load(std::memory_order_relaxed); }
    /// Throws Cancelled when cancel() was called. Long work calls this at least every 50 ms.
    void check() const;

private:
    std::shared_ptr<std::atomic<bool>> m_flag;
};

/// What a job says of itself while it runs.
struct ProgressState {
    std::string step; ///< what is being done now, a short phrase
    double done = 0;  ///< in units of total
    double total = 0; ///< 0: unknown
};

/// Handed down to long work: reports how far it is and carries the cancel token. Cheap to copy; thread safe.
/// A default-made Progress reports to nobody and is never cancelled.
class Progress {
public:
    using Listener = std::function<void(const ProgressState&)>; ///< called on the working thread

    Progress() = default;
    explicit Progress(Listener listener, CancelToken token = {});

    /// Reports; also throws Cancelled when the job was cancelled.
    void report(std::string_view step, double done, double total) const;
    void check() const { m_token.check(); }
    [[nodiscard]] const CancelToken& token() const noexcept { return m_token; }

private:
    std::shared_ptr<Listener> m_listener;
    CancelToken m_token;
};

} // namespace orrery
