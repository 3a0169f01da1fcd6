// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/side_config.h"

#include "base/error.h"
#include "checkpoint/config.h"

namespace orrery::checkpoint {
namespace {

namespace fs = std::filesystem;

std::optional<ModelConfig> readOptional(const fs::path& folderOrFile, const char* name) {
    std::error_code failure;
    const fs::path file = fs::is_directory(folderOrFile, failure) ? folderOrFile / name : folderOrFile;
    if (!fs::exists(file, failure))
        return {};
    return ModelConfig::read(file);
}

std::optional<double> realIn(const ModelConfig& config, const char* key, double low, double high,
                             const char* problem) {
    if (!config.has(key))
        return {};
    const double value = config.real({key});
    if (!(value >= low && value <= high))
        throw config.error(key, problem);
    return value;
}

} // namespace

std::optional<GenerationConfig> GenerationConfig::read(const fs::path& folderOrFile) {
    const auto config = readOptional(folderOrFile, "generation_config.json");
    if (!config)
        return {};
    GenerationConfig result;
    if (config->has("do_sample"))
        result.sample = config->boolean({"do_sample"});
    result.temperature = realIn(*config, "temperature", 1e-6, 1e6, "but a temperature is above 0");
    result.topP = realIn(*config, "top_p", 1e-9, 1, "but a share of probability is above 0 and at most 1");
    result.repetitionPenalty =
        realIn(*config, "repetition_penalty", 1e-6, 1e6, "but a penalty is a factor above 0");
    result.topK = config->optionalInteger({"top_k"});
    result.bosToken = config->optionalInteger({"bos_token_id"});
    result.padToken = config->optionalInteger({"pad_token_id"});
    if (config->has("eos_token_id"))
        result.eosTokens = config->integers({"eos_token_id"});
    const auto count = [&](const char* key) {
        return config->has(key) ? std::optional(config->positive({key})) : std::nullopt;
    };
    result.maxNewTokens = count("max_new_tokens");
    result.maxLength = count("max_length");
    result.beams = count("num_beams");
    return result;
}

std::optional<PreprocessorConfig> PreprocessorConfig::read(const fs::path& folderOrFile) {
    const auto config = readOptional(folderOrFile, "preprocessor_config.json");
    if (!config)
        return {};
    PreprocessorConfig result;
    result.resize = config->boolean({"do_resize"}, config->has("size"));
    result.centerCrop = config->boolean({"do_center_crop"}, false);
    result.rescale = config->boolean({"do_rescale"}, true);
    result.normalize = config->boolean({"do_normalize"}, config->has("image_mean"));
    result.rescaleFactor = config->real({"rescale_factor"}, result.rescaleFactor);
    // Sizes are objects, or one number for both sides.
    const auto size = [&](const char* key, std::int64_t& tall, std::int64_t& wide, std::int64_t* edge) {
        if (!config->has(key))
            return;
        if (!config->json()[key].is_object()) {
            tall = wide = config->positive({key});
            return;
        }
        const ModelConfig inner = config->section(key);
        if (edge != nullptr && inner.has("shortest_edge")) {
            *edge = inner.positive({"shortest_edge"});
            return;
        }
        tall = inner.positive({"height"});
        wide = inner.positive({"width"});
    };
    size("size", result.height, result.width, &result.shortestEdge);
    size("crop_size", result.cropHeight, result.cropWidth, nullptr);
    if (result.normalize) {
        result.mean = config->reals({"image_mean"});
        result.deviation = config->reals({"image_std"});
        if (result.mean.size() != result.deviation.size() || result.mean.empty() || result.mean.size() > 16)
            throw config->error("image_std", "but image_mean tells another number of channels");
        for (const double deviation : result.deviation)
            if (!(deviation > 0))
                throw config->error("image_std", "but a deviation is above 0");
    }
    return result;
}

} // namespace orrery::checkpoint
