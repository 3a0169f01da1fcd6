// SPDX-License-Identifier: GPL-3.0-or-later
#include "session.h"

#include "base/error.h"
#include "base/log.h"
#include "compress/compressed_model.h"
#include "model/model.h"

#include <QApplication>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace orrery::app {
namespace {

// A signal handler may only touch lock-free state; the token's flag is an atomic behind a pointer made
// before.
CancelToken& interruptToken() {
    static CancelToken token;
    return token;
}

extern "C" void interrupted(int) {
    interruptToken().cancel();
    std::signal(SIGINT, SIG_DFL); // a second Ctrl+C ends the process at once
}

class Bar {
public:
    void show(const ProgressState& state) {
        const auto now = std::chrono::steady_clock::now();
        if (now - m_shown < std::chrono::milliseconds(100) && m_open)
            return;
        m_shown = now;
        std::string line = state.step;
        if (state.total > 0) {
            const double share = std::clamp(state.done / state.total, 0.0, 1.0);
            const int filled = static_cast<int>(share * 24);
            line =
                fmt::format("[{}{}] {:3.0f} %  {}", std::string(static_cast<std::size_t>(filled), '#'),
                            std::string(static_cast<std::size_t>(24 - filled), '.'), share * 100, state.step);
        }
        fmt::print(stderr, "\r\033[K{}", line);
        std::fflush(stderr);
        m_open = true;
    }
    void end() {
        if (m_open)
            fmt::print(stderr, "\r\033[K");
        m_open = false;
    }

private:
    std::chrono::steady_clock::time_point m_shown{};
    bool m_open = false;
};

Bar& bar() {
    static Bar instance;
    return instance;
}

std::string readStandardInput() {
    constexpr std::size_t most = std::size_t{64} << 20U;
    std::string text;
    char buffer[65536];
    while (std::cin.read(buffer, sizeof buffer) || std::cin.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
        if (text.size() > most)
            throw InputError("Standard input holds more than the 64 MiB that are accepted here.");
    }
    return text;
}

std::string withoutFinalNewline(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

} // namespace

Session::Session(int& argc, char** argv) : m_argc(argc), m_argv(argv) {
    std::error_code failure;
    m_executable = std::filesystem::read_symlink("/proc/self/exe", failure);
    if (failure)
        m_executable = argv[0];
    std::signal(SIGINT, interrupted);
}

Session::~Session() = default;

void Session::addCommonOptions(CLI::App& command) {
    const std::string group = "Common options";
    command.add_option("--workspace", workspaceFile, "The workspace file (default: in your data folder)")
        ->group(group);
    command.add_option("--threads", threads, "Threads (default: all cores)")
        ->check(CLI::Range(0, 4096))
        ->group(group);
    command.add_option("--dtype", dtype, "Type of the computation")
        ->check(CLI::IsMember({"f32", "bf16"}))
        ->group(group);
    command.add_option("--seed", seed, "Seed of everything random")->group(group);
    command.add_option("--set", assignments, "name=value: an option of the part in use; repeatable")
        ->group(group)
        ->allow_extra_args(false);
    command.add_flag("--json", json, "Machine-readable result on stdout")->group(group);
    command.add_option("-o,--out", out, "Where results are written")->group(group);
    command.add_flag("-q,--quiet", quiet, "No progress and no remarks")->group(group);
    command.add_flag("-v,--verbose", verbose, "More remarks")->group(group);
    command.add_flag("--no-color", noColor, "No colours (also NO_COLOR)")->group(group);
    command
        .add_flag("--dry-run", dryRun, "Only say what would be done, with predicted memory and operations")
        ->group(group);
}

void Session::apply() {
    if (threads > 0)
        model::setThreads(threads);
    addLogSink([this](LogLevel level, std::string_view message) {
        const bool shown = level == LogLevel::Error || (!quiet && level == LogLevel::Warning) || verbose;
        if (!shown)
            return;
        endProgress();
        fmt::print(stderr, "{}{}\n",
                   level == LogLevel::Error     ? "error: "
                   : level == LogLevel::Warning ? "warning: "
                                                : "",
                   message);
    });
}

Progress Session::progress() {
    if (quiet || isatty(STDERR_FILENO) == 0)
        return Progress({}, interruptToken());
    return Progress([](const ProgressState& state) { bar().show(state); }, interruptToken());
}

void Session::endProgress() {
    bar().end();
}

plugin::Registry& Session::registry() {
    if (!m_pluginsLoaded) {
        m_pluginsLoaded = true;
        m_pluginStates = plugin::Loader(plugin::registry()).load(plugin::defaultLoaderOptions(m_executable));
    }
    return plugin::registry();
}

const std::vector<plugin::PluginState>& Session::pluginStates() {
    registry();
    return m_pluginStates;
}

DType Session::computeType() const {
    return dtypeFromName(dtype).value_or(DType::F32);
}

std::shared_ptr<model::Model> Session::openModel(const std::string& folder) {
    model::OpenOptions options;
    options.dtype = computeType();
    options.progress = progress();
    return compress::openModel(folder, options, [this](std::string_view id) {
        return registry().require<compress::Compressor>(id);
    });
}

store::Workspace& Session::workspace() {
    if (!m_workspace)
        m_workspace.emplace(workspaceFile.empty() ? store::defaultWorkspacePath()
                                                  : std::filesystem::path(workspaceFile));
    return *m_workspace;
}

OptionValues Session::options(const OptionSchema& schema) const {
    OptionValues values(schema);
    for (const auto& assignment : assignments)
        values.assign(assignment);
    return values;
}

QApplication& Session::application() {
    if (!m_application) {
        if (std::getenv("QT_QPA_PLATFORM") == nullptr)
            ::setenv("QT_QPA_PLATFORM", "offscreen", 1);
        m_application = std::make_unique<QApplication>(m_argc, m_argv);
    }
    return *m_application;
}

std::string Session::commandLine() const {
    std::string line = "orrery";
    for (int i = 1; i < m_argc; ++i) {
        const std::string word = m_argv[i];
        const bool plain =
            !word.empty() && word.find_first_of(" '\"$\\*?[]{}<>|&;()`~#!\n\t") == std::string::npos;
        std::string quoted = "'";
        for (const char c : word)
            quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
        line += " " + (plain ? word : quoted + "'");
    }
    return asUtf8(line);
}

bool Session::colour() const {
    return !noColor && std::getenv("NO_COLOR") == nullptr && isatty(STDOUT_FILENO) != 0;
}

void InputArguments::add(CLI::App& command) {
    const std::string group = "Input";
    command.add_option("--text", text, "The text")->group(group);
    command.add_option("--pair", pair, "A second text, for models that take pairs")->group(group);
    command
        .add_option("--file", file,
                    "A text file, or JSONL with \"text\" (and \"pair\") in every line; - is standard input")
        ->group(group);
    command.add_option("input", dash, "- reads the text from standard input")
        ->check(CLI::IsMember({"-"}))
        ->group(group);
}

std::vector<InputArguments::Item> InputArguments::items() const {
    const int given = (text.empty() ? 0 : 1) + (file.empty() ? 0 : 1) + (dash.empty() ? 0 : 1);
    if (given > 1)
        throw UsageError("Give one input: --text, --file or -.");
    if (given == 0)
        throw UsageError(
            "The input is empty or missing: give --text 'some words', --file FILE or - for standard input.");
    const std::optional<std::string> second = pair.empty() ? std::nullopt : std::optional(asUtf8(pair));
    if (!text.empty())
        return {{asUtf8(text), second}};
    const bool standardInput = !dash.empty() || file == "-";
    const std::string content =
        standardInput ? readStandardInput() : readTextFile(file, std::size_t{64} << 20U);
    if (content.find_first_not_of(" \t\r\n") == std::string::npos)
        throw InputError(fmt::format("{} holds no text.",
                                     standardInput ? std::string("Standard input") : "The file " + file));
    if (!file.ends_with(".jsonl"))
        return {{withoutFinalNewline(asUtf8(content)), second}};
    std::vector<Item> items;
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < content.size();) {
        const std::size_t end = std::min(content.find('\n', begin), content.size());
        const std::string_view line = std::string_view(content).substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos)
            continue;
        const Json record = parseJson(line, fmt::format("Line {} of {}", number, file));
        if (!record.is_object() || !record.contains("text") || !record["text"].is_string())
            throw InputError(fmt::format("Line {} of {} has no \"text\".", number, file));
        Item item{record["text"].get<std::string>(), second};
        if (record.contains("pair") && record["pair"].is_string())
            item.pair = record["pair"].get<std::string>();
        items.push_back(std::move(item));
    }
    return items;
}

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw Error("The output could not be written; check the free space or the program behind the pipe.");
}

void printJson(const OrderedJson& json) {
    print(json.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

void printTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
    const auto isNumber = [](const std::string& cell) {
        return !cell.empty() && cell.find_first_not_of("0123456789.,+-eEx %") == std::string::npos;
    };
    // Code points stand for columns: enough for aligned tables of Latin text and symbols.
    const auto width = [](const std::string& cell) {
        return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
        }));
    };
    std::vector<std::size_t> widths;
    std::vector<bool> right;
    for (std::size_t column = 0; column < header.size(); ++column) {
        widths.push_back(width(header[column]));
        bool numbers = !rows.empty();
        for (const auto& row : rows) {
            widths.back() = std::max(widths.back(), width(row.at(column)));
            numbers = numbers && (row[column].empty() || row[column] == "-" || isNumber(row[column]));
        }
        right.push_back(numbers);
    }
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string text;
        for (std::size_t column = 0; column < cells.size(); ++column) {
            const std::string fill(widths[column] - width(cells[column]), ' ');
            text += right[column] ? fill + cells[column] : cells[column] + fill;
            text += column + 1 < cells.size() ? "  " : "";
        }
        while (!text.empty() && text.back() == ' ')
            text.pop_back();
        return text + "\n";
    };
    std::string text = line(header);
    for (const auto& row : rows)
        text += line(row);
    print(text);
}

std::string bytesText(double bytes) {
    static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    while (bytes >= 1000 && unit + 1 < std::size(units)) {
        bytes /= 1000;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

std::string countText(double number) {
    static constexpr const char* units[] = {"", " k", " M", " G", " T", " P"};
    std::size_t unit = 0;
    while (number >= 1000 && unit + 1 < std::size(units)) {
        number /= 1000;
        ++unit;
    }
    return fmt::format("{:.{}f}{}", number, unit == 0 ? 0 : 1, units[unit]);
}

} // namespace orrery::app
