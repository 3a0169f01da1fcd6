// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network.h"
#include "model/networks/sequence_block.h"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::model {

/// An encoder whose output a causal decoder attends to: what BART, T5 and Whisper share.
///
/// Inputs: what the encoder reads, or in its place encoder_last_hidden_state [B, S, D] (with attention_mask
/// [B, S] where there is padding), so that it need not run twice; decoder_input_ids [B, L] and
/// decoder_attention_mask. Without decoder_input_ids a family chooses them (defaultDecoderIds).
///
/// Decoding step by step: with Context::cache the first run reads the encoder's inputs and the first ids, and
/// leaves the keys and values of both the ids and the encoder's output in the cache; every later run is given
/// decoder_input_ids alone, the new ones, and decoder_attention_mask [B, all so far] where there is padding.
///
/// What the decoder gives becomes words in one place: logits = scale x W^T + bias (setWords).
class EncoderDecoder : public Network {
public:
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const final;
    [[nodiscard]] bool canUnembed() const final { return m_words.defined(); }
    [[nodiscard]] Tensor tokenEmbedding() const final { return m_tokens; }
    [[nodiscard]] Tensor unembed(const Tensor& rows, NetworkRun& run) const final;
    /// Number of ids a decoder may read; 0: any.
    [[nodiscard]] std::int64_t decoderPositions() const { return m_decoder.positions; }

protected:
    struct DecoderSettings {
        int layers = 0;
        std::int64_t positions = 0; ///< see decoderPositions()
        std::int64_t start = 0;     ///< the token with which a text begins
    };
    EncoderDecoder(StackConfig config, const DecoderSettings& decoder)
        : Network(std::move(config)), m_decoder(decoder) {}
    /// The decoder's table of tokens [V, D].
    void setTokens(Tensor tokens) { m_tokens = std::move(tokens); }
    [[nodiscard]] const Tensor& tokens() const { return m_tokens; }
    /// The head of a model that writes texts. bias [V] where it is not the linear's own.
    void setWords(LinearId words, Tensor bias = {}, double scale = 1);
    [[nodiscard]] bool writes() const { return m_words.defined(); }

    /// What a family is told about this run of its decoder.
    struct DecoderRun {
        const Tensor& ids;     ///< [B, L] i64
        std::int64_t held = 0; ///< positions before these
        SequencePlace place{}; ///< name, aliases, mask, memory, cache; bias and numbers are the family's
    };
    /// The encoder's output [B, S, D], normed. mask: [B, S] u8 or undefined.
    [[nodiscard]] virtual Tensor encode(const NamedTensors& inputs, const Tensor& keyMask,
                                        NetworkRun& run) const = 0;
    /// The decoder's output [B, L, D], normed.
    [[nodiscard]] virtual Tensor decode(DecoderRun& decoder, NetworkRun& run) const = 0;
    /// The decoder's last norm; undefined where its blocks end in one.
    [[nodiscard]] virtual const nn::Norm& decoderNorm() const = 0;
    /// Outputs of another head, from the decoder's output.
    virtual void finish(const NamedTensors& inputs, const Tensor& decoded, NetworkRun& run,
                        NamedTensors& outputs) const;
    /// What the decoder reads when it is given nothing and the encoder reads ids.
    [[nodiscard]] virtual Tensor defaultDecoderIds(const Tensor& read) const;
    /// The name of what the encoder reads: input_ids.
    [[nodiscard]] virtual std::string encoderInput() const { return "input_ids"; }

    /// input_ids, attention_mask and the decoder's inputs.
    [[nodiscard]] std::vector<NetworkInput> textInputs() const;
    /// The decoder's inputs and encoder_last_hidden_state.
    [[nodiscard]] std::vector<NetworkInput> decoderInputs() const;

private:
    [[nodiscard]] Memory memoryOf(const NamedTensors& inputs, NetworkRun& run) const;
    /// decoder_input_ids, or what stands for them.
    [[nodiscard]] Tensor decoderIds(const NamedTensors& inputs, std::int64_t held) const;
    [[nodiscard]] Tensor words(const Tensor& rows, NetworkRun& run) const;

    DecoderSettings m_decoder;
    Tensor m_tokens;
    LinearId m_words;
    Tensor m_wordBias;
    double m_scale = 1;
};

/// Sizes of one of the two stacks where config.json does not say.
struct TowerDefaults {
    std::int64_t width = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t feedForward = 0;
};

/// StackConfig of those that tell the sizes of both stacks apart (encoder_layers, decoder_ffn_dim ...);
/// maxPositions is the caller's.
[[nodiscard]] StackConfig twoTowerConfig(const checkpoint::ModelConfig& config, const TowerDefaults& defaults,
                                         std::int64_t vocabulary);

/// The blocks of a stack ("encoder", "decoder") as BART and Whisper keep them (layers.0.self_attn.q_proj,
/// encoder_attn, fc1, fc2), under the stack's scope.
[[nodiscard]] std::vector<SequenceBlock> towerBlocks(const checkpoint::ModelConfig& config,
                                                     const Weights& scope, const std::string& tower,
                                                     const TowerDefaults& defaults, bool postNorm);

/// runSequence() and the norm behind it, whose result is the last hidden state; norm undefined: none.
[[nodiscard]] Tensor runTower(NetworkRun& run, const std::vector<SequenceBlock>& blocks, const nn::Norm& norm,
                              const Tensor& x, SequencePlace place);

/// The table of tokens under the first of these names that is stored; the others are its twins.
[[nodiscard]] Tensor sharedTokens(const Weights& weights, std::initializer_list<std::string_view> names,
                                  const Shape& shape);

} // namespace orrery::model
