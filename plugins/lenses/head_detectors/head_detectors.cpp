// SPDX-License-Identifier: GPL-3.0-or-later
#include "head_detectors.h"

#include "base/error.h"
#include "base/random.h"
#include "figure/matrix_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace orrery::lenses {
namespace {

using Ids = std::vector<std::int64_t>;
using Scores = std::vector<double>; ///< by (detector * layers + layer) * heads + head

struct Structure {
    Ids ids;
    std::vector<std::vector<std::int64_t>> targets[detectors];
};

/// The sequences that are run: the input itself, or random tokens said twice.
std::vector<Ids> sequences(const analyze::Request& request, Generator& generator) {
    const auto& model = *request.model;
    const Ids own =
        request.input.inputIds.select(0, 0).slice(0, 0, analyze::realLength(request.input, 0)).toIntegers();
    if (request.options.text("source") == "text")
        return {own};
    std::vector<Ids> made;
    const std::int64_t prefix = own.empty() ? 0 : 1;
    const std::int64_t fits = (model.maxPositions() - prefix) / 2;
    const std::int64_t half = std::min(request.options.integer("length"), fits);
    if (half < 2)
        throw UsageError("The model has too few positions for a sequence said twice; use source=text.");
    // Special tokens stand at the vocabulary's start in most tokenizers; the model's own first token is kept
    // apart.
    const std::int64_t lowest = std::min<std::int64_t>(model.vocabulary() / 2, 1000);
    for (std::int64_t i = 0; i < request.options.integer("sequences"); ++i) {
        Ids ids;
        if (prefix != 0)
            ids.push_back(own.front());
        for (std::int64_t k = 0; k < half; ++k)
            ids.push_back(lowest + static_cast<std::int64_t>(generator.below(
                                       static_cast<std::uint64_t>(model.vocabulary() - lowest))));
        for (std::int64_t k = 0; k < half; ++k)
            ids.push_back(ids[static_cast<std::size_t>(prefix + k)]);
        made.push_back(std::move(ids));
    }
    return made;
}

/// The tokens after the first in random order.
Ids shuffled(Ids ids, Generator& generator) {
    for (std::size_t i = ids.size(); i > 2; --i)
        std::swap(ids[i - 1], ids[1 + generator.below(i - 1)]);
    return ids;
}

/// Mean attention on the targets, of every head and detector, running the ids.
Scores score(const model::Model& model, const Ids& ids, const Structure& structure,
             const Progress& progress) {
    probe::Trace trace({"blocks.*.attn.hook_pattern"});
    Context context;
    context.trace = &trace;
    context.progress = progress;
    model::ModelInput input = model::ModelInput::ofIds(ids);
    input.logits = model::LogitRows::None;
    (void)model.run(input, context);

    const auto layers = static_cast<std::size_t>(model.layers());
    const auto heads = static_cast<std::size_t>(model.headsPerLayer());
    const auto length = static_cast<std::int64_t>(ids.size());
    Scores result(static_cast<std::size_t>(detectors) * layers * heads, 0.0);
    const std::int64_t band = std::clamp<std::int64_t>(65536 / length, 1, length);
    std::vector<float> block(static_cast<std::size_t>(band * length));
    for (std::size_t layer = 0; layer < layers; ++layer) {
        if (!trace.hasPattern(static_cast<int>(layer)))
            continue;
        const auto& pattern = trace.pattern(static_cast<int>(layer));
        for (int head = 0; head < pattern.heads(); ++head) {
            progress.check();
            const auto matrix = pattern.matrix(0, head);
            for (std::int64_t first = 0; first < length; first += band) {
                const std::int64_t count = std::min(band, length - first);
                matrix->tile(first, 0, count, length,
                             std::span(block).first(static_cast<std::size_t>(count * length)));
                for (int detector = 0; detector < detectors; ++detector) {
                    double sum = 0;
                    for (std::int64_t i = first; i < first + count; ++i)
                        for (const auto key : structure.targets[detector][static_cast<std::size_t>(i)])
                            sum += block[static_cast<std::size_t>((i - first) * length + key)];
                    result[(static_cast<std::size_t>(detector) * layers + layer) * heads +
                           static_cast<std::size_t>(head)] += sum;
                }
            }
        }
    }
    for (int detector = 0; detector < detectors; ++detector) {
        const auto& lists = structure.targets[detector];
        const auto queries =
            std::count_if(lists.begin(), lists.end(), [](const auto& list) { return !list.empty(); });
        for (std::size_t i = 0; i < layers * heads; ++i)
            result[static_cast<std::size_t>(detector) * layers * heads + i] /=
                static_cast<double>(std::max<std::ptrdiff_t>(1, queries));
    }
    return result;
}

std::vector<std::string> numbered(const char* word, std::int64_t count) {
    std::vector<std::string> labels;
    for (std::int64_t i = 0; i < count; ++i)
        labels.push_back(fmt::format("{}{}", word, i));
    return labels;
}

} // namespace

std::string_view title(Detector detector) {
    switch (detector) {
    case Detector::PreviousToken:
        return "previous token";
    case Detector::DuplicateToken:
        return "duplicate token";
    case Detector::Induction:
        return "induction";
    case Detector::FirstToken:
        break;
    }
    return "first token";
}

std::vector<std::vector<std::int64_t>> targets(Detector detector, std::span<const std::int64_t> ids) {
    std::vector<std::vector<std::int64_t>> lists(ids.size());
    std::unordered_map<std::int64_t, std::vector<std::int64_t>> seen; // positions of each token so far
    for (std::size_t i = 0; i < ids.size(); ++i) {
        switch (detector) {
        case Detector::PreviousToken:
            if (i > 0)
                lists[i] = {static_cast<std::int64_t>(i) - 1};
            break;
        case Detector::FirstToken:
            if (i > 0)
                lists[i] = {0};
            break;
        case Detector::DuplicateToken:
            lists[i] = seen[ids[i]];
            break;
        case Detector::Induction:
            for (const auto j : seen[ids[i]])
                if (j + 1 < static_cast<std::int64_t>(i))
                    lists[i].push_back(j + 1);
            break;
        }
        seen[ids[i]].push_back(static_cast<std::int64_t>(i));
    }
    return lists;
}

PartInfo HeadDetectors::info() const {
    return {"head_detectors",
            "Head detectors",
            "Finds previous-token, duplicate-token, induction and first-token heads, each score beside what "
            "the head "
            "scores when the tokens are shuffled.",
            "Olsson et al.: In-context learning and induction heads. 2022",
            "https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads",
            "any model with attention; made for causal ones"};
}

OptionSchema HeadDetectors::options() const {
    OptionSchema schema;
    schema.choice("source", "repeated", "What the heads are tried on.")
        .choice("repeated", "random tokens said twice: repetition is the only structure")
        .choice("text", "the given input");
    schema.integer("length", 50, "Random tokens of one half.").range(2, 100000).unit("tokens");
    schema.integer("sequences", 4, "Random sequences that are averaged.").range(1, 1000);
    schema.integer("shuffles", 3, "Shuffled inputs that make the baseline of each sequence.").range(1, 100);
    schema.real("threshold", 0.3, "Least score of a head that counts as found.").range(0, 1);
    return schema;
}

analyze::Prediction HeadDetectors::predict(const analyze::Request& request) const {
    const bool text = request.options.text("source") == "text";
    const std::int64_t length = text ? request.input.length() : 1 + 2 * request.options.integer("length");
    const std::int64_t passes =
        (text ? 1 : request.options.integer("sequences")) * (1 + request.options.integer("shuffles"));
    const auto cost = request.model->cost(1, std::min(length, request.model->maxPositions()));
    return {static_cast<int>(passes), cost.operations * static_cast<double>(passes), cost.peakBytes};
}

std::vector<figure::Figure> HeadDetectors::analyze(const analyze::Request& request) const {
    const auto& model = *request.model;
    const std::int64_t layers = model.layers();
    const std::int64_t heads = model.headsPerLayer();
    const auto perDetector = static_cast<std::size_t>(layers * heads);
    Generator generator(request.seed);
    const std::vector<Ids> all = sequences(request, generator);
    const std::int64_t shuffles = request.options.integer("shuffles");

    Scores found(static_cast<std::size_t>(detectors) * perDetector, 0.0);
    Scores baseline = found;
    Scores worstBaseline = found;
    double done = 0;
    const double total = static_cast<double>(all.size()) * static_cast<double>(1 + shuffles);
    for (const Ids& ids : all) {
        Structure structure{ids, {}};
        for (int detector = 0; detector < detectors; ++detector)
            structure.targets[detector] = targets(static_cast<Detector>(detector), ids);
        request.progress.report("running sequences", done++, total);
        const Scores one = score(model, ids, structure, request.progress);
        for (std::size_t i = 0; i < found.size(); ++i)
            found[i] += one[i] / static_cast<double>(all.size());
        for (std::int64_t k = 0; k < shuffles; ++k) {
            request.progress.report("running shuffled sequences", done++, total);
            const Scores null = score(model, shuffled(ids, generator), structure, request.progress);
            for (std::size_t i = 0; i < found.size(); ++i) {
                baseline[i] += null[i] / static_cast<double>(all.size() * static_cast<std::size_t>(shuffles));
                worstBaseline[i] = std::max(worstBaseline[i], null[i]);
            }
        }
    }

    const double threshold = request.options.real("threshold");
    std::vector<figure::Figure> figures;
    figure::Table table;
    table.columns = {{"kind", ""},          {"layer", ""},        {"head", ""}, {"score", ""},
                     {"shuffled mean", ""}, {"shuffled max", ""}, {"found", ""}};
    for (int d = 0; d < detectors; ++d) {
        const auto detector = static_cast<Detector>(d);
        const bool positional = detector == Detector::PreviousToken || detector == Detector::FirstToken;
        std::vector<float> values;
        std::vector<std::string> text;
        for (std::size_t i = 0; i < perDetector; ++i) {
            const std::size_t at = static_cast<std::size_t>(d) * perDetector + i;
            const bool isFound = found[at] >= threshold && (positional || found[at] > worstBaseline[at]);
            values.push_back(static_cast<float>(found[at]));
            text.push_back(fmt::format("{:.2f}{}", found[at], isFound ? " ●" : ""));
            table.rows.push_back({std::string(title(detector)), static_cast<std::int64_t>(i) / heads,
                                  static_cast<std::int64_t>(i) % heads, found[at], baseline[at],
                                  worstBaseline[at], isFound});
        }
        figure::Heatmap map;
        map.x = {"head", "", numbered("H", heads)};
        map.y = {"layer", "", numbered("L", layers)};
        map.values = std::make_shared<figure::DenseMatrix>(layers, heads, std::move(values));
        map.low = 0;
        map.high = 1;
        map.quantity = "mean attention on the detector's keys";
        map.cellText = std::move(text);
        std::string id(title(detector));
        std::replace(id.begin(), id.end(), ' ', '_');
        figures.push_back(
            {id,
             fmt::format("{} heads", title(detector)),
             "Share of each head's attention on the keys that this kind of head attends to. A dot marks the "
             "heads found: above the threshold and, where content counts, above every shuffled input.",
             std::move(map),
             {}});
    }
    std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
        return std::get<double>(a[3]) > std::get<double>(b[3]);
    });
    figures.push_back({"heads",
                       "All scores",
                       "Scores beside what the same heads score on shuffled tokens.",
                       std::move(table),
                       {}});
    return figures;
}

} // namespace orrery::lenses
