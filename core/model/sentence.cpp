// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/sentence.h"

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::model {
namespace {

using checkpoint::PoolingKind;

/// The attended positions of one row.
std::vector<std::int64_t> attended(const Tensor& mask, std::int64_t row, std::int64_t length) {
    std::vector<std::int64_t> positions;
    for (std::int64_t i = 0; i < length; ++i)
        if (!mask.defined() || mask.at({row, i}) != 0)
            positions.push_back(i);
    if (positions.empty())
        throw UsageError(fmt::format("Row {} of the input is padding only, so it has no vector.", row));
    return positions;
}

double weightOf(PoolingKind kind, std::size_t index, std::size_t count) {
    const auto n = static_cast<double>(count);
    switch (kind) {
    case PoolingKind::Mean:
        return 1 / n;
    case PoolingKind::MeanSqrtLen:
        return 1 / std::sqrt(n);
    case PoolingKind::WeightedMean:
        return static_cast<double>(index + 1) * 2 / (n * (n + 1));
    case PoolingKind::Cls:
        return index == 0 ? 1 : 0;
    case PoolingKind::LastToken:
        return index + 1 == count ? 1 : 0;
    case PoolingKind::Max:
        break;
    }
    return 0;
}

/// hidden: [L, D] of one row, out: [D].
void poolRow(const float* hidden, const std::vector<std::int64_t>& positions, PoolingKind kind,
             std::int64_t width, float* out) {
    std::vector<double> sum(static_cast<std::size_t>(width),
                            kind == PoolingKind::Max ? -std::numeric_limits<double>::infinity() : 0.0);
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const float* state = hidden + positions[i] * width;
        const double weight = weightOf(kind, i, positions.size());
        for (std::size_t d = 0; d < sum.size(); ++d)
            sum[d] = kind == PoolingKind::Max ? std::max(sum[d], static_cast<double>(state[d]))
                                              : sum[d] + weight * static_cast<double>(state[d]);
    }
    std::transform(sum.begin(), sum.end(), out, [](double value) { return static_cast<float>(value); });
}

void normalise(const Tensor& rows) {
    const std::int64_t width = rows.size(1);
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
        float* row = rows.mutablePointer<float>() + i * width;
        double square = 0;
        for (std::int64_t d = 0; d < width; ++d)
            square += static_cast<double>(row[d]) * static_cast<double>(row[d]);
        const double scale = 1 / std::max(std::sqrt(square), 1e-12);
        for (std::int64_t d = 0; d < width; ++d)
            row[d] = static_cast<float>(row[d] * scale);
    }
}

nn::Linear denseOf(const checkpoint::SentenceDense& dense, DType compute) {
    const auto weights = checkpoint::Checkpoint::open(dense.folder);
    const auto take = [&](const char* name, const Shape& shape) {
        const auto& info = weights->info(name);
        if (!(info.shape == shape) || !info.dtype || !isFloating(*info.dtype))
            throw InputError(fmt::format("{}: \"{}\" is {} of {}, but the module's config.json calls for "
                                         "floating-point numbers of {}.",
                                         info.file.string(), name, info.shape.toText(), info.storedDtype,
                                         shape.toText()));
        return weights->tensor(name);
    };
    const Tensor weight = take("linear.weight", {dense.outputs, dense.inputs});
    const Tensor bias = dense.bias ? take("linear.bias", {dense.outputs}).to(DType::F32) : Tensor{};
    return {"sentence." + dense.folder.filename().string(), nn::denseFormat(weight, false, compute), bias};
}

} // namespace

Tensor pooled(const Tensor& hidden, const Tensor& attentionMask, const checkpoint::SentencePooling& pooling) {
    ORRERY_CHECK(hidden.rank() == 3, "hidden states [B, L, D]");
    const Tensor states = hidden.to(DType::F32).contiguous();
    const std::int64_t batch = states.size(0);
    const std::int64_t length = states.size(1);
    const std::int64_t width = states.size(2);
    const auto kinds = static_cast<std::int64_t>(pooling.kinds.size());
    const Tensor result = Tensor::empty({batch, width * kinds});
    for (std::int64_t row = 0; row < batch; ++row) {
        const auto positions = attended(attentionMask, row, length);
        for (std::int64_t k = 0; k < kinds; ++k)
            poolRow(states.pointer<float>() + row * length * width, positions,
                    pooling.kinds[static_cast<std::size_t>(k)], width,
                    result.mutablePointer<float>() + (row * kinds + k) * width);
    }
    return result;
}

SentenceEncoder SentenceEncoder::open(const std::filesystem::path& folder, const OpenOptions& options) {
    const auto config = checkpoint::SentenceConfig::read(folder);
    SentenceEncoder encoder;
    encoder.m_model = Model::open(config.transformer, options);
    encoder.m_maxLength = encoder.m_model->maxPositions();
    if (config.maxLength)
        encoder.m_maxLength = std::min(encoder.m_maxLength, *config.maxLength);
    encoder.m_width = encoder.m_model->hiddenSize();
    const auto mustBe = [&](std::int64_t expected, const char* what) {
        if (expected != encoder.m_width)
            throw InputError(fmt::format("{}: {} takes vectors of {}, but what comes before it gives {}.",
                                         (folder / "modules.json").string(), what, expected,
                                         encoder.m_width));
    };
    for (const auto& stage : config.stages)
        if (const auto* pooling = std::get_if<checkpoint::SentencePooling>(&stage)) {
            mustBe(pooling->width, "the pooling");
            encoder.m_pooling = *pooling;
            encoder.m_width *= static_cast<std::int64_t>(pooling->kinds.size());
        } else if (const auto* dense = std::get_if<checkpoint::SentenceDense>(&stage)) {
            mustBe(dense->inputs, "a dense layer");
            const auto activation = dense->activation == "identity"
                                        ? nn::Activation::None
                                        : nn::activationFromName(dense->activation, dense->folder.string());
            encoder.m_stages.push_back({denseOf(*dense, options.dtype), activation});
            encoder.m_width = dense->outputs;
        } else {
            encoder.m_stages.emplace_back();
        }
    return encoder;
}

Tensor SentenceEncoder::embed(const ModelInput& input, const Context& context) const {
    ModelInput quiet = input;
    quiet.logits = LogitRows::None;
    Tensor rows = pooled(m_model->run(quiet, context).lastHidden, input.attentionMask, m_pooling);
    for (const Stage& stage : m_stages)
        if (stage.dense.defined()) {
            const Tensor out = Tensor::empty({rows.size(0), stage.dense.outputs()});
            stage.dense.run(rows, out, stage.activation);
            rows = out;
        } else {
            normalise(rows);
        }
    return rows;
}

Tensor SentenceEncoder::embed(std::span<const std::string> texts) const {
    const auto tokenizer = m_model->tokenizer();
    if (!tokenizer)
        throw InputError(fmt::format("{} has no tokenizer that can be read: {}", m_model->name(),
                                     m_model->tokenizerProblem()));
    if (texts.empty())
        throw UsageError("An embedding needs at least one text.");
    text::EncodeOptions options;
    options.truncation = text::Truncation{.maxLength = m_maxLength};
    std::vector<std::vector<std::int64_t>> rows;
    for (const std::string& text : texts) {
        rows.push_back(tokenizer->encode(text, options).ids);
        if (rows.back().empty())
            throw UsageError("A text gives no tokens; give at least one word.");
    }
    return embed(ModelInput::ofIds(rows, m_model->config().padToken.value_or(0)));
}

} // namespace orrery::model
