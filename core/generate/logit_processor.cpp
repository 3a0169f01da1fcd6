// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/logit_processor.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace orrery::generate {
namespace {

constexpr float never = -std::numeric_limits<float>::infinity();

float& at(std::span<float> scores, std::int64_t id) {
    return scores[static_cast<std::size_t>(id)];
}

/// Ids of a prompt may come from outside, and a padded vocabulary may be shorter than the table of
/// embeddings.
bool known(std::span<const float> scores, std::int64_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < scores.size();
}

class BiasedSequences final : public LogitProcessor {
public:
    BiasedSequences(std::string_view name, std::vector<SequenceBias> sequences)
        : m_name(name), m_sequences(std::move(sequences)) {}
    [[nodiscard]] std::string_view name() const override { return m_name; }
    void apply(const Said& said, std::span<float> scores) const override {
        for (const SequenceBias& sequence : m_sequences) {
            const std::size_t before = sequence.ids.size() - 1;
            if (before > 0 && (sequence.ids.size() > said.ids.size() ||
                               !std::equal(sequence.ids.begin(), sequence.ids.end() - 1,
                                           said.ids.end() - static_cast<std::ptrdiff_t>(before))))
                continue;
            at(scores, sequence.ids.back()) += static_cast<float>(sequence.bias);
        }
    }

private:
    std::string_view m_name;
    std::vector<SequenceBias> m_sequences;
};

class RepetitionPenalty final : public LogitProcessor {
public:
    explicit RepetitionPenalty(double penalty) : m_penalty(static_cast<float>(penalty)) {}
    [[nodiscard]] std::string_view name() const override { return "repetition_penalty"; }
    void apply(const Said& said, std::span<float> scores) const override {
        TokenIds distinct(said.ids.begin(), said.ids.end());
        std::sort(distinct.begin(), distinct.end());
        distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
        for (const std::int64_t id : distinct)
            if (known(scores, id)) {
                float& score = at(scores, id);
                score = score < 0 ? score * m_penalty : score / m_penalty;
            }
    }

private:
    float m_penalty;
};

class CountPenalty final : public LogitProcessor {
public:
    CountPenalty(double presence, double frequency) : m_presence(presence), m_frequency(frequency) {}
    [[nodiscard]] std::string_view name() const override { return "presence_frequency_penalty"; }
    void apply(const Said& said, std::span<float> scores) const override {
        std::unordered_map<std::int64_t, int> counts;
        for (const std::int64_t id : said.ids.subspan(static_cast<std::size_t>(said.promptLength)))
            ++counts[id];
        for (const auto& [id, count] : counts)
            if (known(scores, id))
                at(scores, id) -= static_cast<float>(m_presence + m_frequency * count);
    }

private:
    double m_presence;
    double m_frequency;
};

class NoRepeatNgram final : public LogitProcessor {
public:
    explicit NoRepeatNgram(std::int64_t size) : m_size(static_cast<std::size_t>(size)) {}
    [[nodiscard]] std::string_view name() const override { return "no_repeat_ngram_size"; }
    void apply(const Said& said, std::span<float> scores) const override {
        if (said.ids.size() + 1 < m_size)
            return;
        const auto tail = said.ids.last(m_size - 1);
        for (std::size_t i = 0; i + m_size <= said.ids.size(); ++i)
            if (std::equal(tail.begin(), tail.end(), said.ids.begin() + static_cast<std::ptrdiff_t>(i))) {
                const std::int64_t id = said.ids[i + m_size - 1];
                if (known(scores, id))
                    at(scores, id) = never;
            }
    }

private:
    std::size_t m_size;
};

/// No end before a length.
class MinLength final : public LogitProcessor {
public:
    MinLength(std::int64_t length, bool promptCounts, std::vector<std::int64_t> ends)
        : m_length(length), m_promptCounts(promptCounts), m_ends(std::move(ends)) {}
    [[nodiscard]] std::string_view name() const override {
        return m_promptCounts ? "min_length" : "min_new_tokens";
    }
    void apply(const Said& said, std::span<float> scores) const override {
        const std::int64_t length =
            static_cast<std::int64_t>(said.ids.size()) - (m_promptCounts ? 0 : said.promptLength);
        if (length < m_length)
            for (const std::int64_t id : m_ends)
                at(scores, id) = never;
    }

private:
    std::int64_t m_length;
    bool m_promptCounts;
    std::vector<std::int64_t> m_ends;
};

void force(std::span<float> scores, std::span<const std::int64_t> ids) {
    std::fill(scores.begin(), scores.end(), never);
    for (const std::int64_t id : ids)
        at(scores, id) = 0;
}

class ForcedBos final : public LogitProcessor {
public:
    explicit ForcedBos(std::int64_t id) : m_id(id) {}
    [[nodiscard]] std::string_view name() const override { return "forced_bos_token_id"; }
    void apply(const Said& said, std::span<float> scores) const override {
        if (said.ids.size() == 1)
            force(scores, std::span(&m_id, 1));
    }

private:
    std::int64_t m_id;
};

class ForcedEos final : public LogitProcessor {
public:
    ForcedEos(std::int64_t maxNewTokens, std::vector<std::int64_t> ids)
        : m_maxNewTokens(maxNewTokens), m_ids(std::move(ids)) {}
    [[nodiscard]] std::string_view name() const override { return "forced_eos_token_id"; }
    void apply(const Said& said, std::span<float> scores) const override {
        if (static_cast<std::int64_t>(said.ids.size()) - said.promptLength == m_maxNewTokens - 1)
            force(scores, m_ids);
    }

private:
    std::int64_t m_maxNewTokens;
    std::vector<std::int64_t> m_ids;
};

class RemoveInvalid final : public LogitProcessor {
public:
    [[nodiscard]] std::string_view name() const override { return "remove_invalid_values"; }
    void apply(const Said&, std::span<float> scores) const override {
        constexpr float largest = std::numeric_limits<float>::max();
        for (float& score : scores)
            score = std::isnan(score) ? 0.0F : std::clamp(score, -largest, largest);
    }
};

class LengthDecay final : public LogitProcessor {
public:
    LengthDecay(std::int64_t start, double factor, std::vector<std::int64_t> ends)
        : m_start(start), m_factor(factor), m_ends(std::move(ends)) {}
    [[nodiscard]] std::string_view name() const override { return "exponential_decay_length_penalty"; }
    void apply(const Said& said, std::span<float> scores) const override {
        const std::int64_t beyond = static_cast<std::int64_t>(said.ids.size()) - said.promptLength - m_start;
        if (beyond > 0)
            for (const std::int64_t id : m_ends)
                at(scores, id) += std::abs(at(scores, id)) *
                                  static_cast<float>(std::pow(m_factor, static_cast<double>(beyond)) - 1);
    }

private:
    std::int64_t m_start;
    double m_factor;
    std::vector<std::int64_t> m_ends;
};

class Suppressed final : public LogitProcessor {
public:
    Suppressed(std::vector<std::int64_t> ids, bool onlyFirst, bool bosIsForced)
        : m_ids(std::move(ids)), m_onlyFirst(onlyFirst), m_bosIsForced(bosIsForced) {}
    [[nodiscard]] std::string_view name() const override {
        return m_onlyFirst ? "begin_suppress_tokens" : "suppress_tokens";
    }
    void apply(const Said& said, std::span<float> scores) const override {
        // A forced first token is followed by the first free one.
        const std::int64_t begin = said.promptLength + (m_bosIsForced && said.promptLength == 1 ? 1 : 0);
        if (!m_onlyFirst || static_cast<std::int64_t>(said.ids.size()) == begin)
            for (const std::int64_t id : m_ids)
                at(scores, id) = never;
    }

private:
    std::vector<std::int64_t> m_ids;
    bool m_onlyFirst;
    bool m_bosIsForced;
};

void checkIds(std::span<const std::int64_t> ids, std::int64_t vocabulary, std::string_view option) {
    for (const std::int64_t id : ids)
        if (id < 0 || id >= vocabulary)
            throw UsageError(fmt::format("{} names the token {}, but the vocabulary has {} tokens.", option,
                                         id, vocabulary));
}

} // namespace

void normalizeScores(std::span<float> scores) {
    const float highest = *std::max_element(scores.begin(), scores.end());
    if (!std::isfinite(highest))
        return;
    double sum = 0;
    for (const float score : scores)
        sum += std::exp(static_cast<double>(score) - static_cast<double>(highest));
    const auto shift = static_cast<double>(highest) + std::log(sum);
    for (float& score : scores)
        score = static_cast<float>(static_cast<double>(score) - shift);
}

LogitProcessorList makeProcessors(const ProcessorSettings& settings, std::int64_t vocabulary) {
    LogitProcessorList list;
    const auto add = [&]<typename Made>(std::unique_ptr<Made> made) { list.push_back(std::move(made)); };
    checkIds(settings.eosIds, vocabulary, "eos_token_id");
    for (const SequenceBias& sequence : settings.sequenceBias) {
        if (sequence.ids.empty())
            throw UsageError("A sequence of logit_bias holds no tokens.");
        checkIds(sequence.ids, vocabulary, "logit_bias");
    }
    if (!settings.sequenceBias.empty())
        add(std::make_unique<BiasedSequences>("logit_bias", settings.sequenceBias));
    if (settings.repetitionPenalty != 1) {
        if (!(settings.repetitionPenalty > 0))
            throw UsageError("repetition_penalty must be above 0; 1 changes nothing.");
        add(std::make_unique<RepetitionPenalty>(settings.repetitionPenalty));
    }
    if (settings.presencePenalty != 0 || settings.frequencyPenalty != 0)
        add(std::make_unique<CountPenalty>(settings.presencePenalty, settings.frequencyPenalty));
    if (settings.noRepeatNgram > 0)
        add(std::make_unique<NoRepeatNgram>(settings.noRepeatNgram));
    std::vector<SequenceBias> bad;
    for (const TokenIds& word : settings.badWords) {
        checkIds(word, vocabulary, "bad_words_ids");
        const bool isEnd = word.size() == 1 && std::find(settings.eosIds.begin(), settings.eosIds.end(),
                                                         word.front()) != settings.eosIds.end();
        if (!word.empty() && !isEnd)
            bad.push_back({word, -std::numeric_limits<double>::infinity()});
    }
    if (!bad.empty())
        add(std::make_unique<BiasedSequences>("bad_words_ids", std::move(bad)));
    if (settings.minLength > 0 && !settings.eosIds.empty())
        add(std::make_unique<MinLength>(settings.minLength, true, settings.eosIds));
    if (settings.minNewTokens > 0 && !settings.eosIds.empty())
        add(std::make_unique<MinLength>(settings.minNewTokens, false, settings.eosIds));
    if (settings.forcedBos >= 0) {
        checkIds(std::span(&settings.forcedBos, 1), vocabulary, "forced_bos_token_id");
        add(std::make_unique<ForcedBos>(settings.forcedBos));
    }
    if (!settings.forcedEos.empty()) {
        checkIds(settings.forcedEos, vocabulary, "forced_eos_token_id");
        add(std::make_unique<ForcedEos>(settings.maxNewTokens, settings.forcedEos));
    }
    if (settings.removeInvalid)
        add(std::make_unique<RemoveInvalid>());
    if (settings.decayFactor != 1)
        add(std::make_unique<LengthDecay>(settings.decayStart, settings.decayFactor, settings.eosIds));
    checkIds(settings.suppress, vocabulary, "suppress_tokens");
    if (!settings.suppress.empty())
        add(std::make_unique<Suppressed>(settings.suppress, false, false));
    checkIds(settings.suppressAtBegin, vocabulary, "begin_suppress_tokens");
    if (!settings.suppressAtBegin.empty())
        add(std::make_unique<Suppressed>(settings.suppressAtBegin, true, settings.forcedBos >= 0));
    return list;
}

} // namespace orrery::generate
