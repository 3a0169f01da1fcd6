// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/gguf_metadata.h"
#include "checkpoint/source.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// How a tensor of a GGUF file is stored: numbers of a dtype, blocks that Orrery multiplies, or blocks that
/// it only knows the size of.
struct GgufTensorType {
    std::uint32_t id = 0;
    std::string_view name; ///< "F16", "Q4_K"
    std::int64_t blockElements = 1;
    std::int64_t blockBytes = 0;
    std::optional<DType> dtype{};
    std::optional<BlockFormat> blocks{};
};

/// Null when there is no such type.
const GgufTensorType* ggufTensorType(std::uint32_t id);
const GgufTensorType* ggufTensorType(std::string_view name); ///< in capitals

/// A GGUF file, versions 2 and 3, little-endian: "GGUF", the version, counts of tensors and settings, the
/// settings, name, sizes, type and offset of every tensor, then their numbers, each aligned to
/// general.alignment (32). Everything is checked when it is opened; tensors are views of the mapped file.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
class GgufFile final : public Source {
public:
    static constexpr std::uint32_t maxDimensions = 4;

    GgufFile(std::shared_ptr<Storage> bytes, std::string fileName);

    [[nodiscard]] std::string_view format() const override { return "GGUF"; }
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    /// Blocks come as f32, a copy; see blocks().
    [[nodiscard]] Tensor tensor(std::size_t index) const override;
    [[nodiscard]] BlockMatrix blocks(std::size_t index) const override;
    [[nodiscard]] const Metadata& metadata() const override { return m_shown; }
    [[nodiscard]] const GgufMetadata& settings() const { return m_settings; }
    [[nodiscard]] std::uint32_t version() const { return m_version; }

private:
    void readTensors(GgufCursor& cursor, std::uint64_t count);
    void checkLayout(std::uint64_t alignment, std::uint64_t dataBegin) const;

    std::shared_ptr<Storage> m_bytes;
    std::uint32_t m_version = 0;
    GgufMetadata m_settings;
    Metadata m_shown;
    std::vector<TensorInfo> m_tensors;
    std::vector<std::uint64_t> m_begins; ///< byte offset in the file of each tensor
};

} // namespace orrery::checkpoint
