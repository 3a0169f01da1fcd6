// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/sentence_config.h"
#include "model/model.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace orrery::model {

/// One vector for each row: hidden [B, L, D] pooled over the positions that attentionMask [B, L] (undefined:
/// all) leaves. [B, D * kinds] f32. UsageError for a row of padding only.
[[nodiscard]] Tensor pooled(const Tensor& hidden, const Tensor& attentionMask,
                            const checkpoint::SentencePooling& pooling);

/// A sentence encoder: a transformer, pooling, and what follows it (sentence-transformers).
class SentenceEncoder {
public:
    /// A folder with modules.json. InputError naming file, tensor or module.
    static SentenceEncoder open(const std::filesystem::path& folder, const OpenOptions& options = {});

    [[nodiscard]] const std::shared_ptr<Model>& model() const { return m_model; }
    [[nodiscard]] std::int64_t width() const { return m_width; } ///< of an embedding
    /// [B, width] f32. Texts are cut to the encoder's length.
    [[nodiscard]] Tensor embed(std::span<const std::string> texts) const;
    [[nodiscard]] Tensor embed(const ModelInput& input, const Context& context = {}) const;

private:
    struct Stage {
        nn::Linear dense{}; ///< undefined: to length 1
        nn::Activation activation = nn::Activation::None;
    };

    std::shared_ptr<Model> m_model;
    checkpoint::SentencePooling m_pooling;
    std::vector<Stage> m_stages;
    std::int64_t m_width = 0;
    std::int64_t m_maxLength = 0;
};

} // namespace orrery::model
