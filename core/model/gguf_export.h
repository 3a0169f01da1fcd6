// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"

#include <filesystem>
#include <string_view>

namespace orrery::model {

/// Writes a model's folder (families of checkpoint::ggufArchitecture: bert, gpt2, llama, qwen2, qwen3) as one
/// GGUF file with its settings and tokenizer. type: "F32", "F16", "BF16", "Q8_0" or "Q4_0" for the matrices;
/// vectors stay F32, and matrices whose rows are no whole blocks become F16. UsageError for families and
/// settings that the format cannot hold; nothing is left then.
void exportGguf(const std::filesystem::path& folder, const std::filesystem::path& file, std::string_view type,
                const Progress& progress = {});

} // namespace orrery::model
