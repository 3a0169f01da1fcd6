// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace orrery {

using Json = nlohmann::json;
/// Keeps the order of keys: for what a person reads (records, recipes, exports).
using OrderedJson = nlohmann::ordered_json;

/// Limits on text from outside, far above any honest file.
struct JsonLimits {
    std::size_t maxBytes = std::size_t{256} << 20U;
    int maxDepth = 256;
};

/// Parses text from outside; "name" is used in the sentence of the InputError (a file name, "header of FILE",
/// ...). Nesting beyond maxDepth is refused before parsing, so that no input can exhaust the stack.
Json parseJson(std::string_view text, const std::string& name, JsonLimits limits = {});

/// Reads and parses a whole file; InputError when missing, too large or not JSON.
Json readJsonFile(const std::filesystem::path& file, JsonLimits limits = {});

/// Reads a whole text file of at most maxBytes; InputError otherwise.
std::string readTextFile(const std::filesystem::path& file, std::size_t maxBytes = std::size_t{256} << 20U);

/// The text with every byte that is no UTF-8 replaced by U+FFFD, so that it can be written as JSON.
std::string asUtf8(const std::string& text);

/// The first bytes of a text, cut between characters.
std::string beginningOf(const std::string& text, std::size_t mostBytes);

/// Writes through a temporary file and a rename, so that a crash or a full disk never leaves half a file.
void writeFileAtomically(const std::filesystem::path& file, std::string_view content);

} // namespace orrery
