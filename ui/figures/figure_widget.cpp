// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_widget.h"

#include "base/error.h"
#include "figures/attention_lines_widget.h"
#include "figures/axis_plot_widget.h"
#include "figures/figure_accessible.h"
#include "figures/head_grid_widget.h"
#include "figures/heatmap_widget.h"
#include "figures/table_widget.h"
#include "figures/text_widget.h"
#include "figures/token_strip_widget.h"

#include <QAccessible>
#include <QEvent>
#include <QMenu>

namespace orrery::ui {

FigureWidget::FigureWidget(Pointer figure, QWidget* parent) : QWidget(parent), m_figure(std::move(figure)) {
    ORRERY_CHECK(m_figure != nullptr, "a widget shows a figure");
    installFigureAccessibility();
    m_style = FigureStyle::of(palette(), font());
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(QString::fromStdString(m_figure->title));
    setAccessibleDescription(QString::fromStdString(m_figure->caption));
}

void FigureWidget::setFigure(Pointer figure) {
    ORRERY_CHECK(figure != nullptr && figure->body.index() == m_figure->body.index(),
                 "a figure of the same kind takes the place of another");
    m_figure = std::move(figure);
    setAccessibleName(QString::fromStdString(m_figure->title));
    setAccessibleDescription(QString::fromStdString(m_figure->caption));
    figureChanged();
    update();
    announce();
}

void FigureWidget::setSequentialMap(ColourMapId id) {
    if (m_style.sequential == id)
        return;
    m_style.sequential = id;
    styleChanged();
}

void FigureWidget::fillMenu(QMenu&) {}

QString FigureWidget::dataText() const {
    return selectionText();
}

void FigureWidget::setSelection(int row, int column) {
    if (m_state.row == row && m_state.column == column)
        return;
    m_state.row = row;
    m_state.column = column;
    update();
    announce();
}

void FigureWidget::setHover(int row, int column) {
    if (m_state.hoverRow == row && m_state.hoverColumn == column)
        return;
    m_state.hoverRow = row;
    m_state.hoverColumn = column;
    update();
}

void FigureWidget::changeEvent(QEvent* event) {
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange ||
        event->type() == QEvent::StyleChange) {
        const ColourMapId map = m_style.sequential;
        m_style = FigureStyle::of(palette(), font());
        m_style.sequential = map;
        styleChanged();
    }
    QWidget::changeEvent(event);
}

void FigureWidget::announce() {
    if (!QAccessible::isActive())
        return;
    QAccessibleValueChangeEvent event(this, selectionText());
    QAccessible::updateAccessibility(&event);
}

FigureWidget* makeFigureWidget(FigureWidget::Pointer figure, QWidget* parent) {
    struct Maker {
        FigureWidget::Pointer figure;
        QWidget* parent;
        FigureWidget* operator()(const figure::Heatmap&) const { return new HeatmapWidget(figure, parent); }
        FigureWidget* operator()(const figure::HeadGrid&) const { return new HeadGridWidget(figure, parent); }
        FigureWidget* operator()(const figure::TokenStrip&) const {
            return new TokenStripWidget(figure, parent);
        }
        FigureWidget* operator()(const figure::AttentionLines&) const {
            return new AttentionLinesWidget(figure, parent);
        }
        FigureWidget* operator()(const figure::Series&) const { return new AxisPlotWidget(figure, parent); }
        FigureWidget* operator()(const figure::Bars&) const { return new AxisPlotWidget(figure, parent); }
        FigureWidget* operator()(const figure::Table&) const { return new TableWidget(figure, parent); }
        FigureWidget* operator()(const figure::Text&) const { return new TextWidget(figure, parent); }
    };
    ORRERY_CHECK(figure != nullptr, "a widget shows a figure");
    const figure::Body& body = figure->body;
    return std::visit(Maker{figure, parent}, body);
}

} // namespace orrery::ui
