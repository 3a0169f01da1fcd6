// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/shortcuts_dialog.h"

#include "shell/action_book.h"
#include "shell/theme.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

constexpr int idRole = Qt::UserRole + 1;

} // namespace

ShortcutsDialog::ShortcutsDialog(ActionBook& book, QWidget* parent)
    : QDialog(parent), m_book(book), m_filter(new QLineEdit(this)), m_tree(new QTreeWidget(this)),
      m_edit(new QKeySequenceEdit(this)), m_assign(new QPushButton(tr("&Assign"), this)),
      m_remove(new QPushButton(tr("Re&move"), this)), m_reset(new QPushButton(tr("&Default"), this)),
      m_problem(new QLabel(this)) {
    setWindowTitle(tr("Keyboard shortcuts"));
    resize(620, 560);
    m_filter->setPlaceholderText(tr("Filter actions"));
    m_filter->setAccessibleName(tr("Filter actions"));
    m_filter->setClearButtonEnabled(true);
    m_tree->setHeaderLabels({tr("Action"), tr("Shortcut")});
    m_tree->setRootIsDecorated(true);
    m_tree->setAccessibleName(tr("Actions"));
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_tree->header()->setStretchLastSection(false);
    m_edit->setObjectName(QStringLiteral("sequence"));
    m_edit->setAccessibleName(tr("New shortcut"));
    m_problem->setWordWrap(true);
    m_problem->setObjectName(QStringLiteral("problem"));
    auto* row = new QHBoxLayout;
    auto* label = new QLabel(tr("&New shortcut:"), this);
    label->setBuddy(m_edit);
    row->addWidget(label);
    row->addWidget(m_edit, 1);
    row->addWidget(m_assign);
    row->addWidget(m_remove);
    row->addWidget(m_reset);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(m_filter);
    layout->addWidget(m_tree, 1);
    layout->addLayout(row);
    layout->addWidget(m_problem);
    layout->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_filter, &QLineEdit::textChanged, this, &ShortcutsDialog::filter);
    connect(m_tree, &QTreeWidget::currentItemChanged, this, &ShortcutsDialog::show);
    connect(m_edit, &QKeySequenceEdit::keySequenceChanged, this, [this] { m_problem->clear(); });
    connect(m_assign, &QPushButton::clicked, this, &ShortcutsDialog::assign);
    connect(m_remove, &QPushButton::clicked, this, [this] {
        m_book.setShortcut(currentId(), {});
        m_edit->clear();
        updateRow(m_tree->currentItem());
    });
    connect(m_reset, &QPushButton::clicked, this, [this] {
        m_book.resetShortcut(currentId());
        show(m_tree->currentItem());
        updateRow(m_tree->currentItem());
    });
    fill();
    show(nullptr);
}

void ShortcutsDialog::fill() {
    QHash<QString, QTreeWidgetItem*> categories;
    for (const auto& entry : m_book.entries()) {
        QTreeWidgetItem*& category = categories[entry.category];
        if (category == nullptr) {
            category = new QTreeWidgetItem(m_tree, {entry.category});
            category->setExpanded(true);
            category->setFlags(Qt::ItemIsEnabled);
        }
        auto* item = new QTreeWidgetItem(category, {ActionBook::plainText(entry.action)});
        item->setData(0, idRole, entry.id);
        item->setIcon(0, entry.action->icon());
        updateRow(item);
    }
}

void ShortcutsDialog::updateRow(QTreeWidgetItem* item) {
    const QString id = item->data(0, idRole).toString();
    item->setText(1, m_book.find(id)->shortcut().toString(QKeySequence::NativeText));
    QFont font = m_tree->font();
    font.setBold(!m_book.isDefault(id));
    item->setFont(1, font);
}

void ShortcutsDialog::filter(const QString& text) {
    for (int i = 0; i < m_tree->topLevelItemCount(); ++i) {
        QTreeWidgetItem* category = m_tree->topLevelItem(i);
        bool any = false;
        for (int j = 0; j < category->childCount(); ++j) {
            QTreeWidgetItem* item = category->child(j);
            const bool visible = item->text(0).contains(text, Qt::CaseInsensitive) ||
                                 item->text(1).contains(text, Qt::CaseInsensitive);
            item->setHidden(!visible);
            any = any || visible;
        }
        category->setHidden(!any);
    }
}

QString ShortcutsDialog::currentId() const {
    const QTreeWidgetItem* item = m_tree->currentItem();
    return item == nullptr ? QString() : item->data(0, idRole).toString();
}

void ShortcutsDialog::show(QTreeWidgetItem* item) {
    const QString id = item == nullptr ? QString() : item->data(0, idRole).toString();
    for (QWidget* widget : {static_cast<QWidget*>(m_edit), static_cast<QWidget*>(m_assign),
                            static_cast<QWidget*>(m_remove), static_cast<QWidget*>(m_reset)})
        widget->setEnabled(!id.isEmpty());
    const QAction* action = m_book.find(id);
    m_edit->setKeySequence(action == nullptr ? QKeySequence() : action->shortcut());
    m_problem->clear();
}

void ShortcutsDialog::assign() {
    const QString id = currentId();
    const QKeySequence sequence = m_edit->keySequence();
    const QStringList others = m_book.conflicts(sequence, id);
    if (!others.isEmpty()) {
        m_problem->setText(tr("%1 already belongs to \"%2\". Remove it there first or choose another.")
                               .arg(sequence.toString(QKeySequence::NativeText),
                                    ActionBook::plainText(m_book.find(others.first()))));
        QPalette palette = m_problem->palette();
        palette.setColor(QPalette::WindowText, Theme::colours().bad);
        m_problem->setPalette(palette);
        return;
    }
    m_book.setShortcut(id, sequence);
    updateRow(m_tree->currentItem());
}

} // namespace orrery::ui
