// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/export.h"

#include "base/error.h"
#include "figures/attention_lines_painter.h"
#include "figures/axis_plot.h"
#include "figures/document_painter.h"
#include "figures/figure_text.h"
#include "figures/head_grid_painter.h"
#include "figures/heatmap_painter.h"
#include "figures/token_strip_painter.h"

#include <QBuffer>
#include <QImage>
#include <QImageWriter>
#include <QPainter>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr double margin = 12;
constexpr double longestExport = 12000; // pixels: what viewers still open

std::shared_ptr<const figure::Figure> borrowed(const figure::Figure& figure) {
    return {std::shared_ptr<const figure::Figure>(), &figure};
}

double bodyHeight(const figure::Figure& figure, double width, const FigureStyle& style) {
    struct Visitor {
        const figure::Figure& figure;
        double width;
        const FigureStyle& style;
        double operator()(const figure::Heatmap&) const {
            return HeatmapPainter(borrowed(figure)).preferredHeight(width, style);
        }
        double operator()(const figure::HeadGrid&) const {
            return HeadGridPainter(borrowed(figure)).preferredHeight(width, style);
        }
        double operator()(const figure::TokenStrip&) const {
            return TokenStripPainter(borrowed(figure)).preferredHeight(width, style);
        }
        double operator()(const figure::AttentionLines&) const {
            return AttentionLinesPainter(borrowed(figure)).preferredHeight(width, style);
        }
        double operator()(const figure::Series&) const { return std::max(width * 0.5, 160.0); }
        double operator()(const figure::Bars&) const { return std::max(width * 0.5, 160.0); }
        double operator()(const figure::Table& table) const { return tableHeight(table, style); }
        double operator()(const figure::Text& text) const {
            return markdownHeight(QString::fromStdString(text.markdown), style, width) + 4;
        }
    };
    return std::visit(Visitor{figure, width, style}, figure.body);
}

void drawBody(QPainter& painter, const QRectF& rect, const figure::Figure& figure,
              const ExportOptions& options) {
    const FigureStyle& style = options.style;
    const FigureState& state = options.state;
    if (const auto* heatmap = std::get_if<figure::Heatmap>(&figure.body)) {
        DirectHeatmapValues values(*heatmap);
        HeatmapPainter(borrowed(figure)).draw(painter, rect, style, state, values);
    } else if (const auto* grid = std::get_if<figure::HeadGrid>(&figure.body)) {
        HeadGridPainter(borrowed(figure)).draw(painter, rect, style, state, HeadGridMaps::of(*grid));
    } else if (std::holds_alternative<figure::TokenStrip>(figure.body)) {
        const TokenStripPainter strip(borrowed(figure));
        strip.draw(painter, strip.layout(rect, style), style, state, rect);
    } else if (const auto* lines = std::get_if<figure::AttentionLines>(&figure.body)) {
        const AttentionLinesPainter drawing(borrowed(figure));
        const std::atomic<bool> never{false};
        drawing.draw(painter, drawing.layout(rect, style), style, state,
                     *AttentionLineSet::collect(*lines, never), rect);
    } else if (const auto* table = std::get_if<figure::Table>(&figure.body)) {
        drawTable(painter, rect, *table, style);
    } else if (const auto* text = std::get_if<figure::Text>(&figure.body)) {
        drawMarkdown(painter, rect, QString::fromStdString(text->markdown), style);
    } else {
        drawAxisPlot(painter, rect, figure, style, state);
    }
}

/// Lines of a text for a width; positions by the caller.
QStringList wrapped(const QString& text, const QFont& font, double width) {
    QStringList lines;
    QTextLayout layout(text, font);
    layout.beginLayout();
    for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
        line.setLineWidth(width);
        lines += text.mid(line.textStart(), line.textLength()).trimmed();
    }
    layout.endLayout();
    return lines;
}

struct Heading {
    QStringList title;
    QStringList caption;
    double above = 0;
    double below = 0;
};

Heading heading(const figure::Figure& figure, double width, const ExportOptions& options) {
    Heading result;
    if (!options.heading)
        return result;
    const QFont titleFont = options.style.sized(1.15, true);
    const QFont captionFont = options.style.sized(0.92);
    if (!figure.title.empty())
        result.title = wrapped(QString::fromStdString(figure.title), titleFont, width);
    if (!figure.caption.empty())
        result.caption = wrapped(QString::fromStdString(figure.caption), captionFont, width);
    if (!result.title.isEmpty())
        result.above = QFontMetricsF(titleFont).height() * static_cast<double>(result.title.size()) + 8;
    if (!result.caption.isEmpty())
        result.below =
            QFontMetricsF(captionFont).height() * 1.1 * static_cast<double>(result.caption.size()) + 8;
    return result;
}

QSizeF fullSize(const figure::Figure& figure, const ExportOptions& options) {
    const double width = std::max(options.size.width(), 120.0);
    double height = options.size.height();
    if (!(height > 0))
        height = preferredHeight(figure, width, options);
    return {std::ceil(width), std::ceil(std::clamp(height, 60.0, longestExport))};
}

QByteArray provenanceText(const figure::Figure& figure) {
    return QByteArray::fromStdString(
        figure.provenance.toJson().dump(1, ' ', false, OrderedJson::error_handler_t::replace));
}

QString plainTitle(const figure::Figure& figure) {
    return QString::fromStdString(figure.title.empty() ? figure.id : figure.title);
}

/// Characters that XML does not allow are dropped, the rest escaped.
QByteArray xmlText(const QByteArray& text) {
    QByteArray result;
    for (const char c : text)
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        default:
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
                result += c;
        }
    return result;
}

} // namespace

double preferredHeight(const figure::Figure& figure, double width, const ExportOptions& options) {
    const double inner = width - 2 * margin;
    const Heading words = heading(figure, inner, options);
    return words.above + bodyHeight(figure, inner, options.style) + words.below + 2 * margin;
}

void paintFigure(QPainter& painter, const QRectF& rect, const figure::Figure& figure,
                 const ExportOptions& options) {
    painter.save();
    painter.setRenderHint(QPainter::TextAntialiasing, true);
    if (options.background)
        painter.fillRect(rect, options.style.background);
    const QRectF inner = rect.adjusted(margin, margin, -margin, -margin);
    const Heading words = heading(figure, inner.width(), options);
    const auto write = [&](const QStringList& lines, const QFont& font, const QColor& colour, double y,
                           double spacing) {
        const QFontMetricsF metrics(font);
        painter.setFont(font);
        painter.setPen(colour);
        for (const QString& line : lines) {
            painter.drawText(QPointF(inner.left(), y + metrics.ascent()), line);
            y += metrics.height() * spacing;
        }
    };
    write(words.title, options.style.sized(1.15, true), options.style.text, inner.top(), 1);
    write(words.caption, options.style.sized(0.92), options.style.muted, inner.bottom() - words.below + 8,
          1.1);
    drawBody(painter, inner.adjusted(0, words.above, 0, -words.below), figure, options);
    painter.restore();
}

QByteArray renderSvg(const figure::Figure& figure, const ExportOptions& options) {
    const QSizeF size = fullSize(figure, options);
    QByteArray svg;
    {
        QBuffer buffer(&svg);
        QSvgGenerator generator;
        generator.setOutputDevice(&buffer);
        generator.setResolution(96);
        generator.setSize(size.toSize());
        generator.setViewBox(QRectF(QPointF(0, 0), size));
        QPainter painter(&generator);
        paintFigure(painter, QRectF(QPointF(0, 0), size), figure, options);
    }
    // A generic family behind the one it was laid out with, for readers who lack that.
    svg.replace("font-family=\"DejaVu Sans\"", "font-family=\"DejaVu Sans, Verdana, sans-serif\"");
    svg.replace("font-family=\"DejaVu Sans Mono\"", "font-family=\"DejaVu Sans Mono, monospace\"");
    const qsizetype head = svg.indexOf("<defs>");
    ORRERY_CHECK(head > 0, "a drawing starts with its definitions");
    // Written here, since the generator does not escape what it is given.
    const QByteArray words = "<title>" + xmlText(plainTitle(figure).toUtf8()) + "</title>\n<desc>" +
                             xmlText(QByteArray::fromStdString(figure.caption)) + "</desc>\n";
    svg.insert(head,
               words + "<metadata id=\"provenance\">" + xmlText(provenanceText(figure)) + "</metadata>\n");
    return svg;
}

QByteArray renderPdf(const figure::Figure& figure, const ExportOptions& options) {
    const QSizeF size = fullSize(figure, options);
    QByteArray pdf;
    {
        QBuffer buffer(&pdf);
        buffer.open(QIODevice::WriteOnly);
        QPdfWriter writer(&buffer);
        writer.setPageMargins(QMarginsF(0, 0, 0, 0));
        writer.setPageSize(QPageSize(size * 0.75, QPageSize::Point, {}, QPageSize::ExactMatch));
        writer.setResolution(96);
        writer.setTitle(plainTitle(figure));
        writer.setCreator(QStringLiteral("Orrery"));
        const QByteArray provenance = xmlText(provenanceText(figure));
        writer.setDocumentXmpMetadata(
            "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
            "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
            "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
            "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">" +
            xmlText(plainTitle(figure).toUtf8()) + "</rdf:li></rdf:Alt></dc:title><dc:source>" + provenance +
            "</dc:source></rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>");
        QPainter painter(&writer);
        paintFigure(painter, QRectF(QPointF(0, 0), size), figure, options);
    }
    return pdf;
}

QByteArray renderPng(const figure::Figure& figure, double scale, const ExportOptions& options) {
    const QSizeF size = fullSize(figure, options);
    scale = std::clamp(scale, 0.1, 8.0);
    const QSize pixels(static_cast<int>(std::ceil(size.width() * scale)),
                       static_cast<int>(std::ceil(size.height() * scale)));
    QImage image(pixels, QImage::Format_ARGB32_Premultiplied);
    if (image.isNull())
        throw Error("There is no memory for a picture of " + std::to_string(pixels.width()) + " x " +
                    std::to_string(pixels.height()) + " pixels; choose a smaller scale.");
    image.fill(Qt::transparent);
    image.setDevicePixelRatio(scale);
    {
        QPainter painter(&image);
        paintFigure(painter, QRectF(QPointF(0, 0), size), figure, options);
    }
    QByteArray png;
    QBuffer buffer(&png);
    QImageWriter writer(&buffer, "png");
    writer.setText(QStringLiteral("Title"), plainTitle(figure));
    writer.setText(QStringLiteral("Software"), QStringLiteral("Orrery"));
    writer.setText(QStringLiteral("Provenance"), QString::fromUtf8(provenanceText(figure)));
    if (!writer.write(image))
        throw Error("The picture could not be written: " + writer.errorString().toStdString() + ".");
    return png;
}

} // namespace orrery::ui
