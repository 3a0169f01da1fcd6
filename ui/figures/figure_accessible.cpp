// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_accessible.h"

#include "figures/figure_widget.h"
#include "figures/heatmap_widget.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>

#include <algorithm>
#include <limits>

namespace orrery::ui {

namespace {

constexpr qsizetype mostCells = 4096; // handed out at once; a reader asks for few

/// A painted figure: its value is the cell, head, token or point under the cursor, in words.
class FigureAccessible : public QAccessibleWidget {
public:
    explicit FigureAccessible(FigureWidget* widget, QAccessible::Role role = QAccessible::Chart)
        : QAccessibleWidget(widget, role), m_figure(widget) {}

    [[nodiscard]] QString text(QAccessible::Text kind) const override {
        if (kind == QAccessible::Value)
            return m_figure->selectionText();
        return QAccessibleWidget::text(kind);
    }

private:
    FigureWidget* m_figure;
};

/// One cell of a matrix; made when asked for.
class CellAccessible final : public QAccessibleInterface, public QAccessibleTableCellInterface {
public:
    CellAccessible(HeatmapWidget* widget, int row, int column)
        : m_widget(widget), m_row(row), m_column(column) {}

    [[nodiscard]] bool isValid() const override { return m_widget != nullptr; }
    [[nodiscard]] QObject* object() const override { return nullptr; }
    [[nodiscard]] QAccessibleInterface* parent() const override {
        return QAccessible::queryAccessibleInterface(m_widget);
    }
    [[nodiscard]] QAccessibleInterface* child(int) const override { return nullptr; }
    [[nodiscard]] int childCount() const override { return 0; }
    [[nodiscard]] int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    [[nodiscard]] QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    [[nodiscard]] QString text(QAccessible::Text kind) const override {
        return kind == QAccessible::Name || kind == QAccessible::Value ? m_widget->cellText(m_row, m_column)
                                                                       : QString();
    }
    void setText(QAccessible::Text, const QString&) override {}
    [[nodiscard]] QRect rect() const override {
        const QRect cell = m_widget->cellRect(m_row, m_column).toAlignedRect();
        return {m_widget->mapToGlobal(cell.topLeft()), cell.size()};
    }
    [[nodiscard]] QAccessible::Role role() const override { return QAccessible::Cell; }
    [[nodiscard]] QAccessible::State state() const override {
        QAccessible::State state;
        state.selectable = true;
        state.selected = isSelected();
        return state;
    }
    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::TableCellInterface ? static_cast<QAccessibleTableCellInterface*>(this)
                                                       : nullptr;
    }

    [[nodiscard]] int columnExtent() const override { return 1; }
    [[nodiscard]] QList<QAccessibleInterface*> columnHeaderCells() const override { return {}; }
    [[nodiscard]] int columnIndex() const override { return m_column; }
    [[nodiscard]] int rowExtent() const override { return 1; }
    [[nodiscard]] QList<QAccessibleInterface*> rowHeaderCells() const override { return {}; }
    [[nodiscard]] int rowIndex() const override { return m_row; }
    [[nodiscard]] bool isSelected() const override {
        return m_widget->state().row == m_row && m_widget->state().column == m_column;
    }
    [[nodiscard]] QAccessibleInterface* table() const override { return parent(); }

private:
    HeatmapWidget* m_widget;
    int m_row;
    int m_column;
};

/// A matrix as a table: rows and columns with their labels, cells with their values.
class HeatmapAccessible final : public FigureAccessible, public QAccessibleTableInterface {
public:
    explicit HeatmapAccessible(HeatmapWidget* widget)
        : FigureAccessible(widget, QAccessible::Table), m_widget(widget) {}
    ~HeatmapAccessible() override { forget(); }

    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::TableInterface ? static_cast<QAccessibleTableInterface*>(this)
                                                   : FigureAccessible::interface_cast(type);
    }

    [[nodiscard]] QAccessibleInterface* caption() const override { return nullptr; }
    [[nodiscard]] QAccessibleInterface* summary() const override { return nullptr; }
    [[nodiscard]] QAccessibleInterface* cellAt(int row, int column) const override {
        if (row < 0 || column < 0 || row >= rowCount() || column >= columnCount())
            return nullptr;
        const auto key = std::pair(row, column);
        if (const auto found = m_cells.constFind(key); found != m_cells.constEnd())
            return QAccessible::accessibleInterface(*found);
        if (m_cells.size() >= mostCells)
            forget();
        auto* cell = new CellAccessible(m_widget, row, column);
        m_cells.insert(key, QAccessible::registerAccessibleInterface(cell));
        return cell;
    }
    [[nodiscard]] int selectedCellCount() const override { return m_widget->state().row >= 0 ? 1 : 0; }
    [[nodiscard]] QList<QAccessibleInterface*> selectedCells() const override {
        auto* cell = cellAt(m_widget->state().row, m_widget->state().column);
        return cell != nullptr ? QList<QAccessibleInterface*>{cell} : QList<QAccessibleInterface*>{};
    }
    [[nodiscard]] QString columnDescription(int column) const override {
        return m_widget->columnName(column);
    }
    [[nodiscard]] QString rowDescription(int row) const override { return m_widget->rowName(row); }
    [[nodiscard]] int selectedColumnCount() const override { return 0; }
    [[nodiscard]] int selectedRowCount() const override { return 0; }
    [[nodiscard]] int columnCount() const override { return clamped(m_widget->matrix().columns()); }
    [[nodiscard]] int rowCount() const override { return clamped(m_widget->matrix().rows()); }
    [[nodiscard]] QList<int> selectedColumns() const override { return {}; }
    [[nodiscard]] QList<int> selectedRows() const override { return {}; }
    [[nodiscard]] bool isColumnSelected(int) const override { return false; }
    [[nodiscard]] bool isRowSelected(int) const override { return false; }
    bool selectRow(int) override { return false; }
    bool selectColumn(int) override { return false; }
    bool unselectRow(int) override { return false; }
    bool unselectColumn(int) override { return false; }
    void modelChange(QAccessibleTableModelChangeEvent*) override { forget(); }

private:
    static int clamped(std::int64_t count) {
        return static_cast<int>(std::min<std::int64_t>(count, std::numeric_limits<int>::max()));
    }
    void forget() const {
        for (const QAccessible::Id id : std::as_const(m_cells))
            QAccessible::deleteAccessibleInterface(id);
        m_cells.clear();
    }

    HeatmapWidget* m_widget;
    mutable QHash<std::pair<int, int>, QAccessible::Id> m_cells;
};

QAccessibleInterface* makeInterface(const QString&, QObject* object) {
    if (auto* heatmap = qobject_cast<HeatmapWidget*>(object))
        return new HeatmapAccessible(heatmap);
    auto* widget = qobject_cast<FigureWidget*>(object);
    return widget != nullptr ? new FigureAccessible(widget) : nullptr;
}

} // namespace

void installFigureAccessibility() {
    static const bool installed = [] {
        QAccessible::installFactory(makeInterface);
        return true;
    }();
    static_cast<void>(installed);
}

} // namespace orrery::ui
