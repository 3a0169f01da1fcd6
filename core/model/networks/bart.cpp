// SPDX-License-Identifier: GPL-3.0-or-later
// BART (Lewis et al. 2020, "BART: Denoising Sequence-to-Sequence Pre-training") and the families that differ
// from it in a few choices: where norms stand, how positions are told, how a text begins. mBART (Liu et al.
// 2020), Pegasus (Zhang et al. 2020), Marian (Junczys-Dowmunt et al. 2018).
#include "base/error.h"
#include "model/networks/encoder_decoder.h"
#include "model/networks/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::model {
namespace {

constexpr double epsilon = 1e-5; ///< of every norm

constexpr TowerDefaults defaults{.width = 1024, .layers = 12, .heads = 16, .feedForward = 4096};

struct Variant {
    std::string_view modelType;
    bool postNorm;
    bool embeddingNorm;
    bool finalNorm;
    bool sinusoids;                 ///< positions are sines, else learned
    std::int64_t reservedPositions; ///< rows of the position table before the first position's
    bool beginsWithLast;            ///< a text begins with its last token, which tells the language
    // Where config.json does not say:
    std::int64_t vocabulary;
    std::int64_t start;
    std::int64_t end;
    std::int64_t pad;
};

constexpr std::array variants{
    Variant{"bart", true, true, false, false, 2, false, 50265, 2, 2, 1},
    Variant{"marian", true, false, false, true, 0, false, 58101, 58100, 0, 58100},
    Variant{"mbart", false, true, true, false, 2, true, 50265, 2, 2, 1},
    Variant{"pegasus", false, false, true, true, 0, false, 50265, 0, 1, 0},
};

const Variant& variantOf(const checkpoint::ModelConfig& config) {
    const std::string type = config.modelType();
    for (const Variant& variant : variants)
        if (variant.modelType == type)
            return variant;
    return variants.front();
}

/// Words of the decoder, which Marian may keep apart from the encoder's.
std::int64_t wordsOf(const checkpoint::ModelConfig& config) {
    return config.positive({"decoder_vocab_size", "vocab_size"}, variantOf(config).vocabulary);
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
    Tensor tokens;
    Tensor positions; ///< undefined: sines
    nn::Norm embeddingNorm;
    std::vector<SequenceBlock> blocks;
    nn::Norm finalNorm;
};

class Bart final : public EncoderDecoder {
public:
    Bart(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : EncoderDecoder(std::move(stack),
                         {.layers = static_cast<int>(config.positive({"decoder_layers"}, defaults.layers)),
                          .positions = config.positive({"max_position_embeddings"}, 1024),
                          .start = config.integer({"decoder_start_token_id"}, variantOf(config).start)}),
          m_variant(variantOf(config)), m_end(config.integer({"eos_token_id"}, m_variant.end)),
          m_pad(config.integer({"pad_token_id"}, m_variant.pad)) {
        const std::int64_t width = this->config().hiddenSize;
        const Weights model = all.under({"model", ""}, "encoder.layers.0.fc1.weight");
        m_scale = config.boolean({"scale_embedding"}, false) ? std::sqrt(static_cast<double>(width)) : 1;
        m_encoder = tower(config, model, "encoder", width);
        m_decoder = tower(config, model, "decoder", width);
        readTokens(config, model, width);
        readHead(config, all, width);
    }

    [[nodiscard]] std::string task() const override {
        if (writes())
            return "text to text";
        if (m_classifier.defined())
            return "sequence classification";
        return m_answers.defined() ? "question answering" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return textInputs(); }

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
    [[nodiscard]] const nn::Norm& decoderNorm() const override { return m_decoder.finalNorm; }
    void finish(const NamedTensors& inputs, const Tensor& decoded, NetworkRun& run,
                NamedTensors& outputs) const override {
        if (m_answers.defined()) {
            const Tensor both = run.linear(m_answers, decoded);
            outputs["start_logits"] = run.dense(both.select(2, 0));
            outputs["end_logits"] = run.dense(both.select(2, 1));
        } else if (m_classifier.defined()) {
            const Tensor ends = atEnds(inputs, decoded, run);
            outputs["logits"] = run.linear(m_classifier, run.linear(m_dense, ends, nn::Activation::Tanh));
        }
    }
    [[nodiscard]] Tensor defaultDecoderIds(const Tensor& read) const override {
        Tensor ids = EncoderDecoder::defaultDecoderIds(read);
        if (!m_variant.beginsWithLast)
            return ids;
        const std::int64_t length = read.size(1);
        for (std::int64_t item = 0; item < read.size(0); ++item) {
            const std::int64_t* row = read.pointer<std::int64_t>() + item * length;
            const std::int64_t count = length - std::count(row, row + length, m_pad);
            ids.mutablePointer<std::int64_t>()[item * length] = row[std::max<std::int64_t>(count - 1, 0)];
        }
        return ids;
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
        tower.blocks = towerBlocks(config, scope, name, defaults, m_variant.postNorm);
        if (m_variant.finalNorm)
            tower.finalNorm = scope.layerNorm("ln_final", "layer_norm", width, epsilon);
        return tower;
    }

    void readTokens(const checkpoint::ModelConfig& config, const Weights& model, std::int64_t width) {
        const std::int64_t words = this->config().vocabulary;
        if (config.boolean({"share_encoder_decoder_embeddings"}, true)) {
            m_encoder.tokens = m_decoder.tokens = sharedTokens(
                model, {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"},
                {words, width});
        } else {
            m_encoder.tokens = model.table("encoder.embed.tokens", "encoder.embed_tokens.weight",
                                           {config.positive({"vocab_size"}, m_variant.vocabulary), width});
            m_decoder.tokens =
                model.table("decoder.embed.tokens", "decoder.embed_tokens.weight", {words, width});
        }
        setTokens(m_decoder.tokens);
    }

    void readHead(const checkpoint::ModelConfig& config, const Weights& all, std::int64_t width) {
        const std::int64_t words = this->config().vocabulary;
        const auto labels = static_cast<std::int64_t>(this->config().labels.size());
        if (isArchitecture(this->config(), "ForConditionalGeneration") ||
            isArchitecture(this->config(), "MTModel")) {
            Tensor bias;
            if (all.has("final_logits_bias"))
                bias = all.parameter("unembed", "final_logits_bias", {1, words}).reshape({words});
            if (config.boolean({"tie_word_embeddings"}, true)) {
                all.ignore("lm_head.weight");
                setWords(all.tied("unembed", tokens(), bias));
            } else {
                setWords(all.linear("unembed", "lm_head", width, words, Bias::IfStored), bias);
            }
        } else if (isArchitecture(this->config(), "ForSequenceClassification")) {
            m_dense = all.linear("classifier.dense", "classification_head.dense", width, width);
            m_classifier = all.linear("classifier", "classification_head.out_proj", width, labels);
        } else if (isArchitecture(this->config(), "ForQuestionAnswering")) {
            m_answers = all.linear("answers", "qa_outputs", width, 2);
        }
    }

    [[nodiscard]] Tensor through(const Tower& tower, const Tensor& ids, std::int64_t held,
                                 SequencePlace& place, NetworkRun& run) const {
        const std::int64_t width = config().hiddenSize;
        const std::int64_t length = ids.size(1);
        if (held + length > config().maxPositions)
            throw UsageError(fmt::format("This model reads up to {} tokens, not {}.", config().maxPositions,
                                         held + length));
        Tensor x = run.embed(tower.tokens, ids);
        if (m_scale != 1)
            x = run.scaleChannels(x, Tensor::full({width}, m_scale));
        run.visit(tower.name + ".hook_embed", x);
        const std::int64_t first = held + m_variant.reservedPositions;
        x = run.addRepeated(x, tower.positions.defined() ? tower.positions.slice(0, first, first + length)
                                                         : sinusoidRows(held, length, width));
        if (tower.embeddingNorm.defined())
            x = run.norm(tower.embeddingNorm, x);
        return runTower(run, tower.blocks, tower.finalNorm, x, place);
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
    std::int64_t m_end;
    std::int64_t m_pad;
    double m_scale = 1;
    Tower m_encoder;
    Tower m_decoder;
    LinearId m_dense;
    LinearId m_classifier;
    LinearId m_answers;
};

} // namespace

std::shared_ptr<const Network> buildBart(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = twoTowerConfig(config, defaults, wordsOf(config));
    stack.maxPositions = config.positive({"max_position_embeddings"}, 1024);
    return std::make_shared<const Bart>(std::move(stack), config, weights);
}

} // namespace orrery::model
