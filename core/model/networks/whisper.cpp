// SPDX-License-Identifier: GPL-3.0-or-later
// Whisper (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"): two
// convolutions over a mel spectrogram, an encoder, and a decoder that writes what was said.
#include "base/error.h"
#include "model/networks/encoder_decoder.h"
#include "model/networks/families.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

constexpr double epsilon = 1e-5; ///< of every norm

SequenceNames namesOf(bool decoder) {
    SequenceNames names;
    const auto attention = [](const std::string& path) {
        return SequenceNames::Attention{.query = path + ".q_proj",
                                        .key = path + ".k_proj", // has no bias
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

std::vector<SequenceBlock> blocksOf(const checkpoint::ModelConfig& config, const Weights& scope,
                                    const std::string& tower, std::int64_t width) {
    SequenceSpec spec;
    spec.width = width;
    spec.feedForward = config.positive({tower + "_ffn_dim"}, 1536);
    const std::string heads = tower + "_attention_heads";
    spec.takeHeads(config, heads, config.positive({heads}, 6));
    spec.epsilon = epsilon;
    spec.activation = nn::activationFromName(config.text({"activation_function"}, "gelu"), config.fileName());
    std::vector<SequenceBlock> blocks;
    const std::int64_t layers = config.positive({tower + "_layers"}, 4);
    for (std::int64_t i = 0; i < layers; ++i)
        blocks.emplace_back(scope.in(fmt::format("blocks.{}", i), fmt::format("layers.{}", i)), spec,
                            namesOf(tower == "decoder"));
    return blocks;
}

/// A convolution of three time steps.
ConvolutionSpec threeSteps(std::int64_t inputs, std::int64_t outputs, std::int64_t stride) {
    ConvolutionSpec spec;
    spec.inputs = inputs;
    spec.outputs = outputs;
    spec.kernel = {1, 3};
    spec.window.stride = {1, stride};
    spec.window.before = {0, 1};
    spec.window.after = {0, 1};
    return spec;
}

/// Sines and cosines of geometrically spaced frequencies from 1 to 1/10000.
Tensor sinusoids(std::int64_t length, std::int64_t width) {
    const Tensor rows = Tensor::zeros({length, width});
    const std::int64_t half = width / 2;
    for (std::int64_t i = 0; i < length; ++i)
        for (std::int64_t j = 0; j < half; ++j) {
            const double step = std::log(10000.0) / static_cast<double>(std::max<std::int64_t>(1, half - 1));
            const double angle = static_cast<double>(i) * std::exp(-step * static_cast<double>(j));
            rows.mutablePointer<float>()[i * width + j] = static_cast<float>(std::sin(angle));
            rows.mutablePointer<float>()[i * width + half + j] = static_cast<float>(std::cos(angle));
        }
    return rows;
}

class Whisper final : public EncoderDecoder {
public:
    Whisper(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : EncoderDecoder(std::move(stack), static_cast<int>(config.positive({"decoder_layers"}, 4)),
                         config.positive({"max_target_positions"}, 448)),
          m_start(config.integer({"decoder_start_token_id"}, 50257)),
          m_mels(config.positive({"num_mel_bins"}, 80)),
          m_frames(config.positive({"max_source_positions"}, 1500)) {
        const std::int64_t width = this->config().hiddenSize;
        if (m_frames > 1 << 20) // before so many sines are computed
            throw config.error("max_source_positions", "which is more than any model has");
        const Weights model = all.under({"model", ""}, "encoder.conv1.weight");
        const Weights encoder = model.in("encoder", "encoder");
        m_conv1 = encoder.convolution1d("conv1", "conv1", threeSteps(m_mels, width, 1));
        m_conv2 = encoder.convolution1d("conv2", "conv2", threeSteps(width, width, 2));
        m_heardPositions =
            encoder.has("embed_positions.weight")
                ? encoder.parameter("embed.positions", "embed_positions.weight", {m_frames, width})
                : sinusoids(m_frames, width);
        m_encoder = blocksOf(config, encoder, "encoder", width);
        m_encoderNorm = encoder.layerNorm("ln_final", "layer_norm", width, epsilon);
        const Weights decoder = model.in("decoder", "decoder");
        const std::int64_t words = this->config().vocabulary;
        m_tokens = decoder.table("embed.tokens", "embed_tokens.weight", {words, width});
        m_writtenPositions =
            decoder.parameter("embed.positions", "embed_positions.weight", {decoderPositions(), width});
        m_decoder = blocksOf(config, decoder, "decoder", width);
        m_decoderNorm = decoder.layerNorm("ln_final", "layer_norm", width, epsilon);
        if (!isArchitecture(this->config(), "ForConditionalGeneration"))
            return;
        if (config.boolean({"tie_word_embeddings"}, true)) {
            all.ignore("proj_out.weight");
            m_head = all.tied("unembed", m_tokens);
        } else {
            m_head = all.linear("unembed", "proj_out", width, words, Bias::No);
        }
    }

    [[nodiscard]] std::string task() const override {
        return m_head.defined() ? "speech to text" : "base model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        NetworkInput features{.name = "input_features",
                              .meaning = "log mel spectrogram, frequencies first, normalised",
                              .example = {1, m_mels, 2 * m_frames},
                              .sizes = {-1, m_mels, -1},
                              .required = false,
                              .exemplary = true};
        std::vector<NetworkInput> inputs{features};
        for (NetworkInput& input : decoderInputs())
            inputs.push_back(std::move(input));
        return inputs;
    }
    [[nodiscard]] bool canUnembed() const override { return m_head.defined(); }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_tokens; }
    [[nodiscard]] Tensor unembed(const Tensor& rows, NetworkRun& run) const override {
        return m_head.defined() ? run.linear(m_head, run.norm(m_decoderNorm, rows))
                                : Network::unembed(rows, run);
    }

protected:
    [[nodiscard]] std::string encoderInput() const override { return "input_features"; }

    [[nodiscard]] Tensor encode(const NamedTensors& inputs, const Tensor& keyMask,
                                NetworkRun& run) const override {
        const Tensor sound = run.dense(inputs.at("input_features").transpose(1, 2)); // [B, T, mels]
        Tensor x = run.convolve(m_conv1, sound, nn::Activation::Gelu);
        run.visit("encoder.hook_conv1", x);
        x = run.convolve(m_conv2, x, nn::Activation::Gelu);
        run.visit("encoder.hook_embed", x);
        if (x.size(1) > m_frames)
            throw UsageError(fmt::format("This model hears up to {} frames, not {}; cut the sound.",
                                         2 * m_frames, sound.size(1)));
        x = run.addRepeated(x, m_heardPositions.slice(0, 0, x.size(1)));
        const SequencePlace place{
            .name = "encoder", .aliases = "encoder_", .keyMask = keyMask, .finalNorm = true};
        return normed(run, m_encoderNorm, runSequence(run, m_encoder, x, place), place, m_encoder.size());
    }
    [[nodiscard]] Tensor decode(DecoderRun& decoder, NetworkRun& run) const override {
        const Tensor embedded = run.embed(m_tokens, decoder.ids);
        run.visit("decoder.hook_embed", embedded);
        const Tensor x = run.addRepeated(
            embedded, m_writtenPositions.slice(0, decoder.held, decoder.held + decoder.ids.size(1)));
        decoder.place.firstLayer = static_cast<int>(m_encoder.size());
        decoder.place.finalNorm = true;
        return normed(run, m_decoderNorm, runSequence(run, m_decoder, x, decoder.place), decoder.place,
                      m_decoder.size());
    }
    void finish(const NamedTensors& inputs, const Tensor& decoded, NetworkRun& run,
                NamedTensors& outputs) const override {
        static_cast<void>(inputs);
        if (m_head.defined())
            outputs["logits"] = run.linear(m_head, decoded);
    }
    [[nodiscard]] Tensor defaultDecoderIds(const NamedTensors& inputs) const override {
        const auto sound = inputs.find("input_features");
        const Tensor& first = sound == inputs.end() ? inputs.at("encoder_last_hidden_state") : sound->second;
        return Tensor::full({first.size(0), 1}, static_cast<double>(m_start), DType::I64);
    }

private:
    static Tensor normed(NetworkRun& run, const nn::Norm& norm, const Tensor& x, const SequencePlace& place,
                         std::size_t count) {
        const Tensor out = run.norm(norm, x);
        run.visit(place.name + ".ln_final.hook_normalized", out,
                  fmt::format("{}hidden_states.{}", place.aliases, count));
        return out;
    }

    std::int64_t m_start;
    std::int64_t m_mels;
    std::int64_t m_frames;
    nn::Convolution m_conv1;
    nn::Convolution m_conv2;
    Tensor m_heardPositions;
    std::vector<SequenceBlock> m_encoder;
    nn::Norm m_encoderNorm;
    Tensor m_tokens;
    Tensor m_writtenPositions;
    std::vector<SequenceBlock> m_decoder;
    nn::Norm m_decoderNorm;
    LinearId m_head;
};

} // namespace

std::shared_ptr<const Network> buildWhisper(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, 384);
    stack.layers = config.positive({"encoder_layers"}, 4) + 2 * config.positive({"decoder_layers"}, 4);
    stack.heads = static_cast<int>(config.positive({"encoder_attention_heads"}, 6));
    stack.keyValueHeads = stack.heads;
    stack.headSize = stack.hiddenSize / stack.heads;
    stack.feedForward = config.positive({"encoder_ffn_dim"}, 1536);
    stack.vocabulary = config.positive({"vocab_size"}, 51865);
    stack.maxPositions = config.positive({"max_target_positions"}, 448);
    return std::make_shared<const Whisper>(std::move(stack), config, weights);
}

} // namespace orrery::model
