// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/lenses/lenses_panel.h"

#include "analyze/analyzer.h"
#include "base/error.h"
#include "figures/figure_view.h"
#include "forms/option_form.h"
#include "plugin/registry.h"
#include "shell/report_draft.h"
#include "shell/workbench.h"

#include <QAction>
#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QLocale>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSplitter>
#include <QVBoxLayout>

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr int indexRole = Qt::UserRole;
constexpr int idRole = Qt::UserRole + 1;
constexpr double cheapOperations = 5e10; // a fraction of a second on any machine: nobody needs to press Run

analyze::Request makeRequest(const analyze::Analyzer& analyzer, const Pass& pass) {
    const std::string text = pass.input.text.toStdString();
    const std::string pair = pass.input.pair.toStdString();
    return analyze::makeRequest(analyzer, pass.model, text, pass.input.hasPair ? &pair : nullptr);
}

} // namespace

LensesPanel::LensesPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("lenses"), parent), m_workbench(workbench) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(6, 6, 6, 6);
    auto* splitter = new QSplitter(Qt::Horizontal, this);
    splitter->setChildrenCollapsible(false);
    splitter->addWidget(makeChoice());
    splitter->addWidget(makeResult());
    splitter->setStretchFactor(0, 0);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({300, 900});
    row->addWidget(splitter);

    auto* runAction = new QAction(tr("Run the lens"), this);
    runAction->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return));
    runAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(runAction, &QAction::triggered, this, &LensesPanel::run);
    addAction(runAction);
    m_actions.append(runAction);

    m_rest.setSingleShot(true);
    m_rest.setInterval(150);
    connect(&m_rest, &QTimer::timeout, this, &LensesPanel::run);
    connect(&workbench.look(), &Look::done, this, &LensesPanel::passChanged);
    connect(&workbench.look(), &Look::failed, this, &LensesPanel::passChanged);
    connect(&workbench.selection(), &Selection::tokensChanged, this, &LensesPanel::followSelection);
    connect(&workbench.selection(), &Selection::headChanged, this, &LensesPanel::followSelection);
    connect(&workbench.selection(), &Selection::hoverChanged, this, &LensesPanel::followHover);
    m_state->setText(tr("The figures of the chosen lens appear here."));
    fillList();
    passChanged();
}

LensesPanel::~LensesPanel() = default;

QWidget* LensesPanel::makeChoice() {
    auto* side = new QWidget(this);
    auto* column = new QVBoxLayout(side);
    column->setContentsMargins(0, 0, 6, 0);
    m_filter = new QLineEdit(side);
    m_filter->setPlaceholderText(tr("Find a lens"));
    m_filter->setAccessibleName(tr("Find a lens"));
    m_filter->setClearButtonEnabled(true);
    m_list = new QListWidget(side);
    m_list->setAccessibleName(tr("Lenses"));
    m_list->setAlternatingRowColors(true);
    m_about = new QLabel(side);
    m_about->setWordWrap(true);
    m_about->setTextFormat(Qt::PlainText);
    m_about->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_form = new OptionForm(side);
    auto* formArea = new QScrollArea(side);
    formArea->setWidget(m_form);
    formArea->setWidgetResizable(true);
    formArea->setFrameShape(QFrame::NoFrame);
    m_cost = new QLabel(side);
    m_cost->setWordWrap(true);
    m_cost->setTextFormat(Qt::PlainText);
    m_run = new QPushButton(tr("&Run"), side);
    m_stop = new QPushButton(tr("S&top"), side);
    m_again = new QCheckBox(tr("Run &again when the input changes"), side);
    m_again->setChecked(true);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_run);
    buttons->addWidget(m_stop);
    buttons->addStretch(1);
    column->addWidget(m_filter);
    column->addWidget(m_list, 3);
    column->addWidget(m_about);
    column->addWidget(formArea, 2);
    column->addWidget(m_cost);
    column->addWidget(m_again);
    column->addLayout(buttons);
    connect(m_filter, &QLineEdit::textChanged, this, &LensesPanel::filterList);
    connect(m_list, &QListWidget::currentRowChanged, this, &LensesPanel::analyzerChosen);
    connect(m_list, &QListWidget::itemActivated, this, &LensesPanel::run);
    connect(m_form, &OptionForm::valuesChanged, this, &LensesPanel::updatePrediction);
    connect(m_form, &OptionForm::validityChanged, this, [this] { updatePrediction(); });
    connect(m_run, &QPushButton::clicked, this, &LensesPanel::run);
    connect(m_stop, &QPushButton::clicked, this, [this] {
        if (m_job != nullptr)
            m_job->cancel();
    });
    m_stop->setEnabled(false);
    return side;
}

QWidget* LensesPanel::makeResult() {
    auto* side = new QWidget(this);
    auto* column = new QVBoxLayout(side);
    column->setContentsMargins(0, 0, 0, 0);
    m_state = new QLabel(side);
    m_state->setWordWrap(true);
    m_state->setTextFormat(Qt::PlainText);
    m_area = new QScrollArea(side);
    m_area->setWidgetResizable(true);
    m_area->setFrameShape(QFrame::NoFrame);
    m_page = new QWidget(m_area);
    m_column = new QVBoxLayout(m_page);
    m_column->setContentsMargins(0, 0, 6, 0);
    m_column->setSpacing(14);
    m_column->addStretch(1);
    m_area->setWidget(m_page);
    column->addWidget(m_state);
    column->addWidget(m_area, 1);
    return side;
}

void LensesPanel::fillList() {
    m_analyzers = plugin::registry().all<analyze::Analyzer>();
    std::sort(m_analyzers.begin(), m_analyzers.end(),
              [](const auto& a, const auto& b) { return a->info().title < b->info().title; });
    const QString before = chosen();
    {
        const QSignalBlocker blocker(m_list);
        m_list->clear();
        for (std::size_t i = 0; i < m_analyzers.size(); ++i) {
            const PartInfo info = m_analyzers[i]->info();
            auto* item = new QListWidgetItem(QString::fromStdString(info.title), m_list);
            item->setData(indexRole, static_cast<int>(i));
            item->setData(idRole, QString::fromStdString(info.id));
            item->setToolTip(QString::fromStdString(info.summary));
        }
    }
    choose(before);
    if (m_list->currentRow() < 0 && m_list->count() > 0)
        m_list->setCurrentRow(0);
    if (m_list->count() == 0)
        m_state->setText(tr("No plugin with lenses is loaded; see the plugins panel."));
}

void LensesPanel::filterList(const QString& words) {
    for (int row = 0; row < m_list->count(); ++row) {
        QListWidgetItem* item = m_list->item(row);
        const auto& info = m_analyzers[static_cast<std::size_t>(item->data(indexRole).toInt())]->info();
        const QString all =
            QString::fromStdString(info.title + " " + info.id + " " + info.summary + " " + info.paper);
        item->setHidden(!all.contains(words.trimmed(), Qt::CaseInsensitive));
    }
}

LensesPanel::AnalyzerPointer LensesPanel::analyzer() const {
    const QListWidgetItem* item = m_list->currentItem();
    if (item == nullptr)
        return nullptr;
    return m_analyzers.at(static_cast<std::size_t>(item->data(indexRole).toInt()));
}

QString LensesPanel::chosen() const {
    const QListWidgetItem* item = m_list->currentItem();
    return item != nullptr ? item->data(idRole).toString() : QString();
}

bool LensesPanel::running() const {
    return m_job != nullptr && !m_job->ended();
}

void LensesPanel::choose(const QString& id) {
    for (int row = 0; row < m_list->count(); ++row)
        if (m_list->item(row)->data(idRole).toString() == id)
            m_list->setCurrentRow(row);
}

void LensesPanel::takeFocus() {
    m_list->setFocus(Qt::OtherFocusReason);
}

void LensesPanel::analyzerChosen() {
    const AnalyzerPointer lens = analyzer();
    if (lens == nullptr)
        return;
    const PartInfo info = lens->info();
    QString about = QString::fromStdString(info.summary);
    if (!info.paper.empty())
        about += QStringLiteral("\n\n") + QString::fromStdString(info.paper);
    m_about->setText(about);
    m_form->setSchema(lens->options());
    updatePrediction();
    runIfCheap();
}

void LensesPanel::showEvent(QShowEvent* event) {
    Panel::showEvent(event);
    runIfCheap();
}

void LensesPanel::runIfCheap() {
    if (isVisible() && m_again->isChecked() && m_run->isEnabled() && m_shownLens != chosen() &&
        m_operations <= cheapOperations)
        m_rest.start();
}

void LensesPanel::updatePrediction() {
    const AnalyzerPointer lens = analyzer();
    const PassPointer pass = m_workbench.look().current();
    m_run->setEnabled(false);
    if (lens == nullptr) {
        m_cost->clear();
        return;
    }
    if (pass == nullptr) {
        m_cost->setText(tr("Open a model and type a text to run it."));
        return;
    }
    if (const std::string reason = lens->unsuitable(*pass->model); !reason.empty()) {
        m_cost->setText(QString::fromStdString(reason));
        return;
    }
    if (!m_form->valid()) {
        m_cost->setText(m_form->problem());
        return;
    }
    m_run->setEnabled(true);
    try {
        analyze::Request request = makeRequest(*lens, *pass);
        request.options = m_form->values();
        const analyze::Prediction cost = lens->predict(request);
        m_operations = cost.operations;
        m_cost->setText(tr("%n pass(es), %1 GFLOP, %2 kept", nullptr, cost.passes)
                            .arg(QLocale().toString(cost.operations / 1e9, 'g', 3),
                                 QLocale().formattedDataSize(static_cast<qint64>(cost.bytes))));
    } catch (const Error& error) {
        m_cost->setText(QString::fromUtf8(error.what()));
        m_run->setEnabled(false);
    }
}

void LensesPanel::passChanged() {
    updatePrediction();
    const PassPointer pass = m_workbench.look().current();
    if (pass == nullptr) {
        m_rest.stop();
        return;
    }
    // Once a lens was run, its figures keep up with the input.
    if (m_again->isChecked() && !m_shownLens.isEmpty() && m_shownLens == chosen() && m_run->isEnabled())
        m_rest.start();
    else
        runIfCheap();
}

void LensesPanel::run() {
    const AnalyzerPointer lens = analyzer();
    const PassPointer pass = m_workbench.look().current();
    if (lens == nullptr || pass == nullptr || !m_run->isEnabled())
        return;
    const QString name = QString::fromStdString(lens->info().title);
    m_state->setText(tr("Running %1…").arg(name));
    m_stop->setEnabled(true);
    m_job = m_workbench.jobs().start(
        name, Lane::Engine, QStringLiteral("lens"), this,
        [lens, pass, options = m_form->values()](const Progress& progress) {
            analyze::Request request = makeRequest(*lens, *pass);
            request.options = options;
            request.progress = progress;
            return analyze::runAnalysis(*lens, request);
        },
        [this, pass, id = QString::fromStdString(lens->info().id)](std::vector<figure::Figure> figures) {
            m_shownLens = id;
            m_state->clear();
            showFigures(std::move(figures), pass);
        },
        [this](const QString& sentence) { m_state->setText(sentence); });
    connect(m_job, &Job::finished, this, [this, job = m_job] {
        if (job != m_job)
            return; // a newer one took its place
        m_stop->setEnabled(false);
        if (job != nullptr && job->state() == JobState::Cancelled)
            m_state->setText(tr("Stopped."));
    });
}

void LensesPanel::showFigures(std::vector<figure::Figure> figures, const PassPointer& pass) {
    m_shownPass = pass;
    // The same lens again gives the same kinds: its views keep zoom and choices.
    while (m_views.size() > static_cast<qsizetype>(figures.size()))
        delete m_views.takeLast();
    for (std::size_t i = 0; i < figures.size(); ++i) {
        auto held = std::make_shared<const figure::Figure>(std::move(figures[i]));
        const auto at = static_cast<qsizetype>(i);
        if (at < m_views.size()) {
            m_views[at]->setFigure(held);
        } else {
            auto* view = new FigureView(held, m_page);
            link(view);
            connect(view, &FigureView::bodyReplaced, this, [this, view] { link(view); });
            connect(view, &FigureView::addToReport, this,
                    [this](const std::shared_ptr<const figure::Figure>& figure) {
                        m_workbench.report().addFigure(figure);
                    });
            connect(view, &FigureView::failed, &m_workbench, &Workbench::errorRaised);
            m_column->insertWidget(static_cast<int>(i), view);
            m_views.append(view);
        }
        FigureWidget* body = m_views[at]->body();
        body->setMinimumHeight(std::clamp(body->sizeHint().height(), 90, 560));
    }
    followSelection();
}

void LensesPanel::link(FigureView* view) {
    Selection& selection = m_workbench.selection();
    FigureWidget* body = view->body();
    connect(body, &FigureWidget::selected, this, [this, body, &selection](int row, int column) {
        const figure::Body& kind = body->figure().body;
        const auto tokens = m_shownPass != nullptr ? static_cast<std::size_t>(m_shownPass->tokens.size()) : 0;
        if (std::holds_alternative<figure::HeadGrid>(kind)) {
            if (row >= 0)
                selection.setHead(row, column);
        } else if (const auto* map = std::get_if<figure::Heatmap>(&kind)) {
            if (map->x.labels.size() == tokens && map->y.labels.size() == tokens)
                selection.setCell(row, column);
            else if (map->x.labels.size() == tokens)
                selection.setQuery(column);
        } else if (std::holds_alternative<figure::AttentionLines>(kind)) {
            selection.setCell(row, column);
        } else if (const auto* strip = std::get_if<figure::TokenStrip>(&kind)) {
            if (strip->tokens.size() == tokens)
                selection.setQuery(column);
        }
    });
    connect(body, &FigureWidget::hovered, this, [this, body, &selection](int row, int column, double) {
        const auto tokens = m_shownPass != nullptr ? static_cast<std::size_t>(m_shownPass->tokens.size()) : 0;
        const auto* map = std::get_if<figure::Heatmap>(&body->figure().body);
        if (map != nullptr && map->x.labels.size() == tokens && map->y.labels.size() == tokens)
            selection.hover(row, column);
        else if (std::holds_alternative<figure::TokenStrip>(body->figure().body))
            selection.hover(column, -1);
    });
}

void LensesPanel::followSelection() {
    const Selection& selection = m_workbench.selection();
    const auto tokens = m_shownPass != nullptr ? static_cast<std::size_t>(m_shownPass->tokens.size()) : 0;
    for (FigureView* view : m_views) {
        FigureWidget* body = view->body();
        const figure::Body& kind = body->figure().body;
        if (std::holds_alternative<figure::HeadGrid>(kind)) {
            body->setSelection(selection.layer(), selection.head());
        } else if (const auto* map = std::get_if<figure::Heatmap>(&kind)) {
            if (map->x.labels.size() == tokens && map->y.labels.size() == tokens)
                body->setSelection(selection.query(), selection.key());
            else if (map->x.labels.size() == tokens && selection.query() != body->state().column)
                body->setSelection(body->state().row, selection.query());
        } else if (const auto* strip = std::get_if<figure::TokenStrip>(&kind)) {
            if (strip->tokens.size() == tokens)
                body->setSelection(0, selection.query());
        }
    }
}

void LensesPanel::followHover() {
    const Selection& selection = m_workbench.selection();
    const auto tokens = m_shownPass != nullptr ? static_cast<std::size_t>(m_shownPass->tokens.size()) : 0;
    for (FigureView* view : m_views) {
        FigureWidget* body = view->body();
        const auto* map = std::get_if<figure::Heatmap>(&body->figure().body);
        const auto* strip = std::get_if<figure::TokenStrip>(&body->figure().body);
        if (map != nullptr && map->x.labels.size() == tokens && map->y.labels.size() == tokens)
            body->setHover(selection.hoveredQuery(), selection.hoveredKey());
        else if (strip != nullptr && strip->tokens.size() == tokens)
            body->setHover(0,
                           selection.hoveredKey() >= 0 ? selection.hoveredKey() : selection.hoveredQuery());
    }
}

} // namespace orrery::ui
