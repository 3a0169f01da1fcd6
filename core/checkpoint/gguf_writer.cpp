// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/gguf_writer.h"

#include "base/error.h"
#include "checkpoint/atomic_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace orrery::checkpoint {
namespace {

constexpr std::uint64_t alignment = 32;
constexpr std::int64_t pieceElements = std::int64_t{1} << 20U; ///< converted at a time

std::uint64_t aligned(std::uint64_t position) {
    return (position + alignment - 1) / alignment * alignment;
}

template <typename T>
void append(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void appendText(std::string& bytes, std::string_view text) {
    append<std::uint64_t>(bytes, text.size());
    bytes += text;
}

void appendType(std::string& bytes, GgufType type) {
    append(bytes, static_cast<std::uint32_t>(type));
}

struct AppendValue {
    std::string& bytes;

    void operator()(std::uint32_t value) const { scalar(GgufType::U32, value); }
    void operator()(std::int64_t value) const { scalar(GgufType::I64, value); }
    void operator()(float value) const { scalar(GgufType::F32, value); }
    void operator()(bool value) const { scalar(GgufType::Bool, static_cast<std::uint8_t>(value)); }
    void operator()(const std::string& value) const {
        appendType(bytes, GgufType::Text);
        appendText(bytes, value);
    }
    void operator()(const std::vector<std::string>& list) const {
        array(GgufType::Text, list.size());
        for (const auto& text : list)
            appendText(bytes, text);
    }
    void operator()(const std::vector<float>& list) const { numbers(GgufType::F32, list); }
    void operator()(const std::vector<std::int32_t>& list) const { numbers(GgufType::I32, list); }

    template <typename T>
    void scalar(GgufType type, T value) const {
        appendType(bytes, type);
        append(bytes, value);
    }
    void array(GgufType type, std::size_t count) const {
        appendType(bytes, GgufType::Array);
        appendType(bytes, type);
        append<std::uint64_t>(bytes, count);
    }
    template <typename T>
    void numbers(GgufType type, const std::vector<T>& list) const {
        array(type, list.size());
        for (const T value : list)
            append(bytes, value);
    }
};

std::uint64_t bytesOf(const GgufTensor& tensor) {
    const GgufTensorType& type = *tensor.type;
    return static_cast<std::uint64_t>(tensor.shape.elements() / type.blockElements) *
           static_cast<std::uint64_t>(type.blockBytes);
}

void checkTensor(const GgufTensor& tensor) {
    ORRERY_CHECK(tensor.type != nullptr && tensor.values, "a type and numbers for every tensor");
    const GgufTensorType& type = *tensor.type;
    if (!type.dtype && !(type.blocks && canQuantise(*type.blocks)))
        throw UsageError(
            fmt::format("Orrery does not write {} tensors; choose F32, F16, BF16, Q8_0 or Q4_0.", type.name));
    if (tensor.shape.rank() < 1 || tensor.shape.rank() > static_cast<int>(GgufFile::maxDimensions))
        throw UsageError(fmt::format("The tensor \"{}\" has {} dimensions; a GGUF file holds 1 to {}.",
                                     tensor.name, tensor.shape.rank(), GgufFile::maxDimensions));
    if (tensor.shape[-1] % type.blockElements != 0)
        throw UsageError(fmt::format("The rows of \"{}\" are {} numbers, no whole blocks of {} ({}); choose "
                                     "another type for it.",
                                     tensor.name, tensor.shape[-1], type.blockElements, type.name));
}

void writeNumbers(AtomicFile& file, std::uint64_t position, const GgufTensor& tensor,
                  const Progress& progress) {
    const Tensor values = tensor.values();
    ORRERY_CHECK(values.shape() == tensor.shape, fmt::format("\"{}\" is as it was declared", tensor.name));
    const GgufTensorType& type = *tensor.type;
    const std::int64_t width = values.size(-1);
    if (values.elements() == 0)
        return;
    if (type.dtype == values.dtype() && values.isContiguous()) {
        file.put(position, values.rawData(), values.bytes(), progress);
        return;
    }
    const Tensor rows = values.isContiguous() || values.rank() == 2
                            ? (values.rank() == 2 ? values : values.reshape({-1, width}))
                            : values.contiguous().reshape({-1, width});
    const std::int64_t step = std::max<std::int64_t>(1, pieceElements / width);
    std::vector<std::byte> blocks;
    for (std::int64_t begin = 0; begin < rows.size(0); begin += step) {
        const std::int64_t end = std::min(rows.size(0), begin + step);
        const Tensor piece = rows.slice(0, begin, end).to(type.dtype.value_or(DType::F32)).contiguous();
        const void* data = piece.rawData();
        std::size_t bytes = piece.bytes();
        if (type.blocks) {
            bytes = static_cast<std::size_t>(piece.elements() / type.blockElements * type.blockBytes);
            blocks.resize(bytes);
            quantise(*type.blocks, piece.data<float>().data(), blocks.data(), piece.elements());
            data = blocks.data();
        }
        file.put(position, data, bytes, progress);
        position += bytes;
    }
}

} // namespace

void writeGguf(const std::filesystem::path& file, const GgufSettings& settings,
               std::span<const GgufTensor> tensors, const Progress& progress) {
    std::string head = "GGUF";
    append<std::uint32_t>(head, 3);
    append<std::uint64_t>(head, tensors.size());
    append<std::uint64_t>(head, settings.size());
    std::set<std::string_view> names;
    for (const auto& [key, value] : settings) {
        if (!names.insert(key).second)
            throw UsageError(fmt::format("The setting \"{}\" would be written twice.", key));
        appendText(head, key);
        std::visit(AppendValue{head}, value);
    }
    names.clear();
    std::vector<std::uint64_t> offsets;
    std::uint64_t total = 0;
    for (const GgufTensor& tensor : tensors) {
        checkTensor(tensor);
        if (!names.insert(tensor.name).second)
            throw UsageError(fmt::format("The tensor \"{}\" would be written twice.", tensor.name));
        appendText(head, tensor.name);
        append(head, static_cast<std::uint32_t>(tensor.shape.rank()));
        for (int i = tensor.shape.rank() - 1; i >= 0; --i)
            append(head, static_cast<std::uint64_t>(tensor.shape[i]));
        append(head, tensor.type->id);
        append(head, total);
        offsets.push_back(total);
        total = aligned(total + bytesOf(tensor));
    }
    const std::uint64_t dataBegin = aligned(head.size());
    AtomicFile target(file);
    target.put(0, head.data(), head.size());
    target.resize(dataBegin + total);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        progress.report("writing " + file.filename().string(), static_cast<double>(offsets[i]),
                        static_cast<double>(total));
        writeNumbers(target, dataBegin + offsets[i], tensors[i], progress);
    }
    target.finish();
    progress.report("writing " + file.filename().string(), static_cast<double>(total),
                    static_cast<double>(total));
}

} // namespace orrery::checkpoint
