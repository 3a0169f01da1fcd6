// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>

class QKeySequenceEdit;
class QLabel;
class QLineEdit;
class QPushButton;
class QTreeWidget;
class QTreeWidgetItem;

namespace orrery::ui {

class ActionBook;

/// Lists every action with its shortcut; a shortcut that another action has is refused with its name.
class ShortcutsDialog : public QDialog {
    Q_OBJECT
public:
    ShortcutsDialog(ActionBook& book, QWidget* parent = nullptr);

private:
    void fill();
    void filter(const QString& text);
    void show(QTreeWidgetItem* item);
    void assign();
    void updateRow(QTreeWidgetItem* item);
    [[nodiscard]] QString currentId() const;

    ActionBook& m_book;
    QLineEdit* m_filter;
    QTreeWidget* m_tree;
    QKeySequenceEdit* m_edit;
    QPushButton* m_assign;
    QPushButton* m_remove;
    QPushButton* m_reset;
    QLabel* m_problem;
};

} // namespace orrery::ui
