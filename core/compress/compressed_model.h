// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "compress/compressor.h"
#include "model/model.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::compress {

/// What became of one linear layer.
struct CompressedLayer {
    std::string name;
    std::size_t bytesBefore = 0; ///< of the weights as they were multiplied
    std::size_t bytesAfter = 0;
    double relativeError = 0; ///< |W' - W|_F / |W|_F of the dense matrices the formats stand for
};

struct CompressionReport {
    std::vector<CompressedLayer> layers;
    [[nodiscard]] std::size_t bytesBefore() const;
    [[nodiscard]] std::size_t bytesAfter() const;
    [[nodiscard]] double worstError() const;
    [[nodiscard]] OrderedJson toJson() const;
};

/// Swaps the formats of the linears whose names match one of the globs. The model must be a copy that no one
/// runs. UsageError when no linear matches.
CompressionReport compressModel(model::Model& model, const Compressor& compressor,
                                const OptionValues& options, const std::vector<std::string>& linears,
                                const Progress& progress = {});

/// Writes a folder that openModel() opens: config.json with the key "orrery_compression", model.safetensors
/// with the compressed linears ("LINEAR/SUFFIX") beside the tensors that were left as they were, and the
/// tokenizer's files. UsageError when the folder exists and is not empty.
void saveCompressed(const model::Model& model, const std::filesystem::path& source,
                    const Compressor& compressor, const OptionValues& options,
                    const CompressionReport& report, const std::filesystem::path& folder,
                    const Progress& progress = {});

using FindCompressor = std::function<std::shared_ptr<const Compressor>(std::string_view id)>;

/// Opens a folder, compressed or not. find is asked for the compressor that a compressed one names.
std::shared_ptr<model::Model> openModel(const std::filesystem::path& folder,
                                        const model::OpenOptions& options, const FindCompressor& find);

} // namespace orrery::compress
