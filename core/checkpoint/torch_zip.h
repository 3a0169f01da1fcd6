// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/source.h"
#include "checkpoint/torch_file.h"
#include "checkpoint/zip_archive.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace orrery::checkpoint {

/// What torch.save writes since PyTorch 1.6: a zip archive of FOLDER/data.pkl and FOLDER/data/KEY, one entry
/// for each storage. Stored entries are looked at in place, deflated ones are unpacked when asked for.
class TorchZip final : public Source {
public:
    TorchZip(std::shared_ptr<Storage> bytes, std::string fileName);

    [[nodiscard]] std::string_view format() const override { return "PyTorch zip"; }
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return m_tensors.infos; }
    [[nodiscard]] Tensor tensor(std::size_t index) const override;

private:
    [[nodiscard]] ZipArchive::Content content(const std::string& entryName) const;
    [[nodiscard]] std::string entryOf(const std::string& key) const { return m_folder + "data/" + key; }

    ZipArchive m_archive;
    std::string m_folder; ///< with its slash
    TorchTensors m_tensors;
    std::vector<std::string> m_entries; ///< of each storage
    /// Tensors that share a compressed storage share its unpacked bytes, as long as one of them lives.
    mutable std::mutex m_mutex;
    mutable std::map<std::string, std::weak_ptr<Storage>> m_unpacked;
};

} // namespace orrery::checkpoint
