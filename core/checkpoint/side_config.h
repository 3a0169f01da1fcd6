// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

// The small files beside config.json.
namespace orrery::checkpoint {

/// What generation_config.json recommends; none: not said.
struct GenerationConfig {
    std::optional<bool> sample;
    std::optional<double> temperature; ///< above 0
    std::optional<std::int64_t> topK;  ///< 0: no limit
    std::optional<double> topP;        ///< above 0, at most 1
    std::optional<double> repetitionPenalty;
    std::optional<std::int64_t> maxNewTokens;
    std::optional<std::int64_t> maxLength;
    std::optional<std::int64_t> beams;
    std::optional<std::int64_t> bosToken, padToken;
    std::vector<std::int64_t> eosTokens;

    /// Of a folder or the file itself; none when there is no such file. InputError for values out of range.
    static std::optional<GenerationConfig> read(const std::filesystem::path& folderOrFile);
};

/// What preprocessor_config.json says of images: resize, cut, scale and normalise, in this order.
struct PreprocessorConfig {
    bool resize = false;
    std::int64_t height = 0; ///< of resizing; 0: not said
    std::int64_t width = 0;
    std::int64_t shortestEdge = 0; ///< in place of height and width
    bool centerCrop = false;
    std::int64_t cropHeight = 0;
    std::int64_t cropWidth = 0;
    bool rescale = true;
    double rescaleFactor = 1.0 / 255;
    bool normalize = true;
    std::vector<double> mean, deviation; ///< one for each channel

    static std::optional<PreprocessorConfig> read(const std::filesystem::path& folderOrFile);
};

} // namespace orrery::checkpoint
