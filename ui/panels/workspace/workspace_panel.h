// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/panel.h"
#include "store/records.h"

#include <QList>
#include <QTimer>

#include <vector>

class QLineEdit;
class QPlainTextEdit;
class QSortFilterProxyModel;
class QTabWidget;
class QTextBrowser;
class QTreeView;

namespace orrery::ui {

class FigureStack;
class RunTable;
class Workbench;

/// What the workspace keeps: runs with filter and order, their record, figures and notes; only what differs
/// when several are chosen.
class WorkspacePanel : public Panel {
    Q_OBJECT
public:
    explicit WorkspacePanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Workspace"); }
    [[nodiscard]] QList<QAction*> panelActions() const override {
        return {m_delete, m_export, m_tag, m_refresh};
    }
    void takeFocus() override;

    [[nodiscard]] QTreeView& runs() { return *m_view; }
    [[nodiscard]] QLineEdit& filter() { return *m_words; }
    [[nodiscard]] QPlainTextEdit& note() { return *m_note; }
    [[nodiscard]] QTabWidget& details() { return *m_details; }

protected:
    void themeChanged() override;
    void showEvent(QShowEvent* event) override;

private:
    void showSelected();
    void showRecord(const store::Run& run, const std::vector<store::Note>& notes);
    void saveNote();
    void removeSelected();
    void exportSelected();
    void addTag();
    void updateActions();
    [[nodiscard]] QList<qint64> selectedRuns() const;

    Workbench& m_workbench;
    RunTable* m_table;
    QSortFilterProxyModel* m_sorted;
    QLineEdit* m_words;
    QTreeView* m_view;
    QTabWidget* m_details;
    FigureStack* m_figures;
    QTextBrowser* m_record;
    QPlainTextEdit* m_note;
    QTimer m_rest;
    qint64 m_noteRun = 0;
    store::NoteId m_noteId = 0; ///< 0: none yet
    bool m_showingNote = false;
    QAction* m_delete;
    QAction* m_export;
    QAction* m_tag;
    QAction* m_refresh;
};

} // namespace orrery::ui
