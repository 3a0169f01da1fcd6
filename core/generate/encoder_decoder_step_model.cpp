// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/encoder_decoder_step_model.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::generate {

bool EncoderDecoderStepModel::fits(const model::Model& model) {
    if (!model.isNetwork() || !model.canUnembed())
        return false;
    const auto inputs = model.inputs();
    return std::any_of(inputs.begin(), inputs.end(),
                       [](const model::NetworkInput& input) { return input.name == "decoder_input_ids"; });
}

EncoderDecoderStepModel::EncoderDecoderStepModel(const model::Model& model, model::NamedTensors read,
                                                 Context context)
    : m_model(model), m_read(std::move(read)), m_context(std::move(context)) {
    if (!fits(model))
        throw UsageError(fmt::format("{} has no decoder that writes texts.", model.name()));
    m_read.erase("decoder_input_ids");
    m_read.erase("decoder_attention_mask");
    if (m_read.empty())
        throw UsageError(
            fmt::format("{} writes about something: give its encoder a text or a sound.", model.name()));
    m_context.cache = &m_cache;
}

std::int64_t EncoderDecoderStepModel::items() const {
    return m_read.begin()->second.size(0);
}

Tensor EncoderDecoderStepModel::run(model::NamedTensors inputs, const Tensor& ids) {
    inputs["decoder_input_ids"] = ids;
    try {
        const model::NamedTensors outputs = m_model.run(inputs, m_context);
        if (const auto memory = outputs.find("encoder_last_hidden_state"); memory != outputs.end()) {
            // For the next prompts: the encoder need not run again.
            const auto mask = m_read.find("attention_mask");
            model::NamedTensors kept{{"encoder_last_hidden_state", memory->second}};
            if (mask != m_read.end())
                kept["attention_mask"] = mask->second;
            m_read = std::move(kept);
        }
        const Tensor& logits = outputs.at("logits");
        return logits.select(1, logits.size(1) - 1).contiguous();
    } catch (...) {
        m_cache.clear(); // half a step is no state to go on from
        throw;
    }
}

Tensor EncoderDecoderStepModel::prefill(std::span<const TokenIds> prompts) {
    ORRERY_CHECK(!prompts.empty(), "at least one prompt");
    const std::size_t length = prompts.front().size();
    const Tensor ids = Tensor::empty(
        {static_cast<std::int64_t>(prompts.size()), static_cast<std::int64_t>(length)}, DType::I64);
    auto to = ids.mutableData<std::int64_t>().begin();
    for (const TokenIds& prompt : prompts) {
        if (prompt.empty() || prompt.size() != length)
            throw UsageError("A decoder begins all its texts with equally many tokens, at least the start "
                             "token.");
        to = std::copy(prompt.begin(), prompt.end(), to);
    }
    m_cache.clear();
    return run(m_read, ids);
}

Tensor EncoderDecoderStepModel::step(std::span<const std::int64_t> tokens) {
    ORRERY_CHECK(static_cast<std::int64_t>(tokens.size()) == rows(), "one token for every row");
    return run({}, Tensor::of<std::int64_t>({rows(), 1}, tokens));
}

void EncoderDecoderStepModel::reorder(std::span<const std::int64_t> rows) {
    m_cache.select(rows);
}

} // namespace orrery::generate
