// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>

class QLineEdit;
class QListView;
class QStandardItemModel;

namespace orrery::ui {

class ActionBook;

/// All actions of the window, found by typing a few of their letters. Enter runs, arrows choose, Esc leaves.
class CommandPalette : public QDialog {
    Q_OBJECT
public:
    CommandPalette(const ActionBook& book, QWidget* parent);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void filter(const QString& pattern);
    void runCurrent();

    const ActionBook& m_book;
    QLineEdit* m_edit;
    QListView* m_view;
    QStandardItemModel* m_model;
};

} // namespace orrery::ui
