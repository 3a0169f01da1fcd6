// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_text.h"

#include <QFontMetricsF>
#include <QStringDecoder>

#include <cmath>

namespace orrery::ui {

QString numberText(double value, int digits) {
    if (std::isnan(value))
        return QStringLiteral("NaN");
    if (std::isinf(value))
        return value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
    QString text = QString::number(value, 'g', digits);
    if (text == QLatin1String("-0"))
        text = QStringLiteral("0");
    text.replace(QLatin1String("e-0"), QLatin1String("e-")).replace(QLatin1String("e+0"), QLatin1String("e"));
    text.replace(QLatin1String("e+"), QLatin1String("e"));
    text.replace(QLatin1Char('-'), QChar(0x2212));
    return text;
}

std::vector<double> roundTicks(double low, double high, int count) {
    std::vector<double> result;
    if (!(high > low) || !std::isfinite(low) || !std::isfinite(high)) {
        if (std::isfinite(low))
            result.push_back(low);
        return result;
    }
    const double raw = (high - low) / std::max(count, 1);
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    double step = power * 10;
    for (const double factor : {1.0, 2.0, 5.0})
        if (power * factor >= raw * 0.999) {
            step = power * factor;
            break;
        }
    const double first = std::ceil(low / step - 1e-9);
    for (int i = 0; i < 200; ++i) {
        const double value = (first + i) * step;
        if (value > high + step * 1e-9)
            break;
        result.push_back(std::abs(value) < step * 1e-9 ? 0.0 : value);
    }
    return result;
}

QString visibleToken(const std::string& token) {
    QStringDecoder decoder(QStringDecoder::Utf8);
    QString text = decoder(QByteArrayView(token.data(), static_cast<qsizetype>(token.size())));
    if (decoder.hasError()) {
        text.clear();
        for (const char byte : token) {
            const auto code = static_cast<unsigned char>(byte);
            if (code < 0x80)
                text += QLatin1Char(byte);
            else
                text += QStringLiteral("‹%1›").arg(code, 2, 16, QLatin1Char('0'));
        }
    }
    QString result;
    result.reserve(text.size());
    qsizetype begin = 0; // spaces within a label are readable as they are
    while (begin < text.size() && text[begin] == QLatin1Char(' '))
        ++begin;
    qsizetype end = text.size();
    while (end > begin && text[end - 1] == QLatin1Char(' '))
        --end;
    for (qsizetype i = 0; i < text.size(); ++i) {
        const QChar c = text[i];
        switch (c.unicode()) {
        case 0x0120: // the space of byte-level BPE
        case 0x2581: // the space of SentencePiece
            result += QChar(0x2423);
            break;
        case ' ':
            result += i < begin || i >= end ? QChar(0x2423) : c;
            break;
        case 0x010A: // the line end of byte-level BPE
        case '\n':
            result += QChar(0x23CE);
            break;
        case 0x0109:
        case '\t':
            result += QChar(0x21E5);
            break;
        case '\r':
            result += QChar(0x240D);
            break;
        default:
            if (c.unicode() < 0x20 || c.unicode() == 0x7f)
                result += QStringLiteral("‹%1›").arg(c.unicode(), 2, 16, QLatin1Char('0'));
            else if (c.category() == QChar::Other_Format || c.category() == QChar::Separator_Line ||
                     c.category() == QChar::Separator_Paragraph)
                result += QStringLiteral("‹%1›").arg(c.unicode(), 4, 16, QLatin1Char('0'));
            else
                result += c;
        }
    }
    return result.isEmpty() ? QStringLiteral("∅") : result;
}

QString elided(const QString& text, const QFont& font, double width, Qt::TextElideMode mode) {
    return QFontMetricsF(font).elidedText(text, mode, width);
}

double textWidth(const QString& text, const QFont& font) {
    return QFontMetricsF(font).horizontalAdvance(text);
}

TextWidths::TextWidths(const QFont& font) : m_metrics(font) {
    constexpr qsizetype mostFonts = 32; // sizes come and go with zoom and exports
    thread_local QHash<QString, std::shared_ptr<QHash<QString, double>>> fonts;
    const QString key = font.key();
    if (fonts.size() >= mostFonts && !fonts.contains(key))
        fonts.clear();
    auto& known = fonts[key];
    if (known == nullptr)
        known = std::make_shared<QHash<QString, double>>();
    m_known = known;
}

double TextWidths::operator()(const QString& text) {
    constexpr qsizetype mostTexts = 100000;
    if (const auto found = m_known->constFind(text); found != m_known->cend())
        return *found;
    if (m_known->size() >= mostTexts)
        m_known->clear();
    const double width = m_metrics.horizontalAdvance(text);
    m_known->insert(text, width);
    return width;
}

int labelStep(double wish) {
    int power = 1;
    for (int i = 0; i < 9; ++i, power *= 10)
        for (const int factor : {1, 2, 5})
            if (power * factor >= wish)
                return power * factor;
    return power;
}

} // namespace orrery::ui
