// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.h"
#include "checkpoint/source.h"
#include "tensor/tensor.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace orrery::checkpoint {

/// Writes a safetensors file tensor by tensor, so that a model larger than memory can be written: names,
/// dtypes and shapes are declared first, the numbers follow in any order. The file takes its name only in
/// finish() (through a temporary file and a rename): a crash, a full disk or a cancelled job never leaves
/// half a checkpoint.
class SafetensorsWriter {
public:
    struct Declaration {
        std::string name;
        DType dtype = DType::F32;
        Shape shape;
    };

    /// UsageError for doubled names or the reserved name "__metadata__"; Error when the folder cannot be
    /// written.
    SafetensorsWriter(std::filesystem::path file, std::span<const Declaration> declarations,
                      const Metadata& metadata = {});
    ~SafetensorsWriter(); ///< removes the temporary file unless finished
    SafetensorsWriter(const SafetensorsWriter&) = delete;
    SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

    /// The numbers of a declared tensor: same dtype and shape, any strides. Each tensor once.
    void write(std::string_view name, const Tensor& tensor, const Progress& progress = {});
    /// Error when a declared tensor was not written.
    void finish();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

/// Writes all tensors at once; order in the file: by element size (so that all are aligned), then as given.
void writeSafetensors(const std::filesystem::path& file,
                      std::span<const std::pair<std::string, Tensor>> tensors, const Metadata& metadata = {},
                      const Progress& progress = {});

} // namespace orrery::checkpoint
