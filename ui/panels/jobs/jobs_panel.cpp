// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/jobs/jobs_panel.h"

#include "models/job_model.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QAction>
#include <QHeaderView>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QTreeView>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

/// A bar with the count beside it; a stripe without a length when the total is unknown.
class ProgressDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QStyledItemDelegate::paint(painter, option, QModelIndex());
        const double share = index.data(JobModel::shareRole).toDouble();
        const QString text = index.data().toString();
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        QRectF bar = QRectF(option.rect).adjusted(6, 0, -8, 0);
        if (!text.isEmpty()) {
            const int width = option.fontMetrics.horizontalAdvance(text) + 10;
            painter->setPen(option.palette.color(QPalette::Text));
            painter->drawText(bar, Qt::AlignRight | Qt::AlignVCenter, text);
            bar.setRight(bar.right() - width);
        }
        bar = QRectF(bar.left(), bar.center().y() - 3, bar.width(), 6);
        painter->setPen(Qt::NoPen);
        painter->setBrush(Theme::colours().border);
        painter->drawRoundedRect(bar, 3, 3);
        if (share > 0) {
            painter->setBrush(share >= 1 ? Theme::colours().good : Theme::colours().accent);
            painter->drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * std::min(share, 1.0), 6), 3,
                                     3);
        }
        painter->restore();
    }
};

} // namespace

JobsPanel::JobsPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("jobs"), parent), m_workbench(workbench),
      m_model(new JobModel(workbench.jobs(), this)), m_view(new QTreeView(this)),
      m_cancel(new QAction(icon(QStringLiteral("stop")), tr("Cancel the selected job"), this)),
      m_cancelAll(new QAction(icon(QStringLiteral("cancelled")), tr("Cancel all jobs"), this)),
      m_clear(new QAction(icon(QStringLiteral("remove")), tr("Clear ended jobs"), this)) {
    m_view->setModel(m_model);
    m_view->setRootIsDecorated(false);
    m_view->setUniformRowHeights(true);
    m_view->setAlternatingRowColors(true);
    m_view->setAccessibleName(tr("Jobs"));
    m_view->setItemDelegateForColumn(JobModel::Done, new ProgressDelegate(this));
    m_view->header()->setStretchLastSection(false);
    m_view->header()->setSectionResizeMode(JobModel::Name, QHeaderView::Stretch);
    m_view->header()->setSectionResizeMode(JobModel::State, QHeaderView::Stretch);
    m_view->header()->resizeSection(JobModel::Done, 210);
    m_view->header()->resizeSection(JobModel::Rate, 80);
    m_view->header()->resizeSection(JobModel::Remaining, 110);
    m_cancel->setShortcut(QKeySequence::Delete);
    m_cancel->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    addAction(m_cancel);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(panelBar({m_cancel, m_cancelAll, m_clear}, this, Qt::Vertical));
    layout->addWidget(m_view, 1);
    connect(m_cancel, &QAction::triggered, this, [this] {
        if (Job* job = m_model->job(m_view->currentIndex()))
            job->cancel();
    });
    connect(m_cancelAll, &QAction::triggered, this, [this] { m_workbench.jobs().cancelAll(); });
    connect(m_clear, &QAction::triggered, this, [this] { m_workbench.jobs().clearEnded(); });
    connect(m_view->selectionModel(), &QItemSelectionModel::currentChanged, this, &JobsPanel::updateActions);
    connect(m_model, &QAbstractItemModel::dataChanged, this, &JobsPanel::updateActions);
    connect(m_model, &QAbstractItemModel::rowsRemoved, this, &JobsPanel::updateActions);
    connect(m_model, &QAbstractItemModel::rowsInserted, this, &JobsPanel::updateActions);
    updateActions();
}

void JobsPanel::updateActions() {
    const Job* job = m_model->job(m_view->currentIndex());
    m_cancel->setEnabled(job != nullptr && !job->ended());
    m_cancelAll->setEnabled(m_workbench.jobs().active() > 0);
    m_clear->setEnabled(m_model->rowCount() > 0);
}

void JobsPanel::takeFocus() {
    m_view->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
