// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate.h"

#include "base/error.h"
#include "nn/key_value_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace orrery::generate {
namespace {

double secondsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The state of one generation: what has been said so far and where each row stands.
class Run {
public:
    Run(const model::Model& model, const model::ModelInput& prompt, const GenerateOptions& options,
        const Context& context)
        : m_model(model), m_options(options), m_context(context), m_batch(prompt.batch()), m_prompt(prompt) {
        for (std::int64_t row = 0; row < m_batch; ++row) {
            std::vector<std::int64_t>& ids = m_ids.emplace_back();
            std::vector<std::int64_t>& mask = m_masks.emplace_back();
            for (std::int64_t i = 0; i < prompt.length(); ++i) {
                ids.push_back(static_cast<std::int64_t>(prompt.inputIds.at({row, i})));
                mask.push_back(prompt.attentionMask.defined() && prompt.attentionMask.at({row, i}) == 0 ? 0
                                                                                                        : 1);
            }
            if (mask.back() == 0)
                throw UsageError(
                    "Prompts of different lengths are padded on the left for generation, so that every "
                    "row ends in its last word.");
        }
        m_masked = prompt.attentionMask.defined();
        m_reasons.assign(static_cast<std::size_t>(m_batch), StopReason::MaxTokens);
        m_ended.assign(static_cast<std::size_t>(m_batch), false);
        m_context.cache = options.useCache ? &m_cache : nullptr;
    }

    /// Logits [B, 1, V] after everything said so far.
    Tensor step() {
        model::ModelInput input;
        input.logits = model::LogitRows::Last;
        const std::int64_t length = static_cast<std::int64_t>(m_ids.front().size());
        const std::int64_t first = m_options.useCache ? m_cache.length() : 0;
        const Shape shape{m_batch, length - first};
        input.inputIds = Tensor::empty(shape, DType::I64);
        input.positionIds = Tensor::empty(shape, DType::I64);
        if (m_masked)
            input.attentionMask = Tensor::empty({m_batch, length}, DType::I64);
        for (std::int64_t row = 0; row < m_batch; ++row) {
            const auto& ids = m_ids[static_cast<std::size_t>(row)];
            const auto& mask = m_masks[static_cast<std::size_t>(row)];
            std::int64_t position = 0; // padding does not count
            for (std::int64_t i = 0; i < length; ++i) {
                const auto place = static_cast<std::size_t>(i);
                if (i >= first) {
                    const auto target = static_cast<std::size_t>(row * (length - first) + i - first);
                    input.inputIds.mutableData<std::int64_t>()[target] = ids[place];
                    input.positionIds.mutableData<std::int64_t>()[target] = position;
                }
                if (m_masked)
                    input.attentionMask
                        .mutableData<std::int64_t>()[static_cast<std::size_t>(row * length + i)] =
                        mask[place];
                position += mask[place];
            }
        }
        if (m_prompt.positionIds.defined() && length == m_prompt.length())
            input.positionIds = m_prompt.positionIds;
        return m_model.run(input, m_context).logits;
    }

    /// Appends one id to every row; false when all rows have ended.
    bool append(const Tensor& logits, std::vector<std::unique_ptr<Decoder>>& decoders,
                std::vector<Generator>& generators) {
        const std::int64_t width = logits.size(-1);
        float* values = logits.mutablePointer<float>();
        std::vector<std::int64_t> said;
        for (std::size_t row = 0; row < m_ids.size(); ++row) {
            std::int64_t id = m_options.padId;
            if (!m_ended[row]) {
                id = decoders[row]->next(
                    {values + static_cast<std::int64_t>(row) * width, static_cast<std::size_t>(width)},
                    m_ids[row], generators[row]);
                if (std::find(m_options.stopIds.begin(), m_options.stopIds.end(), id) !=
                    m_options.stopIds.end()) {
                    m_ended[row] = true;
                    m_reasons[row] = StopReason::StopId;
                }
            }
            m_ids[row].push_back(id);
            m_masks[row].push_back(1);
            said.push_back(id);
        }
        if (m_options.onTokens && !m_options.onTokens(said)) {
            stopAll(StopReason::Callback);
            return false;
        }
        return !std::all_of(m_ended.begin(), m_ended.end(), [](bool ended) { return ended; });
    }

    void stopAll(StopReason reason) {
        for (std::size_t row = 0; row < m_reasons.size(); ++row)
            if (!m_ended[row])
                m_reasons[row] = reason;
    }

    [[nodiscard]] std::int64_t length() const { return static_cast<std::int64_t>(m_ids.front().size()); }

    void result(Generation& generation) const {
        generation.ids = Tensor::empty({m_batch, length()}, DType::I64);
        auto out = generation.ids.mutableData<std::int64_t>().begin();
        for (const auto& row : m_ids)
            out = std::copy(row.begin(), row.end(), out);
        generation.reasons = m_reasons;
        generation.cacheBytes = m_cache.bytes();
    }

private:
    const model::Model& m_model;
    const GenerateOptions& m_options;
    Context m_context;
    std::int64_t m_batch;
    const model::ModelInput& m_prompt;
    bool m_masked = false;
    nn::KeyValueCache m_cache;
    std::vector<std::vector<std::int64_t>> m_ids;
    std::vector<std::vector<std::int64_t>> m_masks;
    std::vector<StopReason> m_reasons;
    std::vector<bool> m_ended;
};

} // namespace

Generation generate(const model::Model& model, const model::ModelInput& prompt,
                    const DecodingStrategy& strategy, const OptionValues& strategyOptions,
                    const GenerateOptions& options, const Context& context) {
    if (!model.causal() || !model.canUnembed())
        throw UsageError(
            fmt::format("{} is not a causal language model, so it cannot continue a text.", model.name()));
    if (prompt.batch() == 0 || prompt.length() == 0)
        throw UsageError("The prompt holds no tokens; give at least one.");
    if (options.maxNewTokens < 1)
        throw UsageError("A generation needs at least one new token.");

    Run run(model, prompt, options, context);
    std::vector<std::unique_ptr<Decoder>> decoders;
    std::vector<Generator> generators;
    Generator seed(options.seed);
    for (std::int64_t row = 0; row < prompt.batch(); ++row) {
        decoders.push_back(strategy.start(strategyOptions));
        generators.push_back(seed.split()); // rows do not change one another's draws
    }
    Generation generation;
    generation.promptLength = prompt.length();
    for (std::int64_t made = 0; made < options.maxNewTokens; ++made) {
        context.progress.report("Generating", static_cast<double>(made),
                                static_cast<double>(options.maxNewTokens));
        if (run.length() > model.maxPositions()) {
            run.stopAll(StopReason::Context);
            break;
        }
        const auto start = std::chrono::steady_clock::now();
        const bool more = run.append(run.step(), decoders, generators);
        if (made == 0)
            generation.prefillSeconds = secondsSince(start);
        else
            generation.stepSeconds.push_back(secondsSince(start));
        if (!more)
            break;
    }
    run.result(generation);
    return generation;
}

} // namespace orrery::generate
