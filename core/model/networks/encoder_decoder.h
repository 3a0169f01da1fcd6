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
class EncoderDecoder : public Network {
public:
    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const final;
    /// Number of ids a decoder may read; 0: any.
    [[nodiscard]] std::int64_t decoderPositions() const { return m_decoderPositions; }

protected:
    EncoderDecoder(StackConfig config, int decoderLayers, std::int64_t decoderPositions)
        : Network(std::move(config)), m_decoderLayers(decoderLayers), m_decoderPositions(decoderPositions) {}

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
    /// Outputs of the head, from the decoder's output.
    virtual void finish(const NamedTensors& inputs, const Tensor& decoded, NetworkRun& run,
                        NamedTensors& outputs) const = 0;
    [[nodiscard]] virtual Tensor defaultDecoderIds(const NamedTensors& inputs) const = 0;
    /// The name of what the encoder reads: input_ids.
    [[nodiscard]] virtual std::string encoderInput() const { return "input_ids"; }

    /// input_ids, attention_mask and the decoder's inputs.
    [[nodiscard]] std::vector<NetworkInput> textInputs() const;
    /// The decoder's inputs and encoder_last_hidden_state.
    [[nodiscard]] std::vector<NetworkInput> decoderInputs() const;

    /// ids moved by one to the right behind the start token: what an output is trained to be read from.
    [[nodiscard]] static Tensor shiftedRight(const Tensor& ids, std::int64_t start);

private:
    [[nodiscard]] Memory memoryOf(const NamedTensors& inputs, NetworkRun& run) const;

    int m_decoderLayers;
    std::int64_t m_decoderPositions;
};

/// The table of tokens under the first of these names that is stored; the others are its twins.
[[nodiscard]] Tensor sharedTokens(const Weights& weights, std::initializer_list<std::string_view> names,
                                  const Shape& shape);

} // namespace orrery::model
