// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/gguf.h"

#include "base/error.h"
#include "checkpoint/shown_text.h"
#include "checkpoint/stored_tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <unordered_set>

namespace orrery::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are read as little-endian");

constexpr std::uint64_t usualAlignment = 32;

constexpr std::array types{
    GgufTensorType{0, "F32", 1, 4, DType::F32},
    GgufTensorType{1, "F16", 1, 2, DType::F16},
    GgufTensorType{30, "BF16", 1, 2, DType::BF16},
    GgufTensorType{28, "F64", 1, 8, DType::F64},
    GgufTensorType{24, "I8", 1, 1, DType::I8},
    GgufTensorType{25, "I16", 1, 2, DType::I16},
    GgufTensorType{26, "I32", 1, 4, DType::I32},
    GgufTensorType{27, "I64", 1, 8, DType::I64},
    GgufTensorType{2, "Q4_0", 32, 18, {}, BlockFormat::Q40},
    GgufTensorType{3, "Q4_1", 32, 20, {}, BlockFormat::Q41},
    GgufTensorType{6, "Q5_0", 32, 22, {}, BlockFormat::Q50},
    GgufTensorType{7, "Q5_1", 32, 24, {}, BlockFormat::Q51},
    GgufTensorType{8, "Q8_0", 32, 34, {}, BlockFormat::Q80},
    GgufTensorType{12, "Q4_K", 256, 144, {}, BlockFormat::Q4K},
    GgufTensorType{13, "Q5_K", 256, 176, {}, BlockFormat::Q5K},
    GgufTensorType{14, "Q6_K", 256, 210, {}, BlockFormat::Q6K},
    // Known by their sizes only: such tensors are listed.
    GgufTensorType{9, "Q8_1", 32, 36},
    GgufTensorType{10, "Q2_K", 256, 84},
    GgufTensorType{11, "Q3_K", 256, 110},
    GgufTensorType{15, "Q8_K", 256, 292},
    GgufTensorType{16, "IQ2_XXS", 256, 66},
    GgufTensorType{17, "IQ2_XS", 256, 74},
    GgufTensorType{18, "IQ3_XXS", 256, 98},
    GgufTensorType{19, "IQ1_S", 256, 50},
    GgufTensorType{20, "IQ4_NL", 32, 18},
    GgufTensorType{21, "IQ3_S", 256, 110},
    GgufTensorType{22, "IQ2_S", 256, 82},
    GgufTensorType{23, "IQ4_XS", 256, 136},
    GgufTensorType{29, "IQ1_M", 256, 56},
    GgufTensorType{34, "TQ1_0", 256, 54},
    GgufTensorType{35, "TQ2_0", 256, 66},
    GgufTensorType{39, "MXFP4", 32, 17},
};

/// Bytes of a tensor: its sizes (fastest first) in whole blocks. Refuses sizes that overflow.
std::uint64_t bytesOf(const std::vector<std::uint64_t>& sizes, const GgufTensorType& type,
                      std::string_view name, const std::string& fileName) {
    if (sizes.front() % static_cast<std::uint64_t>(type.blockElements) != 0)
        throw InputError(
            fmt::format("The tensor \"{}\" in {} has rows of {} numbers, which are no whole blocks "
                        "of {} ({}); the file is damaged, download it again.",
                        shownText(name), fileName, sizes.front(), type.blockElements, type.name));
    std::uint64_t reach = 16; // bytes a number, were no size zero: strides are computed from it
    for (const auto size : sizes)
        if (__builtin_mul_overflow(reach, std::max<std::uint64_t>(size, 1), &reach) ||
            reach > static_cast<std::uint64_t>(INT64_MAX))
            throw InputError(
                fmt::format("The tensor \"{}\" in {} has the sizes [{}], which no file could hold; "
                            "the file is damaged, download it again.",
                            shownText(name), fileName, fmt::join(sizes, ", ")));
    std::uint64_t bytes = sizes.front() / static_cast<std::uint64_t>(type.blockElements) *
                          static_cast<std::uint64_t>(type.blockBytes);
    for (std::size_t i = 1; i < sizes.size(); ++i)
        bytes *= sizes[i]; // no block is larger than 16 bytes a number
    return bytes;
}

} // namespace

const GgufTensorType* ggufTensorType(std::uint32_t id) {
    const auto* found =
        std::find_if(types.begin(), types.end(), [&](const GgufTensorType& type) { return type.id == id; });
    return found == types.end() ? nullptr : found;
}

const GgufTensorType* ggufTensorType(std::string_view name) {
    const auto* found = std::find_if(types.begin(), types.end(),
                                     [&](const GgufTensorType& type) { return type.name == name; });
    return found == types.end() ? nullptr : found;
}

GgufFile::GgufFile(std::shared_ptr<Storage> bytes, std::string fileName)
    : Source(std::move(fileName)), m_bytes(std::move(bytes)) {
    GgufCursor cursor({reinterpret_cast<const char*>(m_bytes->data()), m_bytes->bytes()}, this->fileName());
    if (cursor.take(4, "the mark of the format") != "GGUF")
        throw InputError(fmt::format(
            "{} does not begin with \"GGUF\", so it is no GGUF file; download it again.", this->fileName()));
    m_version = cursor.number<std::uint32_t>("the version");
    if (m_version != 0 && (m_version & 0xffffU) == 0)
        throw InputError(
            fmt::format("{} is a big-endian GGUF file, which Orrery does not read; convert the model "
                        "to little-endian.",
                        this->fileName()));
    if (m_version < 2 || m_version > 3)
        throw InputError(
            fmt::format("{} has version {} of the GGUF format; Orrery reads 2 and 3. Convert the "
                        "model again with a current converter.",
                        this->fileName(), m_version));
    const auto tensorCount = cursor.number<std::uint64_t>("the number of tensors");
    const auto settingCount = cursor.number<std::uint64_t>("the number of settings");
    m_settings = GgufMetadata(cursor, settingCount);
    m_shown = m_settings.shown();
    readTensors(cursor, tensorCount);
    const std::int64_t wanted =
        m_settings.integer("general.alignment").value_or(static_cast<std::int64_t>(usualAlignment));
    if (wanted < 1 || wanted > (1 << 20) || !std::has_single_bit(static_cast<std::uint64_t>(wanted)))
        throw InputError(
            fmt::format("{}: general.alignment is {}, where a power of two is needed; the file is "
                        "damaged, download it again.",
                        this->fileName(), wanted));
    const auto alignment = static_cast<std::uint64_t>(wanted);
    checkLayout(alignment, (cursor.position() + alignment - 1) / alignment * alignment);
    const std::uint64_t dataBegin = (cursor.position() + alignment - 1) / alignment * alignment;
    for (auto& begin : m_begins)
        begin += dataBegin;
}

void GgufFile::readTensors(GgufCursor& cursor, std::uint64_t count) {
    constexpr std::uint64_t smallest = 8 + 4 + 8 + 4 + 8; // name, rank, one size, type, offset
    if (count > cursor.left() / smallest)
        throw InputError(
            fmt::format("{} announces {} tensors, more than the file can hold; it is cut short or "
                        "damaged, download it again.",
                        fileName(), count));
    m_tensors.reserve(count);
    m_begins.reserve(count);
    std::unordered_set<std::string_view> names;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string_view name = cursor.text("the name of a tensor");
        if (!names.insert(name).second)
            throw InputError(fmt::format("{} holds the tensor \"{}\" twice; the file is damaged, download it "
                                         "again.",
                                         fileName(), shownText(name)));
        const auto rank = cursor.number<std::uint32_t>("the rank of a tensor");
        if (rank < 1 || rank > maxDimensions)
            throw InputError(
                fmt::format("The tensor \"{}\" in {} has {} dimensions where 1 to {} are possible; "
                            "the file is damaged, download it again.",
                            shownText(name), fileName(), rank, maxDimensions));
        std::vector<std::uint64_t> sizes;
        for (std::uint32_t d = 0; d < rank; ++d)
            sizes.push_back(cursor.number<std::uint64_t>("a size of a tensor"));
        const auto id = cursor.number<std::uint32_t>("the type of a tensor");
        const GgufTensorType* type = ggufTensorType(id);
        if (type == nullptr)
            throw InputError(
                fmt::format("The tensor \"{}\" in {} is of type {}, which Orrery does not know; use "
                            "a file of another quantisation (Q8_0, Q6_K, Q4_K).",
                            shownText(name), fileName(), id));
        TensorInfo info;
        info.name = name;
        info.storedDtype = type->name;
        info.bytes = bytesOf(sizes, *type, name, fileName());
        info.dtype = type->blocks ? DType::F32 : type->dtype;
        info.blocks = type->blocks;
        info.file = fileName();
        for (auto size = sizes.rbegin(); size != sizes.rend(); ++size)
            info.shape.append(static_cast<std::int64_t>(*size));
        m_tensors.push_back(std::move(info));
        m_begins.push_back(cursor.number<std::uint64_t>("the offset of a tensor"));
    }
}

void GgufFile::checkLayout(std::uint64_t alignment, std::uint64_t dataBegin) const {
    const std::uint64_t dataBytes = m_bytes->bytes() > dataBegin ? m_bytes->bytes() - dataBegin : 0;
    std::vector<std::size_t> order(m_tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(m_begins[a], m_tensors[a].bytes) < std::pair(m_begins[b], m_tensors[b].bytes);
    });
    std::uint64_t end = 0;
    const TensorInfo* before = nullptr;
    for (const auto index : order) {
        const TensorInfo& info = m_tensors[index];
        const std::uint64_t begin = m_begins[index];
        if (begin % alignment != 0)
            throw InputError(
                fmt::format("The tensor \"{}\" in {} begins at byte {} of the data, which is no "
                            "multiple of the alignment {}; the file is damaged, download it again.",
                            shownText(info.name), fileName(), begin, alignment));
        if (begin > dataBytes || info.bytes > dataBytes - begin)
            throw InputError(
                fmt::format("{} is cut short: the tensor \"{}\" needs {} bytes from byte {} of the "
                            "data, but the file holds only {}; download it again.",
                            fileName(), shownText(info.name), info.bytes, begin, dataBytes));
        if (begin < end)
            throw InputError(fmt::format("The tensors \"{}\" and \"{}\" in {} overlap; the file is damaged, "
                                         "download it again.",
                                         shownText(before->name), shownText(info.name), fileName()));
        end = begin + info.bytes;
        before = &info;
    }
}

Tensor GgufFile::tensor(std::size_t index) const {
    const TensorInfo& info = m_tensors.at(index);
    if (info.blocks)
        return blocks(index).toDense().reshape(info.shape);
    return storedTensor(info, m_bytes, m_begins[index], info.shape.contiguousStrides());
}

BlockMatrix GgufFile::blocks(std::size_t index) const {
    const TensorInfo& info = m_tensors.at(index);
    ORRERY_CHECK(info.blocks.has_value(), "a tensor of blocks");
    BlockMatrix matrix;
    matrix.format = *info.blocks;
    matrix.storage = m_bytes;
    matrix.byteOffset = m_begins[index];
    matrix.columns = info.shape[-1];
    matrix.rows = matrix.columns > 0 ? info.shape.elements() / matrix.columns : 0;
    return matrix;
}

} // namespace orrery::checkpoint
