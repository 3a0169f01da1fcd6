// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/safetensors_writer.h"

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/atomic_file.h"
#include "checkpoint/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>

namespace orrery::checkpoint {
namespace {

/// A JSON text; names that are not valid UTF-8 cannot be written.
std::string quoted(const std::string& text) {
    try {
        return Json(text).dump();
    } catch (const Json::exception&) {
        throw UsageError("A tensor's name or metadata is not valid UTF-8, so it cannot be written to a "
                         "safetensors file; give it another name.");
    }
}

} // namespace

struct SafetensorsWriter::State {
    struct Slot {
        Declaration declaration;
        std::uint64_t begin = 0; ///< in the file
        bool written = false;
    };

    explicit State(std::filesystem::path path) : file(std::move(path)) {}

    AtomicFile file;
    std::vector<Slot> slots; ///< in the order of the file
    std::unordered_map<std::string_view, Slot*> byName;

    /// Orders the tensors so that each is aligned to its elements, and writes their header.
    void layOut(std::span<const Declaration> declarations, const Metadata& metadata) {
        std::vector<std::size_t> order(declarations.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return itemSize(declarations[a].dtype) > itemSize(declarations[b].dtype);
        });
        std::string header = "{";
        if (!metadata.empty()) {
            header += "\"__metadata__\":{";
            for (const auto& [key, value] : metadata)
                header += quoted(key) + ":" + quoted(value) + ",";
            header.back() = '}';
            header += ",";
        }
        slots.reserve(order.size());
        std::uint64_t position = 0;
        for (const auto index : order) {
            const auto& declared = declarations[index];
            const std::uint64_t begin = position;
            position += bytesOf(declared);
            header += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                                  quoted(declared.name), safetensorsName(declared.dtype),
                                  fmt::join(declared.shape.sizes(), ","), begin, position);
            slots.push_back({declared, begin, false});
        }
        if (header.back() == ',')
            header.pop_back();
        header += "}";
        header.resize((header.size() + 7) / 8 * 8, ' '); // the numbers begin at a multiple of 8
        if (header.size() > SafetensorsFile::maxHeaderBytes)
            throw UsageError(
                fmt::format("{} would need a header of {} bytes, more than the {} that the format "
                            "allows; write fewer tensors or less metadata.",
                            file.file().string(), header.size(), SafetensorsFile::maxHeaderBytes));
        const std::uint64_t dataBegin = sizeof(std::uint64_t) + header.size();
        for (auto& slot : slots) {
            slot.begin += dataBegin;
            if (slot.declaration.name == "__metadata__" ||
                !byName.emplace(slot.declaration.name, &slot).second)
                throw UsageError(
                    fmt::format("The tensor name \"{}\" cannot be written to {}: it is reserved or "
                                "used twice.",
                                slot.declaration.name, file.file().string()));
        }
        const std::uint64_t headerBytes = header.size();
        file.put(0, &headerBytes, sizeof headerBytes);
        file.put(sizeof headerBytes, header.data(), header.size());
        file.resize(dataBegin + position);
    }

    static std::uint64_t bytesOf(const Declaration& declared) {
        std::uint64_t bytes = itemSize(declared.dtype);
        for (const auto size : declared.shape.sizes())
            ORRERY_CHECK(size >= 0 &&
                             !__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes) &&
                             bytes <= (std::uint64_t{1} << 60U),
                         "a tensor to write has a possible shape");
        return bytes;
    }
};

SafetensorsWriter::SafetensorsWriter(std::filesystem::path file, std::span<const Declaration> declarations,
                                     const Metadata& metadata)
    : m_state(std::make_unique<State>(std::move(file))) {
    m_state->layOut(declarations, metadata);
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::write(std::string_view name, const Tensor& tensor, const Progress& progress) {
    const auto found = m_state->byName.find(name);
    ORRERY_CHECK(found != m_state->byName.end(), fmt::format("\"{}\" was declared", name));
    auto& slot = *found->second;
    ORRERY_CHECK(!slot.written && tensor.dtype() == slot.declaration.dtype &&
                     tensor.shape() == slot.declaration.shape,
                 fmt::format("\"{}\" is written once, as declared", name));
    const Tensor whole = tensor.contiguous();
    m_state->file.put(slot.begin, whole.rawData(), whole.bytes(), progress);
    slot.written = true;
}

void SafetensorsWriter::finish() {
    for (const auto& slot : m_state->slots)
        if (!slot.written)
            throw Error(fmt::format("{} was not written: its tensor \"{}\" is missing.",
                                    m_state->file.file().string(), slot.declaration.name));
    m_state->file.finish();
}

void writeSafetensors(const std::filesystem::path& file,
                      std::span<const std::pair<std::string, Tensor>> tensors, const Metadata& metadata,
                      const Progress& progress) {
    std::vector<SafetensorsWriter::Declaration> declarations;
    double total = 0;
    for (const auto& [name, tensor] : tensors) {
        declarations.push_back({name, tensor.dtype(), tensor.shape()});
        total += static_cast<double>(tensor.bytes());
    }
    SafetensorsWriter writer(file, declarations, metadata);
    double done = 0;
    for (const auto& [name, tensor] : tensors) {
        progress.report("writing " + file.filename().string(), done, total);
        writer.write(name, tensor, progress);
        done += static_cast<double>(tensor.bytes());
    }
    writer.finish();
    progress.report("writing " + file.filename().string(), total, total);
}

} // namespace orrery::checkpoint
