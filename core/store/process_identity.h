// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace orrery::store {

/// Identity of this process that survives in a file: boot, process-id namespace, process id and its start
/// time, so that a reused process id is not taken for it.
[[nodiscard]] std::string processIdentity();

enum class Liveness { Alive, Gone, Unknown };
/// Whether the process of an identity still runs; Unknown when it belongs to another machine or container.
[[nodiscard]] Liveness livenessOf(std::string_view identity);

} // namespace orrery::store
