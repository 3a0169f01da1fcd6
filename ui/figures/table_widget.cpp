// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/table_widget.h"

#include "figures/document_painter.h"
#include "figures/value_colours.h"

#include <QAbstractTableModel>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMenu>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr std::size_t filterFrom = 12; // rows below which a search field only takes room

class TableModel final : public QAbstractTableModel {
public:
    TableModel(FigureWidget::Pointer figure, QObject* parent)
        : QAbstractTableModel(parent), m_figure(std::move(figure)),
          m_table(std::get<figure::Table>(m_figure->body)) {}

    [[nodiscard]] int rowCount(const QModelIndex& parent) const override {
        return parent.isValid() ? 0 : static_cast<int>(m_table.rows.size());
    }
    [[nodiscard]] int columnCount(const QModelIndex& parent) const override {
        return parent.isValid() ? 0 : static_cast<int>(m_table.columns.size());
    }
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override {
        const auto& row = m_table.rows[static_cast<std::size_t>(index.row())];
        const auto column = static_cast<std::size_t>(index.column());
        const figure::Table::Cell cell = column < row.size() ? row[column] : figure::Table::Cell{};
        switch (role) {
        case Qt::DisplayRole:
            return tableCellText(cell, m_table.columns[column].digits);
        case Qt::ToolTipRole: // what the column's digits leave out
            if (const auto* real = std::get_if<double>(&cell))
                return QString::number(*real, 'g', 17);
            return tableCellText(cell, 17);
        case Qt::TextAlignmentRole:
            return QVariant::fromValue(Qt::Alignment(isNumber(cell) ? Qt::AlignRight : Qt::AlignLeft) |
                                       Qt::AlignVCenter);
        case Qt::UserRole:
            return sortKey(cell);
        default:
            return {};
        }
    }
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override {
        if (orientation == Qt::Vertical)
            return role == Qt::DisplayRole ? QVariant(section + 1) : QVariant();
        const auto& column = m_table.columns[static_cast<std::size_t>(section)];
        return role == Qt::DisplayRole ? QVariant(titleWithUnit(column.title, column.unit)) : QVariant();
    }

private:
    static QVariant sortKey(const figure::Table::Cell& cell) {
        if (const auto* text = std::get_if<std::string>(&cell))
            return QString::fromStdString(*text);
        if (const auto* real = std::get_if<double>(&cell))
            return *real;
        if (const auto* integer = std::get_if<std::int64_t>(&cell))
            return static_cast<qlonglong>(*integer);
        if (const auto* flag = std::get_if<bool>(&cell))
            return *flag ? 1 : 0;
        return {};
    }

    FigureWidget::Pointer m_figure;
    const figure::Table& m_table;
};

/// Searches all columns; numbers sort as numbers, NaN and empty cells last among them.
class SortedTable final : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

protected:
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override {
        const QVariant a = left.data(Qt::UserRole);
        const QVariant b = right.data(Qt::UserRole);
        bool aNumber = false;
        bool bNumber = false;
        const double x = a.toDouble(&aNumber);
        const double y = b.toDouble(&bNumber);
        if (a.typeId() == QMetaType::QString || b.typeId() == QMetaType::QString)
            return QString::localeAwareCompare(a.toString(), b.toString()) < 0;
        if (!aNumber || std::isnan(x))
            return false;
        if (!bNumber || std::isnan(y))
            return true;
        return x < y;
    }
};

} // namespace

TableWidget::TableWidget(Pointer figure, QWidget* parent)
    : FigureWidget(std::move(figure), parent), m_filter(new QLineEdit(this)), m_view(new QTableView(this)),
      m_sorted(new SortedTable(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    m_filter->setPlaceholderText(tr("Filter rows"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setAccessibleName(tr("Filter rows"));
    column->addWidget(m_filter);
    column->addWidget(m_view, 1);
    setFocusProxy(m_view);
    m_sorted->setFilterKeyColumn(-1);
    m_sorted->setFilterCaseSensitivity(Qt::CaseInsensitive);
    connect(m_filter, &QLineEdit::textChanged, m_sorted, &QSortFilterProxyModel::setFilterFixedString);
    m_view->setModel(m_sorted);
    m_view->setAccessibleName(QString::fromStdString(m_figure->title));
    m_view->setSortingEnabled(true);
    m_view->setAlternatingRowColors(true);
    m_view->setShowGrid(false);
    m_view->setWordWrap(false);
    m_view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_view->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
    m_view->verticalHeader()->setVisible(false);
    m_view->horizontalHeader()->setHighlightSections(false);
    m_view->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    m_view->setContextMenuPolicy(Qt::NoContextMenu); // the figure's menu opens
    m_view->installEventFilter(this);
    TableWidget::figureChanged();
    connect(m_view->selectionModel(), &QItemSelectionModel::currentChanged, this,
            [this](const QModelIndex& current) {
                const QModelIndex source = m_sorted->mapToSource(current);
                m_state.row = source.row();
                m_state.column = source.column();
                announce();
                emit selected(source.row(), source.column());
            });
    connect(m_view, &QTableView::activated, this, [this](const QModelIndex& index) {
        const QModelIndex source = m_sorted->mapToSource(index);
        emit activated(source.row(), source.column());
    });
    m_view->setMouseTracking(true);
    connect(m_view, &QTableView::entered, this, [this](const QModelIndex& index) {
        const QModelIndex source = m_sorted->mapToSource(index);
        bool number = false;
        const double value = source.data(Qt::UserRole).toDouble(&number);
        emit hovered(source.row(), source.column(), number ? value : std::nan(""));
    });
}

void TableWidget::figureChanged() {
    const QSignalBlocker blocker(m_view->selectionModel());
    auto* before = m_model;
    m_model = new TableModel(m_figure, this);
    m_sorted->setSourceModel(m_model);
    delete before;
    const auto& table = std::get<figure::Table>(m_figure->body);
    m_filter->setVisible(table.rows.size() >= filterFrom);
    m_view->resizeColumnsToContents();
    for (int c = 0; c < m_model->columnCount({}); ++c)
        m_view->setColumnWidth(c, std::min(m_view->columnWidth(c) + 10, 420));
    updateGeometry();
}

QSize TableWidget::sizeHint() const {
    const auto rows = std::min(m_model->rowCount({}), 14);
    const int line = m_view->verticalHeader()->defaultSectionSize();
    return {480, (rows + 1) * line + 14 + (m_filter->isVisibleTo(this) ? 32 : 0)};
}

void TableWidget::setSelection(int row, int column) {
    FigureWidget::setSelection(row, column);
    const QSignalBlocker blocker(m_view->selectionModel());
    if (row < 0 || row >= m_model->rowCount({})) {
        m_view->clearSelection();
    } else {
        const QModelIndex index = m_sorted->mapFromSource(m_model->index(row, std::max(column, 0)));
        m_view->setCurrentIndex(index);
        m_view->scrollTo(index);
    }
    m_view->viewport()->update();
}

bool TableWidget::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_view && event->type() == QEvent::KeyPress &&
        static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
        QApplication::clipboard()->setText(dataText());
        return true;
    }
    return FigureWidget::eventFilter(watched, event);
}

void TableWidget::fillMenu(QMenu& menu) {
    menu.addAction(tr("&Original order"), this, [this] {
        m_view->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
        m_sorted->sort(-1);
    });
}

QString TableWidget::selectionText() const {
    const auto& table = std::get<figure::Table>(m_figure->body);
    if (m_state.row < 0 || m_state.column < 0 || m_state.row >= m_model->rowCount({}) ||
        m_state.column >= m_model->columnCount({}))
        return {};
    const auto& column = table.columns[static_cast<std::size_t>(m_state.column)];
    return titleWithUnit(column.title, column.unit) + QStringLiteral(": ") +
           m_model->index(m_state.row, m_state.column).data().toString();
}

QString TableWidget::dataText() const {
    const QModelIndexList chosen = m_view->selectionModel()->selectedIndexes();
    int top = 0;
    int bottom = m_sorted->rowCount() - 1;
    int left = 0;
    int right = m_sorted->columnCount() - 1;
    QString text;
    if (chosen.size() > 1) {
        top = left = std::numeric_limits<int>::max();
        bottom = right = -1;
        for (const QModelIndex& index : chosen) {
            top = std::min(top, index.row());
            bottom = std::max(bottom, index.row());
            left = std::min(left, index.column());
            right = std::max(right, index.column());
        }
    } else {
        QStringList titles;
        for (int c = left; c <= right; ++c)
            titles += m_model->headerData(c, Qt::Horizontal, Qt::DisplayRole).toString();
        text = titles.join(QLatin1Char('\t')) + QLatin1Char('\n');
    }
    for (int r = top; r <= bottom; ++r) {
        QStringList cells;
        for (int c = left; c <= right; ++c) {
            const QVariant key = m_sorted->index(r, c).data(Qt::UserRole);
            cells +=
                key.typeId() == QMetaType::Double ? QString::number(key.toDouble(), 'g', 17) : key.toString();
        }
        text += cells.join(QLatin1Char('\t')) + QLatin1Char('\n');
    }
    return text;
}

} // namespace orrery::ui
