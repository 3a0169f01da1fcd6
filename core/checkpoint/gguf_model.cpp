// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/gguf_model.h"

#include "base/error.h"
#include "checkpoint/shown_text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

namespace orrery::checkpoint {
namespace {

namespace fs = std::filesystem;

/// The settings of one architecture: "llama.block_count" is integer("block_count").
class Settings {
public:
    Settings(const GgufMetadata& all, std::string_view architecture) : m_all(all), m_prefix(architecture) {}

    [[nodiscard]] std::int64_t integer(std::string_view key) const {
        const auto value = m_all.integer(path(key));
        if (!value)
            throw InputError(fmt::format("{} lacks the setting \"{}\"; convert the model again.",
                                         m_all.fileName(), path(key)));
        return *value;
    }
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback) const {
        return m_all.integer(path(key)).value_or(fallback);
    }
    [[nodiscard]] std::optional<double> real(std::string_view key) const { return m_all.real(path(key)); }
    [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const {
        return m_all.text(path(key));
    }
    [[nodiscard]] bool has(std::string_view key) const { return m_all.has(path(key)); }

private:
    [[nodiscard]] std::string path(std::string_view key) const { return fmt::format("{}.{}", m_prefix, key); }

    const GgufMetadata& m_all;
    std::string m_prefix;
};

const TensorInfo* find(const GgufFile& file, std::string_view name) {
    for (const TensorInfo& info : file.tensors())
        if (info.name == name)
            return &info;
    return nullptr;
}

std::int64_t rowsOf(const GgufFile& file, std::string_view name) {
    const TensorInfo* info = find(file, name);
    if (info == nullptr || info->shape.rank() != 2)
        throw InputError(
            fmt::format("{} lacks the matrix \"{}\"; convert the model again.", file.fileName(), name));
    return info->shape[0];
}

/// binary32 numbers as people wrote them: 1e-5, not 9.99999974e-06.
double shortest(double value) {
    return std::stod(fmt::format("{}", static_cast<float>(value)));
}

void addBert(const Settings& settings, const GgufFile& file, Json& config) {
    config["hidden_size"] = settings.integer("embedding_length");
    config["num_hidden_layers"] = settings.integer("block_count");
    config["num_attention_heads"] = settings.integer("attention.head_count");
    config["intermediate_size"] = settings.integer("feed_forward_length");
    config["max_position_embeddings"] = rowsOf(file, "position_embd.weight");
    config["type_vocab_size"] = rowsOf(file, "token_types.weight");
    config["layer_norm_eps"] = shortest(settings.real("attention.layer_norm_epsilon").value_or(1e-12));
}

void addGpt2(const Settings& settings, const GgufFile& file, Json& config) {
    config["n_embd"] = settings.integer("embedding_length");
    config["n_layer"] = settings.integer("block_count");
    config["n_head"] = settings.integer("attention.head_count");
    config["n_inner"] = settings.integer("feed_forward_length");
    config["n_positions"] = rowsOf(file, "position_embd.weight");
    config["layer_norm_epsilon"] = shortest(settings.real("attention.layer_norm_epsilon").value_or(1e-5));
    config["activation_function"] = "gelu_new";
}

/// Divisors of the turning of each pair, which LLaMA 3.1's files keep as a tensor; the model's reader checks
/// their number and values.
Json divisorsOf(const GgufFile& file) {
    constexpr std::int64_t most = 4096;
    Json divisors = Json::array();
    for (std::size_t i = 0; i < file.tensors().size(); ++i) {
        const TensorInfo& info = file.tensors()[i];
        if (info.name != "rope_freqs.weight")
            continue;
        if (info.dtype != DType::F32 || info.shape.rank() != 1 || info.shape[0] > most)
            throw InputError(fmt::format(
                "{}: \"rope_freqs.weight\" is no row of numbers; convert the model again.", file.fileName()));
        for (const float value : file.tensor(i).toFloats())
            divisors.push_back(shortest(value));
    }
    return divisors;
}

void addRotary(const Settings& settings, const GgufFile& file, Json& config) {
    if (Json divisors = divisorsOf(file); !divisors.empty()) {
        config["rope_scaling"] = {
            {"rope_type", "longrope"}, {"short_factor", divisors}, {"long_factor", divisors}};
        return;
    }
    const std::string_view scaling = settings.text("rope.scaling.type").value_or("none");
    const double factor = shortest(settings.real("rope.scaling.factor").value_or(1));
    if (scaling == "linear") {
        config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", factor}};
    } else if (scaling == "yarn") {
        Json& rope = config["rope_scaling"];
        rope = {{"rope_type", "yarn"}, {"factor", factor}};
        if (settings.has("rope.scaling.original_context_length"))
            rope["original_max_position_embeddings"] =
                settings.integer("rope.scaling.original_context_length");
        if (const auto magnitude = settings.real("rope.scaling.attn_factor"); magnitude && factor > 1)
            rope["attention_factor"] = *magnitude * (1 + 0.1 * std::log(factor));
    } else if (scaling != "none") {
        throw InputError(
            fmt::format("{}: rope.scaling.type is \"{}\"; Orrery reads \"none\", \"linear\" and \"yarn\".",
                        file.fileName(), shownText(scaling)));
    }
}

void addLlama(const Settings& settings, const GgufFile& file, Json& config) {
    const std::int64_t heads = settings.integer("attention.head_count");
    const std::int64_t width = settings.integer("embedding_length");
    config["hidden_size"] = width;
    config["num_hidden_layers"] = settings.integer("block_count");
    config["num_attention_heads"] = heads;
    config["num_key_value_heads"] = settings.integer("attention.head_count_kv", heads);
    config["intermediate_size"] = settings.integer("feed_forward_length");
    config["max_position_embeddings"] = settings.integer("context_length");
    config["rms_norm_eps"] = shortest(settings.real("attention.layer_norm_rms_epsilon").value_or(1e-6));
    config["rope_theta"] = shortest(settings.real("rope.freq_base").value_or(10000));
    config["hidden_act"] = "silu";
    if (heads > 0)
        config["head_dim"] = settings.integer("attention.key_length", width / heads);
    if (settings.has("expert_count") && settings.integer("expert_count") > 0)
        throw InputError(
            fmt::format("{} is a mixture of experts, which Orrery does not read from GGUF files; use "
                        "the model's safetensors files.",
                        file.fileName()));
    addRotary(settings, file, config);
}

ModelConfig configOf(const GgufFile& file, const GgufArchitecture& architecture) {
    const GgufMetadata& all = file.settings();
    const Settings settings(all, architecture.id);
    Json config = Json::object();
    config["model_type"] = architecture.id;
    // Files of Orrery's own say which head they hold; others hold the usual one.
    config["architectures"] =
        Json::array({std::string(all.text("orrery.architecture").value_or(architecture.architecture))});
    config["vocab_size"] = rowsOf(file, "token_embd.weight");
    config["tie_word_embeddings"] = find(file, "output.weight") == nullptr;
    if (architecture.id == "bert")
        addBert(settings, file, config);
    else if (architecture.id == "gpt2")
        addGpt2(settings, file, config);
    else
        addLlama(settings, file, config);
    constexpr std::pair<const char*, const char*> ids[] = {
        {"tokenizer.ggml.bos_token_id", "bos_token_id"},
        {"tokenizer.ggml.eos_token_id", "eos_token_id"},
        {"tokenizer.ggml.padding_token_id", "pad_token_id"}};
    for (const auto& [key, name] : ids)
        if (const auto id = all.integer(key))
            config[name] = *id;
    if (const auto labels = all.texts("orrery.labels"))
        for (std::size_t i = 0; i < labels->size(); ++i)
            config["id2label"][std::to_string(i)] = std::string((*labels)[i]);
    return {std::move(config), file.fileName()};
}

Tensor inOrder(const Tensor& tensor, const std::vector<std::int32_t>& order) {
    const Tensor whole = tensor.contiguous();
    Tensor result = Tensor::empty(whole.shape(), whole.dtype());
    const std::size_t row = whole.bytes() / order.size();
    for (std::size_t i = 0; i < order.size(); ++i)
        std::memcpy(result.mutableRawData() + i * row,
                    whole.rawData() + static_cast<std::size_t>(order[i]) * row, row);
    return result;
}

/// The tensors of a file under other names and in other layouts.
class RenamedSource final : public Source {
public:
    RenamedSource(std::shared_ptr<const GgufFile> file, const GgufArchitecture& architecture,
                  const ModelConfig& config)
        : Source(file->fileName()), m_file(std::move(file)), m_tensors(m_file->tensors()) {
        for (TensorInfo& info : m_tensors) {
            RenamedTensor renamed = toHuggingFace(architecture, info.name);
            m_orders.emplace_back();
            if (renamed.transform == GgufTransform::Transposed) {
                if (info.shape.rank() != 2)
                    throw InputError(fmt::format("{}: \"{}\" is no matrix; convert the model again.",
                                                 fileName(), shownText(info.name)));
                info.shape = Shape{info.shape[1], info.shape[0]};
            } else if (renamed.transform != GgufTransform::None) {
                const std::int64_t heads = config.positive({renamed.transform == GgufTransform::RotaryQuery
                                                                ? "num_attention_heads"
                                                                : "num_key_value_heads"});
                const std::int64_t rows = info.shape[0];
                if (rows % heads != 0 || rows / heads % 2 != 0 || rows >= (std::int64_t{1} << 31U) ||
                    rows == 0)
                    throw InputError(
                        fmt::format("{}: the {} rows of \"{}\" are no {} heads of pairs; convert the "
                                    "model again.",
                                    fileName(), rows, shownText(info.name), heads));
                m_orders.back() = std::make_shared<const std::vector<std::int32_t>>(rotaryOrder(heads, rows));
            }
            info.name = std::move(renamed.name);
            m_transforms.push_back(renamed.transform);
        }
    }

    [[nodiscard]] std::string_view format() const override { return m_file->format(); }
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    [[nodiscard]] const Metadata& metadata() const override { return m_file->metadata(); }
    [[nodiscard]] Tensor tensor(std::size_t index) const override {
        const Tensor stored = m_file->tensor(index);
        if (m_transforms[index] == GgufTransform::Transposed)
            return stored.transpose(0, 1);
        return m_orders[index] ? inOrder(stored, *m_orders[index]) : stored;
    }
    [[nodiscard]] BlockMatrix blocks(std::size_t index) const override {
        BlockMatrix matrix = m_file->blocks(index);
        matrix.order = m_orders[index];
        return matrix;
    }

private:
    std::shared_ptr<const GgufFile> m_file;
    std::vector<TensorInfo> m_tensors;
    std::vector<GgufTransform> m_transforms;
    std::vector<std::shared_ptr<const std::vector<std::int32_t>>> m_orders; ///< null: as stored
};

} // namespace

GgufModel ggufModel(std::shared_ptr<const GgufFile> file) {
    const auto id = file->settings().text("general.architecture");
    if (!id)
        throw InputError(
            fmt::format("{} does not say of what architecture it is (general.architecture); it holds "
                        "no model that can run.",
                        file->fileName()));
    const GgufArchitecture* architecture = ggufArchitecture(*id);
    if (architecture == nullptr)
        throw InputError(
            fmt::format("{} holds a model of the architecture \"{}\"; from GGUF files Orrery reads "
                        "bert, gpt2, llama, qwen2 and qwen3. Use the model's safetensors files.",
                        file->fileName(), shownText(*id)));
    if (file->settings().integer("split.count").value_or(1) > 1)
        throw InputError(fmt::format("{} is one part of {}; join them into one file first.", file->fileName(),
                                     *file->settings().integer("split.count")));
    GgufModel model;
    model.config = configOf(*file, *architecture);
    model.weights = Checkpoint::of(std::make_shared<RenamedSource>(file, *architecture, model.config));
    model.file = std::move(file);
    return model;
}

std::optional<GgufModel> ggufModel(const fs::path& fileOrFolder) {
    std::error_code failure;
    const bool folder = fs::is_directory(fileOrFolder, failure);
    if (folder) {
        bool any = false;
        for (fs::directory_iterator it(fileOrFolder, failure), end; !failure && it != end;
             it.increment(failure)) {
            if (it->path().filename() == "config.json")
                return {};
            any = any || it->path().extension() == ".gguf";
        }
        if (!any)
            return {};
    } else if (fileOrFolder.extension() != ".gguf") {
        return {};
    }
    const auto checkpoint = Checkpoint::open(fileOrFolder);
    auto file = std::dynamic_pointer_cast<const GgufFile>(checkpoint->sources().front());
    if (!file)
        return {};
    return ggufModel(std::move(file));
}

} // namespace orrery::checkpoint
