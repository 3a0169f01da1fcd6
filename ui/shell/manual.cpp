// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/manual.h"

#include "shell/icons.h"

#include <QDir>
#include <QFile>
#include <QLineEdit>
#include <QListWidget>
#include <QShortcut>
#include <QSplitter>
#include <QTextBrowser>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

const QString introduction = QStringLiteral("introduction");

QString textOf(const QString& page) {
    QFile file(QStringLiteral(":/manual/%1.md").arg(page));
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

QString titleOf(const QString& page) {
    const QString first = textOf(page).section(QLatin1Char('\n'), 0, 0);
    return first.startsWith(QLatin1String("# ")) ? first.mid(2) : page;
}

} // namespace

QStringList Manual::pages() {
    QStringList names;
    const auto files =
        QDir(QStringLiteral(":/manual")).entryInfoList({QStringLiteral("*.md")}, QDir::Files, QDir::Name);
    for (const QFileInfo& file : files)
        if (file.completeBaseName() != introduction)
            names.push_back(file.completeBaseName());
    names.prepend(introduction);
    return names;
}

Manual::Manual(QWidget* parent)
    : QWidget(parent, Qt::Window), m_search(new QLineEdit(this)), m_list(new QListWidget(this)),
      m_text(new QTextBrowser(this)) {
    setWindowTitle(tr("Manual"));
    resize(920, 680);
    m_search->setPlaceholderText(tr("Search the manual"));
    m_search->setAccessibleName(tr("Search the manual"));
    m_search->setClearButtonEnabled(true);
    m_list->setAccessibleName(tr("Pages"));
    m_text->setAccessibleName(tr("Text of the page"));
    m_text->setOpenLinks(false);
    m_text->document()->setDocumentMargin(22);
    auto* side = new QWidget(this);
    auto* sideLayout = new QVBoxLayout(side);
    sideLayout->setContentsMargins(6, 6, 0, 6);
    sideLayout->addWidget(m_search);
    sideLayout->addWidget(m_list, 1);
    auto* splitter = new QSplitter(this);
    splitter->addWidget(side);
    splitter->addWidget(m_text);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({220, 700});
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter);
    connect(m_search, &QLineEdit::textChanged, this, &Manual::fill);
    connect(m_list, &QListWidget::currentItemChanged, this, [this](const QListWidgetItem* item) {
        if (item != nullptr)
            m_text->setMarkdown(textOf(item->data(Qt::UserRole).toString()));
    });
    // Links lead from page to page; addresses outside are shown, never fetched.
    connect(m_text, &QTextBrowser::anchorClicked, this, [this](const QUrl& url) {
        if (url.isRelative())
            showPage(url.path().section(QLatin1Char('.'), 0, 0));
    });
    auto* close = new QShortcut(QKeySequence(Qt::Key_Escape), this);
    connect(close, &QShortcut::activated, this, &QWidget::close);
    fill({});
}

void Manual::fill(const QString& search) {
    const QString current = page();
    m_list->clear();
    for (const QString& name : pages()) {
        if (!search.isEmpty() && !textOf(name).contains(search, Qt::CaseInsensitive))
            continue;
        auto* item = new QListWidgetItem(titleOf(name), m_list);
        item->setData(Qt::UserRole, name);
        if (QFile::exists(QStringLiteral(":/icons/%1.svg").arg(name)))
            item->setIcon(icon(name));
        else
            item->setIcon(icon(QStringLiteral("file")));
        if (name == current)
            m_list->setCurrentItem(item);
    }
    if (m_list->currentItem() == nullptr)
        m_list->setCurrentRow(0);
    if (!search.isEmpty())
        m_text->find(search);
}

void Manual::showPage(const QString& page) {
    m_search->clear();
    for (int i = 0; i < m_list->count(); ++i) {
        if (m_list->item(i)->data(Qt::UserRole).toString() == page) {
            m_list->setCurrentRow(i);
            return;
        }
    }
    m_list->setCurrentRow(0);
}

QString Manual::page() const {
    const QListWidgetItem* item = m_list->currentItem();
    return item == nullptr ? QString() : item->data(Qt::UserRole).toString();
}

} // namespace orrery::ui
