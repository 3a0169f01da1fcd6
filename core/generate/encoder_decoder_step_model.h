// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/step_model.h"
#include "model/model.h"
#include "nn/key_value_cache.h"

namespace orrery::generate {

/// The decoder of an encoder-decoder (BART, T5, Whisper) with its keys and values. What the encoder reads is
/// given once, one item for each prompt; its output is kept, and its keys and values are computed once for a
/// generation. Prompts are what the decoder begins with, all of the same length.
class EncoderDecoderStepModel final : public StepModel {
public:
    /// The model must live as long. read: the encoder's inputs by name (input_ids, input_features,
    /// attention_mask ...). context: parts, edits and progress of all runs. UsageError when the model does
    /// not write texts with a decoder.
    EncoderDecoderStepModel(const model::Model& model, model::NamedTensors read, Context context);

    /// Whether a model is one that this class can drive.
    [[nodiscard]] static bool fits(const model::Model& model);
    /// Texts that the encoder reads at once.
    [[nodiscard]] std::int64_t items() const;

    Tensor prefill(std::span<const TokenIds> prompts) override;
    Tensor step(std::span<const std::int64_t> tokens) override;
    void reorder(std::span<const std::int64_t> rows) override;
    [[nodiscard]] std::int64_t rows() const override { return m_cache.batch(); }
    [[nodiscard]] std::int64_t length() const override { return m_cache.length(); }
    [[nodiscard]] std::int64_t vocabulary() const override { return m_model.vocabulary(); }
    [[nodiscard]] std::int64_t maxPositions() const override {
        return m_model.maxPositions() > 0 ? m_model.maxPositions() : noEnd;
    }
    [[nodiscard]] std::size_t stateBytes() const override { return m_cache.bytes(); }

private:
    /// Logits [rows, V] after the last of these ids.
    Tensor run(model::NamedTensors inputs, const Tensor& ids);

    const model::Model& m_model;
    model::NamedTensors m_read;
    Context m_context;
    nn::KeyValueCache m_cache;
};

} // namespace orrery::generate
