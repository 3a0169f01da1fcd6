// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/recipe.h"

#include "base/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace orrery::measure {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostEntries = 1000;

/// Reads one recipe; every fault is a sentence that names file and key.
class Reader {
public:
    Reader(const Json& json, fs::path file) : m_json(json), m_file(std::move(file)) {}

    Recipe read() const {
        if (!m_json.is_object())
            throw InputError(fmt::format("The recipe {} is not a JSON object.", m_file.string()));
        static const std::vector<std::string> known{"title", "description", "job",  "model", "input",
                                                    "parts", "options",     "data", "seed",  "expect"};
        for (const auto& [key, value] : m_json.items())
            if (std::find(known.begin(), known.end(), key) == known.end())
                throw bad(key, fmt::format("is not known; there are {}", fmt::join(known, ", ")));
        Recipe recipe;
        recipe.file = m_file;
        recipe.title = text(m_json, "title");
        recipe.job = text(m_json, "job");
        if (std::find(recipeJobs().begin(), recipeJobs().end(), recipe.job) == recipeJobs().end())
            throw bad("job", fmt::format("is '{}'; there are {}", recipe.job, fmt::join(recipeJobs(), ", ")));
        recipe.models = models();
        input(recipe.input);
        recipe.parts = parts();
        recipe.options = object("options");
        recipe.data = object("data");
        if (m_json.contains("seed")) {
            if (!m_json["seed"].is_number_unsigned())
                throw bad("seed", "must be a whole number of at least 0");
            recipe.seed = m_json["seed"].get<std::uint64_t>();
        }
        recipe.expect = expectations();
        return recipe;
    }

private:
    [[nodiscard]] InputError bad(const std::string& key, const std::string& what) const {
        return InputError(fmt::format("The key '{}' of the recipe {} {}.", key, m_file.string(), what));
    }
    [[nodiscard]] std::string text(const Json& object, const std::string& key) const {
        if (!object.contains(key))
            return {};
        if (!object[key].is_string())
            throw bad(key, "must be a text");
        return object[key].get<std::string>();
    }
    [[nodiscard]] Json object(const char* key) const {
        if (!m_json.contains(key))
            return Json::object();
        if (!m_json[key].is_object())
            throw bad(key, "must be an object of names and values");
        return m_json[key];
    }
    [[nodiscard]] std::string absolute(const std::string& path) const {
        return (fs::path(path).is_absolute() ? fs::path(path) : m_file.parent_path() / path)
            .lexically_normal()
            .string();
    }
    [[nodiscard]] std::vector<std::string> models() const {
        std::vector<std::string> found;
        if (!m_json.contains("model"))
            return found;
        const Json list = m_json["model"].is_array() ? m_json["model"] : Json::array({m_json["model"]});
        if (list.size() > mostEntries)
            throw bad("model", "lists too many models");
        for (const auto& entry : list) {
            if (!entry.is_string())
                throw bad("model", "must be a folder or a list of folders");
            found.push_back(absolute(entry.get<std::string>()));
        }
        return found;
    }
    void input(RecipeInput& target) const {
        const Json given = object("input");
        target.text = text(given, "text");
        target.pair = text(given, "pair");
        const std::string file = text(given, "file");
        target.file = file.empty() ? file : absolute(file);
    }
    [[nodiscard]] std::vector<RecipePart> parts() const {
        std::vector<RecipePart> found;
        if (!m_json.contains("parts"))
            return found;
        if (!m_json["parts"].is_array() || m_json["parts"].size() > mostEntries)
            throw bad("parts", "must be a list of {kind, id, options}");
        for (const auto& entry : m_json["parts"]) {
            if (!entry.is_object())
                throw bad("parts", "must be a list of {kind, id, options}");
            RecipePart part{text(entry, "kind"), text(entry, "id"), entry.value("options", Json::object())};
            if (part.kind.empty() || part.id.empty() || !part.options.is_object())
                throw bad("parts", "has an entry without kind or id");
            found.push_back(std::move(part));
        }
        return found;
    }
    [[nodiscard]] std::vector<std::string> expectations() const {
        std::vector<std::string> found;
        if (!m_json.contains("expect"))
            return found;
        const Json list = m_json["expect"].is_array() ? m_json["expect"] : Json::array({m_json["expect"]});
        if (list.size() > mostEntries)
            throw bad("expect", "lists too many expectations");
        for (const auto& entry : list) {
            if (!entry.is_string())
                throw bad("expect", "must be a text or a list of texts");
            try {
                found.push_back(Expectation(entry.get<std::string>()).text());
            } catch (const UsageError& error) {
                throw bad("expect", fmt::format("cannot be read: {}", error.what()));
            }
        }
        return found;
    }

    const Json& m_json;
    fs::path m_file;
};

std::string settingText(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

} // namespace

OrderedJson Recipe::toJson(const fs::path& folder) const {
    const auto relative = [&](const std::string& path) {
        return fs::path(path).lexically_proximate(folder).string();
    };
    OrderedJson json;
    if (!title.empty())
        json["title"] = title;
    json["job"] = job;
    if (models.size() == 1)
        json["model"] = relative(models.front());
    else
        for (const auto& path : models)
            json["model"].push_back(relative(path));
    for (const auto& [key, value] : {std::pair("text", input.text), std::pair("pair", input.pair)})
        if (!value.empty())
            json["input"][key] = value;
    if (!input.file.empty())
        json["input"]["file"] = relative(input.file);
    for (const auto& part : parts)
        json["parts"].push_back({{"kind", part.kind}, {"id", part.id}, {"options", part.options}});
    if (!options.empty())
        json["options"] = options;
    if (!data.empty())
        json["data"] = data;
    json["seed"] = seed;
    if (!expect.empty())
        json["expect"] = expect;
    return json;
}

const std::vector<std::string>& recipeJobs() {
    static const std::vector<std::string> jobs{"analyze", "bench", "compress", "generate",
                                               "task",    "trace", "train"};
    return jobs;
}

Recipe parseRecipe(std::string_view text, const fs::path& file) {
    const Json json = parseJson(text, file.string(), {std::size_t{4} << 20U, 64});
    return Reader(json, file).read();
}

Recipe readRecipe(const fs::path& file) {
    return parseRecipe(readTextFile(file, std::size_t{4} << 20U), fs::absolute(file));
}

BenchRequest benchRequest(const Recipe& recipe) {
    if (recipe.job != "bench")
        throw UsageError(fmt::format("The recipe {} is for the job '{}', not for bench.",
                                     recipe.file.string(), recipe.job));
    if (recipe.models.empty())
        throw UsageError(fmt::format("The recipe {} names no model.", recipe.file.string()));
    BenchRequest request;
    request.models = recipe.models;
    request.title = recipe.title;
    request.text = recipe.input.file.empty() ? recipe.input.text : readTextFile(recipe.input.file);
    request.recipe = recipe.file.string();
    request.options.set("seed", static_cast<std::int64_t>(recipe.seed & 0xfffffffffffffULL));
    for (const auto& [key, value] : recipe.options.items()) {
        if (value.is_string())
            request.options.setText(key, value.get<std::string>());
        else
            request.options.setJson(Json{{key, value}});
    }
    return request;
}

std::vector<ExpectationResult> checkExpectations(const std::vector<std::string>& expect,
                                                 store::Workspace& workspace, store::RunId run) {
    const auto metrics = workspace.metrics(run);
    std::map<store::CellId, Json> settings;
    for (const auto& cell : workspace.cells(run))
        settings.emplace(cell.id, Json::parse(cell.settings.dump()));
    const auto lookup = [&](const std::string& metric,
                            const std::map<std::string, std::string>& wanted) -> std::optional<double> {
        for (const auto& one : metrics) {
            if (one.name != metric || one.cell.has_value() == wanted.empty())
                continue;
            const bool fits = std::all_of(wanted.begin(), wanted.end(), [&](const auto& entry) {
                const Json& cell = settings.at(*one.cell);
                return cell.contains(entry.first) ? settingText(cell[entry.first]) == entry.second
                                                  : entry.second == "none";
            });
            if (fits)
                return one.value;
        }
        return std::nullopt;
    };
    std::vector<ExpectationResult> results;
    std::vector<store::Metric> record;
    for (const auto& text : expect) {
        const auto outcome = Expectation(text).check(lookup);
        results.push_back({text, outcome.holds, outcome.sentence});
        store::Metric metric;
        metric.name = fmt::format("expect {}", results.size());
        metric.value = outcome.holds ? 1 : 0;
        record.push_back(metric);
    }
    workspace.setMetrics(run, record);
    return results;
}

} // namespace orrery::measure
