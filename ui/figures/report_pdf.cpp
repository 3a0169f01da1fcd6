// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/report_pdf.h"

#include "figures/document_painter.h"
#include "figures/export.h"
#include "figures/figure_text.h"
#include "figures/pdf_outline.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>
#include <QPdfWriter>
#include <QTextBlock>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

// CSS pixels on A4; the writer works in the same unit.
constexpr double pageWidth = 210 * 96 / 25.4;
constexpr double pageHeight = 297 * 96 / 25.4;
constexpr double sideMargin = 68;
constexpr double topMargin = 64;
constexpr double bottomMargin = 72;

/// Whose words these are for translators.
struct Words {
    Q_DECLARE_TR_FUNCTIONS(orrery::ui)
};

/// Lays one thing after the other onto pages.
class Pages {
public:
    Pages(QPdfWriter& writer, const FigureStyle& style, const QString& title)
        : m_writer(writer), m_painter(&writer), m_style(style), m_title(title) {
        footer();
    }

    [[nodiscard]] double width() const { return pageWidth - 2 * sideMargin; }
    [[nodiscard]] double left() const { return pageHeight - bottomMargin - m_y; } ///< room on this page

    void newPage() {
        m_writer.newPage();
        ++m_page;
        m_y = topMargin;
        footer();
    }

    /// Starts a new page when less than this is left.
    void need(double height) {
        if (height > left() && m_y > topMargin + 1)
            newPage();
    }

    void space(double height) {
        if (m_y > topMargin + 1)
            m_y += height;
    }

    void mark(const QString& title, int level) { m_bookmarks.push_back({title, level, m_page, m_y * 0.75}); }

    void words(const QString& text, const QFont& font, const QColor& colour, double indent = 0) {
        QTextLayout layout(text, font);
        layout.beginLayout();
        QStringList lines;
        for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
            line.setLineWidth(width() - indent);
            lines += text.mid(line.textStart(), line.textLength());
        }
        layout.endLayout();
        const QFontMetricsF metrics(font);
        const double step = metrics.height() * 1.15;
        for (const QString& line : lines) {
            need(step);
            m_painter.setFont(font);
            m_painter.setPen(colour);
            m_painter.drawText(QPointF(sideMargin + indent, m_y + metrics.ascent()), line);
            m_y += step;
        }
    }

    /// Markdown, broken between lines of text where a page ends.
    void markdown(const std::string& text, double indent = 0) {
        const auto document = markdownDocument(QString::fromStdString(text), m_style, width() - indent);
        QAbstractTextDocumentLayout* layout = document->documentLayout();
        std::vector<double> breaks; // where a page may end, from the top of the document
        for (QTextBlock block = document->begin(); block.isValid(); block = block.next()) {
            const QRectF box = layout->blockBoundingRect(block);
            for (int i = 0; i < block.layout()->lineCount(); ++i)
                breaks.push_back(box.top() + block.layout()->lineAt(i).y());
        }
        breaks.push_back(document->size().height());
        std::sort(breaks.begin(), breaks.end());
        double from = 0;
        while (from < breaks.back() - 0.5) {
            double to = from;
            for (const double each : breaks)
                if (each <= from + left() && each > to)
                    to = each;
            if (to <= from) {
                if (m_y > topMargin + 1) {
                    newPage();
                    continue;
                }
                to = std::min(from + left(), breaks.back()); // a line higher than a page
            }
            m_painter.save();
            m_painter.translate(sideMargin + indent, m_y - from);
            const QRectF part(0, from, width() - indent, to - from - 0.01);
            m_painter.setClipRect(part);
            QAbstractTextDocumentLayout::PaintContext context;
            context.clip = part;
            context.palette.setColor(QPalette::Text, m_style.text);
            context.palette.setColor(QPalette::Link, m_style.category(0));
            layout->draw(&m_painter, context);
            m_painter.restore();
            m_y += to - from;
            from = to;
            if (from < breaks.back() - 0.5)
                newPage();
        }
    }

    void figure(const figure::Figure& figure, double height) {
        ExportOptions options;
        options.style = m_style;
        options.heading = false;
        options.background = false;
        const double fitting = pageHeight - topMargin - bottomMargin - 60;
        height = std::min(height, fitting);
        paintFigure(m_painter, QRectF(sideMargin, m_y, width(), height), figure, options);
        m_y += height;
    }

    /// Rows of a table, the head repeated on every page.
    void table(const figure::Table& table) {
        const double head = tableHeight({table.columns, {}}, m_style);
        const double both = tableHeight(
            {table.columns, {table.rows.empty() ? std::vector<figure::Table::Cell>() : table.rows.front()}},
            m_style);
        const double line = std::max(both - head, 1.0);
        std::size_t row = 0;
        do {
            need(head + 2 * line);
            const auto fitting = static_cast<std::size_t>(std::max(1.0, std::floor((left() - head) / line)));
            const std::size_t count =
                std::min({fitting, table.rows.size() - row, static_cast<std::size_t>(tablePrintRows)});
            figure::Table part{table.columns,
                               {table.rows.begin() + static_cast<std::ptrdiff_t>(row),
                                table.rows.begin() + static_cast<std::ptrdiff_t>(row + count)}};
            const double height = tableHeight(part, m_style);
            drawTable(m_painter, QRectF(sideMargin, m_y, width(), height), part, m_style);
            m_y += height;
            row += count;
        } while (row < table.rows.size());
    }

    void bar(double from, double to, const QColor& colour) {
        m_painter.fillRect(QRectF(sideMargin, from, 3, to - from), colour);
    }

    [[nodiscard]] double y() const { return m_y; }
    [[nodiscard]] int page() const { return m_page; }
    [[nodiscard]] const std::vector<Bookmark>& bookmarks() const { return m_bookmarks; }

private:
    void footer() {
        const QFont font = m_style.sized(0.8);
        const QFontMetricsF metrics(font);
        m_painter.setFont(font);
        m_painter.setPen(m_style.muted);
        const double y = pageHeight - bottomMargin * 0.5;
        m_painter.drawText(QPointF(sideMargin, y), elided(m_title, font, width() - 60));
        const QString number = QString::number(m_page + 1);
        m_painter.drawText(QPointF(pageWidth - sideMargin - metrics.horizontalAdvance(number), y), number);
    }

    QPdfWriter& m_writer;
    QPainter m_painter;
    FigureStyle m_style;
    QString m_title;
    double m_y = topMargin;
    int m_page = 0;
    std::vector<Bookmark> m_bookmarks;
};

void writeFigure(Pages& pages, const figure::Figure& figure, int number, int level,
                 const FigureStyle& style) {
    const QString name = Words::tr("Figure %1").arg(number);
    const QString title = QString::fromStdString(figure.title);
    pages.space(10);
    const auto* table = std::get_if<figure::Table>(&figure.body);
    const auto* text = std::get_if<figure::Text>(&figure.body);
    double height = 0;
    if (table == nullptr && text == nullptr) {
        ExportOptions options;
        options.style = style;
        options.heading = false;
        height = std::min(preferredHeight(figure, pages.width(), options),
                          pageHeight - topMargin - bottomMargin - 60);
        pages.need(height + 48);
    } else {
        pages.need(80);
    }
    pages.mark(title.isEmpty() ? name : QStringLiteral("%1: %2").arg(name, title), level);
    if (table != nullptr)
        pages.table(*table);
    else if (text != nullptr)
        pages.markdown(text->markdown);
    else
        pages.figure(figure, height);
    pages.space(2);
    pages.words(title.isEmpty() ? name : QStringLiteral("%1. %2").arg(name, title), style.sized(0.92, true),
                style.text);
    if (!figure.caption.empty())
        pages.words(QString::fromStdString(figure.caption), style.sized(0.92), style.muted);
    QStringList made;
    for (const auto& [key, value] : report::provenanceLines(figure.provenance))
        made += QString::fromStdString(key) + QStringLiteral(": ") + QString::fromStdString(value);
    if (!made.isEmpty())
        pages.words(made.join(QStringLiteral(" · ")), style.sized(0.78), style.muted);
    if (!figure.provenance.commandLine.empty()) {
        QFont mono = style.mono;
        mono.setPixelSize(std::max(7, static_cast<int>(mono.pixelSize() * 0.75)));
        pages.words(QString::fromStdString(figure.provenance.commandLine), mono, style.muted);
    }
    pages.space(10);
}

void writeSection(Pages& pages, const report::Section& section, const std::string& number, int& figureNumber,
                  const FigureStyle& style) {
    const int level = std::clamp(section.level, 1, 3);
    constexpr std::array<double, 3> sizes{1.45, 1.2, 1.05};
    pages.space(level == 1 ? 22 : 14);
    pages.need(110); // a heading never stands alone at the foot
    const QString title = QString::fromStdString(number + " " + section.title);
    pages.mark(title, level);
    pages.words(title, style.sized(sizes[static_cast<std::size_t>(level - 1)], true), style.text);
    pages.space(4);
    for (const report::Block& block : section.blocks) {
        if (const auto* paragraph = std::get_if<report::Paragraph>(&block)) {
            pages.markdown(paragraph->markdown);
        } else if (const auto* note = std::get_if<report::Note>(&block)) {
            pages.space(4);
            pages.need(60);
            const double from = pages.y();
            const int page = pages.page();
            pages.words(note->title.empty() ? Words::tr("Note") : QString::fromStdString(note->title),
                        style.sized(1, true), style.text, 14);
            pages.markdown(note->markdown, 14);
            if (pages.page() == page)
                pages.bar(from, pages.y(), style.muted);
            pages.space(6);
        } else if (const auto* figure = std::get_if<report::FigureBlock>(&block)) {
            writeFigure(pages, *figure->figure, ++figureNumber, level + 1, style);
        } else if (const auto* table = std::get_if<report::TableBlock>(&block)) {
            pages.space(6);
            pages.table(table->table);
            if (!table->caption.empty())
                pages.words(QString::fromStdString(table->caption), style.sized(0.92), style.muted);
            pages.space(8);
        }
    }
}

QString colourName(const QColor& colour) {
    return colour.name(QColor::HexRgb);
}

} // namespace

std::string SvgFigureRenderer::svg(const figure::Figure& figure) const {
    if (std::holds_alternative<figure::Table>(figure.body) ||
        std::holds_alternative<figure::Text>(figure.body))
        return {}; // HTML has tables and words of its own
    ExportOptions options;
    options.size = {m_width, 0};
    options.heading = false;
    options.background = false;
    return renderSvg(figure, options).toStdString();
}

std::vector<std::pair<std::string, std::string>> SvgFigureRenderer::darkColours() const {
    const FigureStyle light = FigureStyle::light();
    const FigureStyle dark = FigureStyle::darkTheme();
    std::vector<std::pair<std::string, std::string>> colours;
    const auto add = [&](const QColor& from, const QColor& to) {
        colours.emplace_back(colourName(from).toStdString(), colourName(to).toStdString());
    };
    add(light.text, dark.text);
    add(light.muted, dark.muted);
    add(light.grid, dark.grid);
    add(light.frame, dark.frame);
    add(light.surface, dark.surface);
    add(light.background, dark.background);
    add(light.hatch, dark.hatch);
    for (int i = 0; i < 10; ++i)
        add(light.category(i), dark.category(i));
    return colours;
}

QByteArray renderReportPdf(const report::Report& report, const FigureStyle& style) {
    QByteArray pdf;
    std::vector<Bookmark> bookmarks;
    {
        QBuffer buffer(&pdf);
        buffer.open(QIODevice::WriteOnly);
        QPdfWriter writer(&buffer);
        writer.setPageSize(QPageSize(QPageSize::A4));
        writer.setPageMargins(QMarginsF(0, 0, 0, 0));
        writer.setResolution(96);
        writer.setTitle(QString::fromStdString(report.title));
        writer.setCreator(QStringLiteral("Orrery"));
        const QString title = QString::fromStdString(report.title);
        Pages pages(writer, style, title);
        pages.mark(title.isEmpty() ? Words::tr("Report") : title, 0);
        pages.words(title, style.sized(1.9, true), style.text);
        if (!report.created.empty())
            pages.words(QString::fromStdString(report.created), style.sized(0.9), style.muted);
        pages.space(12);
        if (!report.summary.empty())
            pages.markdown(report.summary);
        const std::vector<std::string> numbers = report::sectionNumbers(report);
        if (report.sections.size() > 1) {
            pages.space(10);
            for (std::size_t i = 0; i < report.sections.size(); ++i)
                pages.words(QString::fromStdString(numbers[i] + "  " + report.sections[i].title), style.font,
                            style.text, 14.0 * (std::clamp(report.sections[i].level, 1, 3) - 1));
        }
        int figureNumber = 0;
        for (std::size_t i = 0; i < report.sections.size(); ++i)
            writeSection(pages, report.sections[i], numbers[i], figureNumber, style);
        if (!report.environment.empty()) {
            pages.space(22);
            pages.need(90);
            pages.mark(Words::tr("Environment"), 1);
            pages.words(Words::tr("Environment"), style.sized(1.45, true), style.text);
            pages.space(4);
            for (const auto& [name, value] : report.environment)
                pages.words(QString::fromStdString(name) + QStringLiteral(": ") +
                                QString::fromStdString(value),
                            style.sized(0.92), style.text);
        }
        bookmarks = pages.bookmarks();
    }
    return addBookmarks(pdf, bookmarks);
}

} // namespace orrery::ui
