// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "report/report.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::report {

/// Draws figures for the HTML writer; the window has one. Without one, figures become tables of numbers.
class FigureRenderer {
public:
    virtual ~FigureRenderer() = default;
    /// A complete <svg> element drawn on a light background, or "" when it cannot draw this figure.
    [[nodiscard]] virtual std::string svg(const figure::Figure& figure) const = 0;
    /// (light, dark) colours as they stand in fill and stroke attributes ("#1b1f24"): how the drawing turns
    /// dark with the page.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> darkColours() const { return {}; }
};

/// One HTML file that needs nothing else: no network, no scripts; light and dark by the reader's preference,
/// a print style, contents, numbered figures with provenance and command line folded below each.
std::string toHtml(const Report& report, const FigureRenderer* renderer = nullptr);

/// Text made safe for HTML content and quoted attributes.
std::string escapeHtml(std::string_view text);

/// The Markdown that reports use (headings, paragraphs, emphasis, code, links, lists, quotes, rules, tables)
/// as HTML. Markup in the text itself is shown, never obeyed; links keep http, https, mailto and #anchors
/// only. headingShift is added to heading levels.
std::string markdownToHtml(std::string_view markdown, int headingShift = 0);

} // namespace orrery::report
