// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/models/models_panel.h"

#include "models/module_tree.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/workbench.h"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLineEdit>
#include <QMenu>
#include <QRegularExpression>
#include <QSortFilterProxyModel>
#include <QTimer>
#include <QTreeView>
#include <QVBoxLayout>

namespace orrery::ui {

ModelsPanel::ModelsPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("models"), parent), m_workbench(workbench),
      m_tree(new ModuleTree(workbench.models(), this)), m_filtered(new QSortFilterProxyModel(this)),
      m_view(new QTreeView(this)), m_words(new QLineEdit(this)),
      m_open(new QAction(icon(QStringLiteral("add")), tr("Open a model"), this)),
      m_close(new QAction(icon(QStringLiteral("close")), tr("Close the model"), this)),
      m_reload(new QAction(icon(QStringLiteral("refresh")), tr("Read the model again"), this)),
      m_copyName(new QAction(icon(QStringLiteral("copy")), tr("Copy the name"), this)),
      m_find(new QAction(icon(QStringLiteral("search")), tr("Find a module, parameter or site"), this)) {
    m_filtered->setSourceModel(m_tree);
    m_filtered->setRecursiveFilteringEnabled(true);
    m_filtered->setAutoAcceptChildRows(true);
    m_filtered->setFilterRole(ModuleTree::nameRole);
    m_filtered->setFilterCaseSensitivity(Qt::CaseInsensitive);
    m_view->setModel(m_filtered);
    m_view->setUniformRowHeights(true);
    m_view->setAccessibleName(tr("Models"));
    m_view->setContextMenuPolicy(Qt::CustomContextMenu);
    m_view->setIndentation(14);
    m_view->setTextElideMode(Qt::ElideMiddle);
    m_view->header()->setStretchLastSection(false);
    m_view->header()->setSectionResizeMode(ModuleTree::Name, QHeaderView::Stretch);
    m_view->header()->setSectionResizeMode(ModuleTree::Size, QHeaderView::ResizeToContents);
    // The inspector shows shape and type; a narrow dock needs its width for names.
    m_view->setColumnHidden(ModuleTree::ShapeColumn, true);
    m_view->setColumnHidden(ModuleTree::Type, true);
    m_words->setPlaceholderText(tr("Find"));
    m_words->setAccessibleName(tr("Find a module, parameter or site"));
    m_words->setToolTip(tr("Part of a name, or a head: attn, query.weight, L3H5"));
    m_words->setClearButtonEnabled(true);
    for (QAction* action : {m_close, m_copyName, m_find})
        action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    m_close->setShortcut(QKeySequence::Delete);
    m_copyName->setShortcut(QKeySequence::Copy);
    m_find->setShortcut(QKeySequence::Find);
    addActions({m_close, m_copyName, m_find});
    auto* bar = panelBar({m_open, m_reload, m_close}, this);
    static_cast<QBoxLayout*>(bar->layout())->insertWidget(0, m_words, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(bar);
    layout->addWidget(m_view, 1);

    connect(m_open, &QAction::triggered, this, &ModelsPanel::openRequested);
    connect(m_close, &QAction::triggered, this, [this] { m_workbench.models().close(chosenModel()); });
    connect(m_reload, &QAction::triggered, this, [this] { m_workbench.models().reload(chosenModel()); });
    connect(m_copyName, &QAction::triggered, this, [this] {
        QGuiApplication::clipboard()->setText(m_view->currentIndex().data(ModuleTree::nameRole).toString());
    });
    connect(m_find, &QAction::triggered, m_words, [this] { m_words->setFocus(Qt::ShortcutFocusReason); });
    connect(m_words, &QLineEdit::textChanged, this, &ModelsPanel::filter);
    connect(m_words, &QLineEdit::returnPressed, m_view, qOverload<>(&QWidget::setFocus));
    connect(m_view->selectionModel(), &QItemSelectionModel::currentChanged, this, &ModelsPanel::choose);
    connect(m_view, &QTreeView::customContextMenuRequested, this, [this](const QPoint& at) {
        QMenu menu;
        menu.addActions({m_copyName, m_reload, m_close});
        menu.exec(m_view->viewport()->mapToGlobal(at));
    });
    connect(&workbench.models(), &ModelList::changed, this, [this](int id) {
        m_view->expand(m_filtered->mapFromSource(m_tree->indexOfModel(id)));
        updateActions();
    });
    connect(m_view, &QTreeView::expanded, this, &ModelsPanel::spanSites);
    connect(&workbench.models(), &ModelList::closed, this, &ModelsPanel::updateActions);
    connect(&workbench.selection(), &Selection::siteChanged, this, &ModelsPanel::followSelection);
    updateActions();
}

int ModelsPanel::chosenModel() const {
    const QModelIndex index = m_view->currentIndex();
    return index.isValid() ? index.data(ModuleTree::modelIdRole).toInt() : m_workbench.models().currentId();
}

void ModelsPanel::choose(const QModelIndex& index) {
    updateActions();
    if (!index.isValid() || m_following)
        return;
    const auto kind = static_cast<ModuleTree::Kind>(index.data(ModuleTree::kindRole).toInt());
    const QString name = index.data(ModuleTree::nameRole).toString();
    m_workbench.models().setCurrent(index.data(ModuleTree::modelIdRole).toInt());
    Selection& selection = m_workbench.selection();
    selection.setParameter(kind == ModuleTree::Kind::Parameter ? name : QString());
    if (kind == ModuleTree::Kind::Site)
        selection.setSite(name);
    else if (kind != ModuleTree::Kind::Parameter)
        selection.setSite({});
    static const QRegularExpression block(QStringLiteral("^blocks\\.(\\d+)"));
    if (const auto match = block.match(name); match.hasMatch())
        selection.setLayer(match.captured(1).toInt());
}

void ModelsPanel::followSelection() {
    const QString site = m_workbench.selection().site();
    if (site.isEmpty())
        return;
    const QModelIndex index = m_filtered->mapFromSource(
        m_tree->find(m_workbench.models().currentId(), ModuleTree::Kind::Site, site));
    if (!index.isValid() || index == m_view->currentIndex())
        return;
    m_following = true;
    m_view->setCurrentIndex(index);
    m_view->scrollTo(index);
    m_following = false;
}

/// Sites have no size: their names take the whole row.
void ModelsPanel::spanSites(const QModelIndex& parent) {
    for (int row = 0; row < m_filtered->rowCount(parent); ++row) {
        const QModelIndex child = m_filtered->index(row, 0, parent);
        const auto kind = static_cast<ModuleTree::Kind>(child.data(ModuleTree::kindRole).toInt());
        if (kind == ModuleTree::Kind::Site || kind == ModuleTree::Kind::Sites)
            m_view->setFirstColumnSpanned(row, parent, true);
        if (m_view->isExpanded(child))
            spanSites(child);
    }
}

void ModelsPanel::filter(const QString& text) {
    // "L3H5" and "3.5" name a head: what is searched for is its layer's attention.
    static const QRegularExpression head(QStringLiteral("^(?:L(\\d+)(?:H(\\d+))?|(\\d+)\\.(\\d+))$"),
                                         QRegularExpression::CaseInsensitiveOption);
    if (const auto match = head.match(text.trimmed()); match.hasMatch()) {
        const bool words = !match.captured(1).isEmpty();
        const int layer = match.captured(words ? 1 : 3).toInt();
        const QString number = match.captured(words ? 2 : 4);
        m_filtered->setFilterFixedString(QStringLiteral("blocks.%1.attn").arg(layer));
        if (!number.isEmpty())
            m_workbench.selection().setHead(layer, number.toInt());
    } else {
        m_filtered->setFilterFixedString(text.trimmed());
    }
    if (!text.isEmpty()) {
        m_view->expandAll();
        spanSites({});
    }
}

void ModelsPanel::updateActions() {
    const bool any = chosenModel() != 0;
    for (QAction* action : {m_close, m_reload, m_copyName})
        action->setEnabled(any);
}

void ModelsPanel::takeFocus() {
    m_view->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
