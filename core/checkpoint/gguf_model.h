// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/config.h"
#include "checkpoint/gguf.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// How a tensor of a GGUF file relates to that of a Hugging Face checkpoint.
enum class GgufTransform {
    None,
    Transposed,  ///< GPT-2's Conv1D: [in, out] there, [out, in] here
    RotaryQuery, ///< LLaMA: rows of each head paired (0, d/2), (1, d/2 + 1) ... here, halves there
    RotaryKey,
};

/// One name in both worlds, without ".weight" and ".bias"; "{}" stands for the layer.
struct GgufName {
    std::string_view gguf;
    std::string_view huggingFace;
    GgufTransform transform = GgufTransform::None;
};

/// An architecture of GGUF files that Orrery has a family for.
struct GgufArchitecture {
    std::string_view id;           ///< general.architecture, and model_type
    std::string_view architecture; ///< class in config.json, unless the file says another
    std::vector<GgufName> names;
};

/// "bert", "gpt2", "llama", "qwen2", "qwen3"; null for others.
const GgufArchitecture* ggufArchitecture(std::string_view id);
/// "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight" and back; the name itself, with
/// transform None, where the table has none (tensors that a file of Orrery's own keeps beside the usual
/// ones).
struct RenamedTensor {
    std::string name;
    GgufTransform transform = GgufTransform::None;
};
RenamedTensor toHuggingFace(const GgufArchitecture& architecture, std::string_view name);
RenamedTensor toGguf(const GgufArchitecture& architecture, std::string_view name);

/// Row i of a rotary matrix of Hugging Face's layout is row result[i] of GGUF's.
std::vector<std::int32_t> rotaryOrder(std::int64_t heads, std::int64_t rows);

/// A GGUF file as the model that it holds: what config.json would say, and the weights under the names and in
/// the layouts of Hugging Face. Views of the mapped file but for LLaMA's dense queries and keys, which are
/// copied when asked for; quantised ones are read in another order of rows.
struct GgufModel {
    ModelConfig config;
    std::shared_ptr<const Checkpoint> weights;
    std::shared_ptr<const GgufFile> file;
};

/// Of a .gguf file, or a folder without config.json that holds one; none for anything else. InputError for
/// architectures that Orrery has no family for, missing settings, and parts of a split model.
std::optional<GgufModel> ggufModel(const std::filesystem::path& fileOrFolder);
GgufModel ggufModel(std::shared_ptr<const GgufFile> file);

} // namespace orrery::checkpoint
