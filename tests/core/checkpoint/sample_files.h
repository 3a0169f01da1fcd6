// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "tensor/tensor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Files made by hand for the tests of checkpoints, sound and hostile.
namespace orrery::checkpoint {

inline const std::filesystem::path golden = ORRERY_GOLDEN_DIR;

/// A folder of its own for a test, gone afterwards.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "orrery-checkpoint-XXXXXX").string();
        m_path = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return m_path / name; }
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

inline std::string readBytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline void writeBytes(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <typename T>
std::string littleEndian(T value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// A safetensors file of this header and these bytes.
inline std::string safetensors(const std::string& header, const std::string& data) {
    return littleEndian<std::uint64_t>(header.size()) + header + data;
}

/// Bytes in memory as a file would be mapped; the exact size, so that a sanitizer sees every step outside.
inline std::shared_ptr<Storage> inMemory(const std::string& bytes) {
    std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
    std::memcpy(copy.get(), bytes.data(), bytes.size());
    const std::span<std::byte> all(copy.get(), bytes.size());
    return Storage::borrow(all, copy);
}

inline std::shared_ptr<const Checkpoint> openBytes(const std::string& bytes,
                                                   const std::string& name = "FILE.safetensors") {
    return Checkpoint::of(openSource(inMemory(bytes), name));
}

/// The sentence with which opening fails; a failure of the test when it does not.
template <typename Function>
std::string sentenceOf(Function&& function) {
    try {
        function();
    } catch (const InputError& error) {
        return error.what();
    }
    ADD_FAILURE() << "no InputError was thrown";
    return {};
}

/// Elements in row-major order as they lie in memory.
inline std::string bytesOf(const Tensor& tensor) {
    const Tensor whole = tensor.contiguous();
    return {reinterpret_cast<const char*>(whole.rawData()), whole.bytes()};
}

/// A zip archive of stored entries, as torch.save writes it (without its alignment); with zip64, every size
/// and offset of the directory stands in the 64-bit fields.
inline std::string zipOf(const std::vector<std::pair<std::string, std::string>>& entries,
                         bool zip64 = false) {
    const auto u16 = [](std::size_t value) { return littleEndian(static_cast<std::uint16_t>(value)); };
    const auto u32 = [](std::size_t value) { return littleEndian(static_cast<std::uint32_t>(value)); };
    const auto u64 = [](std::size_t value) { return littleEndian(static_cast<std::uint64_t>(value)); };
    const std::string full = u32(0xffffffff);
    std::string file;
    std::string directory;
    for (const auto& [name, content] : entries) {
        const std::string extra =
            zip64 ? u16(1) + u16(24) + u64(content.size()) + u64(content.size()) + u64(file.size()) : "";
        const std::string sizes = zip64 ? full + full : u32(content.size()) + u32(content.size());
        const std::string flagsToCrc = u16(0) + u16(0) + u32(0) + u32(0);
        directory += "PK\1\2" + u16(20) + u16(20) + flagsToCrc + sizes + u16(name.size()) +
                     u16(extra.size()) + u16(0) + u16(0) + u16(0) + u32(0) +
                     (zip64 ? full : u32(file.size())) + name + extra;
        file += "PK\3\4" + u16(20) + flagsToCrc + u32(content.size()) + u32(content.size()) +
                u16(name.size()) + u16(0) + name + content;
    }
    const std::size_t begin = file.size();
    file += directory;
    if (zip64) {
        const std::size_t record = file.size();
        file += "PK\6\6" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(entries.size()) +
                u64(entries.size()) + u64(directory.size()) + u64(begin);
        file += "PK\6\7" + u32(0) + u64(record) + u32(1);
        return file + "PK\5\6" + u16(0) + u16(0) + u16(0xffff) + u16(0xffff) + full + full + u16(0);
    }
    return file + "PK\5\6" + u16(0) + u16(0) + u16(entries.size()) + u16(entries.size()) +
           u32(directory.size()) + u32(begin) + u16(0);
}

} // namespace orrery::checkpoint
