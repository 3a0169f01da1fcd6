// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/source.h"

#include "base/error.h"
#include "checkpoint/gguf.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/torch_legacy.h"
#include "checkpoint/torch_zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace orrery::checkpoint {
namespace {

struct KnownBeginning {
    std::string_view bytes;
    std::string_view sentence; ///< follows the name of the file
};

constexpr KnownBeginning notCheckpoints[] = {
    {"version https://git-lfs",
     "is a git-lfs pointer, not the weights themselves; run \"git lfs pull\" in its folder, or download the "
     "file directly."},
    {"\x89HDF", "is an HDF5 file (TensorFlow or Keras), which Orrery does not read; use the model's "
                "safetensors files."},
    {"\x93NUMPY", "is a NumPy array, not a checkpoint; convert it to safetensors."},
    {"\x1f\x8b", "is compressed with gzip; decompress it first."},
    {"<!DOCTYPE", "is a web page, so the download went wrong; download the file itself."},
    {"<!doctype", "is a web page, so the download went wrong; download the file itself."},
    {"<html", "is a web page, so the download went wrong; download the file itself."},
};

} // namespace

const Metadata& Source::metadata() const {
    static const Metadata none;
    return none;
}

BlockMatrix Source::blocks(std::size_t index) const {
    failedCheck("blocks", __FILE__, __LINE__, fmt::format("tensor {} is quantised", index));
}

std::shared_ptr<const Source> openSource(std::shared_ptr<Storage> bytes, const std::string& fileName) {
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->bytes());
    if (text.empty())
        throw InputError(fmt::format("{} is empty; download or write it again.", fileName));
    for (const auto& known : notCheckpoints)
        if (text.starts_with(known.bytes))
            throw InputError(fmt::format("{} {}", fileName, known.sentence));
    if (text.starts_with("GGUF"))
        return std::make_shared<GgufFile>(std::move(bytes), fileName);
    if (text.size() > 8 && text[8] == '{')
        return std::make_shared<SafetensorsFile>(std::move(bytes), fileName);
    if (text.starts_with("PK"))
        return std::make_shared<TorchZip>(std::move(bytes), fileName);
    if (text.front() == '\x80' || text.starts_with("L119547037146038801333356L"))
        return std::make_shared<TorchLegacy>(std::move(bytes), fileName);
    if (fileName.ends_with(".safetensors")) // damaged: its reader knows best how to say so
        return std::make_shared<SafetensorsFile>(std::move(bytes), fileName);
    if (text.size() > 262 && text.substr(257, 5) == "ustar")
        throw InputError(fmt::format(
            "{} is a tar archive (PyTorch before 0.1.10); load and save it with a newer PyTorch first.",
            fileName));
    throw InputError(fmt::format("{} is neither a safetensors, a PyTorch nor a GGUF file; give a model's "
                                 "folder, its model.safetensors, its "
                                 "pytorch_model.bin or its .gguf file.",
                                 fileName));
}

} // namespace orrery::checkpoint
