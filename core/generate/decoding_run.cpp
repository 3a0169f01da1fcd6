// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/decoding_run.h"

#include "base/error.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace orrery::generate {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

} // namespace

TokenIds Sequence::ids() const {
    TokenIds list;
    list.reserve(tokens.size());
    for (const TokenRecord& token : tokens)
        list.push_back(token.id);
    return list;
}

double Generation::decodeSeconds() const {
    return std::accumulate(stepSeconds.begin(), stepSeconds.end(), 0.0);
}

double Generation::prefillTokensPerSecond() const {
    return prefillSeconds > 0 ? static_cast<double>(prefillTokens) / prefillSeconds : 0;
}

double Generation::decodeTokensPerSecond() const {
    const double spent = decodeSeconds();
    const auto decoded = newTokens - static_cast<std::int64_t>(sequences.size());
    return spent > 0 && decoded > 0 ? static_cast<double>(decoded) / spent : 0;
}

DecodingRun::DecodingRun(StepModel& model, std::span<const TokenIds> prompts, const GenerateOptions& options,
                         const text::Tokenizer* tokenizer, const Progress& progress)
    : m_model(model), m_prompts(prompts.begin(), prompts.end()), m_options(options), m_tokenizer(tokenizer),
      m_progress(progress), m_seed(options.seed), m_start(Clock::now()) {
    if (m_prompts.empty() || std::any_of(m_prompts.begin(), m_prompts.end(),
                                         [](const TokenIds& prompt) { return prompt.empty(); }))
        throw UsageError("The prompt holds no tokens; give at least one.");
    std::int64_t longest = 0;
    for (const TokenIds& prompt : m_prompts)
        longest = std::max(longest, static_cast<std::int64_t>(prompt.size()));
    m_maxNewTokens = options.maxLength > 0 ? options.maxLength - longest : options.maxNewTokens;
    if (m_maxNewTokens < 1)
        throw UsageError(
            options.maxLength > 0
                ? fmt::format("The prompt has {} tokens and max_length allows {} with the continuation; "
                              "raise max_length or set max_new_tokens.",
                              longest, options.maxLength)
                : "A generation needs at least one new token.");
    if (!options.stopStrings.empty() && tokenizer == nullptr)
        throw UsageError("Stop strings need the model's tokenizer; give eos_token_id instead.");
    ProcessorSettings settings = options.processors;
    settings.eosIds = options.stopIds;
    settings.maxNewTokens = m_maxNewTokens;
    m_processors = makeProcessors(settings, model.vocabulary());
    m_result.promptLength = longest;
}

// The model's steps.

void DecodingRun::closeInterval() {
    if (!m_callStart)
        return;
    const double spent = seconds(*m_callStart, Clock::now());
    if (m_prefilled)
        m_result.stepSeconds.push_back(spent);
    else
        m_result.prefillSeconds = spent;
    m_prefilled = true;
}

Tensor DecodingRun::timed(const std::function<Tensor()>& call) {
    closeInterval();
    m_callStart = Clock::now();
    m_progress.report("Generating", static_cast<double>(m_result.stepSeconds.size()),
                      static_cast<double>(m_maxNewTokens));
    Tensor logits = call();
    ORRERY_CHECK(logits.dtype() == DType::F32 && logits.rank() == 2 && logits.isContiguous() &&
                     logits.size(1) == m_model.vocabulary(),
                 "logits [rows, V]");
    return logits;
}

TokenIds DecodingRun::lastPart(std::span<const std::int64_t> ids) const {
    const std::int64_t room = m_model.maxPositions();
    const std::int64_t keep = std::clamp<std::int64_t>(m_options.contextKeep, 0, room - 1);
    const std::int64_t wanted = keep + std::max<std::int64_t>(1, (room - keep) / 2);
    if (static_cast<std::int64_t>(ids.size()) <= wanted)
        return {ids.begin(), ids.end()};
    TokenIds part(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(keep));
    part.insert(part.end(), ids.end() - static_cast<std::ptrdiff_t>(wanted - keep), ids.end());
    return part;
}

Tensor DecodingRun::prefill() {
    std::vector<TokenIds> rows = m_prompts;
    for (TokenIds& row : rows)
        if (m_options.contextShift && static_cast<std::int64_t>(row.size()) > m_model.maxPositions())
            row = lastPart(row);
    Tensor logits = timed([&] { return m_model.prefill(rows); });
    m_result.reusedTokens = m_model.reused();
    m_result.prefillTokens = -m_model.reused();
    for (const TokenIds& row : rows)
        m_result.prefillTokens += static_cast<std::int64_t>(row.size());
    return logits;
}

Tensor DecodingRun::step(std::span<const std::int64_t> tokens) {
    return timed([&] { return m_model.step(tokens); });
}

Tensor DecodingRun::extend(std::span<const std::int64_t> tokens) {
    return timed([&] { return m_model.extend(tokens); });
}

std::optional<Tensor> DecodingRun::shiftContext(std::span<const std::size_t> sequences) {
    if (!m_options.contextShift)
        return {};
    std::vector<TokenIds> rows;
    for (const std::size_t sequence : sequences)
        rows.push_back(lastPart(m_tracks[sequence].ids));
    ++m_result.contextShifts;
    return timed([&] { return m_model.prefill(rows); });
}

// Scores.

void DecodingRun::process(std::size_t prompt, std::span<const std::int64_t> ids,
                          std::span<float> scores) const {
    m_progress.check();
    const Said said{ids, static_cast<std::int64_t>(m_prompts[prompt].size())};
    for (const auto& processor : m_processors)
        processor->apply(said, scores);
    if (m_options.renormalizeLogits)
        normalizeScores(scores);
    constexpr float never = -std::numeric_limits<float>::infinity();
    if (std::any_of(scores.begin(), scores.end(), [](float score) { return score > never; }))
        return;
    if (m_processors.empty())
        throw Error("The model gave no number for any next token; its weights may be broken.");
    std::string names;
    for (const auto& processor : m_processors)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", processor->name());
    throw UsageError(
        fmt::format("After {} tokens no token may follow any more; loosen {}.", ids.size(), names));
}

TokenRecord DecodingRun::record(const Choice& choice, std::span<const float> logits) const {
    TokenRecord record{.id = choice.id,
                       .chosen = choice.probability,
                       .probability = std::numeric_limits<double>::quiet_NaN()};
    if (!m_options.probabilities && m_options.alternatives <= 0)
        return record;
    const auto highest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
    double sum = 0;
    for (const float logit : logits)
        sum += std::exp(static_cast<double>(logit) - highest);
    const auto probability = [&](std::int64_t id) {
        return std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) - highest) / sum;
    };
    record.probability = probability(choice.id);
    const auto count =
        std::min(static_cast<std::size_t>(std::max<std::int64_t>(m_options.alternatives, 0)), logits.size());
    if (count == 0)
        return record;
    TokenIds order(logits.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](std::int64_t a, std::int64_t b) {
                          const float x = logits[static_cast<std::size_t>(a)];
                          const float y = logits[static_cast<std::size_t>(b)];
                          return x != y ? x > y : a < b;
                      });
    for (std::size_t i = 0; i < count; ++i)
        record.alternatives.push_back({order[i], probability(order[i])});
    return record;
}

// Sequences.

bool DecodingRun::isStop(std::int64_t id) const {
    return std::find(m_options.stopIds.begin(), m_options.stopIds.end(), id) != m_options.stopIds.end();
}

bool DecodingRun::timeIsUp() const {
    return m_options.maxSeconds > 0 && seconds(m_start, Clock::now()) >= m_options.maxSeconds;
}

DecodingRun::Track& DecodingRun::open(std::size_t prompt) {
    Track& track = m_tracks.emplace_back();
    track.ids = m_prompts[prompt];
    track.sequence.prompt = prompt;
    track.last = m_callStart.value_or(m_start);
    if (m_tokenizer != nullptr) {
        track.stream = std::make_unique<TextStream>(*m_tokenizer, m_prompts[prompt]);
        track.stops = std::make_unique<StopStrings>(m_options.stopStrings, m_options.keepStopString);
    }
    return track;
}

std::string DecodingRun::addText(Track& track, std::int64_t id) {
    if (!track.stream)
        return {};
    std::string shown = track.stops->push(track.stream->push(id));
    track.sequence.text += shown;
    return shown;
}

std::string DecodingRun::close(Track& track, StopReason reason) {
    track.ended = true;
    track.sequence.reason = reason;
    if (!track.stream)
        return {};
    std::string shown = track.stops->push(track.stream->flush());
    shown += track.stops->flush();
    track.sequence.text += shown;
    if (track.stops->found())
        track.sequence.stopString = *track.stops->found();
    return shown;
}

void DecodingRun::tell(std::size_t sequence, std::int64_t id, std::string_view text) {
    if (!m_options.onToken || m_options.onToken({sequence, id, text, m_tracks[sequence].ended}))
        return;
    for (Track& track : m_tracks)
        if (!track.ended)
            close(track, StopReason::Callback);
}

std::size_t DecodingRun::begin(std::size_t prompt) {
    open(prompt);
    return m_tracks.size() - 1;
}

std::span<const std::int64_t> DecodingRun::said(std::size_t sequence) const {
    return m_tracks[sequence].ids;
}

std::size_t DecodingRun::promptOf(std::size_t sequence) const {
    return m_tracks[sequence].sequence.prompt;
}

bool DecodingRun::ended(std::size_t sequence) const {
    return m_tracks[sequence].ended;
}

bool DecodingRun::accept(std::size_t sequence, TokenRecord token) {
    Track& track = m_tracks[sequence];
    if (track.ended)
        return false;
    const auto now = Clock::now();
    token.seconds = seconds(track.last, now);
    track.last = now;
    const std::int64_t id = token.id;
    track.ids.push_back(id);
    track.sequence.score += std::log(token.chosen);
    track.sequence.tokens.push_back(std::move(token));
    std::string shown = addText(track, id);
    if (isStop(id))
        shown += close(track, StopReason::StopId);
    else if (track.stops && track.stops->found())
        shown += close(track, StopReason::StopString);
    else if (static_cast<std::int64_t>(track.sequence.tokens.size()) >= m_maxNewTokens)
        shown += close(track, StopReason::MaxTokens);
    else if (timeIsUp())
        shown += close(track, StopReason::Time);
    tell(sequence, id, shown);
    return !track.ended;
}

void DecodingRun::end(std::size_t sequence, StopReason reason) {
    Track& track = m_tracks[sequence];
    if (track.ended)
        return;
    const std::string shown = close(track, reason);
    if (!shown.empty())
        tell(sequence, track.ids.back(), shown);
}

std::optional<DecodingRun::End> DecodingRun::endOf(std::size_t prompt,
                                                   std::span<const std::int64_t> ids) const {
    const auto promptLength = static_cast<std::int64_t>(m_prompts[prompt].size());
    if (isStop(ids.back()))
        return End{StopReason::StopId};
    if (!m_options.stopStrings.empty())
        if (auto found = stopStringAtEnd(*m_tokenizer, ids, promptLength, m_options.stopStrings))
            return End{StopReason::StopString, std::move(*found)};
    if (static_cast<std::int64_t>(ids.size()) - promptLength >= m_maxNewTokens)
        return End{StopReason::MaxTokens};
    return {};
}

void DecodingRun::add(std::size_t prompt, std::vector<TokenRecord> tokens, double score, const End& end) {
    Track& track = open(prompt);
    std::string shown;
    for (const TokenRecord& token : tokens) {
        track.ids.push_back(token.id);
        shown += addText(track, token.id);
    }
    track.sequence.tokens = std::move(tokens);
    track.sequence.score = score;
    shown += close(track, end.reason);
    tell(m_tracks.size() - 1, track.ids.back(), shown);
}

Generation DecodingRun::finish() {
    closeInterval();
    m_callStart.reset();
    // By prompt, in the order in which a prompt's sequences were begun.
    std::stable_sort(m_tracks.begin(), m_tracks.end(),
                     [](const Track& a, const Track& b) { return a.sequence.prompt < b.sequence.prompt; });
    std::size_t longest = 0;
    for (const Track& track : m_tracks)
        longest = std::max(longest, track.sequence.tokens.size());
    const std::int64_t width = m_result.promptLength + static_cast<std::int64_t>(longest);
    m_result.ids = Tensor::full({static_cast<std::int64_t>(m_tracks.size()), width},
                                static_cast<double>(m_options.padId), DType::I64);
    auto out = m_result.ids.mutableData<std::int64_t>().begin();
    for (Track& track : m_tracks) {
        const TokenIds& prompt = m_prompts[track.sequence.prompt];
        std::copy(track.ids.begin(), track.ids.end(),
                  out + m_result.promptLength - static_cast<std::ptrdiff_t>(prompt.size()));
        out += width;
        m_result.newTokens += static_cast<std::int64_t>(track.sequence.tokens.size());
        m_result.reasons.push_back(track.sequence.reason);
        m_result.sequences.push_back(std::move(track.sequence));
    }
    m_result.cacheBytes = m_model.stateBytes();
    return std::move(m_result);
}

} // namespace orrery::generate
