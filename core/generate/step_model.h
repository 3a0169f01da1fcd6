// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orrery::generate {

using TokenIds = std::vector<std::int64_t>;

/// What a strategy drives: anything that continues rows of tokens and keeps a decoding state. A causal stack
/// is one (causal_step_model.h); so are the decoder of an encoder-decoder, made with its encoder's output,
/// and a state space model. Logits are f32 and valid until the next call, which may also change them.
class StepModel {
public:
    virtual ~StepModel() = default;

    /// Forgets what was before and reads the prompts, one a row, of any lengths but zero; logits [rows, V] of
    /// each last position. What the state holds of a prompt already need not be computed again (see
    /// reused()).
    virtual Tensor prefill(std::span<const TokenIds> prompts) = 0;
    /// One more token for every row; logits [rows, V].
    virtual Tensor step(std::span<const std::int64_t> tokens) = 0;
    /// Row i continues what was row rows[i]; rows may repeat (beams fork, one prompt is continued several
    /// ways) or be left out (a continuation has ended).
    virtual void reorder(std::span<const std::int64_t> rows) = 0;

    [[nodiscard]] virtual std::int64_t rows() const = 0;
    [[nodiscard]] virtual std::int64_t length() const = 0; ///< positions taken, padding included
    [[nodiscard]] virtual std::int64_t vocabulary() const = 0;
    [[nodiscard]] virtual std::int64_t maxPositions() const = 0; ///< noEnd where there is no limit
    static constexpr std::int64_t noEnd = std::int64_t{1} << 40;
    [[nodiscard]] virtual std::size_t stateBytes() const = 0;
    /// Tokens of the last prompts that the state held already.
    [[nodiscard]] virtual std::int64_t reused() const { return 0; }

    // Reading several tokens at once and going back: what speculative decoding needs. One row only.
    [[nodiscard]] virtual bool canGoBack() const { return false; }
    /// Logits [n, V] after each of n tokens.
    virtual Tensor extend(std::span<const std::int64_t> tokens);
    /// Forgets all but the first positions.
    virtual void goBack(std::int64_t length);

    // The last hidden state (after the final norm): what contrastive search needs.
    [[nodiscard]] virtual bool hasHidden() const { return false; }
    /// [n, D]: every position that the last call read, row by row; padding is left out. Valid until the next
    /// call.
    [[nodiscard]] virtual Tensor hidden(std::int64_t row) const;
};

} // namespace orrery::generate
