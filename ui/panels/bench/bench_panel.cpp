// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/bench/bench_panel.h"

#include "forms/option_form.h"
#include "measure/bench_figures.h"
#include "models/job_model.h"
#include "models/module_tree.h"
#include "models/run_table.h"
#include "panels/bench/bench_feed.h"
#include "panels/workspace/figure_stack.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/theme.h"
#include "shell/workbench.h"
#include "shell/workspace_access.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QPointer>
#include <QPushButton>
#include <QScrollArea>
#include <QSortFilterProxyModel>
#include <QSplitter>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr int planRest = 250; // ms after the last change of an option

struct Plan {
    std::size_t points = 0;
    double seconds = 0;
    std::size_t bytes = 0;
};

QLabel* sectionLabel(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", QStringLiteral("section"));
    return label;
}

} // namespace

BenchPanel::BenchPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("bench"), parent), m_workbench(workbench),
      m_form(new OptionForm(measure::benchOptions(), this)), m_models(new QComboBox(this)),
      m_useText(new QCheckBox(tr("Use the tokens of the current input"), this)), m_plan(new QLabel(this)),
      m_figures(new FigureStack(workbench, tr("Start a measurement, or choose a run below."), this)),
      m_runs(new RunTable(workbench.workspace(), QStringLiteral("bench"), this)),
      m_sorted(new QSortFilterProxyModel(this)), m_history(new QTreeView(this)),
      m_start(new QAction(icon(QStringLiteral("run")), tr("Start measuring"), this)),
      m_stop(new QAction(icon(QStringLiteral("stop")), tr("Stop measuring"), this)),
      m_resume(new QAction(icon(QStringLiteral("history")), tr("Go on with the chosen run"), this)),
      m_compare(new QAction(icon(QStringLiteral("compare")), tr("Compare the two chosen runs"), this)) {
    m_models->setAccessibleName(tr("Models to measure"));
    m_models->addItem(tr("The current model"));
    m_models->addItem(tr("All open models"));
    m_plan->setWordWrap(true);
    m_plan->setProperty("role", QStringLiteral("muted"));
    m_plan->setObjectName(QStringLiteral("plan"));
    m_sorted->setSourceModel(m_runs);
    m_sorted->setSortRole(RunTable::sortRole);
    m_history->setModel(m_sorted);
    m_history->setRootIsDecorated(false);
    m_history->setSortingEnabled(true);
    m_history->sortByColumn(RunTable::Created, Qt::DescendingOrder);
    m_history->setAlternatingRowColors(true);
    m_history->setUniformRowHeights(true);
    m_history->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_history->setAccessibleName(tr("Runs measured before"));
    for (const int column : {RunTable::Job, RunTable::Figures, RunTable::Notes})
        m_history->setColumnHidden(column, true);
    m_history->header()->setStretchLastSection(false);
    m_history->header()->setSectionResizeMode(RunTable::Title, QHeaderView::Stretch);
    m_history->header()->setMinimumSectionSize(40);
    m_history->setColumnWidth(RunTable::Id, 44);
    for (const int column : {RunTable::Status, RunTable::Duration, RunTable::Cells})
        m_history->setColumnWidth(column, 76);
    m_history->setColumnHidden(RunTable::Model, true); // part of the title

    auto* formBox = new QWidget;
    auto* formLayout = new QVBoxLayout(formBox);
    formLayout->setContentsMargins(12, 10, 12, 10);
    formLayout->setSpacing(6);
    formLayout->addWidget(sectionLabel(tr("What is measured"), formBox));
    formLayout->addWidget(m_models);
    formLayout->addWidget(m_useText);
    formLayout->addSpacing(6);
    formLayout->addWidget(m_form);
    formLayout->addStretch(1);
    auto* scroll = new QScrollArea(this);
    scroll->setWidget(formBox);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* foot = new QWidget(this);
    foot->setObjectName(QStringLiteral("panelFoot"));
    foot->setAttribute(Qt::WA_StyledBackground);
    auto* footLayout = new QVBoxLayout(foot);
    footLayout->setContentsMargins(12, 8, 12, 8);
    footLayout->addWidget(m_plan);
    auto* buttons = new QHBoxLayout;
    auto* start = new QPushButton(m_start->icon(), tr("&Start"), foot);
    auto* stop = new QPushButton(m_stop->icon(), tr("S&top"), foot);
    start->setObjectName(QStringLiteral("start"));
    buttons->addWidget(start, 1);
    buttons->addWidget(stop, 1);
    footLayout->addLayout(buttons);
    auto* left = new QWidget(this);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    leftLayout->addWidget(scroll, 1);
    leftLayout->addWidget(foot);
    auto* below = new QWidget(this);
    auto* belowLayout = new QVBoxLayout(below);
    belowLayout->setContentsMargins(0, 0, 0, 0);
    belowLayout->setSpacing(0);
    auto* bar = panelBar({m_resume, m_compare}, below);
    for (QToolButton* button : bar->findChildren<QToolButton*>())
        button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    static_cast<QBoxLayout*>(bar->layout())->insertWidget(0, sectionLabel(tr("Measured before"), bar));
    static_cast<QBoxLayout*>(bar->layout())->insertStretch(1);
    belowLayout->addWidget(bar);
    belowLayout->addWidget(m_history, 1);
    auto* right = new QSplitter(Qt::Vertical, this);
    right->addWidget(m_figures);
    right->addWidget(below);
    right->setStretchFactor(0, 3);
    right->setStretchFactor(1, 1);
    right->setSizes({420, 150});
    auto* splitter = new QSplitter(this);
    splitter->addWidget(left);
    splitter->addWidget(right);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({310, 700});
    splitter->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter);

    m_rest.setSingleShot(true);
    m_rest.setInterval(planRest);
    connect(&m_rest, &QTimer::timeout, this, &BenchPanel::updatePlan);
    const auto replan = [this] { m_rest.start(); };
    connect(m_form, &OptionForm::valuesChanged, this, replan);
    connect(m_form, &OptionForm::validityChanged, this, &BenchPanel::updateActions);
    connect(m_models, &QComboBox::currentIndexChanged, this, replan);
    for (const auto signal : {&ModelList::changed, &ModelList::closed})
        connect(&workbench.models(), signal, this, replan);
    connect(&workbench.models(), &ModelList::currentChanged, this, replan);
    connect(m_start, &QAction::triggered, this, [this] { this->start(0); });
    connect(m_stop, &QAction::triggered, this, [this] {
        if (m_job != nullptr)
            m_job->cancel();
    });
    connect(m_resume, &QAction::triggered, this, [this] { this->start(selectedRuns().value(0)); });
    connect(m_compare, &QAction::triggered, this, &BenchPanel::compare);
    connect(start, &QPushButton::clicked, m_start, &QAction::trigger);
    connect(stop, &QPushButton::clicked, m_stop, &QAction::trigger);
    connect(m_start, &QAction::enabledChanged, start, &QWidget::setEnabled);
    connect(m_stop, &QAction::enabledChanged, stop, &QWidget::setEnabled);
    stop->setEnabled(false);
    connect(m_history->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        updateActions();
        showSelected();
    });
    connect(m_runs, &QAbstractItemModel::dataChanged, this, &BenchPanel::updateActions);
    updateActions();
    updatePlan();
}

void BenchPanel::showEvent(QShowEvent* event) {
    Panel::showEvent(event);
    m_runs->refresh();
}

measure::BenchRequest BenchPanel::request() const {
    measure::BenchRequest made;
    const auto* current = m_workbench.models().current();
    if (m_models->currentIndex() == 0) {
        if (current != nullptr && current->state == ModelList::State::Open)
            made.models.push_back(current->path.toStdString());
    } else {
        for (const auto& entry : m_workbench.models().entries())
            if (entry.state == ModelList::State::Open)
                made.models.push_back(entry.path.toStdString());
    }
    made.options = m_form->values();
    if (const Input* input = m_workbench.inputs().current(); m_useText->isChecked() && input != nullptr)
        made.text = input->text.toStdString();
    return made;
}

void BenchPanel::updatePlan() {
    updateActions();
    const measure::BenchRequest wanted = request();
    if (wanted.models.empty()) {
        m_plan->setText(tr("Open a model to measure it."));
        return;
    }
    m_workbench.jobs().start(
        {}, Lane::Errand, QStringLiteral("bench/plan"), this,
        [wanted](const Progress&) {
            const measure::BenchPlan plan = measure::planBench(wanted);
            return Plan{plan.points.size(), plan.mostSeconds,
                        plan.bytes.empty() ? 0 : *std::max_element(plan.bytes.begin(), plan.bytes.end())};
        },
        [this](const Plan& plan) {
            QString text = tr("%n point(s), at most %1", nullptr, static_cast<int>(plan.points))
                               .arg(durationText(plan.seconds));
            if (plan.bytes > 0)
                text += tr(", up to %1 of working memory").arg(sizeText(plan.bytes));
            m_plan->setText(text);
        },
        [this](const QString& sentence) { m_plan->setText(sentence); });
}

void BenchPanel::start(qint64 resumedRun) {
    const measure::BenchRequest wanted = request();
    const auto feed = BenchFeed::make();
    connect(feed.get(), &BenchFeed::figuresReady, this,
            [this](const BenchFeed::Figures& figures) { m_figures->setFigures(figures); });
    connect(feed.get(), &BenchFeed::runStarted, this, [this](qint64 run) {
        m_workbench.selection().setRun(run);
        m_runs->refresh();
    });
    m_history->clearSelection();
    m_job = m_workbench.jobs().start(
        resumedRun > 0 ? tr("Go on with run %1").arg(resumedRun) : tr("Measure"), Lane::Engine,
        QStringLiteral("bench"), this,
        [feed, wanted, resumedRun, file = m_workbench.workspace().file()](const Progress& progress) {
            return feed->measure(file, wanted, resumedRun, progress);
        },
        [this](const measure::BenchOutcome& outcome) {
            emit m_workbench.message(tr("Measured %n point(s).", nullptr, outcome.measured));
        },
        [this](const QString& sentence) { emit m_workbench.errorRaised(sentence); });
    connect(m_job, &Job::finished, this, [this] {
        m_job = nullptr;
        updateActions();
        emit m_workbench.workspace().changed();
    });
    updateActions();
}

QList<qint64> BenchPanel::selectedRuns() const {
    QList<qint64> runs;
    for (const QModelIndex& index : m_history->selectionModel()->selectedRows())
        runs.push_back(index.data(RunTable::runRole).toLongLong());
    std::sort(runs.begin(), runs.end());
    return runs;
}

void BenchPanel::updateActions() {
    const QList<qint64> runs = selectedRuns();
    const bool running = m_job != nullptr;
    m_start->setEnabled(!running && m_form->valid() && !request().models.empty());
    m_stop->setEnabled(running);
    const store::RunSummary* chosen = runs.size() == 1 ? m_runs->run(m_runs->indexOf(runs.first())) : nullptr;
    m_resume->setEnabled(!running && chosen != nullptr && chosen->status != store::RunStatus::Running &&
                         chosen->cellsDone < chosen->cells);
    m_compare->setEnabled(runs.size() == 2);
}

void BenchPanel::showSelected() {
    const QList<qint64> runs = selectedRuns();
    if (runs.size() == 2) {
        compare();
        return;
    }
    if (runs.size() != 1)
        return;
    m_workbench.selection().setRun(runs.first());
    m_workbench.workspace().ask(
        QStringLiteral("bench/figures"), this,
        [run = runs.first()](store::Workspace& workspace) {
            BenchFeed::Figures figures;
            for (auto& figure : measure::benchFigures(workspace, run))
                figures.push_back(std::make_shared<const figure::Figure>(std::move(figure)));
            return figures;
        },
        [this](const BenchFeed::Figures& figures) { m_figures->setFigures(figures); });
}

void BenchPanel::compare() {
    const QList<qint64> runs = selectedRuns();
    if (runs.size() != 2)
        return;
    m_workbench.workspace().ask(
        QStringLiteral("bench/figures"), this,
        [a = runs[0], b = runs[1]](store::Workspace& workspace) {
            const auto comparisons = measure::compareRuns(workspace, a, b);
            const std::vector<store::RunId> both{a, b};
            // What differs in the environment stands before the numbers.
            return BenchFeed::Figures{
                std::make_shared<const figure::Figure>(measure::differenceTable(workspace, both)),
                std::make_shared<const figure::Figure>(measure::comparisonTable(
                    comparisons, "run " + std::to_string(a), "run " + std::to_string(b)))};
        },
        [this](const BenchFeed::Figures& figures) { m_figures->setFigures(figures); });
}

void BenchPanel::takeFocus() {
    m_form->editor(QStringLiteral("length")) != nullptr
        ? m_form->editor(QStringLiteral("length"))->setFocus(Qt::OtherFocusReason)
        : m_form->setFocus();
}

} // namespace orrery::ui
