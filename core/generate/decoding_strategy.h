// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"
#include "base/random.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace orrery::generate {

/// Chooses next tokens for one generation.
class Decoder {
public:
    virtual ~Decoder() = default;
    /// The next token of a row, from its logits [V] and the ids so far. logits may be changed.
    virtual std::int64_t next(std::span<float> logits, std::span<const std::int64_t> ids,
                              Generator& generator) = 0;
};

/// A way to choose tokens: the part.
class DecodingStrategy : public Part {
public:
    static constexpr std::string_view kind = "decoding_strategy";

    [[nodiscard]] virtual std::unique_ptr<Decoder> start(const OptionValues& options) const = 0;
};

/// The likeliest token, the lowest id on ties.
[[nodiscard]] const DecodingStrategy& greedy();
/// Draws from softmax(logits / temperature) cut to the top_k likeliest and the smallest set that holds top_p.
/// Nucleus sampling: Holtzman et al., The Curious Case of Neural Text Degeneration, 2020.
[[nodiscard]] const DecodingStrategy& sampling();
[[nodiscard]] std::vector<const DecodingStrategy*> builtInStrategies();

} // namespace orrery::generate
