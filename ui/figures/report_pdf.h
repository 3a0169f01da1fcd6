// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/style.h"
#include "report/html.h"
#include "report/report.h"

#include <QByteArray>

namespace orrery::ui {

/// Draws figures for the HTML report by the painters of the screen.
class SvgFigureRenderer final : public report::FigureRenderer {
public:
    explicit SvgFigureRenderer(double width = 760) : m_width(width) {}
    [[nodiscard]] std::string svg(const figure::Figure& figure) const override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> darkColours() const override;

private:
    double m_width;
};

/// The report as PDF: A4, page numbers, vector figures, selectable text, bookmarks for title, sections and
/// figures. Needs a QApplication, as all exports do.
QByteArray renderReportPdf(const report::Report& report, const FigureStyle& style = FigureStyle::light());

} // namespace orrery::ui
