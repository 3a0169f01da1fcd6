// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "generate/step_model.h"
#include "model/model.h"
#include "nn/key_value_cache.h"

namespace orrery::generate {

struct CausalStepOptions {
    bool useCache = true;    ///< false: every step runs all positions again (to compare)
    bool keepHidden = false; ///< for hidden()
    std::int64_t padId = 0;  ///< fills shorter prompts on the left; masked
};

/// A causal language model with its keys and values. Kept from one generation to the next it is a session:
/// the prefix that a single new prompt shares with what is held is not computed again.
class CausalStepModel final : public StepModel {
public:
    /// The model must live as long. context: parts, edits and progress of all runs. UsageError when the model
    /// is no causal language model.
    CausalStepModel(const model::Model& model, Context context, const CausalStepOptions& options = {});

    Tensor prefill(std::span<const TokenIds> prompts) override;
    Tensor step(std::span<const std::int64_t> tokens) override;
    void reorder(std::span<const std::int64_t> rows) override;
    [[nodiscard]] std::int64_t rows() const override { return static_cast<std::int64_t>(m_rows.size()); }
    [[nodiscard]] std::int64_t length() const override;
    [[nodiscard]] std::int64_t vocabulary() const override { return m_model.vocabulary(); }
    [[nodiscard]] std::int64_t maxPositions() const override {
        return m_model.maxPositions() > 0 ? m_model.maxPositions() : noEnd; // state space models have none
    }
    [[nodiscard]] std::size_t stateBytes() const override { return m_cache.bytes(); }
    [[nodiscard]] std::int64_t reused() const override { return m_reused; }
    [[nodiscard]] bool canGoBack() const override { return m_cache.canTruncate(); }
    Tensor extend(std::span<const std::int64_t> tokens) override;
    void goBack(std::int64_t length) override;
    [[nodiscard]] bool hasHidden() const override { return m_options.keepHidden; }
    [[nodiscard]] Tensor hidden(std::int64_t row) const override;

    /// Whose progress the next runs report to.
    void setProgress(const Progress& progress) { m_context.progress = progress; }

private:
    struct Row {
        TokenIds ids;             ///< padding included
        std::int64_t padding = 0; ///< of which the first are padding
        std::int64_t prompt = 0;  ///< number of the prompt it began with
    };
    /// Runs positions [first, length) of all rows. Logits [rows, V], or of all positions [rows, n, V].
    Tensor run(model::LogitRows logits);
    /// Keeps what one held row has in common with the prompt; false when that is nothing.
    bool keepPrefix(const TokenIds& prompt);
    void append(std::span<const std::int64_t> tokens);
    void clear();

    const model::Model& m_model;
    Context m_context;
    CausalStepOptions m_options;
    nn::KeyValueCache m_cache;
    std::vector<Row> m_rows;
    Tensor m_hidden;                 ///< of the last run
    std::int64_t m_promptLength = 0; ///< positions in which rows of one prompt are the same
    std::int64_t m_reused = 0;
};

} // namespace orrery::generate
