// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "nn/token_mixer.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace orrery::nn {

/// Keys and values of the positions so far, for incremental decoding of causal models. Grows by doubling; one
/// cache belongs to one run at a time.
class KeyValueCache {
public:
    KeyValueCache() = default;

    [[nodiscard]] std::int64_t length() const { return m_length; } ///< positions held
    [[nodiscard]] std::int64_t batch() const { return m_batch; }
    [[nodiscard]] std::size_t bytes() const;
    void clear();
    /// Forgets everything from position length on. States of mixers cannot: UsageError unless canTruncate().
    void truncate(std::int64_t length);
    [[nodiscard]] bool canTruncate() const; ///< no layer keeps a mixer's state
    /// Row i continues what was row rows[i]; rows may repeat or be left out (beams that fork and die, one
    /// prompt that is continued several ways). Rows that stay in place are not copied unless more rows than
    /// ever are needed; of those that move, positions before `shared` are taken to be equal already.
    void select(std::span<const std::int64_t> rows, std::int64_t shared = 0);

    // For the model.
    /// Makes room for added positions of every layer; layers and batch must be the same as before.
    void prepare(int layers, std::int64_t batch, std::int64_t added);
    /// Writes key and value [B, n, Hkv, d] at the end of a layer.
    void append(int layer, const Tensor& key, const Tensor& value);
    /// Views [B, held (+ just appended), Hkv, d].
    [[nodiscard]] Tensor key(int layer) const;
    [[nodiscard]] Tensor value(int layer) const;
    /// Key mask of the held positions [B, length] u8; undefined when nothing is masked.
    [[nodiscard]] const Tensor& keyMask() const { return m_keyMask; }
    /// Ends a step: added positions become part of the length.
    void commit(std::int64_t added, Tensor keyMask);
    /// State of a layer's mixer, for mixers that decode incrementally.
    std::shared_ptr<MixerState>& mixerState(int layer);

private:
    struct Layer {
        Tensor key; ///< [at least B, capacity, Hkv, d]
        Tensor value;
        std::int64_t filled = 0;
        std::shared_ptr<MixerState> state;
    };
    std::vector<Layer> m_layers;
    Tensor m_keyMask;
    std::int64_t m_batch = 0;
    std::int64_t m_length = 0;
    std::int64_t m_capacity = 0;
};

} // namespace orrery::nn
