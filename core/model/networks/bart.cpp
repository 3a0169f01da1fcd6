// SPDX-License-Identifier: GPL-3.0-or-later
// BART (Lewis et al. 2020, "BART: Denoising Sequence-to-Sequence Pre-training") and the families that differ
// from it in a few choices: where norms stand and how positions are told.
#include "base/error.h"
#include "model/networks/encoder_decoder.h"
#include "model/networks/families.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace orrery::model {
namespace {

constexpr double epsilon = 1e-5; ///< of every norm

struct Variant {
    std::string_view modelType;
    bool postNorm;
    bool embeddingNorm;
    bool finalNorm;
    bool sinusoids;                 ///< positions are sines, else learned
    std::int64_t reservedPositions; ///< rows of the position table before the first position's
    bool scaleEmbedding;            ///< where config.json does not say
    bool normsTokensFirst;          ///< the decoder's tokens are normed before positions are added
};

constexpr std::array variants{
    Variant{"bart", true, true, false, false, 2, false, false},
    Variant{"blenderbot", false, false, true, false, 0, false, false},
    Variant{"blenderbot-small", true, true, false, false, 0, false, true},
    Variant{"marian", true, false, false, true, 0, false, false},
    Variant{"mbart", false, true, true, false, 2, false, false},
    Variant{"pegasus", false, false, true, true, 0, false, false},
    Variant{"plbart", true, true, false, false, 2, true, false},
};

const Variant& variantOf(const checkpoint::ModelConfig& config) {
    const std::string type = config.modelType();
    for (const Variant& variant : variants)
        if (variant.modelType == type)
            return variant;
    return variants.front();
}

SequenceNames namesOf(bool decoder) {
    SequenceNames names;
    const auto attention = [](const std::string& path) {
        return SequenceNames::Attention{.query = path + ".q_proj",
                                        .key = path + ".k_proj",
                                        .value = path + ".v_proj",
                                        .out = path + ".out_proj",
                                        .norm = path + "_layer_norm"};
    };
    names.self = attention("self_attn");
    if (decoder)
        names.cross = attention("encoder_attn");
    names.mlpIn = {"fc1"};
    names.mlpOut = "fc2";
    names.mlpNorm = "final_layer_norm";
    return names;
}

/// Sines in the first half of the channels, cosines in the second; rows are computed when they are needed.
Tensor sinusoidRows(std::int64_t first, std::int64_t count, std::int64_t width) {
    const Tensor rows = Tensor::empty({count, width});
    const std::int64_t half = (width + 1) / 2;
    float* out = rows.mutablePointer<float>();
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = 0; j < width; ++j) {
            const std::int64_t pair = j < half ? j : j - half;
            const double angle =
                static_cast<double>(first + i) /
                std::pow(10000.0, 2 * static_cast<double>(pair) / static_cast<double>(width));
            out[i * width + j] = static_cast<float>(j < half ? std::sin(angle) : std::cos(angle));
        }
    return rows;
}

/// One of the two stacks, with what stands before and after its blocks.
struct Tower {
    std::string name; ///< "encoder"
    Tensor positions; ///< undefined: sines
    nn::Norm embeddingNorm;
    std::vector<SequenceBlock> blocks;
    nn::Norm finalNorm;
};

class Bart final : public EncoderDecoder {
public:
    Bart(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : EncoderDecoder(std::move(stack), static_cast<int>(config.positive({"decoder_layers"}, 12)),
                         config.positive({"max_position_embeddings"}, 1024)),
          m_variant(variantOf(config)), m_start(config.integer({"decoder_start_token_id"}, 2)),
          m_end(config.integer({"eos_token_id"}, 2)) {
        const std::int64_t width = this->config().hiddenSize;
        const std::int64_t words = this->config().vocabulary;
        const Weights model = all.under({"model", ""}, "encoder.layers.0.fc1.weight");
        m_scale = config.boolean({"scale_embedding"}, m_variant.scaleEmbedding)
                      ? std::sqrt(static_cast<double>(width))
                      : 1;
        m_tokens = sharedTokens(
            model, {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"},
            {words, width});
        m_encoder = tower(config, model, "encoder", width);
        m_decoder = tower(config, model, "decoder", width);
        const auto labels = static_cast<std::int64_t>(this->config().labels.size());
        if (isArchitecture(this->config(), "ForConditionalGeneration") ||
            isArchitecture(this->config(), "MTModel")) {
            Tensor bias;
            if (all.has("final_logits_bias"))
                bias = all.parameter("unembed", "final_logits_bias", {1, words}).reshape({words});
            if (config.boolean({"tie_word_embeddings"}, true)) {
                all.ignore("lm_head.weight");
                m_head = all.tied("unembed", m_tokens, bias);
            } else {
                m_head = all.linear("unembed", "lm_head", width, words, Bias::IfStored);
                m_headBias = bias;
            }
        } else if (isArchitecture(this->config(), "ForSequenceClassification")) {
            m_dense = all.linear("classifier.dense", "classification_head.dense", width, width);
            m_classifier = all.linear("classifier", "classification_head.out_proj", width, labels);
        } else if (isArchitecture(this->config(), "ForQuestionAnswering")) {
            m_answers = all.linear("answers", "qa_outputs", width, 2);
        }
    }

    [[nodiscard]] std::string task() const override {
        if (m_head.defined())
            return "text to text";
        if (m_classifier.defined())
            return "sequence classification";
        return m_answers.defined() ? "question answering" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return textInputs(); }
    [[nodiscard]] bool canUnembed() const override { return m_head.defined(); }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_tokens; }
    [[nodiscard]] Tensor unembed(const Tensor& rows, NetworkRun& run) const override {
        if (!m_head.defined())
            return Network::unembed(rows, run);
        return words(m_decoder.finalNorm.defined() ? run.norm(m_decoder.finalNorm, rows) : rows, run);
    }

protected:
    [[nodiscard]] Tensor encode(const NamedTensors& inputs, const Tensor& keyMask,
                                NetworkRun& run) const override {
        SequencePlace place{.name = "encoder", .aliases = "encoder_", .keyMask = keyMask};
        return through(m_encoder, inputs.at("input_ids"), 0, place, run);
    }
    [[nodiscard]] Tensor decode(DecoderRun& decoder, NetworkRun& run) const override {
        decoder.place.firstLayer = static_cast<int>(m_encoder.blocks.size());
        return through(m_decoder, decoder.ids, decoder.held, decoder.place, run);
    }
    void finish(const NamedTensors& inputs, const Tensor& decoded, NetworkRun& run,
                NamedTensors& outputs) const override {
        if (m_head.defined()) {
            outputs["logits"] = words(decoded, run);
        } else if (m_answers.defined()) {
            const Tensor both = run.linear(m_answers, decoded);
            outputs["start_logits"] = run.dense(both.select(2, 0));
            outputs["end_logits"] = run.dense(both.select(2, 1));
        } else if (m_classifier.defined()) {
            const Tensor ends = atEnds(inputs, decoded, run);
            outputs["logits"] = run.linear(m_classifier, run.linear(m_dense, ends, nn::Activation::Tanh));
        }
    }
    [[nodiscard]] Tensor defaultDecoderIds(const NamedTensors& inputs) const override {
        const auto ids = inputs.find("input_ids");
        return ids == inputs.end() ? Tensor::full({inputs.at("encoder_last_hidden_state").size(0), 1},
                                                  static_cast<double>(m_start), DType::I64)
                                   : shiftedRight(ids->second, m_start);
    }

private:
    [[nodiscard]] Tower tower(const checkpoint::ModelConfig& config, const Weights& model,
                              const std::string& name, std::int64_t width) const {
        Tower tower;
        tower.name = name;
        const Weights scope = model.in(name, name);
        const std::int64_t positions = config.positive({"max_position_embeddings"}, 1024);
        if (!m_variant.sinusoids || scope.has("embed_positions.weight"))
            tower.positions = scope.parameter("embed.positions", "embed_positions.weight",
                                              {positions + m_variant.reservedPositions, width});
        if (m_variant.embeddingNorm)
            tower.embeddingNorm = scope.layerNorm("embed.ln", "layernorm_embedding", width, epsilon);
        SequenceSpec spec;
        spec.width = width;
        spec.feedForward = config.positive({name + "_ffn_dim"}, 4096);
        const std::string heads = name + "_attention_heads";
        spec.takeHeads(config, heads, config.positive({heads}, 16));
        spec.epsilon = epsilon;
        spec.activation =
            nn::activationFromName(config.text({"activation_function"}, "gelu"), config.fileName());
        spec.postNorm = m_variant.postNorm;
        const std::int64_t layers = config.positive({name + "_layers"}, 12);
        for (std::int64_t i = 0; i < layers; ++i)
            tower.blocks.emplace_back(scope.in(fmt::format("blocks.{}", i), fmt::format("layers.{}", i)),
                                      spec, namesOf(name == "decoder"));
        if (m_variant.finalNorm)
            tower.finalNorm = scope.layerNorm("ln_final", "layer_norm", width, epsilon);
        return tower;
    }

    [[nodiscard]] Tensor through(const Tower& tower, const Tensor& ids, std::int64_t held,
                                 SequencePlace& place, NetworkRun& run) const {
        const std::int64_t width = config().hiddenSize;
        const std::int64_t length = ids.size(1);
        if (held + length > config().maxPositions)
            throw UsageError(fmt::format("This model reads up to {} tokens, not {}.", config().maxPositions,
                                         held + length));
        Tensor x = run.embed(m_tokens, ids);
        if (m_scale != 1)
            x = run.scaleChannels(x, Tensor::full({width}, m_scale));
        run.visit(tower.name + ".hook_embed", x);
        const bool normFirst = m_variant.normsTokensFirst && tower.name == "decoder";
        if (normFirst)
            x = run.norm(tower.embeddingNorm, x);
        const std::int64_t first = held + m_variant.reservedPositions;
        x = run.addRepeated(x, tower.positions.defined() ? tower.positions.slice(0, first, first + length)
                                                         : sinusoidRows(held, length, width));
        if (tower.embeddingNorm.defined() && !normFirst)
            x = run.norm(tower.embeddingNorm, x);
        place.finalNorm = tower.finalNorm.defined();
        x = runSequence(run, tower.blocks, x, place);
        if (!tower.finalNorm.defined())
            return x;
        x = run.norm(tower.finalNorm, x);
        run.visit(tower.name + ".ln_final.hook_normalized", x,
                  fmt::format("{}hidden_states.{}", place.aliases, tower.blocks.size()));
        return x;
    }

    [[nodiscard]] Tensor words(const Tensor& rows, NetworkRun& run) const {
        const Tensor logits = run.linear(m_head, rows);
        return m_headBias.defined() ? run.addRepeated(logits, m_headBias) : logits;
    }

    /// The decoder's output [B, D] at the last end token of each text that was read.
    [[nodiscard]] Tensor atEnds(const NamedTensors& inputs, const Tensor& decoded, NetworkRun& run) const {
        const auto found = inputs.find("input_ids");
        if (found == inputs.end() || found->second.size(1) != decoded.size(1))
            throw UsageError("Classification reads the decoder where input_ids end: give input_ids, and "
                             "decoder_input_ids as long, or none.");
        const Tensor result = run.empty({decoded.size(0), decoded.size(2)});
        const std::int64_t length = decoded.size(1);
        for (std::int64_t item = 0; item < decoded.size(0); ++item) {
            const std::int64_t* ids = found->second.pointer<std::int64_t>() + item * length;
            std::int64_t end = length - 1;
            while (end > 0 && ids[end] != m_end)
                --end;
            result.select(0, item).copyFrom(decoded.select(0, item).select(0, end));
        }
        return result;
    }

    const Variant& m_variant;
    std::int64_t m_start;
    std::int64_t m_end;
    double m_scale = 1;
    Tensor m_tokens;
    Tower m_encoder;
    Tower m_decoder;
    LinearId m_head;
    Tensor m_headBias;
    LinearId m_dense;
    LinearId m_classifier;
    LinearId m_answers;
};

} // namespace

std::shared_ptr<const Network> buildBart(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, 1024);
    stack.layers = config.positive({"encoder_layers"}, 12) + 2 * config.positive({"decoder_layers"}, 12);
    stack.heads = static_cast<int>(config.positive({"encoder_attention_heads"}, 16));
    stack.keyValueHeads = stack.heads;
    stack.headSize = stack.hiddenSize / stack.heads;
    stack.feedForward = config.positive({"encoder_ffn_dim"}, 4096);
    stack.vocabulary = config.positive({"vocab_size"}, 50265);
    stack.maxPositions = config.positive({"max_position_embeddings"}, 1024);
    return std::make_shared<const Bart>(std::move(stack), config, weights);
}

} // namespace orrery::model
