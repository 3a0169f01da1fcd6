// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/document_painter.h"

#include "figures/figure_text.h"
#include "figures/value_colours.h"

#include <QAbstractTextDocumentLayout>
#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextFragment>
#include <QTextFrame>
#include <QTextList>
#include <QTextTable>

#include <algorithm>

namespace orrery::ui {

namespace {

/// Whose words these are for translators.
struct Words {
    Q_DECLARE_TR_FUNCTIONS(orrery::ui)
};

/// Natural widths, shrunk from the widest down until they fit.
std::vector<double> columnWidths(const figure::Table& table, const FigureStyle& style, double width) {
    const QFontMetricsF metrics(style.font);
    const QFontMetricsF bold(style.sized(1, true));
    std::vector<double> widths;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        double widest = bold.horizontalAdvance(titleWithUnit(table.columns[c].title, table.columns[c].unit));
        for (std::size_t r = 0; r < table.rows.size() && r < tablePrintRows; ++r)
            if (c < table.rows[r].size())
                widest = std::max(widest, metrics.horizontalAdvance(
                                              tableCellText(table.rows[r][c], table.columns[c].digits)));
        widths.push_back(widest + 18);
    }
    double total = 0;
    for (const double each : widths)
        total += each;
    for (int round = 0; total > width && round < 64; ++round) {
        const auto widest = std::max_element(widths.begin(), widths.end());
        const double cut = std::min(total - width, *widest * 0.15);
        *widest -= cut;
        total -= cut;
    }
    return widths;
}

} // namespace

QVariant ClosedDocument::loadResource(int, const QUrl&) {
    return {};
}

void setMarkdown(QTextDocument& document, const QString& markdown, const FigureStyle& style) {
    document.setDefaultFont(style.font);
    document.setMarkdown(markdown, QTextDocument::MarkdownFeatures(QTextDocument::MarkdownDialectGitHub) |
                                       QTextDocument::MarkdownNoHTML);
    for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
        QTextCursor cursor(block);
        QTextBlockFormat format = block.blockFormat();
        format.setLineHeight(120, QTextBlockFormat::ProportionalHeight);
        const bool plain =
            format.headingLevel() == 0 && block.textList() == nullptr && cursor.currentTable() == nullptr;
        if (plain)
            format.setBottomMargin(std::max(format.bottomMargin(), style.font.pixelSize() * 0.5));
        cursor.setBlockFormat(format);
        // Links come in the colour of the application's palette, which need not suit this background.
        for (auto it = block.begin(); !it.atEnd(); ++it) {
            const QTextFragment fragment = it.fragment();
            if (!fragment.charFormat().isAnchor())
                continue;
            QTextCursor words(&document);
            words.setPosition(fragment.position());
            words.setPosition(fragment.position() + fragment.length(), QTextCursor::KeepAnchor);
            QTextCharFormat look;
            look.setForeground(style.category(0));
            words.mergeCharFormat(look);
        }
    }
    for (QTextFrame* frame : document.rootFrame()->childFrames())
        if (auto* table = qobject_cast<QTextTable*>(frame)) {
            QTextTableFormat format = table->format();
            format.setBorder(1);
            format.setBorderBrush(style.grid);
            format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
            format.setBorderCollapse(true);
            format.setCellPadding(4);
            format.setCellSpacing(0);
            format.setMargin(style.font.pixelSize() * 0.4);
            table->setFormat(format);
        }
}

std::unique_ptr<QTextDocument> markdownDocument(const QString& markdown, const FigureStyle& style,
                                                double width) {
    auto document = std::make_unique<ClosedDocument>();
    document->setDocumentMargin(0);
    setMarkdown(*document, markdown, style);
    document->setTextWidth(width);
    return document;
}

double markdownHeight(const QString& markdown, const FigureStyle& style, double width) {
    return markdownDocument(markdown, style, width)->size().height();
}

void drawMarkdown(QPainter& painter, const QRectF& rect, const QString& markdown, const FigureStyle& style) {
    const auto document = markdownDocument(markdown, style, rect.width());
    QAbstractTextDocumentLayout::PaintContext context;
    context.palette.setColor(QPalette::Text, style.text);
    context.palette.setColor(QPalette::Link, style.category(0));
    painter.save();
    painter.translate(rect.topLeft());
    document->documentLayout()->draw(&painter, context);
    painter.restore();
}

bool isNumber(const figure::Table::Cell& cell) {
    return std::holds_alternative<double>(cell) || std::holds_alternative<std::int64_t>(cell);
}

QString tableCellText(const figure::Table::Cell& cell, int digits) {
    if (const auto* text = std::get_if<std::string>(&cell))
        return QString::fromStdString(*text);
    if (const auto* real = std::get_if<double>(&cell))
        return numberText(*real, digits);
    if (const auto* integer = std::get_if<std::int64_t>(&cell))
        return QString::number(*integer).replace(QLatin1Char('-'), QChar(0x2212));
    if (const auto* flag = std::get_if<bool>(&cell))
        return *flag ? Words::tr("yes") : Words::tr("no");
    return {};
}

double tableHeight(const figure::Table& table, const FigureStyle& style) {
    const double line = QFontMetricsF(style.font).height() + 7;
    const auto rows = std::min<std::size_t>(table.rows.size(), tablePrintRows);
    const bool cut = table.rows.size() > rows;
    return line * static_cast<double>(rows + 1 + (cut ? 1 : 0)) + 4;
}

void drawTable(QPainter& painter, const QRectF& rect, const figure::Table& table, const FigureStyle& style) {
    painter.save();
    const std::vector<double> widths = columnWidths(table, style, rect.width());
    double total = 0;
    for (const double each : widths)
        total += each;
    const QFontMetricsF metrics(style.font);
    const double line = metrics.height() + 7;
    const double baseline = 4 + metrics.ascent();
    const auto rows = std::min<std::size_t>(table.rows.size(), tablePrintRows);
    const auto numeric = [&](std::size_t column) {
        return std::any_of(table.rows.begin(), table.rows.begin() + static_cast<std::ptrdiff_t>(rows),
                           [&](const auto& row) { return column < row.size() && isNumber(row[column]); });
    };
    const auto cell = [&](const QString& text, const QFont& font, double x, double y, double width,
                          bool right) {
        const QString shown = elided(text, font, width - 12);
        painter.setFont(font);
        painter.drawText(QPointF(right ? x + width - 9 - textWidth(shown, font) : x + 9, y + baseline),
                         shown);
    };
    double y = rect.top();
    painter.fillRect(QRectF(rect.left(), y, total, line), style.surface);
    double x = rect.left();
    painter.setPen(style.text);
    const QFont bold = style.sized(1, true);
    for (std::size_t c = 0; c < widths.size(); ++c) {
        cell(titleWithUnit(table.columns[c].title, table.columns[c].unit), bold, x, y, widths[c], numeric(c));
        x += widths[c];
    }
    y += line;
    for (std::size_t r = 0; r < rows && y + line <= rect.bottom() + 1; ++r, y += line) {
        painter.setPen(style.text);
        x = rect.left();
        for (std::size_t c = 0; c < widths.size(); ++c) {
            if (c < table.rows[r].size())
                cell(tableCellText(table.rows[r][c], table.columns[c].digits), style.font, x, y, widths[c],
                     isNumber(table.rows[r][c]));
            x += widths[c];
        }
        painter.setPen(QPen(style.grid, 1));
        painter.drawLine(QPointF(rect.left(), y + line), QPointF(rect.left() + total, y + line));
    }
    if (table.rows.size() > rows) {
        painter.setPen(style.muted);
        cell(Words::tr("%1 more rows").arg(table.rows.size() - rows), style.font, rect.left(), y,
             rect.width(), false);
    }
    painter.restore();
}

} // namespace orrery::ui
