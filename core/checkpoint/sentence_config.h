// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/config.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace orrery::checkpoint {

/// How the hidden states of a text's tokens become one vector.
enum class PoolingKind {
    Cls,          ///< that of the first token
    Mean,         ///< mean over the tokens that are no padding
    MeanSqrtLen,  ///< their sum over the square root of their number
    WeightedMean, ///< weights 1, 2, 3 ... by position
    Max,          ///< the largest of each dimension
    LastToken
};

struct SentencePooling {
    std::vector<PoolingKind> kinds; ///< several are laid side by side, in the library's order
    std::int64_t width = 0;         ///< of a hidden state
};

/// A linear layer over the pooled vector; its weights lie in the module's folder ("linear.weight",
/// "linear.bias").
struct SentenceDense {
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
    bool bias = true;
    std::string activation; ///< "identity", "tanh", "relu", "gelu"
    std::filesystem::path folder;
};

struct SentenceNormalize {}; ///< to length 1

/// A folder of sentence-transformers: modules.json lists what follows the transformer.
struct SentenceConfig {
    using Stage = std::variant<SentencePooling, SentenceDense, SentenceNormalize>;

    std::filesystem::path transformer;     ///< folder of the model
    std::optional<std::int64_t> maxLength; ///< tokens (sentence_bert_config.json)
    std::vector<Stage> stages;             ///< the first is a pooling

    /// Whether the folder has a modules.json.
    static bool existsIn(const std::filesystem::path& folder);
    /// InputError naming file, module and what is not supported.
    static SentenceConfig read(const std::filesystem::path& folder);
};

} // namespace orrery::checkpoint
