// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QHash>
#include <QList>
#include <QMainWindow>
#include <QString>
#include <QStringList>

class QAction;
class QDockWidget;
class QLabel;
class QMenu;
class QTabWidget;
class QToolBar;

namespace orrery::ui {

class ActionBook;
class Panel;
class Perspectives;
class Workbench;

/// Menu, toolbar, docks, tabs and status bar; what happens in them belongs to the panels.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(Workbench& workbench, QWidget* parent = nullptr);
    ~MainWindow() override;

    [[nodiscard]] const QList<Panel*>& panels() const { return m_panels; }
    [[nodiscard]] Panel* panel(const QString& id) const;
    void showPanel(const QString& id); ///< raises its tab or dock and gives it the keyboard
    [[nodiscard]] ActionBook& actionBook() { return *m_actions; }

    /// Opens whatever the path is: a model's folder or checkpoint, a text, a workspace.
    void openPath(const QString& path);
    void openPalette();
    void openManual(const QString& page = {});

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void makePanels();
    void makeActions();
    void makeMenus();
    void makeStatusBar();
    void updateStatus();
    void updateRecentFiles();
    QAction* action(const QString& id, const QString& text, const QString& iconName, const QString& shortcut);

    Workbench& m_workbench;
    ActionBook* m_actions;
    Perspectives* m_perspectives = nullptr;
    QTabWidget* m_tabs = nullptr;
    QList<Panel*> m_panels;
    QHash<QString, QDockWidget*> m_docks;
};

} // namespace orrery::ui
