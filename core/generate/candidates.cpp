// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace orrery::generate {
namespace {

bool likelier(const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
}

std::size_t atLeast(const CutSettings& settings, std::size_t count, std::size_t have) {
    return std::min(std::max(count, static_cast<std::size_t>(std::max<std::int64_t>(settings.keep, 1))),
                    have);
}

void normalize(std::vector<Candidate>& list) {
    double sum = 0;
    for (Candidate& candidate : list) {
        const bool highest = candidate.score == list.front().score; // which may be infinite
        candidate.probability = highest ? 1 : std::exp(candidate.score - list.front().score);
        sum += candidate.probability;
    }
    for (Candidate& candidate : list)
        candidate.probability /= sum;
}

double entropyOf(const std::vector<Candidate>& list) {
    double entropy = 0;
    for (const Candidate& candidate : list)
        if (candidate.probability > 0)
            entropy -= candidate.probability * std::log(candidate.probability);
    return entropy;
}

void cutTopK(std::vector<Candidate>& list, const CutSettings& settings) {
    const std::size_t count = atLeast(settings, static_cast<std::size_t>(settings.topK), list.size());
    const auto last = list.begin() + static_cast<std::ptrdiff_t>(count) - 1;
    std::nth_element(list.begin(), last, list.end(), likelier);
    const double lowest = last->score;
    std::erase_if(list, [&](const Candidate& candidate) { return candidate.score < lowest; });
}

void cutTopP(std::vector<Candidate>& list, const CutSettings& settings) {
    double before = 0;
    std::size_t count = 0;
    while (count < list.size() && before < settings.topP)
        before += list[count++].probability;
    list.resize(atLeast(settings, count, list.size()));
    normalize(list);
}

void cutBelow(std::vector<Candidate>& list, double probability, const CutSettings& settings) {
    const auto end = std::find_if(list.begin(), list.end(), [&](const Candidate& candidate) {
        return candidate.probability < probability;
    });
    list.resize(atLeast(settings, static_cast<std::size_t>(end - list.begin()), list.size()));
    normalize(list);
}

void cutTypical(std::vector<Candidate>& list, const CutSettings& settings) {
    const double entropy = entropyOf(list);
    const auto distance = [&](const Candidate& candidate) {
        return std::abs(-std::log(candidate.probability) - entropy);
    };
    std::vector<std::size_t> order(list.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return distance(list[a]) < distance(list[b]); });
    double held = 0;
    std::size_t last = 0; // the first with which the mass is reached
    while (last < order.size() && (held += list[order[last]].probability) < settings.typicalP)
        ++last;
    const double limit = distance(list[order[std::min(last, order.size() - 1)]]);
    std::vector<Candidate> kept;
    for (std::size_t i = 0; i < order.size(); ++i)
        if (i < atLeast(settings, 0, order.size()) || distance(list[order[i]]) <= limit)
            kept.push_back(list[order[i]]);
    std::sort(kept.begin(), kept.end(), likelier);
    list = std::move(kept);
    normalize(list);
}

} // namespace

void addCutOptions(OptionSchema& schema) {
    schema.real("temperature", 1.0, "Divides the scores; 0 takes the likeliest token.").range(0, 1000);
    schema
        .integer("top_k", 50,
                 "Draw from this many of the likeliest tokens (and equally likely ones); 0 means all.")
        .range(0, 1e9);
    schema.real("top_p", 1.0, "Draw from the smallest set of tokens that holds this probability.")
        .range(0, 1);
    schema.real("min_p", 0.0, "Draw from tokens at least this times as probable as the likeliest.")
        .range(0, 1);
    schema
        .real("typical_p", 1.0,
              "Draw from the tokens whose surprise is nearest to the expected one and that hold this "
              "probability.")
        .range(0, 1)
        .advanced();
    schema.real("epsilon_cutoff", 0.0, "Draw from tokens of at least this probability.")
        .range(0, 1)
        .advanced();
    schema
        .real("eta_cutoff", 0.0,
              "The same with a limit that falls with the entropy; usual values are 3e-4 to 4e-3.")
        .range(0, 1)
        .advanced();
}

CutSettings cutSettings(const OptionValues& values) {
    return {.temperature = values.real("temperature"),
            .topK = values.integer("top_k"),
            .topP = values.real("top_p"),
            .minP = values.real("min_p"),
            .typicalP = values.real("typical_p"),
            .epsilon = values.real("epsilon_cutoff"),
            .eta = values.real("eta_cutoff")};
}

std::vector<Candidate> cutCandidates(std::span<const float> scores, const CutSettings& settings) {
    std::vector<Candidate> list;
    list.reserve(scores.size());
    const double divisor = settings.temperature == 0 ? 1 : settings.temperature;
    for (std::size_t i = 0; i < scores.size(); ++i)
        if (scores[i] > -std::numeric_limits<float>::infinity())
            list.push_back({static_cast<std::int64_t>(i), static_cast<double>(scores[i]) / divisor, 0});
    if (list.empty())
        return list;
    if (settings.temperature == 0) {
        list = {*std::min_element(list.begin(), list.end(), likelier)};
        list.front().probability = 1;
        return list;
    }
    if (settings.topK > 0 && static_cast<std::size_t>(settings.topK) < list.size())
        cutTopK(list, settings);
    std::sort(list.begin(), list.end(), likelier);
    normalize(list);
    if (settings.topP < 1)
        cutTopP(list, settings);
    if (settings.minP > 0)
        cutBelow(list, settings.minP * list.front().probability, settings);
    if (settings.typicalP < 1)
        cutTypical(list, settings);
    if (settings.epsilon > 0)
        cutBelow(list, settings.epsilon, settings);
    if (settings.eta > 0)
        cutBelow(list, std::min(settings.eta, std::sqrt(settings.eta) * std::exp(-entropyOf(list))),
                 settings);
    return list;
}

std::size_t draw(std::span<const Candidate> candidates, Generator& generator) {
    double rest = generator.uniform();
    for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
        rest -= candidates[i].probability;
        if (rest < 0)
            return i;
    }
    return candidates.size() - 1;
}

} // namespace orrery::generate
