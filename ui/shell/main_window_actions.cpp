// SPDX-License-Identifier: GPL-3.0-or-later
// Actions, menus, toolbar and status bar of the window.
#include "base/version.h"
#include "models/job_model.h"
#include "shell/action_book.h"
#include "shell/icons.h"
#include "shell/main_window.h"
#include "shell/panel.h"
#include "shell/pass.h"
#include "shell/perspectives.h"
#include "shell/settings_dialog.h"
#include "shell/shortcuts_dialog.h"
#include "shell/theme.h"
#include "shell/welcome.h"
#include "shell/workbench.h"
#include "shell/workspace_access.h"

#include <QActionGroup>
#include <QApplication>
#include <QDir>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLabel>
#include <QMenuBar>
#include <QMessageBox>
#include <QStatusBar>
#include <QTabWidget>
#include <QThread>
#include <QToolBar>
#include <QToolButton>

namespace orrery::ui {

namespace {

QToolButton* toolButton(QToolBar& bar, QAction* action) {
    return qobject_cast<QToolButton*>(bar.widgetForAction(action));
}

} // namespace

QAction* MainWindow::action(const QString& id, const QString& category, const QString& text,
                            const QString& iconName, const QKeySequence& shortcut) {
    auto* made = new QAction(text, this);
    if (!iconName.isEmpty())
        made->setIcon(icon(iconName));
    made->setShortcut(shortcut);
    m_actions->add(id, category, made);
    if (const QString key = made->shortcut().toString(QKeySequence::NativeText); !key.isEmpty())
        made->setToolTip(QStringLiteral("%1 (%2)").arg(ActionBook::plainText(made), key));
    addAction(made);
    m_byId.insert(id, made);
    return made;
}

void MainWindow::makeActions() {
    const QString file = tr("File");
    const QString edit = tr("Edit");
    const QString run = tr("Run");
    const QString view = tr("View");
    const QString go = tr("Go");
    const QString help = tr("Help");
    const auto on = [this](QAction* made, auto&& what) { connect(made, &QAction::triggered, this, what); };

    on(action("file.open", file, tr("&Open a model…"), "open", QKeySequence::Open),
       [this] { openModelDialog(); });
    on(action("file.openInput", file, tr("Open a text as &input…"), "file", QKeySequence("Ctrl+Shift+O")),
       [this] { openInputDialog(); });
    on(action("file.openWorkspace", file, tr("Open a &workspace…"), "workspace"),
       [this] { openWorkspaceDialog(); });
    on(action("file.close", file, tr("&Close the model"), "close", QKeySequence("Ctrl+W")),
       [this] { m_workbench.models().close(m_workbench.models().currentId()); });
    on(action("file.clearRecent", file, tr("Clear the list of recent files"), ""),
       [this] { m_workbench.settings().clearRecentFiles(); });
    on(action("file.quit", file, tr("&Quit"), "", QKeySequence("Ctrl+Q")), [this] { close(); });

    auto* undo = m_workbench.undo().createUndoAction(this, tr("&Undo"));
    undo->setIcon(icon("undo"));
    undo->setShortcut(QKeySequence::Undo);
    auto* redo = m_workbench.undo().createRedoAction(this, tr("&Redo"));
    redo->setIcon(icon("redo"));
    redo->setShortcuts({QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")});
    m_actions->add("edit.undo", edit, undo);
    m_actions->add("edit.redo", edit, redo);
    addActions({undo, redo});
    m_byId.insert("edit.undo", undo);
    m_byId.insert("edit.redo", redo);
    on(action("edit.newInput", edit, tr("New &text input"), "text", QKeySequence::New), [this] {
        m_workbench.inputs().add({});
        showPanel("input");
    });
    on(action("edit.newPair", edit, tr("New &pair of texts"), "pair", QKeySequence("Ctrl+Shift+N")), [this] {
        m_workbench.inputs().addPair({}, {});
        showPanel("input");
    });
    on(action("edit.settings", edit, tr("&Settings…"), "settings", QKeySequence("Ctrl+,")),
       [this] { SettingsDialog(m_workbench.settings(), this).exec(); });
    on(action("edit.shortcuts", edit, tr("&Keyboard shortcuts…"), "keyboard"),
       [this] { ShortcutsDialog(*m_actions, this).exec(); });

    on(action("run.run", run, tr("&Run"), "run", QKeySequence(Qt::Key_F5)),
       [this] { m_workbench.look().run(); });
    on(action("run.stop", run, tr("&Stop all jobs"), "stop", QKeySequence("Shift+F5")), [this] {
        m_workbench.look().stop();
        m_workbench.jobs().cancelAll();
    });
    auto* typing = action("run.whileTyping", run, tr("Run &while typing"), "");
    typing->setCheckable(true);
    typing->setChecked(m_workbench.settings().runWhileTyping());
    connect(typing, &QAction::toggled, this,
            [this](bool checked) { m_workbench.settings().setRunWhileTyping(checked); });

    on(action("view.palette", view, tr("Command &palette…"), "palette", QKeySequence("Ctrl+Shift+P")),
       [this] { openPalette(); });
    auto* full = action("view.fullScreen", view, tr("&Full screen"), "fullscreen", QKeySequence(Qt::Key_F11));
    full->setCheckable(true);
    connect(full, &QAction::toggled, this,
            [this](bool checked) { checked ? showFullScreen() : showNormal(); });
    on(action("view.welcome", view, tr("&Welcome page"), "welcome"), [this] { showWelcome(true); });
    auto* group = new QActionGroup(this);
    const QList<std::pair<QString, QString>> themes{
        {"system", tr("Theme as the &system")}, {"light", tr("&Light theme")}, {"dark", tr("&Dark theme")}};
    for (const auto& [value, text] : themes) {
        auto* made = action("view.theme." + value, view, text, "theme");
        made->setCheckable(true);
        made->setChecked(m_workbench.settings().theme() == value);
        group->addAction(made);
        on(made, [this, value = value] { m_workbench.settings().setTheme(value); });
    }
    for (const auto& built : Perspectives::builtIn())
        on(action("view.perspective." + built.id, view, tr("Perspective: %1").arg(built.title), "layout"),
           [this, id = built.id] { m_perspectives->applyBuiltIn(id); });
    on(action("view.savePerspective", view, tr("Save this perspective…"), "save"), [this] {
        const QString name = QInputDialog::getText(this, tr("Save perspective"), tr("Name:"));
        if (!name.trimmed().isEmpty())
            m_perspectives->save(name.trimmed());
    });
    on(action("view.resetLayout", view, tr("&Reset the layout"), "reset"),
       [this] { m_perspectives->reset(); });

    int number = 1;
    for (Panel* panel : m_panels) {
        const QString key = number <= 9 ? QStringLiteral("Alt+%1").arg(number++) : QString();
        on(action("go." + panel->id(), go, panel->title(), panel->iconName(), QKeySequence(key)),
           [this, id = panel->id()] { showPanel(id); });
    }
    on(action("go.nextTab", go, tr("Next view"), "right", QKeySequence("Ctrl+PgDown")),
       [this] { m_tabs->setCurrentIndex((m_tabs->currentIndex() + 1) % m_tabs->count()); });
    on(action("go.previousTab", go, tr("Previous view"), "left", QKeySequence("Ctrl+PgUp")),
       [this] { m_tabs->setCurrentIndex((m_tabs->currentIndex() + m_tabs->count() - 1) % m_tabs->count()); });
    const auto step = [this](int layers, int heads) {
        const auto model = m_workbench.models().currentModel();
        Selection& selection = m_workbench.selection();
        if (model == nullptr)
            return;
        const auto last = static_cast<int>(model->layers()) - 1;
        selection.setHead(std::clamp(selection.layer() + layers, 0, last),
                          std::clamp(selection.head() + heads, 0, model->headsPerLayer() - 1));
    };
    on(action("go.nextLayer", go, tr("Next layer"), "down", QKeySequence("Alt+Down")),
       [step] { step(1, 0); });
    on(action("go.previousLayer", go, tr("Previous layer"), "up", QKeySequence("Alt+Up")),
       [step] { step(-1, 0); });
    on(action("go.nextHead", go, tr("Next head"), "right", QKeySequence("]")), [step] { step(0, 1); });
    on(action("go.previousHead", go, tr("Previous head"), "left", QKeySequence("[")),
       [step] { step(0, -1); });
    on(action("go.clearSelection", go, tr("Clear the chosen tokens"), "close", QKeySequence(Qt::Key_Escape)),
       [this] { m_workbench.selection().clearTokens(); });

    on(action("help.manual", help, tr("&Manual"), "help", QKeySequence::HelpContents),
       [this] { openManual(); });
    on(action("help.about", help, tr("&About Orrery"), "welcome"), [this] { showAbout(); });
    for (Panel* panel : m_panels)
        for (QAction* own : panel->panelActions())
            m_actions->add(QStringLiteral("%1.%2").arg(panel->id()).arg(m_actions->entries().size()),
                           panel->title(), own);
}

void MainWindow::makeMenus() {
    const auto add = [this](QMenu* menu, const QStringList& ids) {
        for (const QString& id : ids)
            id.isEmpty() ? menu->addSeparator() : (menu->addAction(m_byId.value(id)), nullptr);
    };
    QMenu* file = menuBar()->addMenu(tr("&File"));
    add(file, {"file.open", "file.openInput"});
    m_recent = file->addMenu(icon("history"), tr("&Recent"));
    add(file, {"", "file.openWorkspace", "", "file.close", "file.quit"});
    QMenu* edit = menuBar()->addMenu(tr("&Edit"));
    add(edit, {"edit.undo", "edit.redo", "", "edit.newInput", "edit.newPair", "", "edit.shortcuts",
               "edit.settings"});
    QMenu* run = menuBar()->addMenu(tr("&Run"));
    add(run, {"run.run", "run.stop", "", "run.whileTyping"});
    QMenu* view = menuBar()->addMenu(tr("&View"));
    add(view, {"view.palette", "view.welcome", ""});
    QMenu* perspectives = view->addMenu(icon("layout"), tr("&Perspectives"));
    for (const auto& built : Perspectives::builtIn()) {
        QAction* made = m_byId.value("view.perspective." + built.id);
        perspectives->addAction(made);
    }
    m_savedPerspectives = perspectives;
    QMenu* docks = view->addMenu(icon("layout"), tr("&Docks"));
    for (const auto& [panel, place] : m_placed)
        if (QDockWidget* dock = m_docks.value(panel->id()))
            docks->addAction(dock->toggleViewAction());
    QMenu* themes = view->addMenu(icon("theme"), tr("&Theme"));
    add(themes, {"view.theme.system", "view.theme.light", "view.theme.dark"});
    add(view, {"", "view.resetLayout", "view.fullScreen"});
    QMenu* go = menuBar()->addMenu(tr("&Go"));
    for (const Panel* panel : m_panels)
        go->addAction(m_byId.value("go." + panel->id()));
    add(go, {"", "go.nextTab", "go.previousTab", "", "go.nextLayer", "go.previousLayer", "go.nextHead",
             "go.previousHead", "go.clearSelection"});
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    add(help, {"help.manual", "edit.shortcuts", "", "help.about"});
    connect(m_perspectives, &Perspectives::savedChanged, this, &MainWindow::updatePerspectives);
    updatePerspectives();
}

void MainWindow::updatePerspectives() {
    for (QAction* old :
         m_savedPerspectives->findChildren<QAction*>("savedPerspective", Qt::FindDirectChildrenOnly))
        delete old;
    for (const QString& name : m_perspectives->saved()) {
        auto* made = new QAction(name, m_savedPerspectives);
        made->setObjectName("savedPerspective");
        connect(made, &QAction::triggered, this, [this, name] { m_perspectives->applySaved(name); });
        m_savedPerspectives->addAction(made);
    }
    m_savedPerspectives->removeAction(m_byId.value("view.savePerspective"));
    m_savedPerspectives->addAction(m_byId.value("view.savePerspective"));
}

void MainWindow::makeToolBar() {
    auto* bar = addToolBar(tr("Main toolbar"));
    bar->setObjectName("toolbar");
    bar->setMovable(false);
    bar->setIconSize({18, 18});
    bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    bar->setContextMenuPolicy(Qt::PreventContextMenu);
    const auto shortText = [&](const QString& id, const QString& text) {
        bar->addAction(m_byId.value(id));
        QToolButton* button = toolButton(*bar, m_byId.value(id));
        m_byId.value(id)->setIconText(text);
        return button;
    };
    shortText("file.open", tr("Open"));
    auto* input = new QToolButton(bar);
    input->setText(tr("Input"));
    input->setIcon(icon("input"));
    input->setToolTip(tr("New input: a text, a pair of texts, or a file"));
    input->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    input->setPopupMode(QToolButton::MenuButtonPopup);
    auto* kinds = new QMenu(input);
    kinds->addActions(
        {m_byId.value("edit.newInput"), m_byId.value("edit.newPair"), m_byId.value("file.openInput")});
    input->setMenu(kinds);
    connect(input, &QToolButton::clicked, m_byId.value("edit.newInput"), &QAction::trigger);
    bar->addWidget(input);
    bar->addSeparator();
    shortText("run.run", tr("Run"));
    shortText("run.stop", tr("Stop"));
    bar->addSeparator();
    bar->addAction(m_byId.value("edit.undo"));
    bar->addAction(m_byId.value("edit.redo"));
    for (const char* id : {"edit.undo", "edit.redo"})
        toolButton(*bar, m_byId.value(id))->setToolButtonStyle(Qt::ToolButtonIconOnly);
    auto* gap = new QWidget(bar);
    gap->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    bar->addWidget(gap);
    auto* theme = new QToolButton(bar);
    theme->setIcon(icon("theme"));
    theme->setToolTip(tr("Change between light and dark"));
    theme->setAccessibleName(theme->toolTip());
    connect(theme, &QToolButton::clicked, this,
            [this] { m_workbench.settings().setTheme(Theme::colours().dark ? "light" : "dark"); });
    bar->addWidget(theme);
    QToolButton* palette = shortText("view.palette", tr("Commands"));
    palette->setToolTip(
        tr("Every command by a few of its letters (%1)")
            .arg(m_byId.value("view.palette")->shortcut().toString(QKeySequence::NativeText)));
    bar->addAction(m_byId.value("help.manual"));
    toolButton(*bar, m_byId.value("help.manual"))->setToolButtonStyle(Qt::ToolButtonIconOnly);
}

void MainWindow::makeStatusBar() {
    const auto label = [this](const QString& name) {
        auto* made = new QLabel(this);
        made->setAccessibleName(name);
        statusBar()->addPermanentWidget(made);
        return made;
    };
    m_busy = new QToolButton(this);
    m_busy->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_busy->setIconSize({14, 14});
    m_busy->setIcon(icon("jobs"));
    m_busy->setToolTip(tr("Show the jobs"));
    m_busy->setAutoRaise(true);
    statusBar()->addWidget(m_busy);
    connect(m_busy, &QToolButton::clicked, this, [this] { showPanel("jobs"); });
    m_model = label(tr("Model"));
    m_tokens = label(tr("Tokens"));
    m_dtype = label(tr("Precision"));
    m_threads = label(tr("Threads"));
    m_time = label(tr("Time of the last run"));
}

void MainWindow::updateStatus() {
    const auto* entry = m_workbench.models().current();
    const PassPointer& pass = m_workbench.look().current();
    m_model->setText(entry == nullptr ? tr("no model") : entry->name);
    m_tokens->setText(pass == nullptr ? QString()
                                      : tr("%n token(s)", nullptr, static_cast<int>(pass->tokens.size())));
    m_dtype->setText(entry != nullptr && entry->model != nullptr
                         ? QString::fromUtf8(name(entry->model->dtype()).data())
                         : m_workbench.settings().dtype());
    const int threads =
        m_workbench.settings().threads() > 0 ? m_workbench.settings().threads() : QThread::idealThreadCount();
    m_threads->setText(tr("%n thread(s)", nullptr, threads));
    m_time->setText(pass == nullptr ? QString() : durationText(pass->runSeconds));
    int active = 0;
    for (const Job* job : m_workbench.jobs().jobs())
        active += !job->name().isEmpty() && !job->ended() ? 1 : 0;
    m_busy->setText(active > 0 ? tr("%n job(s)", nullptr, active) : tr("ready"));
    m_byId.value("run.stop")->setEnabled(active > 0);
    m_byId.value("run.run")->setEnabled(entry != nullptr && m_workbench.inputs().current() != nullptr);
    m_byId.value("file.close")->setEnabled(entry != nullptr);
    setWindowTitle(entry == nullptr ? QStringLiteral("Orrery")
                                    : QStringLiteral("%1 – Orrery").arg(entry->name));
}

void MainWindow::updateRecentFiles() {
    m_recent->clear();
    const QStringList files = m_workbench.settings().recentFiles();
    for (const QString& path : files) {
        const bool there = QFileInfo::exists(path);
        QAction* made =
            m_recent->addAction(icon(there ? (QFileInfo(path).isDir() ? "models" : "file") : "warning"),
                                there ? QDir::toNativeSeparators(path) : tr("%1 (missing)").arg(path));
        made->setEnabled(there);
        connect(made, &QAction::triggered, this, [this, path] { openPath(path); });
    }
    m_recent->setEnabled(!files.isEmpty());
    if (!files.isEmpty()) {
        m_recent->addSeparator();
        m_recent->addAction(m_byId.value("file.clearRecent"));
    }
    m_welcome->setRecent(files);
}

void MainWindow::openModelDialog() {
    const QString folder = QFileDialog::getExistingDirectory(
        this, tr("Open a model's folder"),
        m_workbench.settings().value("paths/models", QDir::homePath()).toString());
    if (folder.isEmpty())
        return;
    m_workbench.settings().setValue("paths/models", QFileInfo(folder).absolutePath());
    openPath(folder);
}

void MainWindow::openInputDialog() {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Open a text"), {}, tr("Texts (*.txt *.md *);;All files (*)"));
    if (!path.isEmpty())
        openPath(path);
}

void MainWindow::openWorkspaceDialog() {
    const QString path =
        QFileDialog::getSaveFileName(this, tr("Open or make a workspace"), {}, tr("Workspaces (*.orrery)"),
                                     nullptr, QFileDialog::DontConfirmOverwrite);
    if (!path.isEmpty())
        openPath(path.endsWith(QLatin1String(".orrery")) || QFileInfo::exists(path) ? path
                                                                                    : path + ".orrery");
}

void MainWindow::showAbout() {
    QMessageBox::about(
        this, tr("About Orrery"),
        tr("<h3>Orrery %1</h3><p>A workbench for looking inside transformer models and their "
           "relatives.</p><p>Free software under the GNU General Public License, version 3 or later.</p>"
           "<p>Built with Qt %2.</p>")
            .arg(QString::fromStdString(version()), QString::fromLatin1(qVersion())));
}

} // namespace orrery::ui
