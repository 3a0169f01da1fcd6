// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/command_palette.h"

#include "shell/action_book.h"
#include "shell/fuzzy.h"
#include "shell/icons.h"
#include "shell/theme.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <QTextLayout>
#include <QTimer>
#include <QVBoxLayout>

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr int idRole = Qt::UserRole + 1;
constexpr int shortcutRole = Qt::UserRole + 2;
constexpr int positionsRole = Qt::UserRole + 3;

/// The text with the typed letters in the accent colour, the shortcut at the right.
class PaletteDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        painter->save();
        const bool selected = (option.state & QStyle::State_Selected) != 0;
        const bool enabled = (index.flags() & Qt::ItemIsEnabled) != 0;
        const QPalette& palette = option.palette;
        if (selected) {
            painter->setRenderHint(QPainter::Antialiasing);
            painter->setPen(Qt::NoPen);
            painter->setBrush(Theme::colours().hover);
            painter->drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), 5, 5);
        }
        const QRect inner = option.rect.adjusted(10, 0, -12, 0);
        const auto themed = qvariant_cast<QIcon>(index.data(Qt::DecorationRole));
        themed.paint(painter, QRect(inner.left(), inner.center().y() - 8, 17, 17), Qt::AlignCenter,
                     enabled ? QIcon::Normal : QIcon::Disabled);
        QTextLayout layout(index.data().toString(), option.font);
        QList<QTextLayout::FormatRange> marks;
        for (const QVariant& position : index.data(positionsRole).toList()) {
            QTextLayout::FormatRange range;
            range.start = position.toInt();
            range.length = 1;
            range.format.setForeground(Theme::colours().accent);
            range.format.setFontWeight(QFont::Bold);
            marks.push_back(range);
        }
        layout.setFormats(marks);
        layout.beginLayout();
        QTextLine line = layout.createLine();
        line.setLineWidth(inner.width());
        layout.endLayout();
        painter->setPen(palette.color(enabled ? QPalette::Active : QPalette::Disabled, QPalette::Text));
        layout.draw(painter, QPointF(inner.left() + 27, inner.center().y() - line.height() / 2));
        painter->setPen(Theme::colours().muted);
        painter->drawText(inner, Qt::AlignRight | Qt::AlignVCenter, index.data(shortcutRole).toString());
        painter->restore();
    }
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const override {
        return {200, option.fontMetrics.height() + 13};
    }
};

} // namespace

CommandPalette::CommandPalette(const ActionBook& book, QWidget* parent)
    : QDialog(parent, Qt::Popup | Qt::FramelessWindowHint), m_book(book), m_edit(new QLineEdit(this)),
      m_view(new QListView(this)), m_model(new QStandardItemModel(this)) {
    setAttribute(Qt::WA_DeleteOnClose);
    setObjectName(QStringLiteral("commandPalette"));
    setAccessibleName(tr("Command palette"));
    m_edit->setPlaceholderText(tr("Type a command"));
    m_edit->setAccessibleName(tr("Command"));
    m_edit->setClearButtonEnabled(true);
    m_edit->setMinimumHeight(34);
    m_edit->installEventFilter(this);
    m_view->setModel(m_model);
    m_view->setItemDelegate(new PaletteDelegate(this));
    m_view->setFocusPolicy(Qt::NoFocus);
    m_view->setUniformItemSizes(true);
    m_view->setAccessibleName(tr("Matching commands"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 8, 8, 8);
    layout->setSpacing(6);
    layout->addWidget(m_edit);
    layout->addWidget(m_view);
    connect(m_edit, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_view, &QListView::clicked, this, [this](const QModelIndex& index) {
        m_view->setCurrentIndex(index);
        runCurrent();
    });
    const int width = std::clamp(parent->width() / 2, 420, 720);
    resize(width, std::clamp(parent->height() / 2, 240, 460));
    move(parent->mapToGlobal(QPoint((parent->width() - width) / 2, 64)));
    filter({});
    m_edit->setFocus();
}

void CommandPalette::filter(const QString& pattern) {
    struct Found {
        const ActionBook::Entry* entry;
        QString text;
        FuzzyMatch match;
    };
    QList<Found> found;
    for (const auto& entry : m_book.entries()) {
        if (!entry.action->isVisible())
            continue;
        const QString text =
            QStringLiteral("%1: %2").arg(entry.category, ActionBook::plainText(entry.action));
        if (auto match = fuzzyMatch(pattern, text))
            found.push_back({&entry, text, *match});
    }
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        if (a.entry->action->isEnabled() != b.entry->action->isEnabled())
            return a.entry->action->isEnabled();
        return a.match.score > b.match.score;
    });
    m_model->clear();
    for (const Found& item : found) {
        auto* row = new QStandardItem(item.text);
        row->setEditable(false);
        row->setEnabled(item.entry->action->isEnabled());
        row->setData(item.entry->id, idRole);
        row->setData(item.entry->action->shortcut().toString(QKeySequence::NativeText), shortcutRole);
        QVariantList positions;
        for (const int position : item.match.positions)
            positions.push_back(position);
        row->setData(positions, positionsRole);
        QIcon shown = item.entry->action->icon();
        if (item.entry->action->isCheckable())
            shown = icon(item.entry->action->isChecked() ? QStringLiteral("ok") : QStringLiteral("waiting"));
        row->setIcon(shown.isNull() ? icon(QStringLiteral("right")) : shown);
        m_model->appendRow(row);
    }
    m_view->setCurrentIndex(m_model->index(0, 0));
}

void CommandPalette::runCurrent() {
    const QModelIndex index = m_view->currentIndex();
    if (!index.isValid() || (index.flags() & Qt::ItemIsEnabled) == 0)
        return;
    QAction* action = m_book.find(index.data(idRole).toString());
    close();
    // After the popup is gone, so that the action finds the window as the user left it.
    if (action != nullptr)
        QTimer::singleShot(0, action, &QAction::trigger);
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_edit && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        switch (key->key()) {
        case Qt::Key_Up:
        case Qt::Key_Down:
        case Qt::Key_PageUp:
        case Qt::Key_PageDown:
            QApplication::sendEvent(m_view, event);
            return true;
        case Qt::Key_Return:
        case Qt::Key_Enter:
            runCurrent();
            return true;
        default:
            break;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace orrery::ui
