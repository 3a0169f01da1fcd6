// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/verify.h"

#include "base/error.h"
#include "commands.h"
#include "generate/verification.h"
#include "text/conformance.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace orrery::app {
namespace {

namespace fs = std::filesystem;

struct Line {
    std::string name;
    bool ok = false;
    std::string detail;
    double worst = 0;
    double tolerance = 0;
};

/// The cases that a path stands for: itself, or the cases in it.
std::vector<fs::path> cases(const fs::path& path) {
    if (!fs::exists(path))
        throw InputError(fmt::format("There is no file or folder {}.", path.string()));
    if (fs::is_regular_file(path) || model::isModelCase(path) || text::isTokenizerCase(path))
        return {path};
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path))
        if (entry.is_directory() && (model::isModelCase(entry.path()) || text::isTokenizerCase(entry.path())))
            found.push_back(entry.path());
    if (found.empty())
        throw InputError(fmt::format(
            "{} holds no golden case: a model case has config.json and expected*.safetensors, a tokenizer "
            "case tokenizer.json and expected.jsonl.",
            path.string()));
    std::sort(found.begin(), found.end());
    return found;
}

void verifyModel(const fs::path& folder, const Progress& progress, std::vector<Line>& lines) {
    const auto result = model::verifyModelCase(folder, progress, generate::continuation());
    if (!result.problem.empty()) {
        lines.push_back({result.name, false, result.problem, 0, 0});
        return;
    }
    for (const auto& set : result.sets) {
        Line line{fmt::format("{}/{}", result.name, set.file), set.ok, set.problem, 0, 0};
        if (const auto* worst = set.worst()) {
            line.worst = worst->worst;
            line.tolerance = worst->tolerance;
            if (line.detail.empty())
                line.detail = fmt::format("{} tensors, worst {}: {:.2e} (tolerance {:.2e})",
                                          set.tensors.size(), worst->name, worst->worst, worst->tolerance);
        }
        lines.push_back(std::move(line));
    }
}

int verify(Session& session, const std::vector<std::string>& paths) {
    std::vector<Line> lines;
    std::vector<fs::path> all;
    for (const auto& path : paths)
        for (auto& found : cases(path))
            all.push_back(std::move(found));
    const Progress progress = session.progress();
    for (std::size_t i = 0; i < all.size(); ++i) {
        progress.report(all[i].filename().string(), static_cast<double>(i), static_cast<double>(all.size()));
        const std::size_t before = lines.size();
        if (fs::is_regular_file(all[i])) {
            lines.push_back({all[i].filename().string(), false,
                             "this version has no part that claims such a file; part cases come with the "
                             "parts of the seed systems",
                             0, 0});
        } else {
            if (model::isModelCase(all[i]))
                verifyModel(all[i], progress, lines);
            if (text::isTokenizerCase(all[i])) {
                const auto result = text::verifyTokenizerCase(all[i]);
                lines.push_back(
                    {result.name, result.ok,
                     result.ok ? fmt::format("{} records equal", result.compared) : result.firstDifference, 0,
                     0});
            }
        }
        session.endProgress();
        if (!session.json)
            for (std::size_t k = before; k < lines.size(); ++k)
                print(fmt::format("{:4}  {}  {}\n", lines[k].ok ? "ok" : "FAIL", lines[k].name,
                                  lines[k].detail));
    }
    const auto failed = std::count_if(lines.begin(), lines.end(), [](const Line& line) { return !line.ok; });
    if (session.json) {
        OrderedJson json = OrderedJson::array();
        for (const auto& line : lines)
            json.push_back({{"case", line.name},
                            {"ok", line.ok},
                            {"detail", line.detail},
                            {"worst", line.worst},
                            {"tolerance", line.tolerance}});
        printJson(json);
    } else {
        print(fmt::format("{} ok, {} failed\n", static_cast<std::ptrdiff_t>(lines.size()) - failed, failed));
    }
    return failed == 0 ? 0 : 1;
}

} // namespace

void defineVerify(CLI::App& parser, Session& session) {
    auto* command = parser.add_subcommand("verify", "Compare with golden files, one line a case");
    auto paths = std::make_shared<std::vector<std::string>>();
    command->add_option("paths", *paths, "Cases, or folders of cases")->required();
    session.addCommonOptions(*command);
    command->footer("Example: orrery verify tests/golden/hf tests/golden/tokenizers");
    command->callback(
        [&session, paths] { session.action = [&session, paths] { return verify(session, *paths); }; });
}

} // namespace orrery::app
