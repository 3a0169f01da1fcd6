// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/source.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace orrery::checkpoint {

/// The weights of a model by name, whatever file format they are in. Opening maps the files and reads their
/// directories only; numbers are read from disk when someone looks at them. Immutable, shared between
/// threads.
///
/// Accepted: model.safetensors, model.safetensors.index.json with its shards, pytorch_model.bin (zip or the
/// older plain pickle), pytorch_model.bin.index.json with its shards; in a folder they are looked for in this
/// order, then a single *.safetensors of another name, then a single *.gguf.
class Checkpoint {
public:
    /// A folder, a checkpoint file or an index file. InputError naming the file and the remedy.
    static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& folderOrFile);
    /// One opened file as a checkpoint (files from memory, tests).
    static std::shared_ptr<const Checkpoint> of(std::shared_ptr<const Source> source);

    /// What was given to open().
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    /// All files that hold tensors, in the order of their names.
    [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return m_files; }
    /// The index of a sharded checkpoint; empty for one file.
    [[nodiscard]] const std::filesystem::path& index() const { return m_index; }
    [[nodiscard]] std::string_view format() const;  ///< of the first file, see Source::format
    [[nodiscard]] const Metadata& metadata() const; ///< of the first file

    /// In the order of the files.
    [[nodiscard]] const std::vector<std::string>& names() const { return m_names; }
    [[nodiscard]] bool contains(std::string_view name) const { return find(name) != nullptr; }
    /// Null when there is no tensor of this name.
    [[nodiscard]] const TensorInfo* find(std::string_view name) const;
    /// InputError naming the nearest name when there is no such tensor.
    [[nodiscard]] const TensorInfo& info(std::string_view name) const;
    [[nodiscard]] const Shape& shape(std::string_view name) const { return info(name).shape; }
    [[nodiscard]] DType dtype(std::string_view name) const; ///< InputError when it is not a supported one
    [[nodiscard]] std::uint64_t bytes(std::string_view name) const { return info(name).bytes; }
    [[nodiscard]] const std::filesystem::path& file(std::string_view name) const { return info(name).file; }

    /// The tensor as stored: a view of the mapped file (never write to it), or a copy where the file holds it
    /// misaligned or compressed. InputError when missing or of an unsupported dtype.
    [[nodiscard]] Tensor tensor(std::string_view name) const;

    /// A quantised tensor (info().blocks) as stored, for products that read its blocks; see Source::blocks.
    [[nodiscard]] BlockMatrix blocks(std::string_view name) const;
    /// The opened files, for what a format says beyond tensors (see gguf_model.h).
    [[nodiscard]] const std::vector<std::shared_ptr<const Source>>& sources() const { return m_sources; }

    [[nodiscard]] std::uint64_t totalBytes() const { return m_totalBytes; }
    [[nodiscard]] std::uint64_t totalElements() const { return m_totalElements; }
    /// Identity of the weights for records: SHA-256 from pieces of every file (see fingerprintFile); reads at
    /// most 4 MiB a file. Of a single file it is fingerprintFile(file).
    [[nodiscard]] std::string fingerprint() const;

private:
    struct Place {
        std::size_t source;
        std::size_t index;
    };
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    Checkpoint() = default;
    /// chosen: take these tensors only; null for all.
    void add(std::shared_ptr<const Source> source, const std::unordered_set<std::string>* chosen);
    void addShards(const std::filesystem::path& index);
    [[nodiscard]] const Place& place(std::string_view name) const;

    std::filesystem::path m_path;
    std::filesystem::path m_index;
    std::vector<std::filesystem::path> m_files;
    std::vector<std::shared_ptr<const Source>> m_sources;
    std::vector<std::string> m_names;
    std::unordered_map<std::string, Place, Hash, std::equal_to<>> m_places;
    std::uint64_t m_totalBytes = 0;
    std::uint64_t m_totalElements = 0;
};

} // namespace orrery::checkpoint
