// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "measure/bench.h"
#include "measure/expectation.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::measure {

/// What a job reads: text, a pair of texts, or a file.
struct RecipeInput {
    std::string text;
    std::string pair;
    std::string file; ///< absolute
};

/// A part that the job uses, by kind ("analyzer", "compressor", "token_mixer", ...), with its options.
struct RecipePart {
    std::string kind;
    std::string id;
    Json options = Json::object();
};

/// A JSON file that names a job, its parts, options, data and seed:
///     {"title": "...", "job": "bench", "model": "../models/docs-bert", "input": {"text": "..."},
///      "parts": [{"kind": "analyzer", "id": "attention_rollout", "options": {}}], "options": {"length":
///      "32,128"}, "data": {}, "seed": 1, "expect": ["seconds{length=128} < 1"]}
/// Paths are relative to the recipe's folder. "model" may be a list.
struct Recipe {
    std::filesystem::path file;
    std::string title;
    std::string job;                 ///< one of recipeJobs()
    std::vector<std::string> models; ///< absolute folders
    RecipeInput input;
    std::vector<RecipePart> parts;
    Json options = Json::object();
    Json data = Json::object();
    std::uint64_t seed = 0;
    std::vector<std::string> expect; ///< parsed once: sound expressions, see Expectation

    /// As a file in folder would say it.
    [[nodiscard]] OrderedJson toJson(const std::filesystem::path& folder) const;
};

[[nodiscard]] const std::vector<std::string>&
recipeJobs(); ///< "analyze", "bench", "compress", "task", "train", ...
/// InputError naming the file, the key and the remedy.
[[nodiscard]] Recipe parseRecipe(std::string_view text, const std::filesystem::path& file);
[[nodiscard]] Recipe readRecipe(const std::filesystem::path& file);

/// The request of a bench recipe; UsageError for other jobs and bad options.
[[nodiscard]] BenchRequest benchRequest(const Recipe& recipe);

struct ExpectationResult {
    std::string text;
    bool holds = false;
    std::string sentence;
};
/// Checks each expectation against the metrics of a run (of its cells where settings are selected) and
/// records the results with it as metrics "expect 1" (1: holds, 0: does not).
std::vector<ExpectationResult> checkExpectations(const std::vector<std::string>& expect,
                                                 store::Workspace& workspace, store::RunId run);

} // namespace orrery::measure
