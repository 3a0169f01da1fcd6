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

constexpr TowerDefaults defaults{.width = 384, .layers = 4, .heads = 6, .feedForward = 1536};

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
        : EncoderDecoder(std::move(stack),
                         {.layers = static_cast<int>(config.positive({"decoder_layers"}, defaults.layers)),
                          .positions = config.positive({"max_target_positions"}, 448),
                          .start = config.integer({"decoder_start_token_id"}, 50257)}),
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
        m_encoder = towerBlocks(config, encoder, "encoder", defaults, false);
        m_encoderNorm = encoder.layerNorm("ln_final", "layer_norm", width, epsilon);
        const Weights decoder = model.in("decoder", "decoder");
        const std::int64_t words = this->config().vocabulary;
        setTokens(decoder.table("embed.tokens", "embed_tokens.weight", {words, width}));
        m_writtenPositions =
            decoder.parameter("embed.positions", "embed_positions.weight", {decoderPositions(), width});
        m_decoder = towerBlocks(config, decoder, "decoder", defaults, false);
        m_decoderNorm = decoder.layerNorm("ln_final", "layer_norm", width, epsilon);
        if (!isArchitecture(this->config(), "ForConditionalGeneration"))
            return;
        if (config.boolean({"tie_word_embeddings"}, true)) {
            all.ignore("proj_out.weight");
            setWords(all.tied("unembed", tokens()));
        } else {
            setWords(all.linear("unembed", "proj_out", width, words, Bias::No));
        }
    }

    [[nodiscard]] std::string task() const override { return writes() ? "speech to text" : "base model"; }
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
        return runTower(run, m_encoder, m_encoderNorm, x,
                        {.name = "encoder", .aliases = "encoder_", .keyMask = keyMask});
    }
    [[nodiscard]] Tensor decode(DecoderRun& decoder, NetworkRun& run) const override {
        const Tensor embedded = run.embed(tokens(), decoder.ids);
        run.visit("decoder.hook_embed", embedded);
        const Tensor x = run.addRepeated(
            embedded, m_writtenPositions.slice(0, decoder.held, decoder.held + decoder.ids.size(1)));
        decoder.place.firstLayer = static_cast<int>(m_encoder.size());
        return runTower(run, m_decoder, m_decoderNorm, x, decoder.place);
    }
    [[nodiscard]] const nn::Norm& decoderNorm() const override { return m_decoderNorm; }

private:
    std::int64_t m_mels;
    std::int64_t m_frames;
    nn::Convolution m_conv1;
    nn::Convolution m_conv2;
    Tensor m_heardPositions;
    std::vector<SequenceBlock> m_encoder;
    nn::Norm m_encoderNorm;
    Tensor m_writtenPositions;
    std::vector<SequenceBlock> m_decoder;
    nn::Norm m_decoderNorm;
};

} // namespace

std::shared_ptr<const Network> buildWhisper(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = twoTowerConfig(config, defaults, config.positive({"vocab_size"}, 51865));
    stack.maxPositions = config.positive({"max_target_positions"}, 448);
    return std::make_shared<const Whisper>(std::move(stack), config, weights);
}

} // namespace orrery::model
