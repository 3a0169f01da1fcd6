// SPDX-License-Identifier: GPL-3.0-or-later
// Scores that depend on content and distance both. They are made as a dense bias [B, H, L, L] of the fused
// attention: exact, and lazy patterns read it like any other bias, but memory grows with the square of the
// length.
#include "kernels/threads.h"
#include "model/runner.h"
#include "model/step.h"
#include "onednn/matmul.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace orrery::model {

namespace {

/// A distance in logarithmic buckets: as it is up to half of them, then ever wider (He et al. 2021,
/// DeBERTa-v2). In f32, as the tables were trained.
std::int64_t bucketOf(std::int64_t distance, std::int64_t buckets, std::int64_t reach) {
    const std::int64_t middle = buckets / 2;
    const std::int64_t away = std::abs(distance);
    if (away <= middle)
        return distance;
    const float place =
        std::log(static_cast<float>(away) / static_cast<float>(middle)) /
        std::log(static_cast<float>(static_cast<double>(reach - 1) / static_cast<double>(middle))) *
        static_cast<float>(middle - 1);
    const std::int64_t bucket = static_cast<std::int64_t>(std::ceil(place)) + middle;
    return distance < 0 ? -bucket : bucket;
}

/// Heads [B, H, L, d] times those of table rows [R, H, d]: [B, H, L, R].
Tensor meeting(const Tensor& heads, const Tensor& table) {
    const Tensor rows = heads.transpose(1, 2);
    const Tensor result = Tensor::empty({rows.size(0), rows.size(1), rows.size(2), table.size(0)});
    for (std::int64_t item = 0; item < rows.size(0); ++item)
        onednn::matmul(rows.select(0, item), table.transpose(0, 1), false, true, result.select(0, item));
    return result;
}

/// bias[b, h, i, j] += scale * (fromQuery[b, h, i, row(i - j)] + fromKey[b, h, j, row(i - j)]); either may be
/// undefined. rows[i - j + L - 1] is the row of a distance.
void gather(const Tensor& fromQuery, const Tensor& fromKey, const std::vector<std::int64_t>& rows,
            double scale, const Tensor& bias) {
    const std::int64_t length = bias.size(2);
    const Tensor& some = fromQuery.defined() ? fromQuery : fromKey;
    const std::int64_t width = some.size(3);
    const float* queries = fromQuery.defined() ? fromQuery.pointer<float>() : nullptr;
    const float* keys = fromKey.defined() ? fromKey.pointer<float>() : nullptr;
    float* out = bias.mutablePointer<float>();
    const auto factor = static_cast<float>(scale);
    kernels::parallelFor(bias.size(0) * bias.size(1) * length, 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t place = begin; place < end; ++place) {
            const std::int64_t i = place % length;
            const std::int64_t head = place / length;
            for (std::int64_t j = 0; j < length; ++j) {
                const std::int64_t row = rows[static_cast<std::size_t>(i - j + length - 1)];
                float sum = 0;
                if (queries != nullptr)
                    sum += queries[place * width + row];
                if (keys != nullptr)
                    sum += keys[(head * length + j) * width + row];
                out[place * length + j] += factor * sum;
            }
        }
    });
}

/// x [B, L, H, d] + bias [H, d].
Tensor shifted(const Tensor& x, const Tensor& bias) {
    Tensor result = x.clone();
    const std::int64_t size = bias.elements();
    const float* add = bias.pointer<float>();
    const auto values = result.mutableData<float>();
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] += add[static_cast<std::int64_t>(i) % size];
    return result;
}

} // namespace

Tensor Runner::relativeBias(int layer, const nn::AttentionInput& parts) {
    const Step step(m_context, "attn.relative", layer);
    m_context.progress.check();
    return m_config.relative == RelativeKind::Disentangled ? disentangledBias(layer, parts)
                                                           : transformerXlBias(layer, parts);
}

Tensor Runner::disentangledBias(int layer, const nn::AttentionInput& parts) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const std::int64_t heads = m_config.heads;
    const std::int64_t size = m_config.headSize;
    // The rows of the table that distances of this input use.
    std::vector<std::int64_t> rows;
    for (std::int64_t distance = 1 - m_length; distance < m_length; ++distance) {
        const std::int64_t counted =
            m_config.relativeBuckets > 0
                ? bucketOf(distance, m_config.relativeBuckets, m_config.relativeReach)
                : distance;
        rows.push_back(
            std::clamp<std::int64_t>(counted + m_config.relativeSpan, 0, 2 * m_config.relativeSpan - 1));
    }
    const auto [low, high] = std::minmax_element(rows.begin(), rows.end());
    const std::int64_t first = *low;
    const std::int64_t count = *high - first + 1;
    for (std::int64_t& row : rows)
        row -= first;
    const Tensor table = m_stack.relativeTable.slice(0, first, first + count);
    Tensor key;
    Tensor query;
    if (m_config.sharedRelative) {
        const Tensor all = Tensor::empty({count, 3 * heads * size});
        linear(modules.qkv, table, all);
        const Tensor split = all.reshape({count, 3, heads, size});
        query = split.select(1, 0);
        key = split.select(1, 1);
    } else {
        const auto projected = [&](const nn::Linear& module) {
            const Tensor result = Tensor::empty({count, heads * size});
            linear(module, table, result);
            return result.reshape({count, heads, size});
        };
        if (m_config.contentToPosition)
            key = projected(modules.relative.key);
        if (m_config.positionToContent)
            query = projected(modules.relative.query);
    }
    const Tensor bias = Tensor::zeros({m_batch, heads, m_length, m_length});
    const Tensor none;
    if (m_config.contentToPosition || m_config.positionToContent)
        gather(m_config.contentToPosition ? meeting(parts.query, key) : none,
               m_config.positionToContent ? meeting(parts.key, query) : none, rows, modules.scale, bias);
    return bias;
}

Tensor Runner::transformerXlBias(int layer, const nn::AttentionInput& parts) {
    const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
    const RelativeAttention& relative = modules.relative;
    const std::int64_t heads = m_config.heads;
    const std::int64_t size = m_config.headSize;
    const std::int64_t width = m_config.hiddenSize;
    const std::int64_t distances = 2 * m_length - 1;
    const Tensor waves = Tensor::empty({distances, width});
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < distances; ++row) {
        rows.push_back(row);
        float* out = waves.mutablePointer<float>() + row * width;
        for (std::int64_t i = 0; i < width / 2; ++i) {
            const float angle = static_cast<float>(row - m_length + 1) *
                                static_cast<float>(std::pow(10000.0, -2.0 * static_cast<double>(i) /
                                                                         static_cast<double>(width)));
            out[i] = std::sin(angle);
            out[width / 2 + i] = std::cos(angle);
        }
    }
    const Tensor positions = Tensor::empty({distances, heads * size});
    linear(relative.key, waves, positions);
    const Tensor bias = Tensor::zeros({m_batch, heads, m_length, m_length});
    gather(meeting(shifted(parts.query, relative.positionBias), positions.reshape({distances, heads, size})),
           {}, rows, modules.scale, bias);
    // u . k_j, and what the query makes of a key's segment.
    const Tensor content = Tensor::empty({m_batch, heads, m_length});
    for (std::int64_t item = 0; item < m_batch; ++item)
        for (std::int64_t head = 0; head < heads; ++head)
            for (std::int64_t j = 0; j < m_length; ++j) {
                const auto& strides = parts.key.strides();
                const float* key =
                    parts.key.pointer<float>() + item * strides[0] + j * strides[1] + head * strides[2];
                const float* with = relative.contentBias.pointer<float>() + head * size;
                float sum = 0;
                for (std::int64_t d = 0; d < size; ++d)
                    sum += key[d] * with[d];
                content.mutablePointer<float>()[(item * heads + head) * m_length + j] = sum;
            }
    Tensor segments; // [B, H, L, 2]
    if (m_input.typeIds.defined())
        segments = meeting(shifted(parts.query, relative.segmentBias), relative.segments);
    const std::int64_t items = m_input.inputIds.size(0);
    float* out = bias.mutablePointer<float>();
    const auto scale = static_cast<float>(modules.scale);
    for (std::int64_t row = 0; row < m_batch * heads * m_length; ++row) {
        const std::int64_t i = row % m_length;
        const std::int64_t head = row / m_length;
        const std::int64_t* types =
            segments.defined() ? m_input.typeIds.pointer<std::int64_t>() + head / heads % items * m_length
                               : nullptr;
        for (std::int64_t j = 0; j < m_length; ++j) {
            float sum = content.pointer<float>()[head * m_length + j];
            if (types != nullptr)
                sum += segments.pointer<float>()[row * 2 + (types[i] != types[j] ? 1 : 0)];
            out[row * m_length + j] += scale * sum;
        }
    }
    return bias;
}

} // namespace orrery::model
