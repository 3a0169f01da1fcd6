// SPDX-License-Identifier: GPL-3.0-or-later
#include "analyze/analyzer.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/version.h"
#include "onednn/engine.h"

#include <fmt/format.h>

namespace orrery::analyze {
namespace {

/// In single quotes where a shell would otherwise read more than the text.
std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

} // namespace

std::string Analyzer::unsuitable(const model::Model&) const {
    return {};
}

Prediction Analyzer::predict(const Request& request) const {
    const auto cost = request.model->cost(request.input.batch(), request.input.length());
    return {1, cost.operations, cost.peakBytes};
}

Request makeRequest(const Analyzer& analyzer, std::shared_ptr<const model::Model> model,
                    const std::string& text, const std::string* pair) {
    Request request;
    request.input = pair != nullptr ? model->encodePair(text, *pair) : model->encode(text);
    if (request.input.length() == 0)
        throw UsageError("The input is empty: give a text with at least one word.");
    request.model = std::move(model);
    request.text = pair != nullptr ? text + " | " + *pair : text;
    request.inputArguments = "--text " + quoted(text) + (pair != nullptr ? " --pair " + quoted(*pair) : "");
    request.options = OptionValues(analyzer.options());
    return request;
}

std::int64_t realLength(const model::ModelInput& input, std::int64_t row) {
    if (!input.attentionMask.defined())
        return input.length();
    std::int64_t count = 0;
    for (const auto value : input.attentionMask.select(0, row).toIntegers())
        count += value != 0 ? 1 : 0;
    return count;
}

std::string commandLine(const Analyzer& analyzer, const Request& request) {
    std::string line = fmt::format("orrery analyze {} {} --lens {}", quoted(request.model->folder().string()),
                                   request.inputArguments, analyzer.info().id);
    for (const auto& option : request.options.schema().all())
        if (!request.options.isDefault(option.name()))
            line += " --set " +
                    quoted(option.name() + "=" + Option::toText(request.options.value(option.name())));
    if (request.model->dtype() != DType::F32)
        line += fmt::format(" --dtype {}", name(request.model->dtype()));
    if (request.seed != 0)
        line += fmt::format(" --seed {}", request.seed);
    return line;
}

std::vector<figure::Figure> runAnalysis(const Analyzer& analyzer, const Request& request) {
    if (const std::string reason = analyzer.unsuitable(*request.model); !reason.empty())
        throw UsageError(reason);
    std::vector<figure::Figure> figures = analyzer.analyze(request);
    figure::Provenance provenance;
    provenance.model = request.model->name();
    provenance.modelHash = request.model->fingerprint();
    provenance.input = request.text.size() > 400 ? beginningOf(request.text, 400) + " ..." : request.text;
    provenance.inputHash = request.input.hash();
    provenance.part = analyzer.info().id;
    provenance.options = request.options.toJson();
    provenance.seed = request.seed;
    provenance.dtype = name(request.model->dtype());
    provenance.threads = onednn::threads();
    provenance.version = version();
    provenance.commandLine = commandLine(analyzer, request);
    provenance.created = timestamp();
    for (auto& figure : figures) {
        const std::string site = figure.provenance.site;
        figure.provenance = provenance;
        figure.provenance.site = site;
    }
    return figures;
}

} // namespace orrery::analyze
