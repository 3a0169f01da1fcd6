// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/authoring.h"

#include "base/error.h"
#include "base/json.h"
#include "base/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace orrery::plugin {
namespace {

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::map<std::string, std::string>& words) {
    for (const auto& [mark, word] : words)
        for (std::size_t at = text.find(mark); at != std::string::npos;
             at = text.find(mark, at + word.size()))
            text.replace(at, mark.size(), word);
    return text;
}

/// my_lens -> MyLens and "My lens".
std::string className(const std::string& name) {
    std::string result;
    bool upper = true;
    for (const char c : name) {
        if (c != '_')
            result += upper ? static_cast<char>(std::toupper(c)) : c;
        upper = c == '_';
    }
    return result;
}

std::string titleOf(std::string name) {
    std::replace(name.begin(), name.end(), '_', ' ');
    name[0] = static_cast<char>(std::toupper(name[0]));
    return name;
}

} // namespace

std::vector<std::string> templateKinds(const fs::path& templates) {
    std::vector<std::string> kinds;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(templates, failure))
        if (entry.is_directory())
            kinds.push_back(entry.path().filename().string());
    std::sort(kinds.begin(), kinds.end());
    return kinds;
}

std::vector<fs::path> newPlugin(const fs::path& templates, const std::string& kind, const std::string& name,
                                const fs::path& parent) {
    const bool fine = !name.empty() && name.size() <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                      });
    if (!fine)
        throw UsageError(fmt::format(
            "'{}' is no name for a plugin: use lower-case letters, digits and underscores, beginning "
            "with a letter.",
            name));
    const auto kinds = templateKinds(templates);
    if (kinds.empty())
        throw Error(fmt::format(
            "The plugin templates are missing (looked in {}); reinstall Orrery or set ORRERY_TEMPLATES.",
            templates.string()));
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        throw UsageError(fmt::format("There is no template for a plugin of kind '{}'; there are: {}.", kind,
                                     fmt::join(kinds, ", ")));
    const fs::path folder = parent / name;
    if (fs::exists(folder))
        throw UsageError(fmt::format("{} exists already; choose another name or folder.", folder.string()));
    const std::map<std::string, std::string> words{
        {"@id@", name}, {"@Class@", className(name)}, {"@title@", titleOf(name)}};
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure)
        throw Error(fmt::format("The folder {} cannot be made ({}).", folder.string(), failure.message()));
    std::vector<fs::path> written;
    const auto instantiate = [&](const fs::path& file) {
        if (file.extension() != ".in")
            return;
        const fs::path target = folder / replaced(file.stem().string(), words);
        writeFileAtomically(target, replaced(readTextFile(file), words));
        written.push_back(target);
    };
    for (const auto& entry : fs::directory_iterator(templates))
        if (entry.is_regular_file())
            instantiate(entry.path());
    for (const auto& entry : fs::directory_iterator(templates / kind))
        instantiate(entry.path());
    std::sort(written.begin(), written.end());
    return written;
}

fs::path templateFolder(const fs::path& executable, const fs::path& fallback) {
    if (const char* chosen = std::getenv("ORRERY_TEMPLATES"))
        return chosen;
    const fs::path installed = executable.parent_path().parent_path() / "share/orrery/templates";
    return fs::is_directory(installed) ? installed : fallback;
}

} // namespace orrery::plugin
