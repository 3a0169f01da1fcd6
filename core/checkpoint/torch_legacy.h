// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/source.h"
#include "checkpoint/torch_file.h"

#include <memory>
#include <string>
#include <vector>

namespace orrery::checkpoint {

/// What torch.save wrote before PyTorch 1.6: five pickles (a magic number, the protocol's version, facts of
/// the machine, the object, the keys of its storages), then each storage as a count of 8 bytes and its
/// elements.
class TorchLegacy final : public Source {
public:
    TorchLegacy(std::shared_ptr<Storage> bytes, std::string fileName);

    [[nodiscard]] std::string_view format() const override { return "PyTorch legacy"; }
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return m_tensors.infos; }
    [[nodiscard]] Tensor tensor(std::size_t index) const override;

private:
    std::shared_ptr<Storage> m_bytes;
    TorchTensors m_tensors;
    std::vector<std::uint64_t> m_begins; ///< byte offset in the file of each tensor
};

} // namespace orrery::checkpoint
