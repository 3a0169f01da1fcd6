// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/block_matrix.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// What is known of a stored tensor without touching its numbers.
struct TensorInfo {
    std::string name;
    std::string storedDtype;    ///< as the file spells it: "BF16", "FloatStorage", "F8_E4M3"
    std::optional<DType> dtype; ///< of Source::tensor(); none: listed, but Orrery cannot compute with it
    std::optional<BlockFormat> blocks; ///< quantised: Source::blocks() gives it as stored
    Shape shape;
    std::uint64_t bytes = 0;    ///< of its elements, shared storage counted for each tensor
    std::filesystem::path file; ///< the shard that holds it
};

using Metadata = std::map<std::string, std::string, std::less<>>;

/// One checkpoint file, opened: its directory has been read and checked, its numbers have not. Immutable and
/// shared between threads.
class Source {
public:
    virtual ~Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    [[nodiscard]] const std::string& fileName() const { return m_fileName; }
    /// "safetensors", "PyTorch zip", "PyTorch legacy" or "GGUF".
    [[nodiscard]] virtual std::string_view format() const = 0;
    /// In the order of the file.
    [[nodiscard]] virtual const std::vector<TensorInfo>& tensors() const = 0;
    /// The tensor of tensors()[index]: a view of the mapped file where its bytes allow it, else a copy.
    /// InputError when its dtype is not supported. Quantised tensors are copied to f32.
    [[nodiscard]] virtual Tensor tensor(std::size_t index) const = 0;
    /// A quantised tensor as it lies in the mapped file, [outputs, inputs] whatever way its shape is told;
    /// only for tensors whose info says blocks.
    [[nodiscard]] virtual BlockMatrix blocks(std::size_t index) const;
    /// What the file says of itself (safetensors' __metadata__, GGUF's settings); empty for other formats.
    [[nodiscard]] virtual const Metadata& metadata() const;

protected:
    explicit Source(std::string fileName) : m_fileName(std::move(fileName)) {}

private:
    std::string m_fileName;
};

/// Recognises the format of a mapped file by its first bytes and opens it; fileName is used in messages.
/// InputError for anything that is not a checkpoint, with a sentence of its own for git-lfs pointers, web
/// pages, and formats that are known but not read.
std::shared_ptr<const Source> openSource(std::shared_ptr<Storage> bytes, const std::string& fileName);

} // namespace orrery::checkpoint
