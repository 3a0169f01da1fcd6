// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_view.h"
#include "figures/heatmap_widget.h"
#include "sample_figures.h"

#include <QAccessible>
#include <QElapsedTimer>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include <atomic>

namespace orrery::ui {

namespace {

/// Counts the cells that are asked for, so that laziness can be seen.
class CountingMatrix final : public figure::MatrixSource {
public:
    explicit CountingMatrix(std::int64_t size) : m_size(size) {}
    [[nodiscard]] std::int64_t rows() const override { return m_size; }
    [[nodiscard]] std::int64_t columns() const override { return m_size; }
    void tile(std::int64_t row, std::int64_t column, std::int64_t rowCount, std::int64_t columnCount,
              std::span<float> out) const override {
        cells += rowCount * columnCount;
        for (std::int64_t r = 0; r < rowCount; ++r)
            for (std::int64_t c = 0; c < columnCount; ++c)
                out[static_cast<std::size_t>(r * columnCount + c)] = value(row + r, column + c);
    }
    [[nodiscard]] float value(std::int64_t row, std::int64_t column) const {
        return static_cast<float>((row * 31 + column * 17) % 97) / 97.0F;
    }
    mutable std::atomic<std::int64_t> cells{0};

private:
    std::int64_t m_size;
};

FigureWidget::Pointer figureOf(figure::Heatmap map) {
    return std::make_shared<figure::Figure>(sampleFigure("map", "A map", "", std::move(map)));
}

void showWidget(FigureWidget& widget, QSize size = {700, 600}) {
    widget.resize(size);
    widget.show();
    QVERIFY(QTest::qWaitForWindowExposed(&widget));
}

void settle(FigureWidget& widget) {
    QElapsedTimer clock;
    clock.start();
    do {
        widget.repaint();
        QTest::qWait(5);
    } while (!widget.settled() && clock.elapsed() < 20000);
    QVERIFY(widget.settled());
    QTest::qWait(5);
}

} // namespace

class HeatmapTest : public QObject {
    Q_OBJECT

private slots:
    void clickSelectsTheCellUnderThePointer() {
        HeatmapWidget widget(figureOf(sampleHeatmap(17)));
        showWidget(widget);
        settle(widget);
        QSignalSpy selected(&widget, &FigureWidget::selected);
        const auto at = widget.currentLayout();
        const QPoint point = QPointF(at.x(4.5), at.y(9.5)).toPoint();
        QTest::mouseClick(&widget, Qt::LeftButton, {}, point);
        QCOMPARE(selected.count(), 1);
        QCOMPARE(selected[0][0].toInt(), 9);
        QCOMPARE(selected[0][1].toInt(), 4);
        QVERIFY(widget.selectionText().contains(QStringLiteral("0.")));
    }

    void hoverGivesTheExactValue() {
        HeatmapWidget widget(figureOf(sampleHeatmap(17)));
        showWidget(widget);
        settle(widget);
        QSignalSpy hovered(&widget, &FigureWidget::hovered);
        const auto at = widget.currentLayout();
        QTest::mouseMove(&widget, QPointF(at.x(3.5), at.y(10.5)).toPoint());
        QTRY_VERIFY(!hovered.isEmpty());
        QCOMPARE(hovered.last()[0].toInt(), 10);
        QCOMPARE(hovered.last()[1].toInt(), 3);
        const auto& source = *std::get<figure::Heatmap>(widget.figure().body).values;
        QCOMPARE(hovered.last()[2].toDouble(), static_cast<double>(source.at(10, 3)));
    }

    void arrowsMoveTheCursorAndEscapeClears() {
        HeatmapWidget widget(figureOf(sampleHeatmap(17)));
        showWidget(widget);
        QSignalSpy selected(&widget, &FigureWidget::selected);
        widget.setSelection(5, 5);
        QCOMPARE(selected.count(), 0); // what others select is not announced back
        QTest::keyClick(&widget, Qt::Key_Right);
        QTest::keyClick(&widget, Qt::Key_Down);
        QCOMPARE(widget.state().row, 6);
        QCOMPARE(widget.state().column, 6);
        for (int i = 0; i < 40; ++i)
            QTest::keyClick(&widget, Qt::Key_Left);
        QCOMPARE(widget.state().column, 0);
        QTest::keyClick(&widget, Qt::Key_Escape);
        QCOMPARE(widget.state().row, -1);
        QCOMPARE(selected.last()[0].toInt(), -1);
    }

    void wheelZoomsAtThePointer() {
        HeatmapWidget widget(figureOf(sampleHeatmap(512)));
        showWidget(widget);
        settle(widget);
        auto at = widget.currentLayout();
        const QPointF point(at.x(400.5), at.y(120.5));
        const QPointF before = at.cellAt(point);
        for (int i = 0; i < 6; ++i) {
            QWheelEvent wheel(point, widget.mapToGlobal(point), {}, {0, 120}, Qt::NoButton, Qt::NoModifier,
                              Qt::NoScrollPhase, false);
            QCoreApplication::sendEvent(&widget, &wheel);
        }
        at = widget.currentLayout();
        QVERIFY(at.window.width() < 512.0 / 3);
        const QPointF after = at.cellAt(point);
        QVERIFY(std::abs(after.x() - before.x()) < 4 && std::abs(after.y() - before.y()) < 40);
        QTest::keyClick(&widget, Qt::Key_Home);
        QCOMPARE(widget.visibleCells().width(), 512.0);
    }

    void dragPansAndShiftDragZoomsToTheRectangle() {
        HeatmapWidget widget(figureOf(sampleHeatmap(512)));
        showWidget(widget);
        settle(widget);
        widget.setWindow(QRectF(200, 200, 50, 50));
        auto at = widget.currentLayout();
        const QPoint from = at.plot.center().toPoint();
        QTest::mousePress(&widget, Qt::LeftButton, {}, from);
        QTest::mouseMove(&widget, from - QPoint(60, 40));
        QTest::mouseRelease(&widget, Qt::LeftButton, {}, from - QPoint(60, 40));
        QVERIFY(widget.visibleCells().left() > 202);
        QVERIFY(widget.visibleCells().top() > 201);
        QCOMPARE(widget.state().row, -1); // a drag is no click

        widget.setWindow(std::nullopt);
        at = widget.currentLayout();
        QTest::mousePress(&widget, Qt::LeftButton, Qt::ShiftModifier,
                          QPointF(at.x(100), at.y(100)).toPoint());
        QMouseEvent move(QEvent::MouseMove, QPointF(at.x(200), at.y(200)), widget.mapToGlobal(QPointF(0, 0)),
                         Qt::NoButton, Qt::LeftButton, Qt::ShiftModifier);
        QCoreApplication::sendEvent(&widget, &move);
        QTest::mouseRelease(&widget, Qt::LeftButton, Qt::ShiftModifier,
                            QPointF(at.x(200), at.y(200)).toPoint());
        QVERIFY(std::abs(widget.visibleCells().left() - 100) < 3);
        QVERIFY(std::abs(widget.visibleCells().width() - 100) < 4);
    }

    void onlyVisibleBlocksAreComputedBeyondTheOverview() {
        const auto source = std::make_shared<CountingMatrix>(8192);
        figure::Heatmap map;
        map.values = source;
        HeatmapWidget widget(figureOf(map));
        showWidget(widget);
        settle(widget);
        const std::int64_t overview = source->cells;
        QCOMPARE(overview, std::int64_t{8192} * 8192); // one pass, however large
        widget.setWindow(QRectF(3000, 3000, 200, 200));
        settle(widget);
        const std::int64_t asked = source->cells - overview;
        QVERIFY2(asked > 0 && asked <= 6 * 256 * 256, qPrintable(QString::number(asked)));
        settle(widget);
        QCOMPARE(source->cells - overview, asked); // the second time from the cache
        QCOMPARE(static_cast<double>(*const_cast<TileLoader&>(widget.loader()).value(3100, 3050)),
                 static_cast<double>(source->value(3100, 3050)));
    }

    void panningManyBlocksHoldsMemory() {
        figure::Heatmap map;
        map.values = std::make_shared<CountingMatrix>(8192);
        HeatmapWidget widget(figureOf(map));
        showWidget(widget);
        for (int i = 0; i < 40; ++i) {
            widget.setWindow(QRectF(200.0 * i, 200.0 * i, 180, 180));
            widget.repaint();
        }
        settle(widget);
        QVERIFY(widget.loader().heldBlocks() <= 256);
    }

    void maskedMissingAndZeroLookDifferent() {
        figure::Heatmap map;
        std::vector<float> values(64, 0.5F);
        values[8 * 4 + 1] = std::nanf("");
        values[8 * 4 + 2] = 0;
        map.values = std::make_shared<figure::DenseMatrix>(8, 8, values);
        for (int i = 0; i < 8; ++i)
            map.maskedFrom.push_back(i + 1);
        map.low = 0;
        HeatmapWidget widget(figureOf(map));
        showWidget(widget);
        settle(widget);
        const QImage image = widget.grab().toImage();
        const auto at = widget.currentLayout();
        const auto colour = [&](double row, double column) {
            return image.pixelColor(
                QPointF(at.x(column) * image.devicePixelRatio(), at.y(row) * image.devicePixelRatio())
                    .toPoint());
        };
        const FigureStyle& style = widget.figureStyle();
        QCOMPARE(colour(4.2, 1.2), style.missing);
        QVERIFY(colour(4.2, 2.2) != style.missing);
        // Hatching: both its line and its ground are found in a masked cell.
        bool line = false;
        bool ground = false;
        for (double x = 6.05; x < 6.95; x += 0.02) {
            line = line || colour(1.5, x) != style.background;
            ground = ground || colour(1.5, x) == style.background;
        }
        QVERIFY(line && ground);
    }

    void rowLabelsNeverOverlap() {
        // Labels are painted at multiples of a step that leaves a line's height.
        for (const int size : {5, 17, 100, 1000}) {
            HeatmapWidget widget(figureOf(sampleHeatmap(size)));
            widget.resize(500, 400);
            const auto at = widget.currentLayout();
            QVERIFY(at.plot.width() > 100 && at.plot.height() > 100);
            QVERIFY(at.plot.left() > at.rowLabelWidth);
            QVERIFY(at.plot.bottom() + at.columnLabelHeight < 400);
        }
    }

    void assistiveTechnologyHearsTheValue() {
        HeatmapWidget widget(figureOf(sampleHeatmap(17)));
        showWidget(widget);
        settle(widget);
        widget.setSelection(9, 4);
        QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(&widget);
        QVERIFY(interface != nullptr);
        QCOMPARE(interface->text(QAccessible::Name), QStringLiteral("A map"));
        QVERIFY(interface->text(QAccessible::Value).contains(QStringLiteral("query")));
        QCOMPARE(interface->role(), QAccessible::Table);
        QAccessibleTableInterface* table = interface->tableInterface();
        QVERIFY(table != nullptr);
        QCOMPARE(table->rowCount(), 17);
        QCOMPARE(table->columnDescription(1), QStringLiteral("The"));
        QCOMPARE(table->selectedCells().size(), 1);
        QAccessibleInterface* cell = table->cellAt(9, 4);
        QVERIFY(cell != nullptr && cell->tableCellInterface()->isSelected());
        QCOMPARE(cell->text(QAccessible::Name), widget.selectionText());
        QCOMPARE(table->cellAt(9, 4), cell);
        QCOMPARE(table->cellAt(17, 0), nullptr);
    }

    void anotherFigureKeepsTheZoom() {
        HeatmapWidget widget(figureOf(sampleHeatmap(512)));
        showWidget(widget);
        widget.setWindow(QRectF(100, 100, 60, 60));
        widget.setFigure(figureOf(sampleHeatmap(512, 1)));
        QCOMPARE(widget.visibleCells().left(), 100.0);
        widget.setFigure(figureOf(sampleHeatmap(40)));
        QVERIFY(widget.visibleCells().right() <= 40.001);
    }

    void paintsLargeMapsQuickly() {
        figure::Heatmap map;
        map.values = std::make_shared<CountingMatrix>(8192);
        HeatmapWidget widget(figureOf(map));
        showWidget(widget, {1200, 760});
        settle(widget);
        widget.setWindow(QRectF(1000, 1000, 1200, 1200));
        settle(widget);
        QImage target(widget.size(), QImage::Format_ARGB32_Premultiplied);
        QElapsedTimer clock;
        qint64 best = std::numeric_limits<qint64>::max();
        for (int i = 0; i < 10; ++i) {
            widget.setWindow(QRectF(1000 + i, 1000 + i, 1200, 1200));
            clock.start();
            widget.render(&target);
            best = std::min(best, clock.nsecsElapsed());
        }
        qInfo("8192 x 8192, 1200 x 760 pixels: %.2f ms a paint", static_cast<double>(best) / 1e6);
        QVERIFY2(best < 64'000'000, "four frames: generous, since others use the machine");
    }
};

} // namespace orrery::ui

QTEST_MAIN(orrery::ui::HeatmapTest)
#include "heatmap_test.moc"
