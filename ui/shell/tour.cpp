// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/tour.h"

#include "figures/figure_view.h"
#include "forms/option_form.h"
#include "panels/bench/bench_panel.h"
#include "shell/main_window.h"
#include "shell/panel.h"
#include "shell/perspectives.h"
#include "shell/report_draft.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QPixmap>
#include <QTabWidget>
#include <QTimer>

#include <fmt/format.h>

namespace orrery::ui {

namespace {

constexpr int longestWait = 60000; // ms for the model and its first pass
constexpr int settleWait = 15000;  // ms for what a panel computes when it is shown
constexpr int drawRest = 120;      // ms for layouts and lazily painted parts

void rest(int milliseconds) {
    QEventLoop loop;
    QTimer::singleShot(milliseconds, &loop, &QEventLoop::quit);
    loop.exec();
}

} // namespace

Tour::Tour(MainWindow& window, Workbench& workbench, std::filesystem::path folder, QObject* parent)
    : QObject(parent), m_window(window), m_workbench(workbench), m_folder(std::move(folder)) {}

bool Tour::waitForPass() {
    QElapsedTimer clock;
    clock.start();
    while (m_workbench.look().current() == nullptr && clock.elapsed() < longestWait) {
        const auto* entry = m_workbench.models().current();
        if (entry != nullptr && entry->state == ModelList::State::Failed) {
            fmt::print(stderr, "{}\n", entry->failure.toStdString());
            return false;
        }
        if (!m_workbench.look().failure().isEmpty()) {
            fmt::print(stderr, "{}\n", m_workbench.look().failure().toStdString());
            return false;
        }
        rest(20);
    }
    if (m_workbench.look().current() == nullptr)
        fmt::print(stderr, "The first picture took longer than {} s.\n", longestWait / 1000);
    return m_workbench.look().current() != nullptr;
}

void Tour::settle() {
    QElapsedTimer clock;
    clock.start();
    rest(drawRest);
    while (m_workbench.jobs().active() > 0 && clock.elapsed() < settleWait)
        rest(30);
    rest(drawRest);
}

void Tour::picture(const QString& name) {
    const QString path =
        QString::fromStdString((m_folder / (m_prefix + name + ".png").toStdString()).string());
    m_window.grab().save(path);
    m_pictures.push_back(path);
}

/// Something to see on every panel: a short measurement, a report with words and the picture in front.
void Tour::prepareContent() {
    m_window.showPanel(QStringLiteral("attention"));
    settle();
    ReportDraft& report = m_workbench.report();
    if (report.blocks().isEmpty()) {
        report.setTitle(tr("Who looks at whom"));
        report.setSummary(
            tr("Some heads of **%1** follow one fixed rule.").arg(m_workbench.models().current()->name));
        report.addHeading(tr("The next token"));
        report.addWords(tr("Head *L1H2* looks at the token after each one; its rows are almost *one-hot*."));
        if (const Panel* front = m_window.panel(QStringLiteral("attention")); front != nullptr)
            for (const auto* view : front->findChildren<FigureView*>())
                if (view->isVisible() &&
                    std::holds_alternative<figure::Heatmap>(view->body()->figure().body)) {
                    report.addFigure(view->figurePointer());
                    break;
                }
    }
    if (auto* bench = qobject_cast<BenchPanel*>(m_window.panel(QStringLiteral("bench"))); bench != nullptr) {
        OptionValues quick = bench->form().values();
        quick.setText("length", "16,32,64");
        quick.setText("budget", "0.3");
        bench->form().setValues(quick);
        bench->startAction()->trigger();
        settle();
    }
}

bool Tour::take() {
    QDir().mkpath(QString::fromStdString(m_folder.string()));
    if (!waitForPass())
        return false;
    m_workbench.selection().setHead(1, 2);
    m_workbench.selection().setCell(4, 3);
    prepareContent();
    const QString themeBefore = m_workbench.settings().theme();
    for (const QString& theme : themes) {
        Theme::of(*qobject_cast<QApplication*>(QApplication::instance())).apply(theme);
        for (const QSize& size : sizes) {
            m_prefix = QStringLiteral("%1-%2x%3-").arg(theme).arg(size.width()).arg(size.height());
            m_window.perspectives().reset();
            m_window.resize(size);
            rest(drawRest);
            m_window.resetDocks();
            m_window.showWelcome(true);
            settle();
            picture(QStringLiteral("welcome"));
            m_window.showWelcome(false);
            for (const Panel* panel : m_window.panels()) {
                // The inspector is the place to look at the numbers of a site; elsewhere it shows the head.
                m_workbench.selection().setSite(panel->id() == QLatin1String("inspector")
                                                    ? QStringLiteral("blocks.1.hook_mlp_out")
                                                    : QString());
                m_window.showPanel(panel->id());
                settle();
                picture(panel->id());
            }
        }
    }
    Theme::of(*qobject_cast<QApplication*>(QApplication::instance())).apply(themeBefore);
    fmt::print("{} pictures in {}\n", m_pictures.size(), m_folder.string());
    return true;
}

} // namespace orrery::ui
