// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/checkpoint.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/options.h"
#include "checkpoint/shown_text.h"
#include "checkpoint/stored_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace orrery::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> knownFiles{"model.safetensors", "model.safetensors.index.json",
                                                     "pytorch_model.bin", "pytorch_model.bin.index.json"};

std::shared_ptr<const Source> openFile(const fs::path& file) {
    return openSource(Storage::mapFile(file), file.string());
}

/// The file to open in a model's folder.
fs::path findFile(const fs::path& folder) {
    std::error_code failure;
    for (const auto name : knownFiles)
        if (fs::exists(folder / name, failure))
            return folder / name;
    std::vector<fs::path> others;
    std::vector<fs::path> ggufs;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
        if (it->path().extension() == ".safetensors")
            others.push_back(it->path());
        else if (it->path().extension() == ".gguf")
            ggufs.push_back(it->path());
    }
    if (failure)
        throw InputError(
            fmt::format("The folder {} cannot be read ({}).", folder.string(), failure.message()));
    if (others.empty())
        std::swap(others, ggufs);
    if (others.size() == 1)
        return others.front();
    if (others.empty())
        throw InputError(
            fmt::format("The folder {} holds no checkpoint: model.safetensors, pytorch_model.bin, "
                        "an index of their shards or a .gguf file is needed; download it into this "
                        "folder.",
                        folder.string()));
    throw InputError(fmt::format("The folder {} holds {} {} files, but neither model.safetensors nor "
                                 "model.safetensors.index.json; give the path of the file that is meant.",
                                 folder.string(), others.size(),
                                 others.front().extension().string().substr(1)));
}

/// A shard lies next to its index: a path in its name would let an index open any file.
bool isPlainName(const std::string& name) {
    return !name.empty() && name.find('/') == std::string::npos && name.find('\0') == std::string::npos &&
           name != "." && name != "..";
}

/// Shard -> names of its tensors.
std::map<std::string, std::unordered_set<std::string>> readIndex(const fs::path& index) {
    const Json json = readJsonFile(index);
    const auto map = json.is_object() ? json.find("weight_map") : json.end();
    if (!json.is_object() || map == json.end() || !map->is_object() || map->empty())
        throw InputError(fmt::format("{} lacks its \"weight_map\" from tensors to files; download it again.",
                                     index.string()));
    std::map<std::string, std::unordered_set<std::string>> shards;
    for (const auto& [name, shard] : map->items()) {
        if (!shard.is_string() || !isPlainName(shard.get_ref<const std::string&>()))
            throw InputError(
                fmt::format("{} places the tensor \"{}\" in something that is no file name of the "
                            "same folder; download it again.",
                            index.string(), shownText(name)));
        shards[shard.get_ref<const std::string&>()].insert(name);
    }
    return shards;
}

} // namespace

std::shared_ptr<const Checkpoint> Checkpoint::open(const fs::path& folderOrFile) {
    std::error_code failure;
    if (!fs::exists(folderOrFile, failure))
        throw InputError(fmt::format("{} does not exist; check the path.", folderOrFile.string()));
    const fs::path file = fs::is_directory(folderOrFile, failure) ? findFile(folderOrFile) : folderOrFile;
    std::shared_ptr<Checkpoint> checkpoint(new Checkpoint);
    checkpoint->m_path = folderOrFile;
    if (file.extension() == ".json") {
        checkpoint->addShards(file);
    } else {
        checkpoint->add(openFile(file), nullptr);
        checkpoint->m_files = {file};
    }
    return checkpoint;
}

std::shared_ptr<const Checkpoint> Checkpoint::of(std::shared_ptr<const Source> source) {
    std::shared_ptr<Checkpoint> checkpoint(new Checkpoint);
    checkpoint->m_path = source->fileName();
    checkpoint->m_files = {checkpoint->m_path};
    checkpoint->add(std::move(source), nullptr);
    return checkpoint;
}

void Checkpoint::addShards(const fs::path& index) {
    const fs::path folder = index.parent_path();
    const auto shards = readIndex(index);
    std::error_code failure;
    std::vector<std::string> missing;
    for (const auto& [shard, names] : shards)
        if (!fs::exists(folder / shard, failure))
            missing.push_back(shard);
    if (!missing.empty())
        throw InputError(
            fmt::format("{} of the {} files that {} names {} missing: {}; download {} into the same "
                        "folder.",
                        missing.size(), shards.size(), index.string(), missing.size() == 1 ? "is" : "are",
                        missing.front(), missing.size() == 1 ? "it" : "them"));
    for (const auto& [shard, names] : shards) {
        add(openFile(folder / shard), &names);
        m_files.push_back(folder / shard);
        for (const auto& name : names)
            if (!contains(name))
                throw InputError(fmt::format("{} places the tensor \"{}\" in {}, which does not hold it; the "
                                             "files are of different versions, download them again.",
                                             index.string(), shownText(name), (folder / shard).string()));
    }
    m_index = index;
}

void Checkpoint::add(std::shared_ptr<const Source> source, const std::unordered_set<std::string>* chosen) {
    const auto& tensors = source->tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const TensorInfo& info = tensors[i];
        if (chosen && !chosen->contains(info.name))
            continue;
        m_places.emplace(info.name, Place{m_sources.size(), i});
        m_names.push_back(info.name);
        m_totalBytes += info.bytes;
        m_totalElements += static_cast<std::uint64_t>(info.shape.elements());
    }
    m_sources.push_back(std::move(source));
}

std::string_view Checkpoint::format() const {
    return m_sources.front()->format();
}

const Metadata& Checkpoint::metadata() const {
    return m_sources.front()->metadata();
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
    const auto found = m_places.find(name);
    return found == m_places.end() ? nullptr
                                   : &m_sources[found->second.source]->tensors()[found->second.index];
}

const Checkpoint::Place& Checkpoint::place(std::string_view name) const {
    const auto found = m_places.find(name);
    if (found != m_places.end())
        return found->second;
    const auto nearest = nearestName(name, m_names);
    throw InputError(fmt::format("{} holds no tensor called \"{}\"{}.", m_path.string(), shownText(name),
                                 nearest ? fmt::format("; did you mean \"{}\"?", shownText(*nearest))
                                         : std::string("; it may be the checkpoint of another model")));
}

const TensorInfo& Checkpoint::info(std::string_view name) const {
    const Place& at = place(name);
    return m_sources[at.source]->tensors()[at.index];
}

DType Checkpoint::dtype(std::string_view name) const {
    const TensorInfo& tensor = info(name);
    if (!tensor.dtype)
        throw unsupportedDtype(tensor);
    return *tensor.dtype;
}

Tensor Checkpoint::tensor(std::string_view name) const {
    const Place& at = place(name);
    return m_sources[at.source]->tensor(at.index);
}

BlockMatrix Checkpoint::blocks(std::string_view name) const {
    const Place& at = place(name);
    return m_sources[at.source]->blocks(at.index);
}

std::string Checkpoint::fingerprint() const {
    if (m_files.size() == 1)
        return fingerprintFile(m_files.front());
    std::string all;
    for (const auto& file : m_files)
        all += fingerprintFile(file) + "\n";
    return sha256(all);
}

} // namespace orrery::checkpoint
