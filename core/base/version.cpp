// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/version.h"

#include <fmt/chrono.h>

#include <ctime>

namespace orrery {

std::string version() {
    return ORRERY_VERSION;
}

std::string timestamp() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

} // namespace orrery
