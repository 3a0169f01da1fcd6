// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/welcome.h"

#include "shell/icons.h"

#include <QCommandLinkButton>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

QLabel* label(const QString& text, const char* role, QWidget* parent) {
    auto* made = new QLabel(text, parent);
    made->setProperty("role", QString::fromLatin1(role));
    made->setWordWrap(true);
    return made;
}

/// The first sentence of the model's card that is prose.
QString summaryOf(const QString& folder) {
    QFile file(folder + QStringLiteral("/README.md"));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    bool header = false;
    const QStringList lines = QString::fromUtf8(file.read(16384)).split(QLatin1Char('\n'));
    for (const QString& line : lines) {
        if (line.startsWith(QLatin1String("---")))
            header = !header;
        const QString text = line.trimmed();
        if (header || text.isEmpty() || text.startsWith(QLatin1Char('#')) ||
            text.startsWith(QLatin1Char('-')) || text.startsWith(QLatin1Char('|')))
            continue;
        const qsizetype end = text.indexOf(QLatin1String(". "));
        QString sentence = end > 0 ? text.left(end + 1) : text;
        return sentence.remove(QLatin1Char('`')).remove(QLatin1Char('*'));
    }
    return {};
}

QCommandLinkButton* link(const QString& text, const QString& detail, const QString& iconName,
                         QWidget* parent) {
    auto* button = new QCommandLinkButton(text, detail, parent);
    button->setIcon(icon(iconName));
    button->setIconSize({22, 22});
    button->setCursor(Qt::PointingHandCursor);
    return button;
}

void clear(QVBoxLayout* layout) {
    while (QLayoutItem* item = layout->takeAt(0)) {
        delete item->widget();
        delete item;
    }
}

} // namespace

Welcome::Welcome(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("welcome"));
    setAccessibleName(tr("Welcome"));
    auto* content = new QWidget;
    content->setMaximumWidth(980);
    auto* head = new QHBoxLayout;
    auto* logo = new QLabel(content);
    logo->setPixmap(QIcon(QStringLiteral(":/icons/orrery.svg")).pixmap(QSize(56, 56), devicePixelRatioF()));
    auto* words = new QVBoxLayout;
    words->addWidget(label(tr("Orrery"), "title", content));
    words->addWidget(
        label(tr("See how a transformer computes. Drop a model's folder anywhere on this window, or "
                 "begin with a small one that came along."),
              "muted", content));
    head->addWidget(logo, 0, Qt::AlignTop);
    head->addSpacing(14);
    head->addLayout(words, 1);

    auto* left = new QVBoxLayout;
    left->addWidget(label(tr("Models that came along"), "section", content));
    m_models = new QVBoxLayout;
    left->addLayout(m_models);
    auto* open = new QPushButton(icon(QStringLiteral("open")), tr("Open a model's folder…"), content);
    open->setMinimumHeight(34);
    connect(open, &QPushButton::clicked, this, &Welcome::openDialogRequested);
    left->addSpacing(6);
    left->addWidget(open, 0, Qt::AlignLeft);
    m_recentBox = new QWidget(content);
    auto* recentLayout = new QVBoxLayout(m_recentBox);
    recentLayout->setContentsMargins(0, 14, 0, 0);
    recentLayout->addWidget(label(tr("Opened before"), "section", m_recentBox));
    m_recent = new QVBoxLayout;
    m_recent->setSpacing(0);
    recentLayout->addLayout(m_recent);
    left->addWidget(m_recentBox);
    left->addStretch(1);

    auto* right = new QVBoxLayout;
    right->addWidget(label(tr("Three things to try"), "section", content));
    const auto thing = [&](const QString& what, const QString& text, const QString& detail,
                           const QString& name) {
        auto* button = link(text, detail, name, content);
        button->setObjectName(QStringLiteral("try.") + what);
        connect(button, &QCommandLinkButton::clicked, this, [this, what] { emit tryRequested(what); });
        right->addWidget(button);
    };
    thing(QStringLiteral("attention"), tr("See who looks at whom"),
          tr("Opens docs-bert with a sentence: every head in one picture, any of them in full."),
          QStringLiteral("attention"));
    thing(QStringLiteral("lenses"), tr("Watch a prediction grow"),
          tr("Opens docs-gpt and reads the next word out of every layer with the logit lens."),
          QStringLiteral("lenses"));
    thing(QStringLiteral("bench"), tr("Measure this machine"),
          tr("Times docs-bert over lengths and batches, with intervals, and keeps the runs for comparison."),
          QStringLiteral("bench"));
    right->addStretch(1);

    auto* columns = new QHBoxLayout;
    columns->addLayout(left, 1);
    columns->addSpacing(28);
    columns->addLayout(right, 1);
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(36, 36, 36, 24);
    layout->addLayout(head);
    layout->addSpacing(24);
    layout->addLayout(columns, 1);

    auto* scroll = new QScrollArea(this);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* holder = new QWidget;
    auto* holderLayout = new QHBoxLayout(holder);
    holderLayout->setContentsMargins(0, 0, 0, 0);
    holderLayout->addStretch(1);
    holderLayout->addWidget(content, 20);
    holderLayout->addStretch(1);
    scroll->setWidget(holder);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->addWidget(scroll);
    m_recentBox->hide();
}

void Welcome::setDemoModels(const QStringList& folders) {
    clear(m_models);
    for (const QString& folder : folders) {
        auto* button = link(QFileInfo(folder).fileName(), summaryOf(folder), QStringLiteral("models"), this);
        connect(button, &QCommandLinkButton::clicked, this, [this, folder] { emit openRequested(folder); });
        m_models->addWidget(button);
    }
    if (folders.isEmpty())
        m_models->addWidget(label(tr("None was found beside the program."), "muted", this));
}

void Welcome::setRecent(const QStringList& paths) {
    clear(m_recent);
    for (const QString& path : paths.mid(0, 5)) {
        const bool there = QFileInfo::exists(path);
        auto* button =
            new QPushButton(icon(there ? QStringLiteral("history") : QStringLiteral("warning")),
                            there ? QDir::toNativeSeparators(path) : tr("%1 (missing)").arg(path), this);
        button->setFlat(true);
        button->setStyleSheet(QStringLiteral("text-align: left; padding: 4px;"));
        button->setEnabled(there);
        connect(button, &QPushButton::clicked, this, [this, path] { emit openRequested(path); });
        m_recent->addWidget(button);
    }
    m_recentBox->setVisible(!paths.isEmpty());
}

} // namespace orrery::ui
