// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace orrery::text {

/// The outcome of comparing a tokenizer with what the reference made of the same texts.
struct CaseResult {
    std::string name; ///< of the folder
    bool ok = false;
    std::int64_t compared = 0;   ///< records read
    std::int64_t differing = 0;  ///< records with a difference
    std::string firstDifference; ///< a sentence; empty when ok
};

/// Whether a folder is a tokenizer case: tokenizer.json and expected.jsonl.
[[nodiscard]] bool isTokenizerCase(const std::filesystem::path& folder);

/// Does again what every record of expected.jsonl describes (kinds single, pair, truncate, pad, decode,
/// pretokenized) and compares every field exactly; a kind or field that is not known is a difference. Never
/// throws: a folder that cannot be read is a failed case.
[[nodiscard]] CaseResult verifyTokenizerCase(const std::filesystem::path& folder);

} // namespace orrery::text
