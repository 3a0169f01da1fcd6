// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"
#include "base/progress.h"
#include "figure/figure.h"
#include "model/model.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::analyze {

/// What an analyzer is given: a model, an input and its own options.
struct Request {
    std::shared_ptr<const model::Model> model;
    model::ModelInput input;    ///< B x L, with rows (tokens as they are shown)
    std::string text;           ///< the input as a person gave it, for captions and records
    std::string inputArguments; ///< as the command line takes it: --text '...'
    OptionValues options;
    std::uint64_t seed = 0;
    Progress progress;
};

/// What an analysis will cost, known from shapes before it runs.
struct Prediction {
    int passes = 1;        ///< forward passes
    double operations = 0; ///< floating-point operations of all passes
    std::size_t bytes = 0; ///< memory for what is kept
};

/// A lens: model and input to figures.
class Analyzer : public Part {
public:
    static constexpr std::string_view kind = "analyzer";

    /// Empty when the model suits, else the sentence that says why not ("The logit lens needs a
    /// language-model head; ...").
    [[nodiscard]] virtual std::string unsuitable(const model::Model& model) const;
    [[nodiscard]] virtual Prediction predict(const Request& request) const;
    /// The figures, without provenance (runAnalysis adds it).
    [[nodiscard]] virtual std::vector<figure::Figure> analyze(const Request& request) const = 0;
};

/// A request with the analyzer's default options for a text (and pair) given by a person. UsageError when the
/// model has no tokenizer or the text gives no tokens.
Request makeRequest(const Analyzer& analyzer, std::shared_ptr<const model::Model> model,
                    const std::string& text, const std::string* pair = nullptr);

/// Tokens of a row that are not padding.
std::int64_t realLength(const model::ModelInput& input, std::int64_t row);

/// Checks that the analyzer suits, runs it and writes into every figure how it was made.
std::vector<figure::Figure> runAnalysis(const Analyzer& analyzer, const Request& request);

/// The command line that makes the analysis again.
std::string commandLine(const Analyzer& analyzer, const Request& request);

} // namespace orrery::analyze
