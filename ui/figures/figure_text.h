// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFont>
#include <QFontMetricsF>
#include <QHash>
#include <QString>

#include <memory>
#include <string>
#include <vector>

class QPainter;
class QRectF;

namespace orrery::ui {

/// A number as figures print it: at most so many significant digits, no trailing zeros, exponents only when
/// shorter; "NaN", "∞".
QString numberText(double value, int digits = 4);

/// About count round numbers (1, 2, 5 times a power of ten) within [low, high], ascending.
std::vector<double> roundTicks(double low, double high, int count);

/// A token as it is shown: outer spaces, tabs and line ends become visible signs, bytes that are not UTF-8
/// and control characters their code.
QString visibleToken(const std::string& token);

/// Text cut in the middle or at the end to fit a width.
QString elided(const QString& text, const QFont& font, double width, Qt::TextElideMode mode = Qt::ElideRight);

double textWidth(const QString& text, const QFont& font);

/// Widths of many texts in one font, each shaped once for as long as the thread lives: thousands of tokens
/// are a few hundred different words, and every layout asks for all of them.
class TextWidths {
public:
    explicit TextWidths(const QFont& font);
    double operator()(const QString& text);

private:
    QFontMetricsF m_metrics;
    std::shared_ptr<QHash<QString, double>> m_known;
};

/// The smallest of 1, 2, 5, 10, 20 ... that is not below the wish: every how many labels one is shown.
int labelStep(double wish);

} // namespace orrery::ui
