// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/operation_observer.h"

#include <mutex>
#include <utility>

namespace orrery {
namespace {

// Part of the engine's process-wide state: who watches has no say in results.
struct Watch {
    std::mutex mutex;
    std::shared_ptr<OperationObserver> observer;
};

Watch& watch() {
    static Watch instance;
    return instance;
}

thread_local std::string_view currentSite;

} // namespace

namespace detail {

std::atomic<bool> operationsObserved{false};

void reportOperation(Operation operation, std::chrono::steady_clock::time_point start) {
    operation.start = start;
    operation.duration = std::chrono::steady_clock::now() - start;
    operation.site = currentSite;
    if (const auto observer = operationObserver())
        observer->executed(operation);
}

} // namespace detail

void setOperationObserver(std::shared_ptr<OperationObserver> observer) {
    const std::lock_guard lock(watch().mutex);
    watch().observer = std::move(observer);
    detail::operationsObserved.store(watch().observer != nullptr, std::memory_order_relaxed);
}

std::shared_ptr<OperationObserver> operationObserver() {
    const std::lock_guard lock(watch().mutex);
    return watch().observer;
}

SiteLabel::SiteLabel(std::string_view site) noexcept : m_outer(std::exchange(currentSite, site)) {}
SiteLabel::~SiteLabel() {
    currentSite = m_outer;
}
std::string_view SiteLabel::current() noexcept {
    return currentSite;
}

} // namespace orrery
