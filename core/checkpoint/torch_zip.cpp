// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/torch_zip.h"

#include "base/error.h"
#include "checkpoint/pickle.h"
#include "checkpoint/shown_text.h"
#include "checkpoint/stored_tensor.h"

#include <fmt/format.h>

namespace orrery::checkpoint {
namespace {

constexpr std::uint64_t maxPickleBytes = std::uint64_t{256} << 20U;

/// The folder inside the archive that holds data.pkl: torch.save names it after the file.
std::string findFolder(const ZipArchive& archive, const std::string& fileName) {
    constexpr std::string_view pickleName = "data.pkl";
    for (const auto& [name, entry] : archive.entries())
        if (name.ends_with(pickleName) &&
            (name.size() == pickleName.size() || name[name.size() - pickleName.size() - 1] == '/')) {
            std::string folder = name.substr(0, name.size() - pickleName.size());
            if (archive.find(folder + "constants.pkl"))
                throw InputError(fmt::format("{} is a TorchScript archive, which contains code; save the "
                                             "model's state_dict instead.",
                                             fileName));
            return folder;
        }
    throw InputError(fmt::format("{} is a zip archive without data.pkl, so torch.save did not write it; give "
                                 "the model's pytorch_model.bin or model.safetensors.",
                                 fileName));
}

} // namespace

TorchZip::TorchZip(std::shared_ptr<Storage> bytes, std::string fileName)
    : Source(std::move(fileName)), m_archive(std::move(bytes), this->fileName()),
      m_folder(findFolder(m_archive, this->fileName())) {
    if (const auto* entry = m_archive.find(m_folder + "byteorder"); entry && entry->bytes <= 16) {
        const auto order = m_archive.read("byteorder", *entry);
        if (std::string_view(reinterpret_cast<const char*>(order.storage->data()) + order.offset,
                             order.bytes) == "big")
            throw InputError(fmt::format("{} was written on a big-endian machine; load and save it on a "
                                         "little-endian one first.",
                                         this->fileName()));
    }
    const auto* pickleEntry = m_archive.find(m_folder + "data.pkl");
    if (pickleEntry->bytes > maxPickleBytes)
        throw InputError(fmt::format("{} has a data.pkl of {} bytes, more than the {} that are accepted.",
                                     this->fileName(), pickleEntry->bytes, maxPickleBytes));
    const auto pickled = m_archive.read("data.pkl", *pickleEntry);
    Unpickler unpickler(
        {reinterpret_cast<const char*>(pickled.storage->data()) + pickled.offset, pickled.bytes},
        fmt::format("data.pkl in {}", this->fileName()));
    const auto root = unpickler.run();
    m_tensors = torchTensors(unpickler.arena(), root, this->fileName());

    for (const auto& storage : unpickler.arena().storages)
        m_entries.push_back(entryOf(storage.key));
    for (std::size_t i = 0; i < m_tensors.infos.size(); ++i) {
        const auto& storage = unpickler.arena().storages[m_tensors.storages[i]];
        const auto* entry = m_archive.find(m_entries[m_tensors.storages[i]]);
        if (!entry)
            throw InputError(
                fmt::format("{} lacks the numbers of the tensor \"{}\" (entry data/{}); download "
                            "or write it again.",
                            this->fileName(), shownText(m_tensors.infos[i].name), shownText(storage.key)));
        if (entry->bytes < storage.elements * storage.itemBytes)
            throw InputError(fmt::format("{} holds {} bytes for the tensor \"{}\" (entry data/{}), where its "
                                         "storage needs {}; download "
                                         "or write it again.",
                                         this->fileName(), entry->bytes, shownText(m_tensors.infos[i].name),
                                         shownText(storage.key), storage.elements * storage.itemBytes));
    }
}

ZipArchive::Content TorchZip::content(const std::string& entryName) const {
    const auto* entry = m_archive.find(entryName);
    ORRERY_CHECK(entry, "the entries of all tensors were found when the file was opened");
    if (!entry->deflated)
        return m_archive.read(entryName, *entry);
    const std::lock_guard lock(m_mutex);
    auto& kept = m_unpacked[entryName];
    if (auto storage = kept.lock())
        return {std::move(storage), 0, entry->bytes};
    auto unpacked = m_archive.read(entryName, *entry);
    kept = unpacked.storage;
    return unpacked;
}

Tensor TorchZip::tensor(std::size_t index) const {
    const auto place = content(m_entries[m_tensors.storages.at(index)]);
    return storedTensor(m_tensors.infos[index], place.storage, place.offset + m_tensors.byteOffsets[index],
                        m_tensors.strides[index]);
}

} // namespace orrery::checkpoint
