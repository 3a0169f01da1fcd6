// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/style.h"

#include <QRectF>
#include <QString>
#include <QTextDocument>

#include <memory>

class QPainter;

namespace orrery::ui {

/// A document that loads nothing: images named in somebody's Markdown stay unread.
class ClosedDocument : public QTextDocument {
public:
    using QTextDocument::QTextDocument;

protected:
    QVariant loadResource(int type, const QUrl& name) override;
};

/// Fills a document with Markdown in the style; HTML in it is shown as text.
void setMarkdown(QTextDocument& document, const QString& markdown, const FigureStyle& style);
/// The same as a document of its own, laid out for a width.
std::unique_ptr<QTextDocument> markdownDocument(const QString& markdown, const FigureStyle& style,
                                                double width);

double markdownHeight(const QString& markdown, const FigureStyle& style, double width);
void drawMarkdown(QPainter& painter, const QRectF& rect, const QString& markdown, const FigureStyle& style);

/// Height of a table with all (at most tablePrintRows) rows.
constexpr int tablePrintRows = 200;
double tableHeight(const figure::Table& table, const FigureStyle& style);
/// Draws the table from the top left; says how many rows it left out.
void drawTable(QPainter& painter, const QRectF& rect, const figure::Table& table, const FigureStyle& style);
/// Text of a cell: doubles with the column's digits, true and false in words.
QString tableCellText(const figure::Table::Cell& cell, int digits);
bool isNumber(const figure::Table::Cell& cell);

} // namespace orrery::ui
