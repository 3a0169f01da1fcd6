// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/log/log_panel.h"

#include "models/log_model.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"

#include <QAction>
#include <QBoxLayout>
#include <QClipboard>
#include <QComboBox>
#include <QFontDatabase>
#include <QGuiApplication>
#include <QLineEdit>
#include <QListView>
#include <QScrollBar>
#include <QSortFilterProxyModel>

namespace orrery::ui {

namespace {

class LogFilter : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;
    void setLevel(int level) {
        m_level = level;
        invalidateFilter();
    }

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override {
        return sourceModel()->index(row, 0, parent).data(LogModel::levelRole).toInt() >= m_level &&
               QSortFilterProxyModel::filterAcceptsRow(row, parent);
    }

private:
    int m_level = static_cast<int>(LogLevel::Info);
};

} // namespace

LogPanel::LogPanel(QWidget* parent)
    : Panel(QStringLiteral("log"), parent), m_model(new LogModel(this)), m_view(new QListView(this)),
      m_copy(new QAction(icon(QStringLiteral("copy")), tr("Copy the log"), this)),
      m_clear(new QAction(icon(QStringLiteral("remove")), tr("Clear the log"), this)) {
    auto* filter = new LogFilter(this);
    filter->setSourceModel(m_model);
    filter->setFilterCaseSensitivity(Qt::CaseInsensitive);
    m_view->setModel(filter);
    m_view->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_view->setAccessibleName(tr("Messages"));
    m_view->setWordWrap(true);
    m_view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    auto* level = new QComboBox(this);
    level->addItem(tr("Details"), static_cast<int>(LogLevel::Debug));
    level->addItem(tr("Messages"), static_cast<int>(LogLevel::Info));
    level->addItem(tr("Warnings"), static_cast<int>(LogLevel::Warning));
    level->addItem(tr("Errors"), static_cast<int>(LogLevel::Error));
    level->setCurrentIndex(1);
    level->setAccessibleName(tr("Least important level shown"));
    auto* words = new QLineEdit(this);
    words->setPlaceholderText(tr("Filter"));
    words->setAccessibleName(tr("Filter messages"));
    words->setClearButtonEnabled(true);
    words->setMaximumWidth(260);
    auto* bar = panelBar({}, this);
    bar->layout()->addWidget(level);
    bar->layout()->addWidget(words);
    static_cast<QBoxLayout*>(bar->layout())->addStretch(1);
    bar->layout()->addWidget(panelBar({m_copy, m_clear}, bar));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(bar);
    layout->addWidget(m_view, 1);
    connect(level, &QComboBox::currentIndexChanged, filter,
            [filter, level] { filter->setLevel(level->currentData().toInt()); });
    connect(words, &QLineEdit::textChanged, filter, &QSortFilterProxyModel::setFilterFixedString);
    connect(m_copy, &QAction::triggered, this,
            [this] { QGuiApplication::clipboard()->setText(m_model->text()); });
    connect(m_clear, &QAction::triggered, m_model, &LogModel::clear);
    // Follow the end unless the reader has scrolled up.
    connect(m_view->model(), &QAbstractItemModel::rowsAboutToBeInserted, this, [this] {
        const QScrollBar* scroll = m_view->verticalScrollBar();
        if (scroll->value() == scroll->maximum())
            QMetaObject::invokeMethod(m_view, &QListView::scrollToBottom, Qt::QueuedConnection);
    });
}

void LogPanel::takeFocus() {
    m_view->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
