// SPDX-License-Identifier: GPL-3.0-or-later
// The two ends of a run: the input's embeddings, and what the head makes of the last hidden state.
#include "base/error.h"
#include "kernels/elementwise.h"
#include "kernels/gate.h"
#include "model/runner.h"
#include "model/step.h"
#include "nn/key_value_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {

using probe::SiteKind;
using Slot = nn::Workspace::Slot;

namespace {

void checkIds(const Tensor& ids, std::int64_t count, std::string_view what, std::string_view table) {
    for (const std::int64_t id : ids.data<std::int64_t>())
        if (id < 0 || id >= count)
            throw UsageError(fmt::format("The input holds the {} {}, but the model's {} has {} entries.",
                                         what, id, table, count));
}

Tensor checkedInput(const Tensor& tensor, const Shape& shape, std::string_view what) {
    if (!tensor.defined())
        return tensor;
    if (!(tensor.shape() == shape))
        throw UsageError(fmt::format("The {} have shape {} where {} is needed.", what,
                                     tensor.shape().toText(), shape.toText()));
    return tensor.to(DType::I64);
}

} // namespace

void Runner::setCache(nn::KeyValueCache* cache) {
    m_cache = cache;
}

void Runner::setInput(const ModelInput& input, std::int64_t variants) {
    if (!input.inputIds.defined() || input.inputIds.rank() != 2 || input.inputIds.elements() == 0)
        throw UsageError("The input holds no tokens.");
    m_input = input;
    m_past = m_cache != nullptr ? m_cache->length() : 0;
    m_length = input.inputIds.size(1);
    m_batch = input.inputIds.size(0) * variants;
    if (m_past + m_length > m_config.maxPositions)
        throw UsageError(
            fmt::format("The input has {} tokens, but the model has {} positions; shorten the text.",
                        m_past + m_length, m_config.maxPositions));
    const Shape shape = input.inputIds.shape();
    m_input.inputIds = checkedInput(input.inputIds, shape, "token ids");
    m_input.typeIds = checkedInput(input.typeIds, shape, "type ids");
    m_input.positionIds = checkedInput(input.positionIds, shape, "position ids");
    checkIds(m_input.inputIds, m_config.vocabulary, "token id", "vocabulary");
    if (m_input.typeIds.defined() && m_stack.typeEmbedding.defined())
        checkIds(m_input.typeIds, m_config.typeVocabulary, "type id", "table of types");
    if (m_cache != nullptr && !m_config.causal)
        throw UsageError("Only causal models decode with a cache; run the whole input without one.");
    buildKeyMask(input, variants);
    if (m_config.positions == PositionKind::Alibi)
        buildAlibi();
    m_angles.assign(m_config.rotaries.size(), {});
    m_workspace.reserveBlock(blockBytes());
    if (m_cache != nullptr)
        m_cache->prepare(static_cast<int>(m_config.layers), m_batch, m_length);
}

void Runner::buildKeyMask(const ModelInput& input, std::int64_t variants) {
    m_keyMask = {};
    const std::int64_t rows = m_batch / variants;
    const std::int64_t keys = m_past + m_length;
    const Tensor held = m_cache != nullptr ? m_cache->keyMask() : Tensor{};
    if (!input.attentionMask.defined() && !held.defined())
        return;
    const Tensor mask = Tensor::empty({m_batch, keys}, DType::U8);
    std::uint8_t* out = mask.mutablePointer<std::uint8_t>();
    std::fill_n(out, static_cast<std::size_t>(mask.elements()), std::uint8_t{1});
    if (held.defined())
        mask.slice(1, 0, m_past).copyFrom(held);
    if (input.attentionMask.defined()) {
        const Tensor given = input.attentionMask.to(DType::I64);
        const std::int64_t width = given.rank() == 2 ? given.size(1) : -1;
        if (given.rank() != 2 || given.size(0) != rows || (width != keys && width != m_length))
            throw UsageError(fmt::format("The attention mask has shape {} where [{}, {}] is needed.",
                                         input.attentionMask.shape().toText(), rows, keys));
        const auto values = given.data<std::int64_t>();
        for (std::int64_t row = 0; row < m_batch; ++row)
            for (std::int64_t j = 0; j < width; ++j)
                out[row * keys + keys - width + j] =
                    values[static_cast<std::size_t>((row % rows) * width + j)] != 0;
    }
    if (std::find(out, out + mask.elements(), std::uint8_t{0}) != out + mask.elements())
        m_keyMask = mask;
}

void Runner::buildAlibi() {
    // Slopes 2^(-8 h / H) for powers of two; other counts take every other slope of the next power as well.
    const int heads = m_config.heads;
    int power = 1;
    while (2 * power <= heads)
        power *= 2;
    const std::int64_t keys = m_past + m_length;
    const std::int64_t rows = m_keyMask.defined() ? m_batch : 1;
    m_bias = Tensor::empty({rows, heads, 1, keys});
    float* out = m_bias.mutablePointer<float>();
    for (std::int64_t row = 0; row < rows; ++row)
        for (int head = 0; head < heads; ++head) {
            const double exponent =
                head < power ? -8.0 * (head + 1) / power : -4.0 * (2 * (head - power) + 1) / power;
            const auto slope = static_cast<float>(std::exp2(exponent));
            std::int64_t position = 0; // among the attended keys
            for (std::int64_t key = 0; key < keys; ++key) {
                const bool attended =
                    !m_keyMask.defined() || m_keyMask.pointer<std::uint8_t>()[row * keys + key] != 0;
                *out++ = attended ? slope * static_cast<float>(position++) : 0;
            }
        }
}

Tensor Runner::positionIds() const {
    if (m_input.positionIds.defined())
        return m_input.positionIds;
    Tensor ids = Tensor::empty(m_input.inputIds.shape(), DType::I64);
    const auto out = ids.mutableData<std::int64_t>();
    const auto tokens = m_input.inputIds.data<std::int64_t>();
    const std::int64_t padding = m_config.padToken.value_or(-1);
    for (std::int64_t row = 0; row < ids.size(0); ++row) {
        const std::uint8_t* mask =
            m_keyMask.defined() ? m_keyMask.pointer<std::uint8_t>() + row * (m_past + m_length) : nullptr;
        std::int64_t count = m_past;
        if (m_config.positionCount == PositionCount::SkipMasked && mask != nullptr)
            count = std::count_if(mask, mask + m_past, [](std::uint8_t value) { return value != 0; });
        for (std::int64_t j = 0; j < m_length; ++j) {
            const auto place = static_cast<std::size_t>(row * m_length + j);
            switch (m_config.positionCount) {
            case PositionCount::Index:
                out[place] = m_past + j;
                break;
            case PositionCount::SkipPadding:
                out[place] = tokens[place] == padding ? padding : ++count + padding;
                break;
            case PositionCount::SkipMasked:
                out[place] = mask != nullptr && mask[m_past + j] == 0 ? -1 : count++;
                break;
            }
        }
    }
    return ids;
}

Tensor Runner::embed() {
    const Step step(m_context, "embed");
    m_context.progress.check();
    const nn::Linear& projection = m_stack.embeddingProjection;
    const Shape wide{m_batch, m_length, m_config.hiddenSize};
    Tensor x = m_workspace.take(projection.defined() ? Slot::Normed : Slot::Residual,
                                {m_batch, m_length, m_config.embeddingSize});
    ORRERY_CHECK(m_batch == m_input.inputIds.size(0), "embeddings are computed for one variant at a time");
    kernels::gatherRows(m_stack.tokenEmbedding, m_input.inputIds, x);
    if (m_config.embeddingScale != 1)
        kernels::scale(x, m_config.embeddingScale);
    visit(SiteKind::Embed, -1, x);
    const auto project = [&] {
        const Tensor projected = m_workspace.take(Slot::Residual, wide);
        linear(projection, x.reshape({m_batch * m_length, -1}), projected.reshape({m_batch * m_length, -1}));
        x = projected;
    };
    if (projection.defined() && m_config.projectFirst)
        project();
    const auto addPart = [&](SiteKind kind, const Tensor& table, const Tensor& ids) {
        if (!touches(kind)) {
            kernels::gatherRows(table, ids, x, true);
            return;
        }
        const Tensor part = m_workspace.take(Slot::Branch, x.shape());
        kernels::gatherRows(table, ids, part);
        visit(kind, -1, part);
        kernels::add(x, part, x);
    };
    if (m_stack.positionEmbedding.defined())
        addPart(SiteKind::PositionEmbed, m_stack.positionEmbedding, positionRows());
    if (m_stack.typeEmbedding.defined()) {
        const Tensor types =
            m_input.typeIds.defined() ? m_input.typeIds : Tensor::zeros(m_input.inputIds.shape(), DType::I64);
        addPart(SiteKind::TypeEmbed, m_stack.typeEmbedding, types);
    }
    if (m_stack.embeddingNorm.defined())
        norm(m_stack.embeddingNorm, x, x, "embed.ln", -1);
    if (projection.defined() && !m_config.projectFirst)
        project();
    return x;
}

Tensor Runner::positionRows() const {
    Tensor rows = positionIds();
    if (m_config.positionOffset != 0) {
        rows = rows.clone();
        for (std::int64_t& row : rows.mutableData<std::int64_t>())
            row += m_config.positionOffset;
    }
    checkIds(rows, m_stack.positionEmbedding.size(0), "position id", "table of positions");
    return rows;
}

Tensor Runner::start(const Tensor& residual) {
    const std::int64_t rows = residual.size(0);
    Tensor x = m_workspace.take(Slot::Residual, {m_batch, m_length, m_config.hiddenSize});
    for (std::int64_t row = 0; row < m_batch; row += rows)
        x.slice(0, row, row + rows).copyFrom(residual);
    return x;
}

ModelOutput Runner::finish(const Tensor& x) {
    ModelOutput output;
    m_workspace.endBlocks();
    output.lastHidden = finalState(x);
    if (m_cache != nullptr)
        m_cache->commit(m_length, m_keyMask);
    if (m_stack.head.pooler.defined()) {
        output.pooled = Tensor::empty({m_batch, m_stack.head.pooler.outputs()});
        linear(m_stack.head.pooler, firstTokens(output.lastHidden), output.pooled, m_config.poolerActivation);
        visit(SiteKind::Pooled, -1, output.pooled);
    }
    headLogits(output.lastHidden, output);
    return output;
}

Tensor Runner::finalState(const Tensor& x) {
    Tensor hidden = x;
    if (m_stack.finalNorm.defined()) {
        hidden = m_workspace.take(Slot::Final, x.shape());
        norm(m_stack.finalNorm, x, hidden, "ln_final", -1);
        visit(SiteKind::FinalNorm, -1, hidden);
    }
    if (m_stack.outputProjection.defined()) {
        Shape shape = x.shape();
        shape[-1] = m_config.embeddingSize;
        const Tensor projected = m_workspace.take(Slot::Normed, shape);
        linear(m_stack.outputProjection, hidden.reshape({-1, m_config.hiddenSize}),
               projected.reshape({-1, m_config.embeddingSize}));
        visit(SiteKind::OutputProjection, -1, projected);
        hidden = projected;
    }
    return hidden;
}

Tensor Runner::firstTokens(const Tensor& hidden) {
    return hidden.select(1, 0).contiguous();
}

std::vector<std::int64_t> Runner::lastPositions() const {
    std::vector<std::int64_t> positions;
    for (std::int64_t row = 0; row < m_batch; ++row) {
        std::int64_t last = m_length - 1;
        if (m_keyMask.defined()) {
            const std::uint8_t* mask = m_keyMask.pointer<std::uint8_t>() + row * m_keyMask.size(1) + m_past;
            while (last > 0 && mask[last] == 0)
                --last;
        } else if (m_config.padToken) {
            const std::int64_t* ids =
                m_input.inputIds.pointer<std::int64_t>() + (row % m_input.inputIds.size(0)) * m_length;
            while (last > 0 && ids[last] == *m_config.padToken)
                --last;
        }
        positions.push_back(last);
    }
    return positions;
}

Tensor Runner::lastTokens(const Tensor& hidden) {
    Tensor rows = Tensor::empty({m_batch, hidden.size(2)});
    const std::vector<std::int64_t> last = lastPositions();
    for (std::int64_t row = 0; row < m_batch; ++row)
        rows.select(0, row).copyFrom(hidden.select(0, row).select(0, last[static_cast<std::size_t>(row)]));
    return rows;
}

Tensor Runner::pooledRows(const Tensor& lastHidden, const Tensor& pooled) {
    const Head& head = m_stack.head;
    const Tensor rows = pooled.defined() ? pooled : pooledByPlace(lastHidden);
    if (!head.classifierDense.defined())
        return rows;
    const Tensor result = Tensor::empty({m_batch, head.classifierDense.outputs()});
    linear(head.classifierDense, rows, result, m_config.classifierActivation);
    return result;
}

Tensor Runner::pooledByPlace(const Tensor& lastHidden) {
    if (m_config.pooling == Pooling::First)
        return firstTokens(lastHidden);
    if (m_config.pooling == Pooling::Last)
        return lastTokens(lastHidden);
    const Tensor rows = Tensor::zeros({m_batch, lastHidden.size(2)});
    for (std::int64_t row = 0; row < m_batch; ++row) {
        double count = 0;
        const Tensor sum = rows.select(0, row);
        for (std::int64_t i = 0; i < m_length; ++i)
            if (!m_keyMask.defined() ||
                m_keyMask.pointer<std::uint8_t>()[row * m_keyMask.size(1) + m_past + i] != 0) {
                kernels::add(sum, lastHidden.select(0, row).select(0, i), sum);
                count += 1;
            }
        if (count > 0)
            kernels::scale(sum, 1 / count);
    }
    return rows;
}

Tensor Runner::transformed(const Tensor& rows) {
    const Head& head = m_stack.head;
    if (!head.transform.defined())
        return rows;
    const Tensor hidden = m_workspace.take(Slot::HeadHidden, {rows.size(0), head.transform.outputs()});
    linear(head.transform, rows, hidden, m_config.headActivation);
    norm(head.norm, hidden, hidden, "head.ln", -1);
    return hidden;
}

Tensor Runner::vocabularyLogits(const Tensor& rows) {
    const Tensor logits = m_workspace.take(Slot::Logits, {rows.size(0), m_stack.head.decoder.outputs()});
    linear(m_stack.head.decoder, transformed(rows), logits);
    if (m_config.logitCap > 0)
        kernels::softCap(logits, m_config.logitCap);
    return logits;
}

Tensor Runner::unembed(const Tensor& rows) {
    return vocabularyLogits(finalState(rows));
}

void Runner::headLogits(const Tensor& lastHidden, ModelOutput& output) {
    const Head& head = m_stack.head;
    if (m_input.logits == LogitRows::None)
        return;
    if (head.decoder.defined()) {
        std::vector<std::int64_t> positions;
        if (m_input.logits == LogitRows::Last)
            positions.push_back(m_length - 1);
        else if (m_input.logits == LogitRows::Chosen)
            for (const std::int64_t position : m_input.logitPositions) {
                const std::int64_t index = position < 0 ? position + m_length : position;
                if (index < 0 || index >= m_length)
                    throw UsageError(
                        fmt::format("Logits are asked for at position {} of {} tokens.", position, m_length));
                positions.push_back(index);
            }
        Tensor rows = lastHidden.reshape({m_batch * m_length, -1});
        std::int64_t count = m_length;
        if (m_input.logits != LogitRows::All) {
            count = static_cast<std::int64_t>(positions.size());
            if (count == 0)
                return;
            const Tensor picked = m_workspace.take(Slot::HeadRows, {m_batch, count, lastHidden.size(2)});
            for (std::int64_t i = 0; i < count; ++i)
                picked.select(1, i).copyFrom(lastHidden.select(1, positions[static_cast<std::size_t>(i)]));
            rows = picked.reshape({m_batch * count, -1});
        } else {
            for (std::int64_t i = 0; i < m_length; ++i)
                positions.push_back(i);
        }
        output.logits = vocabularyLogits(rows).reshape({m_batch, count, -1});
        output.logitPositions = std::move(positions);
        visit(SiteKind::Logits, -1, output.logits);
        return;
    }
    if (!head.classifier.defined())
        return;
    const std::int64_t labels = head.classifier.outputs();
    if (m_config.head == HeadKind::SequenceClassification) {
        output.logits = Tensor::empty({m_batch, labels});
        linear(head.classifier, transformed(pooledRows(lastHidden, output.pooled)), output.logits);
        visit(SiteKind::Logits, -1, output.logits);
        return;
    }
    Tensor rows = lastHidden.reshape({m_batch * m_length, -1});
    if (m_config.head == HeadKind::ReplacedTokens) {
        const Tensor hidden =
            m_workspace.take(Slot::HeadHidden, {rows.size(0), head.classifierDense.outputs()});
        linear(head.classifierDense, rows, hidden, m_config.classifierActivation);
        rows = hidden;
    }
    output.logits = Tensor::empty({m_batch, m_length, labels});
    linear(head.classifier, transformed(rows), output.logits.reshape({m_batch * m_length, labels}));
    if (m_config.head == HeadKind::ReplacedTokens)
        output.logits = output.logits.select(2, 0);
    visit(SiteKind::Logits, -1, output.logits);
    if (m_config.head == HeadKind::QuestionAnswering) {
        output.startLogits = output.logits.select(2, 0).contiguous();
        output.endLogits = output.logits.select(2, 1).contiguous();
    }
}

} // namespace orrery::model
