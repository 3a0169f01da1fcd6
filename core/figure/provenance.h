// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"

#include <cstdint>
#include <string>

namespace orrery::figure {

/// How a result came to be: enough to make it again.
struct Provenance {
    std::string model;     ///< name of its folder
    std::string modelHash; ///< fingerprint of the checkpoint
    std::string input;     ///< the text itself when short, else its beginning
    std::string inputHash;
    std::string part; ///< id of the lens, part or job
    std::string site; ///< site name where one is shown
    OrderedJson options = OrderedJson::object();
    std::uint64_t seed = 0;
    std::string dtype;
    int threads = 0;
    std::string version;     ///< of Orrery
    std::string commandLine; ///< that makes it again
    std::string created;     ///< ISO 8601, UTC

    [[nodiscard]] OrderedJson toJson() const;
    static Provenance fromJson(const Json& json); ///< missing keys stay empty
};

} // namespace orrery::figure
