// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/log.h"

#include <map>
#include <mutex>

namespace orrery {
namespace {

// The log is one of the few process-wide things: a message may come from any depth, and has no say in
// results.
struct Sinks {
    std::mutex mutex;
    std::map<int, LogSink> receivers;
    int next = 1;
};

Sinks& sinks() {
    static Sinks instance;
    return instance;
}

} // namespace

int addLogSink(LogSink sink) {
    const std::lock_guard lock(sinks().mutex);
    sinks().receivers.emplace(sinks().next, std::move(sink));
    return sinks().next++;
}

void removeLogSink(int number) {
    const std::lock_guard lock(sinks().mutex);
    sinks().receivers.erase(number);
}

void log(LogLevel level, std::string_view message) {
    const std::lock_guard lock(sinks().mutex);
    for (const auto& [number, sink] : sinks().receivers)
        sink(level, message);
}

} // namespace orrery
