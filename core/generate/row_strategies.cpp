// SPDX-License-Identifier: GPL-3.0-or-later
// Strategies that look at each row by itself: the loop, greedy, sampling.
#include "base/error.h"
#include "generate/candidates.h"
#include "generate/decoding_run.h"

#include <algorithm>

namespace orrery::generate {

void RowStrategy::decode(DecodingRun& run, const OptionValues& options) const {
    const std::int64_t count = returnCount(options);
    Tensor logits = run.prefill();
    std::vector<std::size_t> sequences; // of the model's rows
    std::vector<std::unique_ptr<TokenChooser>> choosers;
    std::vector<Generator> generators; // rows do not change one another's draws
    std::vector<std::int64_t> logitRows;
    for (std::size_t prompt = 0; prompt < run.prompts().size(); ++prompt)
        for (std::int64_t i = 0; i < count; ++i) {
            sequences.push_back(run.begin(prompt));
            choosers.push_back(start(options));
            generators.push_back(run.makeGenerator());
            logitRows.push_back(static_cast<std::int64_t>(prompt));
        }
    std::vector<std::int64_t> tokens;
    std::vector<std::int64_t> kept;
    std::vector<float> scores;
    bool expanded = count == 1;
    while (true) {
        tokens.clear();
        kept.clear();
        std::vector<std::size_t> running;
        for (std::size_t row = 0; row < sequences.size(); ++row) {
            const std::size_t sequence = sequences[row];
            const auto given = logits.select(0, logitRows[row]).data<float>();
            scores.assign(given.begin(), given.end());
            run.process(run.promptOf(sequence), run.said(sequence), scores);
            const Choice choice = choosers[sequence]->next(scores, generators[sequence]);
            if (!run.accept(sequence, run.record(choice, given)))
                continue;
            tokens.push_back(choice.id);
            kept.push_back(expanded ? static_cast<std::int64_t>(row) : logitRows[row]);
            running.push_back(sequence);
        }
        // A listener that wants no more ends rows that were looked at before it was asked, too.
        if (running.empty() || std::any_of(running.begin(), running.end(),
                                           [&](std::size_t sequence) { return run.ended(sequence); }))
            return;
        sequences = std::move(running);
        logitRows.resize(sequences.size());
        for (std::size_t row = 0; row < sequences.size(); ++row)
            logitRows[row] = static_cast<std::int64_t>(row);
        if (run.model().length() >= run.model().maxPositions()) {
            const auto shifted = run.shiftContext(sequences);
            if (!shifted) {
                for (const std::size_t sequence : sequences)
                    run.end(sequence, StopReason::Context);
                return;
            }
            logits = *shifted;
            expanded = true;
            continue;
        }
        if (!expanded || static_cast<std::int64_t>(kept.size()) != run.model().rows())
            run.model().reorder(kept);
        expanded = true;
        logits = run.step(tokens);
    }
}

namespace {

class GreedyChooser final : public TokenChooser {
public:
    Choice next(std::span<const float> scores, Generator&) override {
        std::int64_t best = 0;
        while (!(scores[static_cast<std::size_t>(best)] == scores[static_cast<std::size_t>(best)]))
            ++best; // not a number
        for (std::size_t i = static_cast<std::size_t>(best) + 1; i < scores.size(); ++i)
            if (scores[i] > scores[static_cast<std::size_t>(best)])
                best = static_cast<std::int64_t>(i);
        return {best, 1};
    }
};

class Greedy final : public RowStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {.id = "greedy",
                .title = "Greedy",
                .summary = "Always takes the likeliest token.",
                .paper = "",
                .url = "",
                .usableIn = "models that continue texts"};
    }
    [[nodiscard]] std::unique_ptr<TokenChooser> start(const OptionValues&) const override {
        return std::make_unique<GreedyChooser>();
    }
};

class SamplingChooser final : public TokenChooser {
public:
    explicit SamplingChooser(const CutSettings& settings) : m_settings(settings) {}
    Choice next(std::span<const float> scores, Generator& generator) override {
        const std::vector<Candidate> candidates = cutCandidates(scores, m_settings);
        const Candidate& drawn = candidates[draw(candidates, generator)];
        return {drawn.id, drawn.probability};
    }

private:
    CutSettings m_settings;
};

class Sampling final : public RowStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {
            .id = "sampling",
            .title = "Sampling",
            .summary =
                "Draws from the model's distribution, sharpened by a temperature and cut to the likeliest "
                "tokens.",
            .paper = "Holtzman, Buys, Du, Forbes, Choi, The Curious Case of Neural Text Degeneration, 2020",
            .url = "https://arxiv.org/abs/1904.09751",
            .usableIn = "models that continue texts"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        addCutOptions(schema);
        schema.integer("num_return_sequences", 1, "Continuations of each prompt.").range(1, 4096);
        return schema;
    }
    [[nodiscard]] std::unique_ptr<TokenChooser> start(const OptionValues& options) const override {
        return std::make_unique<SamplingChooser>(cutSettings(options));
    }
    [[nodiscard]] std::int64_t returnCount(const OptionValues& options) const override {
        return options.integer("num_return_sequences");
    }
};

} // namespace

const RowStrategy& greedy() {
    static const Greedy strategy;
    return strategy;
}

const RowStrategy& sampling() {
    static const Sampling strategy;
    return strategy;
}

} // namespace orrery::generate
