// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/workspace/figure_stack.h"

#include "figures/figure_view.h"
#include "shell/figure_drag.h"
#include "shell/report_draft.h"
#include "shell/workbench.h"

#include <QLabel>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

constexpr int plotHeight = 330;
constexpr int tableRow = 26;
constexpr int tableFrame = 110; // title, header, caption
constexpr int tallestTable = 460;
constexpr int stripHeight = 190;

struct HeightOf {
    int operator()(const figure::Table& table) const {
        return std::min(tallestTable, tableFrame + tableRow * static_cast<int>(table.rows.size()));
    }
    int operator()(const figure::TokenStrip&) const { return stripHeight; }
    int operator()(const figure::Text&) const { return stripHeight; }
    template <typename Body>
    int operator()(const Body&) const {
        return plotHeight;
    }
};

} // namespace

FigureStack::FigureStack(Workbench& workbench, const QString& emptyText, QWidget* parent)
    : QScrollArea(parent), m_workbench(workbench) {
    auto* content = new QWidget;
    m_layout = new QVBoxLayout(content);
    m_layout->setContentsMargins(10, 8, 10, 8);
    m_layout->setSpacing(12);
    m_empty = new QLabel(emptyText, content);
    m_empty->setProperty("role", QStringLiteral("muted"));
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setWordWrap(true);
    m_layout->addWidget(m_empty, 1);
    m_layout->addStretch(0);
    setWidget(content);
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
}

void FigureStack::setEmptyText(const QString& text) {
    m_empty->setText(text);
}

void FigureStack::size(FigureView& view) {
    view.setMinimumHeight(std::visit(HeightOf{}, view.figurePointer()->body));
}

void FigureStack::setFigures(const std::vector<Pointer>& figures) {
    while (m_views.size() > figures.size()) {
        delete m_views.back();
        m_views.pop_back();
    }
    for (std::size_t i = 0; i < figures.size(); ++i) {
        if (i < m_views.size()) {
            m_views[i]->setFigure(figures[i]);
            size(*m_views[i]);
            continue;
        }
        auto* view = new FigureView(figures[i], widget());
        makeDraggable(*view);
        connect(view, &FigureView::addToReport, this, [this](const Pointer& figure) {
            m_workbench.report().addFigure(figure);
            emit m_workbench.message(tr("Added to the report."));
        });
        connect(view, &FigureView::failed, &m_workbench, &Workbench::errorRaised);
        size(*view);
        m_layout->insertWidget(static_cast<int>(i) + 1, view);
        m_views.push_back(view);
    }
    m_empty->setVisible(figures.empty());
}

} // namespace orrery::ui
