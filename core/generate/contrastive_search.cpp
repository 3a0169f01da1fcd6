// SPDX-License-Identifier: GPL-3.0-or-later
// Contrastive search: of the k likeliest tokens v, the one with the highest
//     (1 - alpha) p(v) - alpha max_j cos(h_v, h_j)
// where h are last hidden states and j runs over all positions before. Su, Lan, Wang, Yogatama, Kong,
// Collier, A Contrastive Framework for Neural Text Generation, 2022.
#include "base/error.h"
#include "generate/candidates.h"
#include "generate/decoding_run.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::generate {
namespace {

/// Hidden states of one sequence, scaled to length one.
class States {
public:
    void add(const Tensor& rows) {
        for (std::int64_t i = 0; i < rows.size(0); ++i) {
            const std::vector<float> row = unit(rows.select(0, i));
            m_values.insert(m_values.end(), row.begin(), row.end());
        }
    }
    /// The largest cosine of a state to those held.
    [[nodiscard]] double nearest(const Tensor& state) const {
        const std::vector<float> row = unit(state);
        double highest = -1;
        for (std::size_t begin = 0; begin < m_values.size(); begin += row.size()) {
            double product = 0;
            for (std::size_t i = 0; i < row.size(); ++i)
                product += static_cast<double>(row[i]) * static_cast<double>(m_values[begin + i]);
            highest = std::max(highest, product);
        }
        return highest;
    }

private:
    static std::vector<float> unit(const Tensor& state) {
        std::vector<float> values = state.toFloats();
        double square = 0;
        for (const float value : values)
            square += static_cast<double>(value) * static_cast<double>(value);
        const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
        for (float& value : values)
            value = static_cast<float>(static_cast<double>(value) * scale);
        return values;
    }
    std::vector<float> m_values;
};

struct Line {
    std::size_t sequence = 0;
    States states;
    std::vector<float> logits; ///< of the next token
};

class ContrastiveSearch final : public DecodingStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {
            .id = "contrastive_search",
            .title = "Contrastive search",
            .summary =
                "Of the likeliest tokens takes one that leads to a state unlike those before, so that texts "
                "neither repeat themselves nor wander.",
            .paper =
                "Su, Lan, Wang, Yogatama, Kong, Collier, A Contrastive Framework for Neural Text Generation, "
                "2022",
            .url = "https://arxiv.org/abs/2202.06417",
            .usableIn = "models that show their hidden states"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        schema.real("penalty_alpha", 0.6, "Weight of being unlike what was said; 0 is greedy.").range(0, 1);
        schema.integer("top_k", 4, "Tokens that are tried at every step.").range(1, 1024);
        return schema;
    }
    [[nodiscard]] bool needsHidden() const override { return true; }

    void decode(DecodingRun& run, const OptionValues& options) const override {
        StepModel& model = run.model();
        if (!model.hasHidden())
            throw UsageError("Contrastive search compares hidden states, which this model does not show.");
        const double alpha = options.real("penalty_alpha");
        const auto tried = static_cast<std::size_t>(options.integer("top_k"));
        Tensor logits = run.prefill();
        std::vector<Line> lines(run.prompts().size());
        for (std::size_t row = 0; row < lines.size(); ++row) {
            lines[row].sequence = run.begin(row);
            lines[row].states.add(model.hidden(static_cast<std::int64_t>(row)));
            takeLogits(lines[row], logits, static_cast<std::int64_t>(row));
        }
        while (!lines.empty()) {
            if (model.length() >= model.maxPositions()) {
                for (const Line& line : lines)
                    run.end(line.sequence, StopReason::Context);
                return;
            }
            std::vector<std::vector<Candidate>> candidates;
            std::vector<std::int64_t> rows;
            std::vector<std::int64_t> tokens;
            for (std::size_t i = 0; i < lines.size(); ++i) {
                std::vector<float> scores = lines[i].logits;
                run.process(run.promptOf(lines[i].sequence), run.said(lines[i].sequence), scores);
                std::vector<Candidate>& list = candidates.emplace_back(cutCandidates(scores, {}));
                list.resize(std::min(list.size(), tried));
                for (const Candidate& candidate : list) {
                    rows.push_back(static_cast<std::int64_t>(i));
                    tokens.push_back(candidate.id);
                }
            }
            model.reorder(rows);
            logits = run.step(tokens);
            std::vector<Line> running;
            std::vector<std::int64_t> kept;
            std::int64_t row = 0;
            for (std::size_t i = 0; i < lines.size(); ++i) {
                const std::int64_t best = row + choose(model, lines[i].states, candidates[i], row, alpha);
                const Candidate& chosen = candidates[i][static_cast<std::size_t>(best - row)];
                row += static_cast<std::int64_t>(candidates[i].size());
                if (!run.accept(lines[i].sequence,
                                run.record({chosen.id, chosen.probability}, lines[i].logits)))
                    continue;
                lines[i].states.add(lastOf(model.hidden(best)));
                takeLogits(lines[i], logits, best);
                kept.push_back(best);
                running.push_back(std::move(lines[i]));
            }
            if (std::any_of(running.begin(), running.end(),
                            [&](const Line& line) { return run.ended(line.sequence); }))
                return; // the listener wants no more
            lines = std::move(running);
            if (!lines.empty())
                model.reorder(kept);
        }
    }

private:
    static void takeLogits(Line& line, const Tensor& logits, std::int64_t row) {
        const auto given = logits.select(0, row).data<float>();
        line.logits.assign(given.begin(), given.end());
    }
    static Tensor lastOf(const Tensor& states) { return states.slice(0, states.size(0) - 1, states.size(0)); }

    /// Index of the best candidate; the likelier one on ties.
    static std::int64_t choose(const StepModel& model, const States& states,
                               const std::vector<Candidate>& candidates, std::int64_t firstRow,
                               double alpha) {
        std::int64_t best = 0;
        double highest = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const Tensor state = lastOf(model.hidden(firstRow + static_cast<std::int64_t>(i))).select(0, 0);
            const double score = (1 - alpha) * candidates[i].probability - alpha * states.nearest(state);
            if (score > highest) {
                highest = score;
                best = static_cast<std::int64_t>(i);
            }
        }
        return best;
    }
};

} // namespace

const DecodingStrategy& contrastiveSearch() {
    static const ContrastiveSearch strategy;
    return strategy;
}

std::vector<std::shared_ptr<const DecodingStrategy>> builtInStrategies() {
    std::vector<std::shared_ptr<const DecodingStrategy>> list;
    for (const DecodingStrategy* strategy :
         {static_cast<const DecodingStrategy*>(&greedy()), static_cast<const DecodingStrategy*>(&sampling()),
          &beamSearch(), &beamSampling(), &contrastiveSearch(), &promptLookup(), &speculative()})
        list.emplace_back(std::shared_ptr<const void>(), strategy); // they live as long as the program
    return list;
}

} // namespace orrery::generate
