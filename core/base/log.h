// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace orrery {

enum class LogLevel { Debug, Info, Warning, Error };

/// One message of the log. Sinks are called under a lock, on the thread that logged.
using LogSink = std::function<void(LogLevel, std::string_view message)>;

/// Adds a receiver (the window's log panel, stderr of the command line); returns its number for
/// removeLogSink.
int addLogSink(LogSink sink);
void removeLogSink(int number);
void log(LogLevel level, std::string_view message);

} // namespace orrery
