// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/torch_legacy.h"

#include "base/error.h"
#include "checkpoint/pickle.h"
#include "checkpoint/shown_text.h"
#include "checkpoint/stored_tensor.h"

#include <fmt/format.h>

#include <cstring>
#include <unordered_map>

namespace orrery::checkpoint {

using pickle::Kind;

namespace {

constexpr std::string_view magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10); // little-endian
constexpr std::string_view magicDigits("119547037146038801333356"); // the same, as protocols 0 and 1 write it
constexpr std::int64_t knownVersion = 1001;

void checkByteOrder(const pickle::Arena& arena, pickle::Ref facts, const std::string& fileName) {
    const auto& node = arena[facts];
    if (node.kind != Kind::Dict)
        return;
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        const auto& value = arena[node.items[i + 1]];
        if (arena[node.items[i]].kind == Kind::Text && arena[node.items[i]].text == "little_endian" &&
            value.kind == Kind::Bool && value.integer == 0)
            throw InputError(fmt::format("{} was written on a big-endian machine; load and save it on a "
                                         "little-endian one first.",
                                         fileName));
    }
}

/// Where the elements of each storage begin, by key. The file tells the keys in order, and each storage's
/// count before its elements, which must agree with the pickle.
std::unordered_map<std::string_view, std::uint64_t> storageBegins(const pickle::Arena& arena,
                                                                  pickle::Ref keys, std::string_view file,
                                                                  std::uint64_t position,
                                                                  const std::string& fileName) {
    std::unordered_map<std::string_view, const pickle::StorageRecord*> records;
    for (const auto& record : arena.storages) {
        const auto [known, isNew] = records.emplace(record.key, &record);
        if (!isNew &&
            (known->second->elements != record.elements || known->second->itemBytes != record.itemBytes))
            throw InputError(fmt::format("{} tells two sizes for its storage {}; download or write it again.",
                                         fileName, shownText(record.key)));
    }
    if (arena[keys].kind != Kind::List)
        throw InputError(
            fmt::format("{} lacks the list of its storages; download or write it again.", fileName));
    std::unordered_map<std::string_view, std::uint64_t> begins;
    for (const auto item : arena[keys].items) {
        const auto& key = arena[item];
        const auto record = key.kind == Kind::Text ? records.find(key.text) : records.end();
        if (record == records.end() || begins.contains(record->first))
            throw InputError(fmt::format(
                "{} lists a storage that no tensor uses, or one twice; download or write it again.",
                fileName));
        std::uint64_t count = 0;
        if (file.size() - position < sizeof count)
            throw InputError(fmt::format("{} is cut short at its storage {}; download it again.", fileName,
                                         shownText(record->first)));
        std::memcpy(&count, file.data() + position, sizeof count);
        position += sizeof count;
        if (count != record->second->elements)
            throw InputError(
                fmt::format("{} tells {} elements for its storage {} where {} are needed; download "
                            "or write it again.",
                            fileName, count, shownText(record->first), record->second->elements));
        const std::uint64_t bytes = count * record->second->itemBytes; // the unpickler checked the product
        if (file.size() - position < bytes)
            throw InputError(
                fmt::format("{} is cut short in its storage {}: {} bytes are needed and {} left; "
                            "download it again.",
                            fileName, shownText(record->first), bytes, file.size() - position));
        begins.emplace(record->first, position);
        position += bytes;
    }
    return begins;
}

} // namespace

TorchLegacy::TorchLegacy(std::shared_ptr<Storage> bytes, std::string fileName)
    : Source(std::move(fileName)), m_bytes(std::move(bytes)) {
    const std::string_view file(reinterpret_cast<const char*>(m_bytes->data()), m_bytes->bytes());
    Unpickler unpickler(file, this->fileName());
    const auto& arena = unpickler.arena();
    const auto first = unpickler.run();
    if (arena[first].kind != Kind::BigInteger ||
        (arena[first].text != magic && arena[first].text != magicDigits))
        throw InputError(fmt::format("{} is a pickle, but not one that torch.save wrote; give the model's "
                                     "pytorch_model.bin or model.safetensors.",
                                     this->fileName()));
    const auto version = unpickler.integer(unpickler.run());
    if (version != knownVersion)
        throw InputError(fmt::format("{} has the version {} of PyTorch's old format, where only {} is known; "
                                     "load and save it with a newer PyTorch.",
                                     this->fileName(), version.value_or(0), knownVersion));
    checkByteOrder(arena, unpickler.run(), this->fileName());
    const auto root = unpickler.run();
    m_tensors = torchTensors(arena, root, this->fileName());
    const auto keys = unpickler.run();
    const auto begins = storageBegins(arena, keys, file, unpickler.position(), this->fileName());
    for (std::size_t i = 0; i < m_tensors.infos.size(); ++i) {
        const auto& storage = arena.storages[m_tensors.storages[i]];
        const auto begin = begins.find(storage.key);
        if (begin == begins.end())
            throw InputError(
                fmt::format("{} lacks the numbers of the tensor \"{}\" (storage {}); download or "
                            "write it again.",
                            this->fileName(), shownText(m_tensors.infos[i].name), shownText(storage.key)));
        m_begins.push_back(begin->second + m_tensors.byteOffsets[i]);
    }
}

Tensor TorchLegacy::tensor(std::size_t index) const {
    return storedTensor(m_tensors.infos.at(index), m_bytes, m_begins[index], m_tensors.strides[index]);
}

} // namespace orrery::checkpoint
