// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/sentence_config.h"

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/shown_text.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace orrery::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t maxModules = 32;

bool isThere(const fs::path& file) {
    std::error_code failure;
    return fs::exists(file, failure);
}

/// A module lies in the model's folder or one below: a path in its name would let it read any file.
fs::path moduleFolder(const fs::path& folder, const ModelConfig& module) {
    const std::string path = module.text({"path"}, "");
    if (path.find('/') != std::string::npos || path.find('\0') != std::string::npos || path == "." ||
        path == "..")
        throw module.error("path", "but a module's folder lies in the model's");
    return path.empty() ? folder : folder / path;
}

SentencePooling readPooling(const fs::path& folder) {
    const ModelConfig config = ModelConfig::read(folder);
    constexpr std::array<std::pair<std::string_view, PoolingKind>, 6> modes{
        {{"pooling_mode_cls_token", PoolingKind::Cls},
         {"pooling_mode_mean_tokens", PoolingKind::Mean},
         {"pooling_mode_mean_sqrt_len_tokens", PoolingKind::MeanSqrtLen},
         {"pooling_mode_weightedmean_tokens", PoolingKind::WeightedMean},
         {"pooling_mode_max_tokens", PoolingKind::Max},
         {"pooling_mode_lasttoken", PoolingKind::LastToken}}};
    SentencePooling pooling;
    pooling.width = config.positive({"word_embedding_dimension"});
    // The order in which several are laid side by side is that of the library, which puts the maximum second.
    for (const PoolingKind kind :
         {PoolingKind::Cls, PoolingKind::Max, PoolingKind::Mean, PoolingKind::MeanSqrtLen,
          PoolingKind::WeightedMean, PoolingKind::LastToken})
        for (const auto& [key, mode] : modes)
            if (mode == kind && config.boolean({key}, false))
                pooling.kinds.push_back(kind);
    if (pooling.kinds.empty())
        throw InputError(
            fmt::format("{} chooses no pooling (pooling_mode_mean_tokens and the like); download it "
                        "again.",
                        config.fileName()));
    return pooling;
}

SentenceDense readDense(const fs::path& folder) {
    const ModelConfig config = ModelConfig::read(folder);
    SentenceDense dense;
    dense.inputs = config.positive({"in_features"});
    dense.outputs = config.positive({"out_features"});
    dense.bias = config.boolean({"bias"}, true);
    dense.folder = folder;
    const std::string function = config.text({"activation_function"}, "torch.nn.modules.activation.Tanh");
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> known{
        {{".Identity", "identity"}, {".Tanh", "tanh"}, {".ReLU", "relu"}, {".GELU", "gelu"}}};
    for (const auto& [ending, name] : known)
        if (function.ends_with(ending))
            dense.activation = name;
    if (dense.activation.empty())
        throw config.error("activation_function", "but Orrery knows Identity, Tanh, ReLU and GELU here");
    return dense;
}

} // namespace

bool SentenceConfig::existsIn(const fs::path& folder) {
    return isThere(folder / "modules.json");
}

SentenceConfig SentenceConfig::read(const fs::path& folder) {
    const fs::path file = folder / "modules.json";
    const Json json = readJsonFile(file);
    if (!json.is_array() || json.empty() || json.size() > maxModules)
        throw InputError(
            fmt::format("{} is no list of 1 to {} modules; download it again.", file.string(), maxModules));
    SentenceConfig result;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const ModelConfig module(json[i], file.string());
        const std::string type = module.text({"type"});
        const std::string_view kind = std::string_view(type).substr(type.rfind('.') + 1);
        const fs::path inside = moduleFolder(folder, module);
        if (i == 0) {
            if (kind != "Transformer")
                throw module.error("type", "but the first module must be a Transformer");
            result.transformer = inside;
        } else if (kind == "Pooling" && result.stages.empty()) {
            result.stages.emplace_back(readPooling(inside));
        } else if (kind == "Dense" && !result.stages.empty()) {
            result.stages.emplace_back(readDense(inside));
        } else if (kind == "Normalize" && !result.stages.empty()) {
            result.stages.emplace_back(SentenceNormalize{});
        } else {
            throw module.error("type", "but after a Transformer Orrery knows one Pooling, then Dense and "
                                       "Normalize");
        }
    }
    if (result.stages.empty())
        throw InputError(fmt::format("{} has no Pooling after its Transformer, so no vector comes of a text.",
                                     file.string()));
    if (isThere(folder / "sentence_bert_config.json")) {
        const ModelConfig length = ModelConfig::read(folder / "sentence_bert_config.json");
        if (length.has("max_seq_length"))
            result.maxLength = length.positive({"max_seq_length"});
    }
    return result;
}

} // namespace orrery::checkpoint
