// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/gguf_export.h"

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/gguf_model.h"
#include "checkpoint/gguf_writer.h"
#include "model/family.h"
#include "model/gguf_tokenizer.h"
#include "model/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

namespace fs = std::filesystem;
using checkpoint::Checkpoint;
using checkpoint::GgufArchitecture;
using checkpoint::GgufSettings;
using checkpoint::GgufTensor;
using checkpoint::GgufTransform;
using checkpoint::ModelConfig;
using checkpoint::RenamedTensor;

std::uint32_t u32(std::int64_t value) {
    return static_cast<std::uint32_t>(value); // ModelConfig gives 0 .. 2^31 - 1
}

void addSizes(const ModelConfig& config, const GgufArchitecture& architecture, GgufSettings& settings) {
    const std::string id(architecture.id);
    const auto add = [&](const char* key, checkpoint::GgufOutput value) {
        settings.emplace_back(id + "." + key, std::move(value));
    };
    const std::int64_t width = config.positive({"hidden_size", "n_embd"});
    const std::int64_t heads = config.positive({"num_attention_heads", "n_head"});
    add("context_length", u32(config.positive({"max_position_embeddings", "n_positions"})));
    add("embedding_length", u32(width));
    add("block_count", u32(config.positive({"num_hidden_layers", "n_layer"})));
    add("feed_forward_length", u32(config.positive({"intermediate_size", "n_inner"}, 4 * width)));
    add("attention.head_count", u32(heads));
    if (id == "bert") {
        add("attention.layer_norm_epsilon", static_cast<float>(config.real({"layer_norm_eps"}, 1e-12)));
        add("attention.causal", false);
    } else if (id == "gpt2") {
        add("attention.layer_norm_epsilon", static_cast<float>(config.real({"layer_norm_epsilon"}, 1e-5)));
    } else {
        add("attention.head_count_kv", u32(config.positive({"num_key_value_heads"}, heads)));
        add("attention.layer_norm_rms_epsilon", static_cast<float>(config.real({"rms_norm_eps"}, 1e-6)));
        // Newer files keep the base with the scaling.
        const ModelConfig rope =
            config.section(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
        add("rope.freq_base",
            static_cast<float>((rope.has("rope_theta") ? rope : config).real({"rope_theta"}, 10000)));
        add("rope.dimension_count", u32(config.positive({"head_dim"}, width / heads)));
        add("attention.key_length", u32(config.positive({"head_dim"}, width / heads)));
        const std::string scaling = rope.text({"rope_type", "type"}, "default");
        const bool usualYarn = scaling == "yarn" && !rope.has("attention_factor") && !rope.has("beta_fast") &&
                               !rope.has("beta_slow") && !rope.has("mscale");
        if (scaling == "linear" || usualYarn) {
            add("rope.scaling.type", scaling);
            add("rope.scaling.factor", static_cast<float>(rope.real({"factor"})));
            if (rope.has("original_max_position_embeddings"))
                add("rope.scaling.original_context_length",
                    u32(rope.positive({"original_max_position_embeddings"})));
        } else if (scaling != "default" && scaling != "llama3") { // llama3: a table among the tensors
            throw config.error(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling",
                               "a scaling that Orrery does not write to GGUF files; use safetensors");
        }
        if (config.boolean({"use_sliding_window"}, false))
            throw config.error("use_sliding_window", "which GGUF files do not say; use safetensors");
    }
}

GgufSettings settingsOf(const fs::path& folder, const ModelConfig& config,
                        const GgufArchitecture& architecture, std::string_view type) {
    GgufSettings settings{{"general.architecture", std::string(architecture.id)},
                          {"general.name", folder.filename().string()},
                          {"general.quantization_version", std::uint32_t{2}}};
    constexpr std::pair<std::string_view, std::uint32_t> fileTypes[] = {
        {"F32", 0}, {"F16", 1}, {"Q4_0", 2}, {"Q8_0", 7}, {"BF16", 32}};
    for (const auto& [name, number] : fileTypes)
        if (name == type)
            settings.emplace_back("general.file_type", number);
    addSizes(config, architecture, settings);
    if (const auto names = config.architectures(); !names.empty())
        settings.emplace_back("orrery.architecture", names.front());
    if (config.has("id2label") || config.has("num_labels"))
        settings.emplace_back("orrery.labels", config.labels());
    for (const auto& [key, name] : {std::pair("bos_token_id", "bos"), std::pair("eos_token_id", "eos"),
                                    std::pair("pad_token_id", "padding")})
        if (config.has(key) && config.json()[key].is_number_unsigned())
            settings.emplace_back(fmt::format("tokenizer.ggml.{}_token_id", name),
                                  config.json()[key].get<std::uint32_t>());
    if (fs::exists(folder / "tokenizer.json"))
        for (auto& [key, value] : ggufTokenizerSettings(readJsonFile(folder / "tokenizer.json"))) {
            bool known = false; // what config.json says comes first
            for (const auto& [other, ignored] : settings)
                known = known || other == key;
            if (!known)
                settings.emplace_back(std::move(key), std::move(value));
        }
    return settings;
}

/// The name in GGUF; none for what is no weight, or there twice.
std::optional<RenamedTensor> nameOf(std::string name, const GgufArchitecture& architecture, bool tied,
                                    const Checkpoint& checkpoint) {
    if (isBuffer(name))
        return {};
    if (tied && (name == "lm_head.weight" || name == "cls.predictions.decoder.weight"))
        return {};
    if (name == "cls.predictions.decoder.bias" && checkpoint.contains("cls.predictions.bias"))
        return {};
    for (const auto& [before, now] : {std::pair(".gamma", ".weight"), std::pair(".beta", ".bias")})
        if (name.ends_with(before)) // BERT's first checkpoints
            name = name.substr(0, name.size() - std::strlen(before)) + now;
    // Base models are stored without prefix; the table has GPT-2's and LLaMA's and lacks BERT's.
    const std::string_view prefix = architecture.id == "bert"   ? "bert."
                                    : architecture.id == "gpt2" ? "transformer."
                                                                : "model.";
    for (const std::string& candidate :
         {name, std::string(prefix) + name,
          name.starts_with(prefix) ? name.substr(prefix.size()) : std::string()})
        if (RenamedTensor found = toGguf(architecture, candidate); found.name != candidate)
            return found;
    if (architecture.id == "bert" && name.starts_with(prefix))
        name.erase(0, prefix.size()); // the pooler, beside the base model's renamed tensors
    return RenamedTensor{name, GgufTransform::None};
}

/// Rows from halves of each head to pairs.
Tensor paired(const Tensor& tensor, const std::vector<std::int32_t>& order) {
    const Tensor whole = tensor.contiguous();
    const Tensor result = Tensor::empty(whole.shape(), whole.dtype());
    const std::size_t row = whole.bytes() / order.size();
    for (std::size_t i = 0; i < order.size(); ++i)
        std::memcpy(result.mutableRawData() + static_cast<std::size_t>(order[i]) * row,
                    whole.rawData() + i * row, row);
    return result;
}

GgufTensor tensorOf(const std::shared_ptr<const Checkpoint>& checkpoint, const std::string& name,
                    const RenamedTensor& renamed, const checkpoint::GgufTensorType& type,
                    const ModelConfig& config) {
    const checkpoint::TensorInfo& info = checkpoint->info(name);
    GgufTensor tensor;
    tensor.name = renamed.name;
    tensor.shape = info.shape;
    tensor.values = [checkpoint, name] { return checkpoint->tensor(name); };
    if (renamed.transform == GgufTransform::Transposed && info.shape.rank() == 2) {
        tensor.shape = Shape{info.shape[1], info.shape[0]};
        tensor.values = [checkpoint, name] { return checkpoint->tensor(name).transpose(0, 1); };
    } else if (renamed.transform != GgufTransform::None) {
        const std::int64_t heads = config.positive({"num_attention_heads"});
        const std::int64_t groups = renamed.transform == GgufTransform::RotaryKey
                                        ? config.positive({"num_key_value_heads"}, heads)
                                        : heads;
        if (info.shape[0] % groups != 0 || info.shape[0] / groups % 2 != 0)
            throw UsageError(
                fmt::format("The {} rows of \"{}\" are no {} heads of pairs.", info.shape[0], name, groups));
        tensor.values = [checkpoint, name, order = checkpoint::rotaryOrder(groups, info.shape[0])] {
            return paired(checkpoint->tensor(name), order);
        };
    }
    const char* fallback = type.blocks ? "F16" : "F32";
    const bool matrix = tensor.shape.rank() >= 2;
    const bool fits = matrix && tensor.shape[-1] % type.blockElements == 0;
    tensor.type = fits ? &type : checkpoint::ggufTensorType(matrix ? fallback : "F32");
    return tensor;
}

/// LLaMA 3.1's way of slowing its rotary positions down, as GGUF files hold it: a divisor for every pair.
std::optional<GgufTensor> divisorsOf(const StackConfig& stack) {
    if (stack.rotaries.empty() || stack.rotaries.front().scaling != nn::RotaryScaling::Llama3)
        return {};
    nn::RotarySettings plain = stack.rotaries.front();
    const std::vector<float> slowed = nn::rotaryFrequencies(plain, 1);
    plain.scaling = nn::RotaryScaling::None;
    std::vector<float> divisors = nn::rotaryFrequencies(plain, 1);
    for (std::size_t i = 0; i < divisors.size(); ++i)
        divisors[i] /= slowed[i];
    GgufTensor tensor;
    tensor.name = "rope_freqs.weight";
    tensor.shape = Shape{static_cast<std::int64_t>(divisors.size())};
    tensor.type = checkpoint::ggufTensorType("F32");
    tensor.values = [values = Tensor::of<float>(tensor.shape, divisors)] { return values; };
    return tensor;
}

/// What a GGUF file says only by its architecture must be so in this model.
void checkSame(const StackConfig& want, const StackConfig& got, const fs::path& folder) {
    const bool same = want.causal == got.causal && want.activation == got.activation &&
                      want.headActivation == got.headActivation && want.scaleByLayer == got.scaleByLayer &&
                      want.scaleScores == got.scaleScores && want.head == got.head &&
                      want.normPlacement == got.normPlacement && want.tiedEmbeddings == got.tiedEmbeddings &&
                      want.maxPositions == got.maxPositions && want.vocabulary == got.vocabulary &&
                      want.typeVocabulary == got.typeVocabulary && want.labels == got.labels &&
                      static_cast<float>(want.normEpsilon) == static_cast<float>(got.normEpsilon);
    if (!same)
        throw UsageError(
            fmt::format("The model in {} differs from the usual {} in what GGUF files do not say "
                        "(activation, scaling of attention or the like); use safetensors.",
                        folder.string(), want.family));
}

} // namespace

void exportGguf(const fs::path& folder, const fs::path& file, std::string_view type,
                const Progress& progress) {
    const checkpoint::GgufTensorType* stored = checkpoint::ggufTensorType(type);
    constexpr std::string_view known[] = {"F32", "F16", "BF16", "Q8_0", "Q4_0"};
    if (stored == nullptr || std::find(std::begin(known), std::end(known), type) == std::end(known))
        throw UsageError(fmt::format(
            "\"{}\" is no type for GGUF files that Orrery writes; choose F32, F16, BF16, Q8_0 or Q4_0.",
            type));
    if (file.extension() != ".gguf")
        throw UsageError(fmt::format("A GGUF file's name ends in .gguf, which {} does not.", file.string()));
    const ModelConfig config = ModelConfig::read(folder);
    const GgufArchitecture* architecture = checkpoint::ggufArchitecture(config.modelType());
    if (architecture == nullptr)
        throw UsageError(
            fmt::format("Models of the family \"{}\" have no form in GGUF that Orrery writes; it "
                        "writes bert, gpt2, llama, qwen2 and qwen3.",
                        config.modelType()));
    const StackConfig stack = familyFor(config).read(config);
    const auto weights = Checkpoint::open(folder);
    std::vector<GgufTensor> tensors;
    std::set<std::string> names;
    for (const std::string& name : weights->names()) {
        const auto renamed = nameOf(name, *architecture, stack.tiedEmbeddings, *weights);
        const auto& info = weights->info(name);
        if (renamed && info.dtype && isFloating(*info.dtype) && names.insert(renamed->name).second)
            tensors.push_back(tensorOf(weights, name, *renamed, *stored, config));
    }
    if (auto divisors = divisorsOf(stack))
        tensors.push_back(std::move(*divisors));
    checkpoint::writeGguf(file, settingsOf(folder, config, *architecture, type), tensors, progress);
    try {
        const auto written = checkpoint::ggufModel(file);
        ORRERY_CHECK(written.has_value(), "what was written is a model");
        checkSame(stack, familyFor(written->config).read(written->config), folder);
    } catch (...) {
        std::error_code ignored;
        fs::remove(file, ignored);
        throw;
    }
}

} // namespace orrery::model
