// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure_files.h"

#include "base/error.h"
#include "base/version.h"
#include "figure/serialize.h"
#include "figures/export.h"
#include "figures/report_pdf.h"
#include "report/html.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace orrery::app {
namespace {

constexpr std::array<std::string_view, 7> known{"svg", "pdf", "png", "csv", "json", "npy", "html"};

std::string bytes(const QByteArray& data) {
    return data.toStdString();
}

} // namespace

std::vector<std::string> parseFormats(const std::string& text) {
    std::vector<std::string> formats;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string format = text.substr(begin, end - begin);
        if (std::find(known.begin(), known.end(), format) == known.end())
            throw UsageError(
                fmt::format("'{}' is no format for figures; there are: {}.", format, fmt::join(known, ", ")));
        formats.push_back(format);
        begin = end + 1;
    }
    return formats;
}

OrderedJson figureJson(const figure::Figure& figure) {
    return figure::toJson(figure);
}

std::vector<std::filesystem::path> writeFigures(Session& session, const std::vector<figure::Figure>& figures,
                                                const std::filesystem::path& folder,
                                                const std::vector<std::string>& formats) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure)
        throw Error(fmt::format("The folder {} cannot be made ({}); choose another one with --out.",
                                folder.string(), failure.message()));
    const bool draws = std::any_of(formats.begin(), formats.end(), [](const std::string& f) {
        return f == "svg" || f == "pdf" || f == "png" || f == "html";
    });
    if (draws)
        session.application();
    std::vector<std::filesystem::path> files;
    const auto write = [&](const std::string& name, const std::string& content) {
        files.push_back(folder / name);
        writeFileAtomically(files.back(), content);
    };
    for (const auto& figure : figures)
        for (const auto& format : formats) {
            const std::string name = figure.id + "." + format;
            if (format == "svg")
                write(name, bytes(ui::renderSvg(figure)));
            else if (format == "pdf")
                write(name, bytes(ui::renderPdf(figure)));
            else if (format == "png")
                write(name, bytes(ui::renderPng(figure)));
            else if (format == "csv")
                write(name, figure::toCsv(figure));
            else if (format == "json")
                write(name, figure::toJson(figure).dump(1));
            else if (format == "npy")
                if (const auto npy = figure::toNpy(figure))
                    write(name, *npy);
        }
    if (std::find(formats.begin(), formats.end(), "html") != formats.end() && !figures.empty()) {
        report::Report page;
        page.title = figures.front().provenance.part.empty() ? "Figures" : figures.front().provenance.part;
        page.created = timestamp();
        report::Section section{"Figures", 1, {}};
        for (const auto& figure : figures)
            section.blocks.emplace_back(report::FigureBlock{std::make_shared<const figure::Figure>(figure)});
        page.sections.push_back(std::move(section));
        const ui::SvgFigureRenderer renderer;
        write("index.html", report::toHtml(page, &renderer));
    }
    return files;
}

} // namespace orrery::app
