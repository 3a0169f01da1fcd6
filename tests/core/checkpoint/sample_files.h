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

/// A zip archive of stored entries, as torch.save writes it (without its alignment).
inline std::string zipOf(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string file;
    std::string directory;
    for (const auto& [name, content] : entries) {
        const auto offset = static_cast<std::uint32_t>(file.size());
        const auto size = static_cast<std::uint32_t>(content.size());
        const std::string common =
            littleEndian<std::uint16_t>(0) + littleEndian<std::uint16_t>(0) + littleEndian<std::uint32_t>(0) +
            littleEndian<std::uint32_t>(0) + littleEndian(size) + littleEndian(size) +
            littleEndian(static_cast<std::uint16_t>(name.size())) + littleEndian<std::uint16_t>(0);
        file += "PK\3\4" + littleEndian<std::uint16_t>(20) + common + name + content;
        directory += "PK\1\2" + littleEndian<std::uint16_t>(20) + littleEndian<std::uint16_t>(20) + common +
                     littleEndian<std::uint16_t>(0) + littleEndian<std::uint16_t>(0) +
                     littleEndian<std::uint16_t>(0) + littleEndian<std::uint32_t>(0) + littleEndian(offset) +
                     name;
    }
    const auto count = static_cast<std::uint16_t>(entries.size());
    const auto begin = static_cast<std::uint32_t>(file.size());
    return file + directory + "PK\5\6" + littleEndian<std::uint16_t>(0) + littleEndian<std::uint16_t>(0) +
           littleEndian(count) + littleEndian(count) +
           littleEndian(static_cast<std::uint32_t>(directory.size())) + littleEndian(begin) +
           littleEndian<std::uint16_t>(0);
}

} // namespace orrery::checkpoint
