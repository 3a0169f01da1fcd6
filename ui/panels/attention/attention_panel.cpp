// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/attention/attention_panel.h"

#include "figures/figure_view.h"
#include "panels/attention/pattern_figures.h"
#include "shell/report_draft.h"
#include "shell/workbench.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScopedValueRollback>
#include <QSpinBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>

namespace orrery::ui {

namespace {

enum CompareMode { SideBySide, Difference };

} // namespace

AttentionPanel::AttentionPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("attention"), parent), m_workbench(workbench), m_pages(new QStackedWidget(this)),
      m_empty(new QLabel(this)), m_rows(new QSplitter(Qt::Vertical, this)),
      m_columns(new QSplitter(Qt::Horizontal, this)), m_maps(new QSplitter(Qt::Horizontal, this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(6, 6, 6, 6);
    makeBar();
    column->addWidget(m_bar);
    column->addWidget(m_pages, 1);
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setWordWrap(true);
    m_empty->setMargin(24);
    m_pages->addWidget(m_empty);
    m_pages->addWidget(m_rows);
    m_rows->addWidget(m_columns);
    m_columns->addWidget(m_maps);
    for (QSplitter* splitter : {m_rows, m_columns, m_maps})
        splitter->setChildrenCollapsible(false);
    makeActions();

    Look& look = workbench.look();
    connect(&look, &Look::done, this, &AttentionPanel::passChanged);
    connect(&look, &Look::failed, this, &AttentionPanel::passChanged);
    connect(&workbench.selection(), &Selection::headChanged, this, [this] {
        const Selection& selection = m_workbench.selection();
        const QScopedValueRollback changing(m_changing, true);
        if (selection.layer() >= 0)
            m_layer->setValue(selection.layer());
        if (selection.head() >= 0) {
            m_head->setValue(selection.head());
            m_mean->setChecked(false);
        }
        refresh();
    });
    connect(&workbench.selection(), &Selection::tokensChanged, this, &AttentionPanel::followSelection);
    connect(&workbench.selection(), &Selection::hoverChanged, this, &AttentionPanel::followHover);
    for (const auto signal : {&InputList::added, &InputList::removed, &InputList::changed})
        connect(&workbench.inputs(), signal, this, &AttentionPanel::fillCompare);
    connect(&workbench.inputs(), &InputList::currentChanged, this, &AttentionPanel::fillCompare);
    fillCompare();
    passChanged();
}

AttentionPanel::~AttentionPanel() = default;

void AttentionPanel::makeBar() {
    m_bar = new QWidget(this);
    auto* row = new QHBoxLayout(m_bar);
    row->setContentsMargins(0, 0, 0, 0);
    const auto add = [&](const QString& text, QWidget* editor) {
        auto* label = new QLabel(text, m_bar);
        label->setBuddy(editor);
        row->addWidget(label);
        row->addWidget(editor);
    };
    m_layer = new QSpinBox(m_bar);
    m_head = new QSpinBox(m_bar);
    m_mean = new QCheckBox(tr("&mean over heads"), m_bar);
    m_view = new QComboBox(m_bar);
    m_view->addItems({tr("Map of the head"), tr("Lines of the layer")});
    m_compare = new QComboBox(m_bar);
    m_compareMode = new QComboBox(m_bar);
    m_compareMode->addItems({tr("side by side"), tr("difference")});
    m_compareMode->setAccessibleName(tr("How to compare"));
    // The bar must not decide how narrow the middle of the window can be.
    m_compare->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_compare->setMinimumContentsLength(8);
    for (QComboBox* box : {m_view, m_compare, m_compareMode}) {
        box->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
        box->setMaximumWidth(240);
    }
    m_compareNote = new QLabel(m_bar);
    m_compareNote->setTextFormat(Qt::PlainText);
    add(tr("&Layer"), m_layer);
    add(tr("&Head"), m_head);
    row->addWidget(m_mean);
    row->addSpacing(10);
    add(tr("&Show"), m_view);
    row->addSpacing(10);
    add(tr("&Compare with"), m_compare);
    row->addWidget(m_compareMode);
    row->addWidget(m_compareNote, 1);
    const auto chosen = [this] {
        if (!m_changing)
            chooseHead(m_layer->value(), m_head->value());
    };
    connect(m_layer, &QSpinBox::valueChanged, this, chosen);
    connect(m_head, &QSpinBox::valueChanged, this, [this, chosen] {
        if (!m_changing)
            m_mean->setChecked(false);
        chosen();
    });
    connect(m_mean, &QCheckBox::toggled, this, [this] {
        m_head->setEnabled(!m_mean->isChecked());
        if (!m_changing)
            refresh();
    });
    connect(m_view, &QComboBox::currentIndexChanged, this, &AttentionPanel::refresh);
    connect(m_compare, &QComboBox::currentIndexChanged, this, [this] {
        if (!m_changing)
            compareWith(m_compare->currentData().toInt());
    });
    connect(m_compareMode, &QComboBox::currentIndexChanged, this, &AttentionPanel::refresh);
}

void AttentionPanel::makeActions() {
    const auto add = [this](const QString& text, const QKeySequence& key, auto&& slot) {
        auto* action = new QAction(text, this);
        action->setShortcut(key);
        action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
        connect(action, &QAction::triggered, this, slot);
        addAction(action);
        m_actions.append(action);
    };
    add(tr("Next layer"), Qt::Key_PageDown, [this] { stepHead(1, 0); });
    add(tr("Previous layer"), Qt::Key_PageUp, [this] { stepHead(-1, 0); });
    add(tr("Next head"), Qt::Key_BracketRight, [this] { stepHead(0, 1); });
    add(tr("Previous head"), Qt::Key_BracketLeft, [this] { stepHead(0, -1); });
    add(tr("Attention as map or lines"), QKeySequence(Qt::CTRL | Qt::Key_L),
        [this] { showLines(m_view->currentIndex() == 0); });
}

int AttentionPanel::layer() const {
    return m_layer->value();
}

int AttentionPanel::head() const {
    return m_mean->isChecked() ? -1 : m_head->value();
}

void AttentionPanel::takeFocus() {
    if (m_map != nullptr && m_map->isVisible())
        m_map->body()->setFocus(Qt::OtherFocusReason);
    else if (m_lines != nullptr && m_lines->isVisible())
        m_lines->body()->setFocus(Qt::OtherFocusReason);
    else
        m_layer->setFocus(Qt::OtherFocusReason);
}

void AttentionPanel::showLines(bool lines) {
    m_view->setCurrentIndex(lines ? 1 : 0);
}

void AttentionPanel::showDifference(bool difference) {
    m_compareMode->setCurrentIndex(difference ? Difference : SideBySide);
}

void AttentionPanel::stepHead(int layers, int heads) {
    if (m_pass == nullptr)
        return;
    chooseHead(std::clamp(layer() + layers, 0, m_layer->maximum()),
               std::clamp(m_head->value() + heads, 0, m_head->maximum()));
}

void AttentionPanel::chooseHead(int chosenLayer, int chosenHead) {
    m_workbench.selection().setHead(chosenLayer, chosenHead);
}

FigureView* AttentionPanel::place(QPointer<FigureView>& view, QWidget* host, const FigurePointer& figure) {
    if (view == nullptr) {
        view = new FigureView(figure, host);
        link(view);
    } else {
        view->setFigure(figure);
    }
    view->show();
    return view;
}

void AttentionPanel::link(FigureView* view) {
    Selection& selection = m_workbench.selection();
    connect(view, &FigureView::addToReport, this,
            [this](const FigurePointer& figure) { m_workbench.report().addFigure(figure); });
    connect(view, &FigureView::failed, &m_workbench, &Workbench::errorRaised);
    connect(view, &FigureView::saved, this,
            [this](const QString& path) { emit m_workbench.message(tr("Saved %1").arg(path)); });
    FigureWidget* body = view->body();
    const figure::Body& kind = body->figure().body;
    if (std::holds_alternative<figure::HeadGrid>(kind)) {
        connect(body, &FigureWidget::selected, this, [this](int row, int column) {
            if (row >= 0)
                chooseHead(row, column);
        });
        connect(body, &FigureWidget::activated, this, [this](int row, int) {
            if (row < 0)
                return;
            showLines(false);
            takeFocus();
        });
    } else if (std::holds_alternative<figure::TokenStrip>(kind)) {
        connect(body, &FigureWidget::selected, this,
                [&selection](int, int token) { selection.setQuery(token); });
        connect(body, &FigureWidget::hovered, this,
                [&selection](int, int token, double) { selection.hover(token, -1); });
    } else {
        connect(body, &FigureWidget::selected, this,
                [&selection](int row, int column) { selection.setCell(row, column); });
        connect(body, &FigureWidget::hovered, this,
                [&selection](int row, int column, double) { selection.hover(row, column); });
    }
}

void AttentionPanel::passChanged() {
    const Look& look = m_workbench.look();
    m_pass = look.current();
    m_bar->setEnabled(m_pass != nullptr);
    if (m_pass == nullptr) {
        m_empty->setText(look.failure().isEmpty()
                             ? tr("Open a model and type a text: the attention of every head appears here.")
                             : look.failure());
        m_pages->setCurrentWidget(m_empty);
        return;
    }
    const FigurePointer heads = headGridFigure(*m_pass);
    if (heads == nullptr) {
        m_empty->setText(
            tr("%1 has no attention to show.").arg(QString::fromStdString(m_pass->model->name())));
        m_pages->setCurrentWidget(m_empty);
        return;
    }
    const auto& grid = std::get<figure::HeadGrid>(heads->body);
    {
        const QScopedValueRollback changing(m_changing, true);
        m_layer->setMaximum(std::max(grid.layers - 1, 0));
        m_head->setMaximum(std::max(grid.heads - 1, 0));
        m_head->setEnabled(!m_mean->isChecked());
    }
    const bool first = m_grid == nullptr;
    place(m_grid, m_columns, heads);
    if (first)
        m_columns->insertWidget(0, m_grid);
    m_pages->setCurrentWidget(m_rows);
    if (m_workbench.selection().layer() < 0 || m_workbench.selection().head() < 0 ||
        m_workbench.selection().layer() >= grid.layers || m_workbench.selection().head() >= grid.heads)
        chooseHead(std::min(layer(), grid.layers - 1), std::min(m_head->value(), grid.heads - 1));
    if (m_otherInput > 0)
        startOther();
    refresh();
    if (first) {
        m_rows->setStretchFactor(0, 1);
        m_rows->setStretchFactor(1, 0);
        const int width = std::max(m_columns->width(), 600);
        m_columns->setSizes({width * 2 / 5, width * 3 / 5});
    }
}

void AttentionPanel::refresh() {
    if (m_pass == nullptr || m_grid == nullptr)
        return;
    m_grid->body()->setSelection(layer(), head());
    const bool asLines = m_view->currentIndex() == 1;
    m_compare->setEnabled(!asLines);
    m_compareMode->setEnabled(!asLines && m_compare->currentData().toInt() != 0);
    m_mean->setEnabled(!asLines);
    if (asLines) {
        if (const FigurePointer figure = linesFigure(*m_pass, layer())) {
            place(m_lines, m_maps, figure);
            m_lines->setCaptionVisible(false);
        }
        for (const auto& view : {m_map, m_other})
            if (view != nullptr)
                view->hide();
    } else {
        if (const FigurePointer figure = patternFigure(*m_pass, layer(), head()))
            place(m_map, m_maps, figure);
        if (m_lines != nullptr)
            m_lines->hide();
        refreshCompare();
    }
    refreshStrip();
    followSelection();
}

void AttentionPanel::refreshStrip() {
    if (m_pass == nullptr)
        return;
    const Selection& selection = m_workbench.selection();
    const bool first = m_strip == nullptr;
    place(m_strip, m_rows, stripFigure(*m_pass, layer(), head(), selection.query(), selection.key()));
    if (first) {
        m_strip->setHeaderVisible(false);
        const int height = std::max(m_rows->height(), 400);
        m_rows->setSizes({height - 120, 120});
    }
}

void AttentionPanel::followSelection() {
    const Selection& selection = m_workbench.selection();
    for (const auto& view : {m_map, m_other, m_lines})
        if (view != nullptr)
            view->body()->setSelection(selection.query(), selection.key());
    if (m_strip != nullptr) {
        refreshStrip();
        m_strip->body()->setSelection(0, selection.query());
    }
}

void AttentionPanel::followHover() {
    const Selection& selection = m_workbench.selection();
    const int query = selection.hoveredQuery();
    const int key = selection.hoveredKey();
    for (const auto& view : {m_map, m_other, m_lines})
        if (view != nullptr)
            view->body()->setHover(query, key);
    if (m_strip != nullptr)
        m_strip->body()->setHover(0, key >= 0 ? key : query);
}

void AttentionPanel::fillCompare() {
    const QScopedValueRollback changing(m_changing, true);
    const int wanted = m_otherInput;
    m_compare->clear();
    m_compare->addItem(tr("nothing"), 0);
    m_compare->addItem(tr("before the edit"), -1);
    for (const Input& input : m_workbench.inputs().inputs())
        if (input.id != m_workbench.inputs().currentId())
            m_compare->addItem(input.title(), input.id);
    const int index = m_compare->findData(wanted);
    m_compare->setCurrentIndex(std::max(index, 0));
    if (index < 0) {
        m_otherInput = 0;
        m_otherPass = nullptr;
    }
}

void AttentionPanel::compareWith(int inputId) {
    m_otherInput = inputId;
    {
        const QScopedValueRollback changing(m_changing, true);
        m_compare->setCurrentIndex(std::max(m_compare->findData(inputId), 0));
    }
    m_otherPass = nullptr;
    if (inputId > 0)
        startOther();
    refresh();
}

void AttentionPanel::startOther() {
    const Input* input = m_workbench.inputs().find(m_otherInput);
    if (input == nullptr || m_pass == nullptr)
        return;
    if (m_otherPass != nullptr && m_otherPass->model == m_pass->model && m_otherPass->input == *input)
        return;
    m_workbench.jobs().start(
        tr("Attention to compare with"), Lane::Engine, QStringLiteral("attention-compare"), this,
        [id = m_pass->modelId, model = m_pass->model, wanted = *input](const Progress& progress) {
            return makePass(id, model, wanted, progress);
        },
        [this](const PassPointer& pass) {
            m_otherPass = pass;
            refresh();
        },
        [this](const QString& sentence) { m_compareNote->setText(sentence); });
}

void AttentionPanel::refreshCompare() {
    const PassPointer other = m_otherInput < 0 ? m_workbench.look().previous() : m_otherPass;
    m_compareNote->clear();
    if (m_otherInput == 0 || other == nullptr || other->model != m_pass->model) {
        if (m_other != nullptr)
            m_other->hide();
        if (m_map != nullptr)
            m_map->show();
        if (m_otherInput < 0)
            m_compareNote->setText(tr("Edit the text to see what changes."));
        else if (m_otherInput > 0)
            m_compareNote->setText(tr("Running the other input…"));
        return;
    }
    if (m_compareMode->currentIndex() == Difference) {
        if (const FigurePointer figure = differenceFigure(*m_pass, *other, layer(), head())) {
            place(m_other, m_maps, figure);
            m_map->hide();
            return;
        }
        m_compareNote->setText(tr("%1 and %2 tokens: a difference needs as many on both sides.")
                                   .arg(m_pass->tokens.size())
                                   .arg(other->tokens.size()));
    }
    if (const FigurePointer figure = patternFigure(*other, layer(), head(), m_pass.get())) {
        place(m_other, m_maps, figure);
        if (const FigurePointer mine = patternFigure(*m_pass, layer(), head(), other.get()))
            place(m_map, m_maps, mine);
        m_map->show();
    }
}

} // namespace orrery::ui
