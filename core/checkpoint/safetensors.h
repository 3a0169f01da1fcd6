// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/source.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// A safetensors file: 8 bytes of little-endian header length, a JSON header (name -> dtype, shape,
/// data_offsets; "__metadata__" -> text), then the numbers, without holes.
/// Format: https://github.com/huggingface/safetensors#format
class SafetensorsFile final : public Source {
public:
    static constexpr std::uint64_t maxHeaderBytes = 100'000'000; ///< the format's own limit

    /// Checks the whole header against the size of the file; InputError names the file and the tensor.
    SafetensorsFile(std::shared_ptr<Storage> bytes, std::string fileName);
    static std::shared_ptr<const SafetensorsFile> open(const std::filesystem::path& file);

    [[nodiscard]] std::string_view format() const override { return "safetensors"; }
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    [[nodiscard]] Tensor tensor(std::size_t index) const override;
    [[nodiscard]] const Metadata& metadata() const override { return m_metadata; }

private:
    std::shared_ptr<Storage> m_bytes;
    std::vector<TensorInfo> m_tensors;
    std::vector<std::uint64_t> m_begins; ///< byte offset in the file of each tensor
    Metadata m_metadata;
};

/// "F32" -> DType::F32 ...; none for a dtype that Orrery does not compute with.
std::optional<DType> dtypeFromSafetensors(std::string_view name);
std::string_view safetensorsName(DType dtype);

} // namespace orrery::checkpoint
