// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/safetensors.h"

#include "base/error.h"
#include "checkpoint/safetensors_header.h"
#include "checkpoint/shown_text.h"
#include "checkpoint/stored_tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

namespace orrery::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::string_view again = "the file is damaged, download or write it again";

struct KnownDtype {
    std::string_view name;
    unsigned bits;
    std::optional<DType> dtype;
};

constexpr std::array knownDtypes{
    KnownDtype{"F32", 32, DType::F32},
    KnownDtype{"F16", 16, DType::F16},
    KnownDtype{"BF16", 16, DType::BF16},
    KnownDtype{"F64", 64, DType::F64},
    KnownDtype{"I64", 64, DType::I64},
    KnownDtype{"I32", 32, DType::I32},
    KnownDtype{"I16", 16, DType::I16},
    KnownDtype{"I8", 8, DType::I8},
    KnownDtype{"U8", 8, DType::U8},
    KnownDtype{"BOOL", 8, DType::Bool},
    KnownDtype{"U16", 16, {}},
    KnownDtype{"U32", 32, {}},
    KnownDtype{"U64", 64, {}},
    KnownDtype{"C64", 64, {}},
    KnownDtype{"F8_E5M2", 8, DType::F8E5M2},
    KnownDtype{"F8_E4M3", 8, DType::F8E4M3},
    KnownDtype{"F8_E8M0", 8, {}},
    KnownDtype{"F6_E2M3", 6, {}},
    KnownDtype{"F6_E3M2", 6, {}},
    KnownDtype{"F4", 4, {}},
};

const KnownDtype* findDtype(std::string_view name) {
    const auto found = std::find_if(knownDtypes.begin(), knownDtypes.end(),
                                    [&](const KnownDtype& known) { return known.name == name; });
    return found == knownDtypes.end() ? nullptr : &*found;
}

/// Bytes that the shape needs in the dtype; none when the product of bits overflows.
std::optional<std::uint64_t> bytesOf(const std::vector<std::uint64_t>& shape, unsigned bits) {
    std::uint64_t total = bits;
    for (const auto size : shape)
        if (__builtin_mul_overflow(total, size, &total))
            return {};
    return total / 8 + (total % 8 != 0 ? 1 : 0);
}

TensorInfo checkEntry(const SafetensorsEntry& entry, std::uint64_t dataBytes, const std::string& fileName) {
    const auto refuse = [&](const std::string& what) {
        throw InputError(
            fmt::format("The tensor \"{}\" in {} {}; {}.", shownText(entry.name), fileName, what, again));
    };
    if (entry.offsets.size() != 2)
        refuse(fmt::format("has {} data_offsets where a begin and an end are needed", entry.offsets.size()));
    const std::uint64_t begin = entry.offsets[0];
    const std::uint64_t end = entry.offsets[1];
    if (begin > end)
        refuse(fmt::format("ends (byte {}) before it begins (byte {})", end, begin));
    if (end > dataBytes)
        throw InputError(fmt::format(
            "{} is cut short: the tensor \"{}\" reaches to byte {} of the data, but the file holds only {}; "
            "download it again.",
            fileName, shownText(entry.name), end, dataBytes));
    if (entry.shape.size() > Shape::maxRank)
        throw InputError(fmt::format(
            "The tensor \"{}\" in {} has {} dimensions, more than the {} that Orrery can hold; reshape it "
            "where it was written.",
            shownText(entry.name), fileName, entry.shape.size(), Shape::maxRank));

    TensorInfo info;
    info.name = entry.name;
    info.storedDtype = entry.dtype;
    info.bytes = end - begin;
    info.file = fileName;
    std::uint64_t reach = 16; // bytes, were no size zero: strides are computed from it
    for (const auto size : entry.shape) {
        if (__builtin_mul_overflow(reach, std::max<std::uint64_t>(size, 1), &reach) ||
            reach > static_cast<std::uint64_t>(INT64_MAX))
            refuse(fmt::format("has the shape [{}], which no file could hold", fmt::join(entry.shape, ", ")));
        info.shape.append(static_cast<std::int64_t>(size));
    }
    if (const KnownDtype* known = findDtype(entry.dtype)) {
        info.dtype = known->dtype;
        const auto needed = bytesOf(entry.shape, known->bits);
        if (needed != info.bytes)
            refuse(
                fmt::format("has the shape {} and dtype {}, which need {} bytes, but its data_offsets span "
                            "{}",
                            info.shape.toText(), shownText(entry.dtype),
                            needed ? fmt::format("{}", *needed) : std::string("too many"), info.bytes));
    }
    return info;
}

/// The tensors must lie end to end: neither sharing bytes nor leaving any unexplained.
void checkLayout(const std::vector<SafetensorsEntry>& entries, std::uint64_t dataBytes,
                 const std::string& fileName) {
    std::vector<std::size_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return entries[a].offsets < entries[b].offsets; });
    std::uint64_t position = 0;
    const SafetensorsEntry* before = nullptr;
    for (const auto index : order) {
        const auto& entry = entries[index];
        if (entry.offsets[0] < position)
            throw InputError(fmt::format("The tensors \"{}\" and \"{}\" in {} overlap; {}.",
                                         shownText(before->name), shownText(entry.name), fileName, again));
        if (entry.offsets[0] > position)
            throw InputError(fmt::format("{} has a hole of {} bytes before the tensor \"{}\"; {}.", fileName,
                                         entry.offsets[0] - position, shownText(entry.name), again));
        position = entry.offsets[1];
        before = &entry;
    }
    if (position != dataBytes)
        throw InputError(fmt::format("{} holds {} bytes behind its last tensor that no tensor explains; {}.",
                                     fileName, dataBytes - position, again));
}

} // namespace

std::optional<DType> dtypeFromSafetensors(std::string_view name) {
    const KnownDtype* known = findDtype(name);
    return known ? known->dtype : std::nullopt;
}

std::string_view safetensorsName(DType dtype) {
    for (const auto& known : knownDtypes)
        if (known.dtype == dtype)
            return known.name;
    failedCheck("dtype", __FILE__, __LINE__, "every dtype has a name in safetensors");
}

SafetensorsFile::SafetensorsFile(std::shared_ptr<Storage> bytes, std::string fileName)
    : Source(std::move(fileName)), m_bytes(std::move(bytes)) {
    const std::uint64_t size = m_bytes->bytes();
    std::uint64_t headerBytes = 0;
    if (size < sizeof headerBytes)
        throw InputError(fmt::format(
            "{} is cut short: it has {} bytes, fewer than the 8 that every safetensors file begins with; "
            "download it again.",
            this->fileName(), size));
    std::memcpy(&headerBytes, m_bytes->data(), sizeof headerBytes);
    if (headerBytes > maxHeaderBytes)
        throw InputError(fmt::format("{} announces a header of {} bytes, more than the {} that the format "
                                     "allows; it is damaged or not a safetensors file.",
                                     this->fileName(), headerBytes, maxHeaderBytes));
    if (headerBytes > size - sizeof headerBytes)
        throw InputError(fmt::format(
            "{} is cut short: it announces a header of {} bytes, but only {} follow; download it again.",
            this->fileName(), headerBytes, size - sizeof headerBytes));

    const std::string_view json(reinterpret_cast<const char*>(m_bytes->data()) + sizeof headerBytes,
                                headerBytes);
    SafetensorsHeader header = parseSafetensorsHeader(json, this->fileName());
    const std::uint64_t dataBegin = sizeof headerBytes + headerBytes;
    m_tensors.reserve(header.entries.size());
    m_begins.reserve(header.entries.size());
    for (const auto& entry : header.entries) {
        m_tensors.push_back(checkEntry(entry, size - dataBegin, this->fileName()));
        m_begins.push_back(dataBegin + entry.offsets[0]);
    }
    checkLayout(header.entries, size - dataBegin, this->fileName());
    m_metadata = std::move(header.metadata);
}

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& file) {
    return std::make_shared<SafetensorsFile>(Storage::mapFile(file), file.string());
}

Tensor SafetensorsFile::tensor(std::size_t index) const {
    const TensorInfo& info = m_tensors.at(index);
    return storedTensor(info, m_bytes, m_begins[index], info.shape.contiguousStrides());
}

} // namespace orrery::checkpoint
