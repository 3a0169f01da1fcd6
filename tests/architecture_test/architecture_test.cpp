// SPDX-License-Identifier: GPL-3.0-or-later
// The laws that keep Orrery a house, read from the sources themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Source {
    std::string path; ///< relative to the tree's top
    std::string text;
    std::vector<std::string> includes;
};

std::vector<Source> sources() {
    std::vector<Source> found;
    const fs::path top = ORRERY_SOURCE_DIR;
    static const std::regex include(R"(^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"])", std::regex::multiline);
    for (const char* room : {"app", "core", "ui", "plugins", "tests"}) {
        for (const auto& entry : fs::recursive_directory_iterator(top / room)) {
            const auto extension = entry.path().extension();
            if (!entry.is_regular_file() || (extension != ".h" && extension != ".cpp"))
                continue;
            std::ostringstream text;
            text << std::ifstream(entry.path()).rdbuf();
            Source source{fs::relative(entry.path(), top).string(), text.str(), {}};
            for (std::sregex_iterator it(source.text.begin(), source.text.end(), include), end; it != end;
                 ++it)
                source.includes.push_back((*it)[1]);
            found.push_back(std::move(source));
        }
    }
    return found;
}

const std::vector<Source>& tree() {
    static const std::vector<Source> all = sources();
    return all;
}

bool startsWith(const std::string& text, const std::string& prefix) {
    return text.rfind(prefix, 0) == 0;
}

/// Every include of sources under `where` that `forbidden` names, as "file includes header".
std::vector<std::string> offenders(const std::string& where,
                                   const std::function<bool(const std::string&)>& forbidden) {
    std::vector<std::string> found;
    for (const auto& source : tree())
        if (startsWith(source.path, where))
            for (const auto& header : source.includes)
                if (forbidden(header))
                    found.push_back(source.path + " includes " + header);
    return found;
}

std::string lines(const std::vector<std::string>& entries) {
    std::string text;
    for (const auto& entry : entries)
        text += "\n  " + entry;
    return text;
}

bool isQtGui(const std::string& header) {
    static const std::regex gui(
        R"((Qt(Gui|Widgets|PrintSupport|Svg|SvgWidgets)/.*)|qcustomplot\.h|)"
        R"(Q(Widget|Application|GuiApplication|Painter|Image|Pixmap|MainWindow|Dialog|Label|Pen|Brush|)"
        R"(Color|Font|Icon|Action|Menu|Svg.*|TextDocument|TableView|TreeView|Dock.*|PdfWriter))");
    return std::regex_match(header, gui);
}

TEST(Architecture, TheTreeIsThere) {
    EXPECT_GT(tree().size(), 100U);
}

TEST(Architecture, OnlyOnednnIncludesDnnl) {
    const auto found =
        offenders("", [](const std::string& header) { return header.find("dnnl") != std::string::npos; });
    std::vector<std::string> wrong;
    std::copy_if(found.begin(), found.end(), std::back_inserter(wrong),
                 [](const std::string& line) { return !startsWith(line, "core/onednn/"); });
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
    EXPECT_FALSE(found.empty()) << "the search itself must be able to find something";
    for (const auto& line : found)
        EXPECT_EQ(line.find(".h includes"), std::string::npos) << "dnnl stays out of headers: " << line;
}

TEST(Architecture, CoreAndPluginsNeverSeeTheWindow) {
    for (const char* room : {"core/", "plugins/"}) {
        const auto wrong = offenders(room, [](const std::string& header) {
            return isQtGui(header) || startsWith(header, "ui/") || startsWith(header, "shell/") ||
                   startsWith(header, "figures/") || startsWith(header, "panels/") ||
                   startsWith(header, "app/");
        });
        EXPECT_TRUE(wrong.empty()) << lines(wrong);
    }
}

TEST(Architecture, QtInCoreIsForThePluginLoaderOnly) {
    std::vector<std::string> wrong;
    for (const auto& line : offenders("core/", [](const std::string& header) {
             return std::regex_match(header, std::regex("(Qt[A-Z][a-z]+/.*)|Q[A-Z][A-Za-z]+"));
         }))
        if (!startsWith(line, "core/plugin/"))
            wrong.push_back(line);
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

TEST(Architecture, ARoomUsesOnlyRoomsBelowIt) {
    // The order is read from core/CMakeLists.txt, where orrery_room calls stand from the bottom up.
    std::ostringstream text;
    text << std::ifstream(fs::path(ORRERY_SOURCE_DIR) / "core/CMakeLists.txt").rdbuf();
    const std::string cmake = text.str();
    std::map<std::string, std::size_t> order;
    static const std::regex call(R"(\norrery_room\((\w+))");
    for (std::sregex_iterator it(cmake.begin(), cmake.end(), call), end; it != end; ++it)
        order.emplace((*it)[1], order.size());
    ASSERT_GE(order.size(), 15U);
    std::vector<std::string> wrong;
    for (const auto& source : tree()) {
        if (!startsWith(source.path, "core/"))
            continue;
        const std::string own = source.path.substr(5, source.path.find('/', 5) - 5);
        if (!order.count(own))
            continue;
        for (const auto& header : source.includes) {
            const std::string other = header.substr(0, header.find('/'));
            if (header.find('/') != std::string::npos && order.count(other) &&
                order.at(other) > order.at(own))
                wrong.push_back(source.path + " includes " + header);
        }
    }
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

TEST(Architecture, TheWindowHoldsNoMathematics) {
    const auto wrong = offenders("ui/", [](const std::string& header) {
        return startsWith(header, "onednn/") || startsWith(header, "kernels/") ||
               startsWith(header, "ops/") || startsWith(header, "autograd/") || header == "random" ||
               header == "numeric" || startsWith(header, "Eigen");
    });
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

TEST(Architecture, RandomNumbersComeFromAPassedGenerator) {
    std::vector<std::string> wrong;
    static const std::regex draws(
        R"(std::mt19937|std::random_device|std::default_random_engine|\brand\(\)|\bsrand\()");
    for (const auto& source : tree())
        if (!startsWith(source.path, "tests/") && std::regex_search(source.text, draws))
            wrong.push_back(source.path);
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

TEST(Architecture, PluginsAreCompleteFolders) {
    int plugins = 0;
    for (const auto& kind : fs::directory_iterator(fs::path(ORRERY_SOURCE_DIR) / "plugins")) {
        if (!kind.is_directory())
            continue;
        for (const auto& plugin : fs::directory_iterator(kind)) {
            if (!plugin.is_directory())
                continue;
            ++plugins;
            EXPECT_TRUE(fs::exists(plugin.path() / "plugin.json")) << plugin.path();
            EXPECT_TRUE(fs::exists(plugin.path() / "README.md")) << plugin.path();
            const fs::path tests = fs::path(ORRERY_SOURCE_DIR) / "tests/plugins" / kind.path().filename() /
                                   (plugin.path().filename().string() + "_test.cpp");
            EXPECT_TRUE(fs::exists(tests)) << tests;
            const std::string own =
                "plugins/" + kind.path().filename().string() + "/" + plugin.path().filename().string();
            const auto reaching = offenders(own + "/", [](const std::string& header) {
                return startsWith(header, "plugins/") || startsWith(header, "..");
            });
            EXPECT_TRUE(reaching.empty()) << lines(reaching);
        }
    }
    EXPECT_GE(plugins, 6);
}

TEST(Architecture, FilesStaySmallOrSayWhy) {
    std::vector<std::string> wrong;
    for (const auto& source : tree()) {
        const auto count = std::count(source.text.begin(), source.text.end(), '\n');
        const std::string head = source.text.substr(0, std::min<std::size_t>(source.text.size(), 1500));
        if (count > 600 && head.find("Long because") == std::string::npos)
            wrong.push_back(source.path + ": " + std::to_string(count) +
                            " lines (a head saying 'Long because ...' excuses it)");
    }
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

TEST(Architecture, EveryFileNamesItsLicenceAndNoneIsAGrabBag) {
    static const std::regex grabBag(R"((^|/)(utils?|helpers?|misc|common|manager)[._/])");
    std::vector<std::string> wrong;
    for (const auto& source : tree()) {
        if (source.text.substr(0, 200).find("SPDX-License-Identifier: GPL-3.0-or-later") == std::string::npos)
            wrong.push_back(source.path + ": no SPDX line");
        if (std::regex_search(source.path, grabBag))
            wrong.push_back(source.path + ": a name that says nothing");
        if (source.path.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ- ") != std::string::npos)
            wrong.push_back(source.path + ": not snake_case");
        if (source.path.ends_with(".h") && source.text.find("#pragma once") == std::string::npos)
            wrong.push_back(source.path + ": no #pragma once");
    }
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

TEST(Architecture, VisibleTextIsTranslatable) {
    std::vector<std::string> wrong;
    // Setters of visible text that are given a literal directly. (OptionValues::setText takes two texts.)
    static const std::regex literal(
        R"(\bsetText\(\s*"[A-Za-z][^"]*"\s*\)|\b(setWindowTitle|setToolTip|setStatusTip|setPlaceholderText|addAction|addMenu|addTab)\(\s*"[A-Za-z])");
    for (const auto& source : tree())
        if (startsWith(source.path, "ui/") && std::regex_search(source.text, literal))
            wrong.push_back(source.path);
    EXPECT_TRUE(wrong.empty()) << lines(wrong);
}

} // namespace
