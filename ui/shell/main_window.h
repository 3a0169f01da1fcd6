// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/panel_list.h"

#include <QHash>
#include <QList>
#include <QMainWindow>
#include <QString>
#include <QStringList>

class QAction;
class QDockWidget;
class QLabel;
class QMenu;
class QProgressBar;
class QStackedWidget;
class QTabWidget;
class QToolButton;

namespace orrery::ui {

class ActionBook;
class Banner;
class Manual;
class Panel;
class Perspectives;
class Welcome;
class Workbench;

/// Menu, toolbar, docks, tabs and status bar; what happens in them belongs to the panels.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(Workbench& workbench, QWidget* parent = nullptr);
    ~MainWindow() override;

    [[nodiscard]] Workbench& workbench() { return m_workbench; }
    [[nodiscard]] const QList<Panel*>& panels() const { return m_panels; }
    [[nodiscard]] Panel* panel(const QString& id) const;
    [[nodiscard]] QDockWidget* dock(const QString& id) const { return m_docks.value(id); }
    [[nodiscard]] QTabWidget* tabs() const { return m_tabs; }
    void showPanel(const QString& id); ///< raises its tab or dock and gives it the keyboard
    [[nodiscard]] QString
    focusedPanel() const; ///< id of the panel that has the keyboard, else of the tab in front
    void showWelcome(bool shown);
    [[nodiscard]] ActionBook& actionBook() { return *m_actions; }
    [[nodiscard]] Perspectives& perspectives() { return *m_perspectives; }
    [[nodiscard]] Banner& banner() { return *m_banner; }

    /// Folders of docs-bert, docs-gpt, ... for the welcome page.
    void setDemoModels(const QStringList& folders);
    /// Opens whatever the path is: a model's folder or checkpoint, a text, a workspace.
    void openPath(const QString& path);
    void openPalette();
    void openManual(const QString& page = {});
    /// Puts every dock back where it was made.
    void resetDocks();
    /// Docks, tab and geometry to and from the settings.
    void saveLayout();
    void restoreLayout();

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void placePanels();
    void makeActions();
    void makeMenus();
    void makeToolBar();
    void makeStatusBar();
    void updateStatus();
    void updateRecentFiles();
    void updatePerspectives();
    void tryThing(const QString& what);
    void openModelDialog();
    void openInputDialog();
    void openWorkspaceDialog();
    void showAbout();
    QAction* action(const QString& id, const QString& category, const QString& text, const QString& iconName,
                    const QKeySequence& shortcut = {});

    Workbench& m_workbench;
    ActionBook* m_actions;
    Perspectives* m_perspectives = nullptr;
    Banner* m_banner = nullptr;
    Manual* m_manual = nullptr;
    Welcome* m_welcome = nullptr;
    QStackedWidget* m_centre = nullptr;
    QTabWidget* m_tabs = nullptr;
    QList<PlacedPanel> m_placed;
    QList<Panel*> m_panels;
    QHash<QString, QDockWidget*> m_docks;
    QHash<QString, QAction*> m_byId;
    QMenu* m_recent = nullptr;
    QMenu* m_savedPerspectives = nullptr;
    QStringList m_demoModels;
    QLabel* m_model = nullptr;
    QLabel* m_tokens = nullptr;
    QLabel* m_dtype = nullptr;
    QLabel* m_threads = nullptr;
    QLabel* m_time = nullptr;
    QToolButton* m_busy = nullptr;
};

} // namespace orrery::ui
