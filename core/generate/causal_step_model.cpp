// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/causal_step_model.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::generate {
namespace {

/// Whether every layer decodes position by position; one that does not makes every step run all positions.
bool decodesWithState(const model::Model& model, const Context& context) {
    const auto incremental = [](const std::shared_ptr<const nn::TokenMixer>& mixer) {
        return !mixer || mixer->supports().incremental;
    };
    for (const auto& [layer, mixer] : context.mixers)
        if (!incremental(mixer))
            return false;
    for (int layer = 0; layer < static_cast<int>(model.layers()); ++layer)
        if (!incremental(model.mixer(layer)))
            return false;
    return true;
}

} // namespace

CausalStepModel::CausalStepModel(const model::Model& model, Context context, const CausalStepOptions& options)
    : m_model(model), m_context(std::move(context)), m_options(options) {
    if (!model.causal() || !model.canUnembed())
        throw UsageError(
            fmt::format("{} is not a causal language model, so it cannot continue a text.", model.name()));
    m_options.useCache = m_options.useCache && decodesWithState(model, m_context);
    m_context.cache = m_options.useCache ? &m_cache : nullptr;
}

std::int64_t CausalStepModel::length() const {
    return m_rows.empty() ? 0 : static_cast<std::int64_t>(m_rows.front().ids.size());
}

void CausalStepModel::clear() {
    m_cache.clear();
    m_rows.clear();
    m_hidden = {};
}

bool CausalStepModel::keepPrefix(const TokenIds& prompt) {
    if (!m_options.useCache || m_cache.length() != length() || m_rows.empty())
        return false;
    std::int64_t best = 0;
    std::int64_t bestRow = -1;
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        if (m_rows[row].padding > 0)
            continue;
        const auto& held = m_rows[row].ids;
        // The prompt's last position is always computed: its logits are what is asked for.
        const auto end = std::min(held.size(), prompt.size() - 1);
        const auto common =
            std::mismatch(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(end), prompt.begin())
                .first -
            held.begin();
        if (common > best) {
            best = common;
            bestRow = static_cast<std::int64_t>(row);
        }
    }
    if (bestRow < 0 || (best < length() && !m_cache.canTruncate()))
        return false;
    if (m_rows.size() > 1)
        reorder(std::vector{bestRow});
    m_cache.truncate(best);
    m_reused = best;
    return true;
}

Tensor CausalStepModel::prefill(std::span<const TokenIds> prompts) {
    ORRERY_CHECK(!prompts.empty(), "at least one prompt");
    m_reused = 0;
    std::size_t longest = 0;
    for (const TokenIds& prompt : prompts) {
        if (prompt.empty())
            throw UsageError("The prompt holds no tokens; give at least one.");
        longest = std::max(longest, prompt.size());
    }
    if (static_cast<std::int64_t>(longest) > maxPositions())
        throw UsageError(
            fmt::format("The prompt has {} tokens, but the model has {} positions; shorten the text or "
                        "set context_shift=true to go on from its end.",
                        longest, maxPositions()));
    if (prompts.size() > 1 || !keepPrefix(prompts.front()))
        clear();
    m_rows.clear();
    for (const TokenIds& prompt : prompts) {
        Row& row = m_rows.emplace_back();
        row.padding = static_cast<std::int64_t>(longest - prompt.size());
        row.prompt = static_cast<std::int64_t>(m_rows.size()) - 1;
        row.ids.assign(longest - prompt.size(), m_options.padId);
        row.ids.insert(row.ids.end(), prompt.begin(), prompt.end());
    }
    m_promptLength = static_cast<std::int64_t>(longest);
    return run(model::LogitRows::Last);
}

void CausalStepModel::append(std::span<const std::int64_t> tokens) {
    ORRERY_CHECK(tokens.size() == m_rows.size(), "one token for every row");
    for (std::size_t row = 0; row < m_rows.size(); ++row)
        m_rows[row].ids.push_back(tokens[row]);
}

Tensor CausalStepModel::step(std::span<const std::int64_t> tokens) {
    append(tokens);
    return run(model::LogitRows::Last);
}

Tensor CausalStepModel::extend(std::span<const std::int64_t> tokens) {
    ORRERY_CHECK(rows() == 1 && !tokens.empty(), "several tokens are read by one row");
    m_rows.front().ids.insert(m_rows.front().ids.end(), tokens.begin(), tokens.end());
    const Tensor logits = run(model::LogitRows::All);
    const std::int64_t count = logits.size(1); // all positions when there is no cache
    return logits.select(0, 0).slice(0, count - static_cast<std::int64_t>(tokens.size()), count);
}

void CausalStepModel::goBack(std::int64_t length) {
    ORRERY_CHECK(rows() == 1 && length > 0 && length <= this->length(), "a length that was reached");
    m_rows.front().ids.resize(static_cast<std::size_t>(length));
    if (m_options.useCache)
        m_cache.truncate(length);
}

void CausalStepModel::reorder(std::span<const std::int64_t> rows) {
    bool sameRows = static_cast<std::int64_t>(rows.size()) == this->rows();
    bool samePrompts = true;
    std::vector<Row> next;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ORRERY_CHECK(rows[i] >= 0 && rows[i] < this->rows(), "rows that there are");
        const auto from = static_cast<std::size_t>(rows[i]);
        sameRows = sameRows && from == i;
        samePrompts = samePrompts && i < m_rows.size() && m_rows[i].prompt == m_rows[from].prompt;
        next.push_back(m_rows[from]);
    }
    if (sameRows)
        return;
    if (m_options.useCache)
        m_cache.select(rows, samePrompts ? m_promptLength : 0);
    m_rows = std::move(next);
}

Tensor CausalStepModel::run(model::LogitRows logits) {
    const std::int64_t count = length();
    const std::int64_t first = m_options.useCache ? m_cache.length() : 0;
    const bool padded =
        std::any_of(m_rows.begin(), m_rows.end(), [](const Row& row) { return row.padding > 0; });
    model::ModelInput input;
    input.logits = logits;
    input.inputIds = Tensor::empty({rows(), count - first}, DType::I64);
    if (padded) { // otherwise the family counts positions by itself
        input.positionIds = Tensor::empty({rows(), count - first}, DType::I64);
        input.attentionMask = Tensor::full({rows(), count}, 1, DType::I64);
    }
    for (std::int64_t i = 0; i < rows(); ++i) {
        const Row& row = m_rows[static_cast<std::size_t>(i)];
        std::copy(row.ids.begin() + static_cast<std::ptrdiff_t>(first), row.ids.end(),
                  input.inputIds.mutableData<std::int64_t>().begin() +
                      static_cast<std::ptrdiff_t>(i * (count - first)));
        if (!padded)
            continue;
        for (std::int64_t j = first; j < count; ++j)
            input.positionIds
                .mutableData<std::int64_t>()[static_cast<std::size_t>(i * (count - first) + j - first)] =
                std::max<std::int64_t>(0, j - row.padding);
        std::fill_n(input.attentionMask.mutableData<std::int64_t>().begin() +
                        static_cast<std::ptrdiff_t>(i * count),
                    row.padding, 0);
    }
    try {
        const model::ModelOutput output = m_model.run(input, m_context);
        if (m_options.keepHidden)
            m_hidden = output.lastHidden.to(DType::F32).clone();
        return logits == model::LogitRows::Last ? output.logits.reshape({rows(), -1}) : output.logits;
    } catch (...) {
        clear(); // half a step is no state to go on from
        throw;
    }
}

Tensor CausalStepModel::hidden(std::int64_t row) const {
    ORRERY_CHECK(m_hidden.defined() && row >= 0 && row < m_hidden.size(0), "hidden states are kept");
    const std::int64_t count = m_hidden.size(1);
    // Without a cache every run reads all positions; padding can only be among those of a first run.
    const bool whole = count == length();
    const std::int64_t first = whole ? m_rows[static_cast<std::size_t>(row)].padding : 0;
    return m_hidden.select(0, row).slice(0, first, count);
}

} // namespace orrery::generate
