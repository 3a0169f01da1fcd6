// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"

#include <fmt/format.h>

namespace orrery {

int Error::exitStatus() const noexcept {
    switch (m_kind) {
    case ErrorKind::Usage:
        return 2;
    case ErrorKind::BadInput:
        return 3;
    case ErrorKind::Cancelled:
        return 130;
    case ErrorKind::Failed:
        break;
    }
    return 1;
}

void failedCheck(const char* condition, const char* file, int line, const std::string& message) {
    throw Error(fmt::format(
        "Internal check failed: {} ({} at {}:{}). This is a defect of Orrery; please report it with "
        "the input that led here.",
        message, condition, file, line));
}

} // namespace orrery
