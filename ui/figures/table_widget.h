// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"

class QAbstractItemModel;
class QLineEdit;
class QSortFilterProxyModel;
class QTableView;

namespace orrery::ui {

/// A table that can be sorted, searched and copied. Rows in signals are those of the figure, whatever the
/// order on the screen.
class TableWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit TableWidget(Pointer figure, QWidget* parent = nullptr);

    void fillMenu(QMenu& menu) override;
    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] QString dataText() const override; ///< the selected cells, or all, tab separated
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QTableView* view() const { return m_view; }
    [[nodiscard]] QLineEdit* filter() const { return m_filter; }

public slots:
    void setSelection(int row, int column) override;

protected:
    void figureChanged() override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    QLineEdit* m_filter;
    QTableView* m_view;
    QAbstractItemModel* m_model = nullptr;
    QSortFilterProxyModel* m_sorted;
};

} // namespace orrery::ui
