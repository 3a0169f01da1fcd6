// SPDX-License-Identifier: GPL-3.0-or-later
// Beam search and beam sampling with the scores and the ends of transformers 5: sum of log probabilities
// divided by (new tokens)^length_penalty, where the end of text counts as a token.
#include "base/error.h"
#include "generate/candidates.h"
#include "generate/decoding_run.h"

#include <queue>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::generate {
namespace {

/// Stands for "not there" among scores, as in the reference: its sums with real scores round to itself, so
/// that ties are resolved by the order of the list.
constexpr float absent = -1e9F;

enum class EarlyStopping { No, Yes, Never };

struct BeamSettings {
    std::int64_t beams = 1;
    double lengthPenalty = 1;
    EarlyStopping early = EarlyStopping::No;
    std::int64_t returned = 1;
    bool samples = false;
    CutSettings cut{};
};

/// What was said, as a chain that beginnings share.
struct Link {
    std::shared_ptr<const Link> before;
    TokenRecord token;
};

struct Beam {
    TokenIds ids; ///< prompt included
    std::shared_ptr<const Link> said;
    float score = absent; ///< sum of log probabilities
};

struct Finished {
    TokenIds ids;
    std::shared_ptr<const Link> said;
    float score = absent; ///< with the length penalty
    bool real = false;    ///< false: a place that nobody has taken
    DecodingRun::End end{StopReason::MaxTokens};
};

/// A continuation of one beam by one token.
struct Extension {
    float score = 0;       ///< of the whole beginning
    double order = 0;      ///< by which the best are taken: the score, or what was drawn
    std::int64_t beam = 0; ///< row within the group
    std::int64_t id = 0;
    float logProbability = 0;
};

bool before(const Extension& a, const Extension& b) {
    if (a.order != b.order)
        return a.order > b.order;
    return a.beam != b.beam ? a.beam < b.beam : a.id < b.id;
}

/// The beams of one prompt.
class Group {
public:
    Group(DecodingRun& run, const BeamSettings& settings, std::size_t prompt)
        : m_run(run), m_settings(settings), m_prompt(prompt), m_generator(run.makeGenerator()),
          m_finished(static_cast<std::size_t>(settings.beams)) {
        m_beams.assign(static_cast<std::size_t>(settings.beams),
                       Beam{run.prompts()[prompt], nullptr, absent});
        m_beams.front().score = 0; // at first all are the same: only one counts
        m_kept = std::max<std::int64_t>(2, 1 + static_cast<std::int64_t>(run.options().stopIds.size())) *
                 settings.beams;
        m_settings.cut.keep =
            1 + std::max<std::int64_t>(1, static_cast<std::int64_t>(run.options().stopIds.size()));
    }

    /// Takes the logits of its rows, first on the model's row `row`; false when the search is over. Then
    /// parents() and tokens() say how the beams go on.
    bool advance(const Tensor& logits, std::int64_t row, std::int64_t stride) {
        std::vector<Extension> best = extensions(logits, row, stride);
        ++m_length;
        std::vector<Beam> continued;
        std::vector<std::optional<DecodingRun::End>> ends;
        const bool timeIsUp = m_run.timeIsUp();
        for (const Extension& extension : best) {
            const Beam& parent = m_beams[static_cast<std::size_t>(extension.beam)];
            Beam& beam = continued.emplace_back(Beam{parent.ids, nullptr, extension.score});
            beam.ids.push_back(extension.id);
            beam.said = std::make_shared<const Link>(
                Link{parent.said,
                     m_run.record({extension.id, std::exp(static_cast<double>(extension.logProbability))},
                                  logits.select(0, row + stride * extension.beam).data<float>())});
            auto& end = ends.emplace_back(m_run.endOf(m_prompt, beam.ids));
            if (!end && timeIsUp)
                end = DecodingRun::End{StopReason::Time};
        }
        keepFinished(continued, ends);
        const bool anyOpen = std::any_of(ends.begin(), ends.end(), [](const auto& end) { return !end; });
        chooseRunning(best, continued, ends);
        return improvementIsPossible() && !fullAndEager() && anyOpen;
    }

    [[nodiscard]] const std::vector<std::int64_t>& parents() const { return m_parents; }
    [[nodiscard]] std::int64_t token(std::size_t beam) const { return m_beams[beam].ids.back(); }

    /// Ends where the search stands: beginnings that still run fill the places that nobody took.
    void finish(StopReason reason) {
        std::vector<Finished> list = m_finished;
        if (reason != StopReason::MaxTokens && m_length > 0)
            for (const Beam& beam : m_beams)
                if (beam.score > absent / 2)
                    list.push_back({beam.ids, beam.said, penalized(beam.score), true, {reason}});
        std::erase_if(list, [](const Finished& finished) { return !finished.real; });
        std::stable_sort(list.begin(), list.end(),
                         [](const Finished& a, const Finished& b) { return a.score > b.score; });
        if (list.size() > static_cast<std::size_t>(m_settings.returned))
            list.resize(static_cast<std::size_t>(m_settings.returned));
        for (const Finished& finished : list) {
            std::vector<TokenRecord> tokens;
            for (const Link* link = finished.said.get(); link != nullptr; link = link->before.get())
                tokens.push_back(link->token);
            std::reverse(tokens.begin(), tokens.end());
            m_run.add(m_prompt, std::move(tokens), static_cast<double>(finished.score), finished.end);
        }
    }

private:
    [[nodiscard]] float penalized(float score) const {
        return score / static_cast<float>(std::pow(static_cast<double>(m_length), m_settings.lengthPenalty));
    }

    /// The best continuations of all beams together, best first; or drawn without replacement.
    std::vector<Extension> extensions(const Tensor& logits, std::int64_t row, std::int64_t stride) {
        const auto worse = [](const Extension& a, const Extension& b) { return before(a, b); };
        std::priority_queue<Extension, std::vector<Extension>, decltype(worse)> best(
            worse); // the worst on top
        const auto offer = [&](const Extension& extension) {
            if (best.size() == static_cast<std::size_t>(m_kept)) {
                if (!before(extension, best.top()))
                    return;
                best.pop();
            }
            best.push(extension);
        };
        for (std::int64_t beam = 0; beam < m_settings.beams; ++beam) {
            const Beam& parent = m_beams[static_cast<std::size_t>(beam)];
            const auto given = logits.select(0, row + stride * beam).data<float>();
            m_scores.assign(given.begin(), given.end());
            normalizeScores(m_scores);
            m_run.process(m_prompt, parent.ids, m_scores);
            if (!m_settings.samples) {
                for (std::size_t id = 0; id < m_scores.size(); ++id)
                    if (m_scores[id] > -std::numeric_limits<float>::infinity()) {
                        const float score = m_scores[id] + parent.score;
                        offer({score, static_cast<double>(score), beam, static_cast<std::int64_t>(id),
                               m_scores[id]});
                    }
                continue;
            }
            // Gumbel noise: the largest sums are draws without replacement (Kool et al., 2019).
            for (const Candidate& candidate : cutCandidates(m_scores, m_settings.cut)) {
                const float score = static_cast<float>(candidate.score) + parent.score;
                const double noise = -std::log(-std::log(std::max(m_generator.uniform(), 1e-300)));
                offer({score, static_cast<double>(score) + noise, beam, candidate.id,
                       static_cast<float>(candidate.score)});
            }
        }
        std::vector<Extension> list;
        for (; !best.empty(); best.pop())
            list.push_back(best.top());
        std::reverse(list.begin(), list.end());
        return list;
    }

    /// Among the best, those that ended; worse ones wait until they are among the best.
    void keepFinished(const std::vector<Beam>& continued,
                      const std::vector<std::optional<DecodingRun::End>>& ends) {
        if (!m_improvable || fullAndEager())
            return;
        for (std::size_t i = 0; i < continued.size() && i < static_cast<std::size_t>(m_settings.beams); ++i)
            if (ends[i])
                m_finished.push_back(
                    {continued[i].ids, continued[i].said, penalized(continued[i].score), true, *ends[i]});
        std::stable_sort(m_finished.begin(), m_finished.end(),
                         [](const Finished& a, const Finished& b) { return a.score > b.score; });
        m_finished.resize(static_cast<std::size_t>(m_settings.beams));
    }

    void chooseRunning(std::vector<Extension>& best, std::vector<Beam>& continued,
                       const std::vector<std::optional<DecodingRun::End>>& ends) {
        std::vector<std::size_t> order(best.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
            if (ends[i])
                continued[i].score += absent;
        }
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return continued[a].score > continued[b].score;
        });
        std::vector<Beam> beams;
        m_parents.clear();
        for (std::int64_t i = 0; i < m_settings.beams; ++i) {
            // A vocabulary too small for so many beginnings: the last one stands in, and never counts.
            const bool missing = static_cast<std::size_t>(i) >= order.size();
            const std::size_t from = missing ? order.back() : order[static_cast<std::size_t>(i)];
            beams.push_back(continued[from]);
            if (missing)
                beams.back().score = absent;
            m_parents.push_back(best[from].beam);
        }
        m_beams = std::move(beams);
    }

    [[nodiscard]] bool fullAndEager() const {
        return m_settings.early == EarlyStopping::Yes &&
               std::all_of(m_finished.begin(), m_finished.end(),
                           [](const Finished& one) { return one.real; });
    }

    /// Whether the best running beam may still beat the worst finished one. A guess unless early_stopping is
    /// never.
    bool improvementIsPossible() {
        const double length = static_cast<double>(
            m_settings.early == EarlyStopping::Never && m_settings.lengthPenalty > 0 ? m_run.maxNewTokens()
                                                                                     : m_length);
        const float reachable =
            m_beams.front().score / static_cast<float>(std::pow(length, m_settings.lengthPenalty));
        const bool allReal =
            std::all_of(m_finished.begin(), m_finished.end(), [](const Finished& one) { return one.real; });
        m_improvable = m_improvable && (!allReal || reachable > m_finished.back().score);
        return m_improvable;
    }

    DecodingRun& m_run;
    BeamSettings m_settings;
    std::size_t m_prompt;
    Generator m_generator;
    std::int64_t m_kept = 0; ///< continuations that are looked at: enough to go on when the best have ended
    std::int64_t m_length = 0;
    bool m_improvable = true;
    std::vector<Beam> m_beams;
    std::vector<Finished> m_finished; ///< best first, as many as beams
    std::vector<std::int64_t> m_parents;
    std::vector<float> m_scores;
};

void search(DecodingRun& run, const BeamSettings& settings) {
    if (settings.returned > settings.beams)
        throw UsageError(
            fmt::format("num_return_sequences is {}, but only {} beams are kept; raise num_beams.",
                        settings.returned, settings.beams));
    Tensor logits = run.prefill();
    std::vector<Group> groups;
    for (std::size_t prompt = 0; prompt < run.prompts().size(); ++prompt)
        groups.emplace_back(run, settings, prompt);
    std::vector<std::size_t> active(groups.size());
    for (std::size_t i = 0; i < active.size(); ++i)
        active[i] = i;
    bool first = true; // one row a prompt until the beams part
    while (true) {
        std::vector<std::int64_t> rows;
        std::vector<std::int64_t> tokens;
        std::vector<std::size_t> running;
        for (std::size_t i = 0; i < active.size(); ++i) {
            Group& group = groups[active[i]];
            const std::int64_t row = static_cast<std::int64_t>(i) * (first ? 1 : settings.beams);
            if (!group.advance(logits, row, first ? 0 : 1))
                continue;
            running.push_back(active[i]);
            for (std::size_t beam = 0; beam < group.parents().size(); ++beam) {
                rows.push_back(row + (first ? 0 : group.parents()[beam]));
                tokens.push_back(group.token(beam));
            }
        }
        active = std::move(running);
        if (active.empty() || run.model().length() >= run.model().maxPositions())
            break;
        run.model().reorder(rows);
        logits = run.step(tokens);
        first = false;
    }
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i].finish(std::find(active.begin(), active.end(), i) == active.end() ? StopReason::MaxTokens
                                                                                    : StopReason::Context);
}

class BeamStrategy final : public DecodingStrategy {
public:
    explicit BeamStrategy(bool samples) : m_samples(samples) {}
    [[nodiscard]] PartInfo info() const override {
        if (m_samples)
            return {
                .id = "beam_sampling",
                .title = "Beam sampling",
                .summary =
                    "Beam search whose beginnings are drawn without replacement instead of being the best.",
                .paper = "Kool, van Hoof, Welling, Stochastic Beams and Where to Find Them, 2019",
                .url = "https://arxiv.org/abs/1903.06059",
                .usableIn = "models that continue texts"};
        return {
            .id = "beam_search",
            .title = "Beam search",
            .summary =
                "Follows the likeliest beginnings side by side and gives the likeliest whole continuations.",
            .paper =
                "Graves, Sequence Transduction with Recurrent Neural Networks, 2012; length penalty: Wu et "
                "al., Google's Neural Machine Translation System, 2016",
            .url = "https://arxiv.org/abs/1609.08144",
            .usableIn = "models that continue texts"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        schema.integer("num_beams", 4, "Beginnings that are followed.").range(1, 4096);
        schema
            .real("length_penalty", 1.0,
                  "The sum of log probabilities is divided by length to this power; above 0 favours long "
                  "texts.")
            .range(-100, 100);
        schema.choice("early_stopping", "false", "When the search for one prompt is over.")
            .choice("false", "when the best beginning, at its length, is worse than all that are finished")
            .choice("true", "as soon as as many are finished as there are beams")
            .choice("never", "when no continuation can beat those that are finished");
        schema.integer("num_return_sequences", 1, "Continuations of each prompt, the best first.")
            .range(1, 4096);
        if (m_samples)
            addCutOptions(schema);
        return schema;
    }
    void decode(DecodingRun& run, const OptionValues& options) const override {
        const std::string& early = options.text("early_stopping");
        search(run, {.beams = options.integer("num_beams"),
                     .lengthPenalty = options.real("length_penalty"),
                     .early = early == "true"    ? EarlyStopping::Yes
                              : early == "never" ? EarlyStopping::Never
                                                 : EarlyStopping::No,
                     .returned = options.integer("num_return_sequences"),
                     .samples = m_samples,
                     .cut = m_samples ? cutSettings(options) : CutSettings{}});
    }

private:
    bool m_samples;
};

} // namespace

const DecodingStrategy& beamSearch() {
    static const BeamStrategy strategy(false);
    return strategy;
}

const DecodingStrategy& beamSampling() {
    static const BeamStrategy strategy(true);
    return strategy;
}

} // namespace orrery::generate
