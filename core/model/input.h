// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace orrery::model {

/// Which rows get logits: the vocabulary's product on every position is often the dearest of all.
enum class LogitRows { All, None, Last, Chosen };

/// What a person sees of one row of an input.
struct TokenRow {
    std::vector<std::string> tokens; ///< as text ("Ġword" is shown as stored)
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> wordIds; ///< -1 for special tokens
    std::vector<std::pair<std::int64_t, std::int64_t>>
        offsets; ///< [start, end) in code points; {0, 0} for special ones
    std::vector<std::int64_t> typeIds;
    std::vector<bool> special;
};

struct ModelInput {
    Tensor inputIds;      ///< [B, L] i64
    Tensor attentionMask; ///< [B, L] i64, 0 is padding; undefined: no padding. With a cache: [B, held + L]
    Tensor typeIds;       ///< [B, L] i64 or undefined (all 0)
    Tensor positionIds;   ///< [B, L] i64 or undefined (as the family counts)
    LogitRows logits = LogitRows::All;
    std::vector<std::int64_t> logitPositions{}; ///< of Chosen; negative counts from the end
    std::vector<TokenRow> rows{};               ///< filled by Model::encode

    [[nodiscard]] std::int64_t batch() const { return inputIds.defined() ? inputIds.size(0) : 0; }
    [[nodiscard]] std::int64_t length() const { return inputIds.defined() ? inputIds.size(1) : 0; }

    static ModelInput ofIds(const std::vector<std::int64_t>& ids); ///< one row
    /// Several rows, padded on the right with padToken and masked where lengths differ.
    static ModelInput ofIds(const std::vector<std::vector<std::int64_t>>& rows, std::int64_t padToken);
    /// SHA-256 of the numbers, for records.
    [[nodiscard]] std::string hash() const;
};

/// What a run gives; undefined tensors where the model has none or none was asked for.
struct ModelOutput {
    Tensor logits; ///< [B, rows, V]; [B, labels] of sequence classification; [B, L, labels] of the others
    Tensor startLogits; ///< question answering: [B, L]
    Tensor endLogits;
    Tensor lastHidden;                          ///< [B, L, D], after the final norm where there is one
    Tensor pooled;                              ///< [B, D]
    std::vector<std::int64_t> logitPositions{}; ///< positions of the rows of per-token logits
};

} // namespace orrery::model
