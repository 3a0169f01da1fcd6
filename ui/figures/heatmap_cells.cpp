// SPDX-License-Identifier: GPL-3.0-or-later
// The cells of a heatmap: coloured blocks, hatched masks and texts. The axes are in heatmap_painter.cpp.
#include "figures/figure_text.h"
#include "figures/heatmap_pass.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

void HeatmapPainter::colourBlock(Pass& pass, const ValueBlock& block, const BlockKey& key) const {
    const quint64 colourKey = pass.colours.key() | 1U;
    if (!block.image.isNull() && block.imageKey == colourKey)
        return;
    QImage image(static_cast<int>(block.columns), static_cast<int>(block.rows),
                 QImage::Format_ARGB32_Premultiplied);
    const std::int64_t rowFactor = std::int64_t{1} << key.rowLevel;
    const std::int64_t columnFactor = std::int64_t{1} << key.columnLevel;
    const std::int64_t top = key.row * ValueBlock::side * rowFactor;
    const std::int64_t left = key.column * ValueBlock::side * columnFactor;
    const BlockReader& reader = pass.values.reader();
    for (std::int64_t r = 0; r < block.rows; ++r) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(static_cast<int>(r)));
        // The longest row of the band decides: a cell that mixes masked and open cells shows the open ones.
        std::int64_t open = 0;
        const std::int64_t end = std::min(top + (r + 1) * rowFactor, m_rows);
        for (std::int64_t row = top + r * rowFactor; row < end; ++row)
            open = std::max(open, reader.maskStart(row));
        const float* values = block.values.data() + r * block.columns;
        for (std::int64_t c = 0; c < block.columns; ++c)
            line[c] = left + c * columnFactor >= open
                          ? 0U
                          : pass.colours.colour(static_cast<double>(values[c])) | 0xff000000U;
    }
    block.image = std::move(image);
    block.imageKey = colourKey;
}

bool HeatmapPainter::drawCells(Pass& pass) const {
    const auto levelFor = [](double pixels, int limit) {
        int level = 0;
        while (level < limit && pixels * static_cast<double>(std::int64_t{1} << (level + 1)) <= 1.0)
            ++level;
        return level;
    };
    const BlockReader& reader = pass.values.reader();
    const bool vector = isVector(pass.painter);
    // On paper finer than on the screen.
    const double density = vector ? 2.0 : pass.painter.device()->devicePixelRatioF();
    const int rowLevel = levelFor(pass.layout.cellHeight() * density, reader.overviewRowLevel() + 12);
    const int columnLevel = levelFor(pass.layout.cellWidth() * density, reader.overviewColumnLevel() + 12);
    pass.painter.save();
    pass.painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
    pass.painter.setRenderHint(QPainter::Antialiasing, false);
    pass.painter.setRenderHint(QPainter::LosslessImageRendering, true);
    const bool complete = drawBlocks(pass, rowLevel, columnLevel);
    pass.painter.restore();
    return complete;
}

bool HeatmapPainter::drawBlocks(Pass& pass, int rowLevel, int columnLevel) const {
    const Layout& at = pass.layout;
    const double rowSpan = static_cast<double>(ValueBlock::side << rowLevel);
    const double columnSpan = static_cast<double>(ValueBlock::side << columnLevel);
    const auto firstRow = static_cast<std::int64_t>(std::max(at.window.top(), 0.0) / rowSpan);
    const auto firstColumn = static_cast<std::int64_t>(std::max(at.window.left(), 0.0) / columnSpan);
    const double bottom = std::min(at.window.bottom(), static_cast<double>(m_rows));
    const double right = std::min(at.window.right(), static_cast<double>(m_columns));
    const auto lastRow = static_cast<std::int64_t>(std::ceil(bottom / rowSpan));
    const auto lastColumn = static_cast<std::int64_t>(std::ceil(right / columnSpan));
    const bool vector = isVector(pass.painter);
    bool complete = true;

    // Draws the part of an image that stands for the cells of area, cut to the window.
    const auto drawPart = [&](const QImage& image, const QRectF& area, double rowFactor,
                              double columnFactor) {
        const QRectF seen = area.intersected(
            QRectF(at.window.left(), at.window.top(), right - at.window.left(), bottom - at.window.top()));
        if (seen.isEmpty())
            return;
        QRectF from((seen.left() - area.left()) / columnFactor, (seen.top() - area.top()) / rowFactor,
                    seen.width() / columnFactor, seen.height() / rowFactor);
        QRectF to(QPointF(at.x(seen.left()), at.y(seen.top())),
                  QPointF(at.x(seen.right()), at.y(seen.bottom())));
        if (!vector) {
            pass.painter.drawImage(to, image, from);
            return;
        }
        // SVG has no source rectangles and viewers smooth images: whole pixels, cells of several pixels each.
        const QRect whole = from.toAlignedRect().intersected(image.rect());
        const QRectF placed(area.left() + whole.left() * columnFactor, area.top() + whole.top() * rowFactor,
                            whole.width() * columnFactor, whole.height() * rowFactor);
        to = QRectF(QPointF(at.x(placed.left()), at.y(placed.top())),
                    QPointF(at.x(std::min(placed.right(), static_cast<double>(m_columns))),
                            at.y(std::min(placed.bottom(), static_cast<double>(m_rows)))));
        const int enlarge =
            std::clamp(static_cast<int>(1024 / std::max({whole.width(), whole.height(), 1})), 1, 12);
        pass.painter.drawImage(to, image.copy(whole).scaled(whole.size() * enlarge, Qt::IgnoreAspectRatio,
                                                            Qt::FastTransformation));
    };

    for (std::int64_t r = firstRow; r < lastRow; ++r)
        for (std::int64_t c = firstColumn; c < lastColumn; ++c) {
            const BlockKey key{rowLevel, columnLevel, r, c};
            const auto block = pass.values.block(key);
            const auto rowFactor = static_cast<double>(std::int64_t{1} << rowLevel);
            const auto columnFactor = static_cast<double>(std::int64_t{1} << columnLevel);
            const double top = static_cast<double>(r) * rowSpan;
            const double left = static_cast<double>(c) * columnSpan;
            if (block) {
                colourBlock(pass, *block, key);
                drawPart(block->image,
                         QRectF(left, top, static_cast<double>(block->columns) * columnFactor,
                                static_cast<double>(block->rows) * rowFactor),
                         rowFactor, columnFactor);
                continue;
            }
            complete = false;
            if (!pass.overview)
                continue;
            // The overview is shown in the meantime.
            const BlockKey coarse{pass.overview->rowLevel, pass.overview->columnLevel, 0, 0};
            const std::int64_t coarseRowSpan = ValueBlock::side << coarse.rowLevel;
            const std::int64_t coarseColumnSpan = ValueBlock::side << coarse.columnLevel;
            const QRectF wanted(left, top, columnSpan, rowSpan);
            const auto limitRow = std::min(top + rowSpan, static_cast<double>(m_rows));
            const auto limitColumn = std::min(left + columnSpan, static_cast<double>(m_columns));
            for (auto y = static_cast<std::int64_t>(top) / coarseRowSpan;
                 static_cast<double>(y * coarseRowSpan) < limitRow; ++y)
                for (auto x = static_cast<std::int64_t>(left) / coarseColumnSpan;
                     static_cast<double>(x * coarseColumnSpan) < limitColumn; ++x) {
                    const BlockKey standIn{coarse.rowLevel, coarse.columnLevel, y, x};
                    const auto piece = pass.values.block(standIn);
                    if (!piece)
                        continue;
                    colourBlock(pass, *piece, standIn);
                    const auto fy = static_cast<double>(std::int64_t{1} << coarse.rowLevel);
                    const auto fx = static_cast<double>(std::int64_t{1} << coarse.columnLevel);
                    const QRectF area(
                        static_cast<double>(x * coarseColumnSpan), static_cast<double>(y * coarseRowSpan),
                        static_cast<double>(piece->columns) * fx, static_cast<double>(piece->rows) * fy);
                    const QRectF part = area.intersected(wanted).intersected(at.window);
                    if (!part.isEmpty())
                        pass.painter.drawImage(QRectF(QPointF(at.x(part.left()), at.y(part.top())),
                                                      QPointF(at.x(part.right()), at.y(part.bottom()))),
                                               piece->image,
                                               QRectF((part.left() - area.left()) / fx,
                                                      (part.top() - area.top()) / fy, part.width() / fx,
                                                      part.height() / fy));
                }
        }
    return complete;
}

void HeatmapPainter::drawHatch(Pass& pass) const {
    QPainter& painter = pass.painter;
    const Layout& at = pass.layout;
    const QRectF plot(at.plot.topLeft(),
                      QPointF(at.x(std::min(at.window.right(), static_cast<double>(m_columns))),
                              at.y(std::min(at.window.bottom(), static_cast<double>(m_rows)))));
    painter.fillRect(plot, pass.style.background);
    if (m_heatmap->maskedFrom.empty())
        return;
    // Diagonals cut to the masked steps by hand: SVG has no clipping here, and no brush looks alike
    // everywhere.
    const BlockReader& reader = pass.values.reader();
    painter.setRenderHint(QPainter::Antialiasing, true);
    painter.setPen(QPen(pass.style.hatch, 1));
    constexpr double spacing = 7;
    const auto height = static_cast<int>(std::ceil(plot.height()));
    std::vector<double> starts(static_cast<std::size_t>(std::max(height, 0)));
    for (int i = 0; i < height; ++i) {
        const auto row = static_cast<std::int64_t>(at.cellAt({0, plot.top() + i + 0.5}).y());
        starts[static_cast<std::size_t>(i)] = std::max(
            at.x(static_cast<double>(reader.maskStart(std::clamp<std::int64_t>(row, 0, m_rows - 1)))),
            plot.left());
    }
    QVector<QLineF> lines;
    const double offset = std::fmod(plot.left() + plot.top(), spacing);
    for (double sum = plot.left() + plot.top() - offset; sum < plot.right() + plot.bottom(); sum += spacing) {
        int begin = -1;
        for (int i = 0; i <= height; ++i) {
            const double x = sum - (plot.top() + i);
            const bool inside = i < height && x <= plot.right() && x >= starts[static_cast<std::size_t>(i)];
            if (inside && begin < 0)
                begin = i;
            if (!inside && begin >= 0) {
                if (i - 1 > begin)
                    lines.append(QLineF(sum - (plot.top() + begin), plot.top() + begin,
                                        sum - (plot.top() + i - 1), plot.top() + i - 1));
                begin = -1;
            }
        }
    }
    painter.drawLines(lines);
    painter.setRenderHint(QPainter::Antialiasing, false);
}

bool HeatmapPainter::drawCellTexts(Pass& pass) const {
    const Layout& at = pass.layout;
    const bool words = !m_heatmap->cellText.empty();
    const QFont font = pass.style.sized(words ? 0.85 : 0.8);
    const QFontMetricsF metrics(font);
    if (at.cellWidth() < (words ? 22 : 42) || at.cellHeight() < metrics.height() + 1)
        return true;
    pass.painter.setFont(font);
    const auto firstRow = static_cast<std::int64_t>(std::max(std::floor(at.window.top()), 0.0));
    const auto firstColumn = static_cast<std::int64_t>(std::max(std::floor(at.window.left()), 0.0));
    const auto lastRow = std::min(m_rows, static_cast<std::int64_t>(std::ceil(at.window.bottom())));
    const auto lastColumn = std::min(m_columns, static_cast<std::int64_t>(std::ceil(at.window.right())));
    bool complete = true;
    for (std::int64_t r = firstRow; r < lastRow; ++r)
        for (std::int64_t c = firstColumn; c < lastColumn; ++c) {
            if (c >= pass.values.reader().maskStart(r))
                continue;
            const QRectF cell(at.x(static_cast<double>(c)), at.y(static_cast<double>(r)), at.cellWidth(),
                              at.cellHeight());
            if (!at.plot.adjusted(-1, -1, 1, 1).contains(cell))
                continue; // cut cells at the border of a zoomed view
            const auto value = pass.values.value(r, c);
            if (!value) {
                complete = false;
                continue;
            }
            const auto index = static_cast<std::size_t>(r * m_columns + c);
            QString text;
            if (words)
                text =
                    index < m_heatmap->cellText.size() ? visibleToken(m_heatmap->cellText[index]) : QString();
            else
                text = numberText(static_cast<double>(*value), 2);
            text = elided(text, font, at.cellWidth() - 4);
            pass.painter.setPen(
                QColor::fromRgb(readableOn(pass.colours.colour(static_cast<double>(*value)))));
            pass.painter.drawText(QPointF(cell.center().x() - metrics.horizontalAdvance(text) / 2,
                                          cell.center().y() + metrics.ascent() / 2 - 1),
                                  text);
        }
    return complete;
}

} // namespace orrery::ui
