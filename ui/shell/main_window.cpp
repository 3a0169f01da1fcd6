// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/main_window.h"

#include "shell/action_book.h"
#include "shell/banner.h"
#include "shell/command_palette.h"
#include "shell/icons.h"
#include "shell/manual.h"
#include "shell/panel.h"
#include "shell/perspectives.h"
#include "shell/welcome.h"
#include "shell/workbench.h"
#include "shell/workspace_access.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDir>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QScreen>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTabBar>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

/// The title of a dock: icon, name, close. Mouse presses pass through to the dock, which is dragged by them.
class DockTitle : public QWidget {
public:
    DockTitle(const Panel& panel, QDockWidget* dock) : QWidget(dock) {
        setObjectName(QStringLiteral("dockTitle"));
        setAttribute(Qt::WA_StyledBackground);
        auto* layout = new QHBoxLayout(this);
        layout->setContentsMargins(8, 3, 3, 3);
        layout->setSpacing(6);
        auto* mark = new QToolButton(this);
        mark->setIcon(icon(panel.iconName()));
        mark->setIconSize({15, 15});
        mark->setAttribute(Qt::WA_TransparentForMouseEvents);
        mark->setFocusPolicy(Qt::NoFocus);
        mark->setStyleSheet(QStringLiteral("padding: 0; border: none;"));
        layout->addWidget(mark);
        layout->addWidget(new QLabel(panel.title(), this), 1);
        auto* close = new QToolButton(this);
        close->setIcon(icon(QStringLiteral("close")));
        close->setIconSize({11, 11});
        close->setAutoRaise(true);
        close->setFocusPolicy(Qt::NoFocus);
        close->setToolTip(QDockWidget::tr("Close"));
        close->setAccessibleName(QDockWidget::tr("Close"));
        layout->addWidget(close);
        QObject::connect(close, &QToolButton::clicked, dock, &QDockWidget::close);
    }
};

Qt::DockWidgetArea areaOf(PanelPlace place) {
    switch (place) {
    case PanelPlace::Left:
        return Qt::LeftDockWidgetArea;
    case PanelPlace::Right:
        return Qt::RightDockWidgetArea;
    case PanelPlace::Bottom:
    case PanelPlace::Tab:
        break;
    }
    return Qt::BottomDockWidgetArea;
}

bool isModelFile(const QFileInfo& info) {
    const QString name = info.fileName();
    return name.endsWith(QLatin1String(".safetensors")) || name.endsWith(QLatin1String(".index.json")) ||
           name == QLatin1String("config.json") || name == QLatin1String("pytorch_model.bin");
}

} // namespace

MainWindow::MainWindow(Workbench& workbench, QWidget* parent)
    : QMainWindow(parent), m_workbench(workbench), m_actions(new ActionBook(workbench.settings(), this)) {
    setObjectName(QStringLiteral("mainWindow"));
    setWindowTitle(QStringLiteral("Orrery"));
    setWindowIcon(QIcon(QStringLiteral(":/icons/orrery.svg")));
    setAcceptDrops(true);
    setDockOptions(AnimatedDocks | AllowNestedDocks | AllowTabbedDocks);
    setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    setDocumentMode(true);

    m_welcome = new Welcome(this);
    m_tabs = new QTabWidget(this);
    m_tabs->setDocumentMode(true);
    m_tabs->setMovable(true);
    m_tabs->setIconSize({16, 16});
    m_tabs->setAccessibleName(tr("Views"));
    m_centre = new QStackedWidget(this);
    m_centre->addWidget(m_welcome);
    m_centre->addWidget(m_tabs);
    m_banner = new Banner(this);
    auto* middle = new QWidget(this);
    auto* layout = new QVBoxLayout(middle);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_banner);
    layout->addWidget(m_centre, 1);
    setCentralWidget(middle);

    m_perspectives = new Perspectives(*this, workbench.settings(), this);
    placePanels();
    makeActions();
    makeMenus();
    makeToolBar();
    makeStatusBar();
    resize(1280, 800);

    connect(m_welcome, &Welcome::openRequested, this, &MainWindow::openPath);
    connect(m_welcome, &Welcome::openDialogRequested, this, &MainWindow::openModelDialog);
    connect(m_welcome, &Welcome::tryRequested, this, &MainWindow::tryThing);
    connect(&workbench, &Workbench::errorRaised, m_banner, &Banner::showSentence);
    connect(&workbench, &Workbench::message, this,
            [this](const QString& sentence) { statusBar()->showMessage(sentence, 6000); });
    connect(&workbench.look(), &Look::done, this, [this] {
        m_banner->hide();
        updateStatus();
    });
    for (const auto signal : {&Look::started, &Look::failed, &Look::stopped})
        connect(&workbench.look(), signal, this, &MainWindow::updateStatus);
    connect(&workbench.models(), &ModelList::added, this, [this] { showWelcome(false); });
    connect(&workbench.models(), &ModelList::closed, this,
            [this] { showWelcome(m_workbench.models().entries().isEmpty()); });
    connect(&workbench.models(), &ModelList::changed, this, &MainWindow::updateStatus);
    connect(&workbench.models(), &ModelList::currentChanged, this, &MainWindow::updateStatus);
    connect(&workbench.jobs(), &JobQueue::activeChanged, this, &MainWindow::updateStatus);
    connect(&workbench.settings(), &Settings::changed, this, [this](const QString& key) {
        if (key == QLatin1String("recent/files"))
            updateRecentFiles();
        else if (key.startsWith(QLatin1String("engine/")))
            updateStatus();
    });
    updateRecentFiles();
    updateStatus();
}

MainWindow::~MainWindow() = default;

void MainWindow::placePanels() {
    m_placed = makePanels(m_workbench, *this);
    for (const auto& [panel, place] : m_placed) {
        m_panels.push_back(panel);
        if (place == PanelPlace::Tab) {
            const int index = m_tabs->addTab(panel, icon(panel->iconName()), panel->title());
            m_tabs->setTabToolTip(index, panel->title());
            continue;
        }
        auto* dock = new QDockWidget(panel->title(), this);
        dock->setObjectName(QStringLiteral("dock.") + panel->id());
        dock->setWidget(panel);
        // The docks at the bottom are tabs of one place: the tab is the title.
        dock->setTitleBarWidget(place == PanelPlace::Bottom ? new QWidget(dock)
                                                            : new DockTitle(*panel, dock));
        m_docks.insert(panel->id(), dock);
    }
    resetDocks();
}

void MainWindow::resetDocks() {
    QDockWidget* lastBottom = nullptr;
    for (const auto& [panel, place] : m_placed) {
        QDockWidget* dock = m_docks.value(panel->id());
        if (dock == nullptr)
            continue;
        dock->setFloating(false);
        addDockWidget(areaOf(place), dock);
        dock->show();
        if (place != PanelPlace::Bottom)
            continue;
        if (lastBottom != nullptr)
            tabifyDockWidget(lastBottom, dock);
        lastBottom = dock;
    }
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    QList<QDockWidget*> left;
    QList<QDockWidget*> bottom;
    QList<QDockWidget*> right;
    for (const auto& [panel, place] : m_placed) {
        if (place == PanelPlace::Left)
            left.push_back(m_docks.value(panel->id()));
        else if (place == PanelPlace::Bottom)
            bottom.push_back(m_docks.value(panel->id()));
        else if (place == PanelPlace::Right)
            right.push_back(m_docks.value(panel->id()));
    }
    // One call a direction: each one shares out the whole window anew.
    if (!left.isEmpty() && !right.isEmpty())
        resizeDocks({left.first(), right.first()}, {276, 264}, Qt::Horizontal);
    if (left.size() == 2)
        resizeDocks(left, {240, 400}, Qt::Vertical);
    if (!bottom.isEmpty()) {
        resizeDocks({bottom.first()}, {150}, Qt::Vertical);
        bottom.first()->raise();
    }
}

Panel* MainWindow::panel(const QString& id) const {
    for (Panel* held : m_panels)
        if (held->id() == id)
            return held;
    return nullptr;
}

void MainWindow::showPanel(const QString& id) {
    Panel* wanted = panel(id);
    if (wanted == nullptr)
        return;
    if (QDockWidget* dock = m_docks.value(id)) {
        dock->show();
        dock->raise();
    } else {
        showWelcome(false);
        m_tabs->setCurrentWidget(wanted);
    }
    wanted->takeFocus();
}

QString MainWindow::focusedPanel() const {
    for (const QWidget* widget = QApplication::focusWidget(); widget != nullptr;
         widget = widget->parentWidget())
        if (const auto* held = qobject_cast<const Panel*>(widget))
            return held->id();
    if (m_centre->currentWidget() == m_welcome)
        return QStringLiteral("introduction");
    const auto* front = qobject_cast<const Panel*>(m_tabs->currentWidget());
    return front == nullptr ? QStringLiteral("introduction") : front->id();
}

void MainWindow::showWelcome(bool shown) {
    m_centre->setCurrentIndex(shown ? 0 : 1);
}

void MainWindow::setDemoModels(const QStringList& folders) {
    m_demoModels = folders;
    m_welcome->setDemoModels(folders);
}

void MainWindow::tryThing(const QString& what) {
    const QString wanted =
        what == QLatin1String("lenses") ? QStringLiteral("docs-gpt") : QStringLiteral("docs-bert");
    for (const QString& folder : m_demoModels)
        if (QFileInfo(folder).fileName() == wanted)
            openPath(folder);
    if (m_workbench.inputs().inputs().isEmpty())
        m_workbench.inputs().add(
            wanted == QLatin1String("docs-gpt")
                ? QStringLiteral("Returns the number of items in the list. If the list is empty")
                : QStringLiteral("The function returns a new array with the same shape as the input."));
    showPanel(what);
}

void MainWindow::openPath(const QString& path) {
    const QFileInfo info(path);
    if (!info.exists()) {
        m_banner->showSentence(tr("%1 is not there any more. Choose another file or folder.").arg(path));
        return;
    }
    if (info.isDir() || isModelFile(info)) {
        m_workbench.models().open(path);
        return;
    }
    if (info.suffix() == QLatin1String("orrery")) {
        m_workbench.workspace().setFile(std::filesystem::path(path.toStdString()));
        showPanel(QStringLiteral("workspace"));
        return;
    }
    try {
        m_workbench.inputs().addFile(path);
        m_workbench.settings().addRecentFile(path);
    } catch (const std::exception& error) {
        m_banner->showSentence(QString::fromUtf8(error.what()));
    }
}

void MainWindow::openPalette() {
    auto* palette = new CommandPalette(*m_actions, this);
    palette->show();
}

void MainWindow::openManual(const QString& page) {
    if (m_manual == nullptr)
        m_manual = new Manual(this);
    m_manual->showPage(page.isEmpty() ? focusedPanel() : page);
    m_manual->show();
    m_manual->raise();
    m_manual->activateWindow();
}

void MainWindow::saveLayout() {
    Settings& settings = m_workbench.settings();
    settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
    settings.setValue(QStringLiteral("window/docks"), saveState());
    if (const auto* front = qobject_cast<const Panel*>(m_tabs->currentWidget()))
        settings.setValue(QStringLiteral("window/tab"), front->id());
}

void MainWindow::restoreLayout() {
    const Settings& settings = m_workbench.settings();
    restoreGeometry(settings.value(QStringLiteral("window/geometry")).toByteArray());
    restoreState(settings.value(QStringLiteral("window/docks")).toByteArray());
    if (Panel* front = panel(settings.value(QStringLiteral("window/tab")).toString()); front != nullptr)
        m_tabs->setCurrentWidget(front);
}

void MainWindow::closeEvent(QCloseEvent* event) {
    QStringList names;
    for (const Job* job : m_workbench.jobs().jobs())
        if (!job->ended() && !job->name().isEmpty() && job->topic() != QLatin1String("look"))
            names.push_back(job->name());
    if (!names.isEmpty()) {
        QMessageBox question(QMessageBox::Question, tr("Jobs are running"),
                             tr("%1 is still running. What is finished is kept; the rest can be resumed.")
                                 .arg(names.join(QStringLiteral(", "))),
                             QMessageBox::NoButton, this);
        QPushButton* stop = question.addButton(tr("Stop and quit"), QMessageBox::AcceptRole);
        question.addButton(tr("Keep open"), QMessageBox::RejectRole);
        question.exec();
        if (question.clickedButton() != stop) {
            event->ignore();
            return;
        }
    }
    saveLayout();
    m_workbench.jobs().cancelAll();
    if (m_manual != nullptr)
        m_manual->close();
    event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasUrls() || event->mimeData()->hasText())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const QMimeData* dropped = event->mimeData();
    if (dropped->hasUrls()) {
        for (const QUrl& url : dropped->urls())
            if (url.isLocalFile())
                openPath(url.toLocalFile());
    } else if (dropped->hasText() && !dropped->text().trimmed().isEmpty()) {
        m_workbench.inputs().add(dropped->text());
        showPanel(QStringLiteral("input"));
    }
    event->acceptProposedAction();
}

} // namespace orrery::ui
