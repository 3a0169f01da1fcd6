// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::plugin {

/// Kinds of part that a new plugin can be made for: the folders of the templates.
[[nodiscard]] std::vector<std::string> templateKinds(const std::filesystem::path& templates);

/// Writes the folder `parent/name` from the templates of a kind: CMakeLists.txt, plugin.json, README.md and
/// sources that build and work as they stand. Returns the files. UsageError for a bad name, an unknown kind
/// or a folder that exists.
std::vector<std::filesystem::path> newPlugin(const std::filesystem::path& templates, const std::string& kind,
                                             const std::string& name, const std::filesystem::path& parent);

/// $ORRERY_TEMPLATES, or share/orrery/templates of the install that the executable belongs to, or `fallback`.
[[nodiscard]] std::filesystem::path templateFolder(const std::filesystem::path& executable,
                                                   const std::filesystem::path& fallback);

} // namespace orrery::plugin
