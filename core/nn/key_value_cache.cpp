// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/key_value_cache.h"

#include "base/error.h"

#include <algorithm>

namespace orrery::nn {

namespace {

/// One copy of a row over another, in an order in which nothing is overwritten that is still needed.
struct RowMove {
    std::int64_t from = 0; ///< -1: the row that was put aside
    std::int64_t to = 0;
    bool aside = false; ///< put row `from` aside first; nothing else is done
};

std::vector<RowMove> movesOf(std::span<const std::int64_t> rows, std::int64_t held) {
    const auto count = static_cast<std::int64_t>(rows.size());
    std::vector<std::int64_t> readers(static_cast<std::size_t>(std::max(held, count)), 0);
    std::vector<std::int64_t> source(readers.size(), -2); // of rows that are still to be written
    const auto at = [](auto& list, std::int64_t i) -> auto& {
        return list[static_cast<std::size_t>(i)];
    };
    for (std::int64_t i = 0; i < count; ++i)
        if (at(rows, i) != i) {
            at(source, i) = at(rows, i);
            ++at(readers, at(rows, i));
        }
    std::vector<RowMove> moves;
    const auto write = [&](std::int64_t row) {
        while (at(source, row) != -2 && at(readers, row) == 0) {
            const std::int64_t from = at(source, row);
            moves.push_back({from, row, false});
            at(source, row) = -2;
            if (from < 0)
                return;
            --at(readers, from);
            row = from; // perhaps nobody reads it any more
        }
    };
    for (std::int64_t i = 0; i < count; ++i)
        write(i);
    for (std::int64_t i = 0; i < count; ++i) // what is left are rings: each row is read by exactly one other
        if (at(source, i) != -2) {
            moves.push_back({i, -1, true});
            at(readers, i) = 0;
            for (auto& from : source)
                if (from == i)
                    from = -1;
            write(i);
        }
    return moves;
}

void moveRows(const Tensor& tensor, const std::vector<RowMove>& moves, std::int64_t held, std::int64_t shared,
              std::int64_t filled) {
    Tensor aside;
    for (const RowMove& move : moves) {
        if (move.aside) {
            aside = tensor.select(0, move.from).slice(0, 0, filled).clone();
            continue;
        }
        const std::int64_t first = move.to < held ? std::min(shared, filled) : 0;
        const Tensor from = move.from < 0 ? aside : tensor.select(0, move.from);
        if (first < filled)
            tensor.select(0, move.to).slice(0, first, filled).copyFrom(from.slice(0, first, filled));
    }
}

} // namespace

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
    if (length < m_length && !canTruncate())
        throw UsageError("A token mixer of this model keeps a state that cannot forget its last positions; "
                         "generate without going back.");
    m_length = length;
    for (Layer& layer : m_layers)
        layer.filled = std::min(layer.filled, length);
    if (m_keyMask.defined())
        m_keyMask = m_keyMask.slice(1, 0, length).clone();
}

bool KeyValueCache::canTruncate() const {
    return std::none_of(m_layers.begin(), m_layers.end(), [](const Layer& layer) { return layer.state; });
}

void KeyValueCache::select(std::span<const std::int64_t> rows, std::int64_t shared) {
    const auto count = static_cast<std::int64_t>(rows.size());
    ORRERY_CHECK(count > 0 && std::all_of(rows.begin(), rows.end(),
                                          [&](std::int64_t row) { return row >= 0 && row < m_batch; }),
                 "rows that are held");
    const std::vector<RowMove> moves = movesOf(rows, m_batch);
    for (Layer& layer : m_layers) {
        layer.filled = std::min(layer.filled, m_length);
        for (Tensor* tensor : {&layer.key, &layer.value}) {
            if (!tensor->defined())
                continue;
            if (count <= tensor->size(0)) {
                moveRows(*tensor, moves, m_batch, shared, layer.filled);
                continue;
            }
            const Tensor larger =
                Tensor::empty({count, tensor->size(1), tensor->size(2), tensor->size(3)}, tensor->dtype());
            for (std::int64_t i = 0; i < count; ++i)
                larger.select(0, i)
                    .slice(0, 0, layer.filled)
                    .copyFrom(tensor->select(0, rows[static_cast<std::size_t>(i)]).slice(0, 0, layer.filled));
            *tensor = larger;
        }
        if (layer.state && (!moves.empty() || count != m_batch))
            layer.state = layer.state->select(rows);
    }
    if (m_keyMask.defined()) {
        const Tensor mask = Tensor::empty({count, m_keyMask.size(1)}, m_keyMask.dtype());
        for (std::int64_t i = 0; i < count; ++i)
            mask.select(0, i).copyFrom(m_keyMask.select(0, rows[static_cast<std::size_t>(i)]));
        m_keyMask = mask;
    }
    m_batch = count;
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
        const std::int64_t rows = held.defined() ? held.size(0) : m_batch;
        Tensor larger = Tensor::empty({rows, capacity, added.size(2), added.size(3)});
        if (held.defined() && layer.filled > 0)
            larger.slice(0, 0, m_batch)
                .slice(1, 0, layer.filled)
                .copyFrom(held.slice(0, 0, m_batch).slice(1, 0, layer.filled));
        held = std::move(larger);
    };
    grow(layer.key, key);
    grow(layer.value, value);
    const auto added = [&](const Tensor& held) {
        return held.slice(0, 0, m_batch).slice(1, layer.filled, layer.filled + count);
    };
    added(layer.key).copyFrom(key);
    added(layer.value).copyFrom(value);
    layer.filled += count;
}

Tensor KeyValueCache::key(int layer) const {
    const Layer& held = m_layers[static_cast<std::size_t>(layer)];
    return held.key.slice(0, 0, m_batch).slice(1, 0, held.filled);
}

Tensor KeyValueCache::value(int layer) const {
    const Layer& held = m_layers[static_cast<std::size_t>(layer)];
    return held.value.slice(0, 0, m_batch).slice(1, 0, held.filled);
}

void KeyValueCache::commit(std::int64_t added, Tensor keyMask) {
    m_length += added;
    m_keyMask = std::move(keyMask);
}

std::shared_ptr<MixerState>& KeyValueCache::mixerState(int layer) {
    return m_layers[static_cast<std::size_t>(layer)].state;
}

} // namespace orrery::nn
