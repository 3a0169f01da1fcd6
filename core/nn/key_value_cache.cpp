// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/key_value_cache.h"

#include "base/error.h"

#include <algorithm>

namespace orrery::nn {

std::size_t KeyValueCache::bytes() const {
    std::size_t total = 0;
    for (const Layer& layer : m_layers) {
        if (layer.key.defined())
            total += layer.key.bytes() + layer.value.bytes();
        if (layer.state)
            total += layer.state->bytes();
    }
    return total;
}

void KeyValueCache::clear() {
    *this = KeyValueCache{};
}

void KeyValueCache::truncate(std::int64_t length) {
    ORRERY_CHECK(length >= 0 && length <= m_length, "a length not beyond what is held");
    m_length = length;
    for (Layer& layer : m_layers)
        layer.filled = std::min(layer.filled, length);
    if (m_keyMask.defined())
        m_keyMask = m_keyMask.slice(1, 0, length).clone();
}

void KeyValueCache::prepare(int layers, std::int64_t batch, std::int64_t added) {
    if (m_layers.empty()) {
        m_layers.resize(static_cast<std::size_t>(layers));
        m_batch = batch;
    }
    if (m_layers.size() != static_cast<std::size_t>(layers) || m_batch != batch)
        throw UsageError(
            "The key-value cache belongs to another model or another batch size; clear it first.");
    for (Layer& layer : m_layers)
        layer.filled = std::min(layer.filled, m_length); // what a cancelled run had left
    if (m_length + added > m_capacity)
        m_capacity = std::max(m_length + added, 2 * m_capacity);
}

void KeyValueCache::append(int index, const Tensor& key, const Tensor& value) {
    Layer& layer = m_layers[static_cast<std::size_t>(index)];
    const std::int64_t count = key.size(1);
    const auto grow = [&](Tensor& held, const Tensor& added) {
        if (held.defined() && held.size(1) >= layer.filled + count)
            return;
        const std::int64_t capacity = std::max(m_capacity, layer.filled + count);
        Tensor larger = Tensor::empty({m_batch, capacity, added.size(2), added.size(3)});
        if (held.defined() && layer.filled > 0)
            larger.slice(1, 0, layer.filled).copyFrom(held.slice(1, 0, layer.filled));
        held = std::move(larger);
    };
    grow(layer.key, key);
    grow(layer.value, value);
    layer.key.slice(1, layer.filled, layer.filled + count).copyFrom(key);
    layer.value.slice(1, layer.filled, layer.filled + count).copyFrom(value);
    layer.filled += count;
}

Tensor KeyValueCache::key(int layer) const {
    const Layer& held = m_layers[static_cast<std::size_t>(layer)];
    return held.key.slice(1, 0, held.filled);
}

Tensor KeyValueCache::value(int layer) const {
    const Layer& held = m_layers[static_cast<std::size_t>(layer)];
    return held.value.slice(1, 0, held.filled);
}

void KeyValueCache::commit(std::int64_t added, Tensor keyMask) {
    m_length += added;
    m_keyMask = std::move(keyMask);
}

std::shared_ptr<MixerState>& KeyValueCache::mixerState(int layer) {
    return m_layers[static_cast<std::size_t>(layer)].state;
}

} // namespace orrery::nn
