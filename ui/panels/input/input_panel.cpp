// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/input/input_panel.h"

#include "model/model.h"
#include "panels/input/token_flow.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/pass.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QAction>
#include <QBoxLayout>
#include <QCheckBox>
#include <QKeyEvent>
#include <QLabel>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSplitter>

namespace orrery::ui {

namespace {

constexpr int typingRest = 30; // ms before the tokenizer is asked

struct Tokens {
    QStringList tokens;
    std::vector<bool> special;
    qint64 positions = 0; ///< the model's longest input
};

Tokens tokensOf(const model::ModelInput& encoded, qint64 positions) {
    Tokens made;
    const model::TokenRow& row = encoded.rows.at(0);
    for (const std::string& token : row.tokens)
        made.tokens.push_back(QString::fromStdString(token));
    made.special = row.special;
    made.positions = positions;
    return made;
}

} // namespace

InputPanel::InputPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("input"), parent), m_workbench(workbench), m_list(new QListWidget(this)),
      m_text(new QPlainTextEdit(this)), m_pair(new QPlainTextEdit(this)),
      m_hasPair(new QCheckBox(tr("Second text (a pair)"), this)), m_count(new QLabel(this)),
      m_tokens(new TokenFlow(workbench.selection(), this)),
      m_add(new QAction(icon(QStringLiteral("add")), tr("New input"), this)),
      m_addPair(new QAction(icon(QStringLiteral("pair")), tr("New pair of texts"), this)),
      m_addFile(new QAction(icon(QStringLiteral("file")), tr("Input from a file"), this)),
      m_duplicate(new QAction(icon(QStringLiteral("duplicate")), tr("Duplicate the input"), this)),
      m_remove(new QAction(icon(QStringLiteral("remove")), tr("Remove the input"), this)) {
    m_list->setAccessibleName(tr("Inputs"));
    m_list->setTextElideMode(Qt::ElideRight);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setMinimumHeight(48);
    for (QPlainTextEdit* edit : {m_text, m_pair}) {
        edit->setObjectName(QStringLiteral("framed"));
        edit->setTabChangesFocus(true);
        edit->setUndoRedoEnabled(false); // the session's undo stack does it
        edit->setMinimumHeight(44);
        edit->installEventFilter(this);
    }
    m_text->setPlaceholderText(tr("Type a sentence"));
    m_text->setAccessibleName(tr("Text of the input"));
    m_pair->setPlaceholderText(tr("The second text"));
    m_pair->setAccessibleName(tr("Second text of the input"));
    m_pair->hide();
    m_count->setProperty("role", QStringLiteral("muted"));
    m_count->setWordWrap(true);
    m_rest.setSingleShot(true);
    m_rest.setInterval(typingRest);
    m_remove->setShortcut(QKeySequence::Delete);
    m_remove->setShortcutContext(Qt::WidgetShortcut);
    m_list->addAction(m_remove);

    auto* lower = new QWidget(this);
    auto* lowerLayout = new QVBoxLayout(lower);
    lowerLayout->setContentsMargins(6, 6, 6, 6);
    lowerLayout->setSpacing(5);
    lowerLayout->addWidget(m_text, 3);
    lowerLayout->addWidget(m_pair, 2);
    lowerLayout->addWidget(m_hasPair);
    lowerLayout->addWidget(m_count);
    auto* scroll = new QScrollArea(this);
    scroll->setWidget(m_tokens);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setMinimumHeight(56);
    lowerLayout->addWidget(scroll, 4);
    auto* splitter = new QSplitter(Qt::Vertical, this);
    splitter->addWidget(m_list);
    splitter->addWidget(lower);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({64, 300});
    splitter->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(panelBar({m_add, m_addPair, m_addFile, nullptr, m_duplicate, m_remove}, this));
    layout->addWidget(splitter, 1);

    InputList& inputs = workbench.inputs();
    connect(m_add, &QAction::triggered, this, [this] {
        m_workbench.inputs().add({});
        m_text->setFocus(Qt::OtherFocusReason);
    });
    connect(m_addPair, &QAction::triggered, this, [this] {
        m_workbench.inputs().addPair({}, {});
        m_text->setFocus(Qt::OtherFocusReason);
    });
    connect(m_addFile, &QAction::triggered, this, &InputPanel::openFileRequested);
    connect(m_duplicate, &QAction::triggered, this,
            [this] { m_workbench.inputs().duplicate(m_workbench.inputs().currentId()); });
    connect(m_remove, &QAction::triggered, this,
            [this] { m_workbench.inputs().remove(m_workbench.inputs().currentId()); });
    connect(m_list, &QListWidget::currentItemChanged, this, [this](const QListWidgetItem* item) {
        if (!m_showing && item != nullptr)
            m_workbench.inputs().setCurrent(item->data(Qt::UserRole).toInt());
    });
    connect(m_text, &QPlainTextEdit::textChanged, this, [this] {
        if (m_showing)
            return;
        // Typing into nothing makes an input.
        if (m_workbench.inputs().current() == nullptr)
            m_workbench.inputs().add(m_text->toPlainText());
        else
            m_workbench.inputs().setText(m_workbench.inputs().currentId(), m_text->toPlainText());
    });
    connect(m_pair, &QPlainTextEdit::textChanged, this, [this] {
        if (!m_showing)
            m_workbench.inputs().setPair(m_workbench.inputs().currentId(), m_pair->toPlainText());
    });
    connect(m_hasPair, &QCheckBox::toggled, this, [this](bool on) {
        if (!m_showing)
            m_workbench.inputs().setHasPair(m_workbench.inputs().currentId(), on);
    });
    connect(&inputs, &InputList::added, this, &InputPanel::fillList);
    connect(&inputs, &InputList::removed, this, &InputPanel::fillList);
    connect(&inputs, &InputList::currentChanged, this, &InputPanel::fillList);
    connect(&inputs, &InputList::changed, this, [this](int id) {
        for (int i = 0; i < m_list->count(); ++i)
            if (m_list->item(i)->data(Qt::UserRole).toInt() == id)
                m_list->item(i)->setText(m_workbench.inputs().find(id)->title());
        if (id == m_workbench.inputs().currentId())
            showCurrent();
    });
    connect(&workbench.models(), &ModelList::currentChanged, &m_rest, qOverload<>(&QTimer::start));
    connect(&workbench.models(), &ModelList::changed, &m_rest, qOverload<>(&QTimer::start));
    connect(&m_rest, &QTimer::timeout, this, &InputPanel::tokenize);
    connect(&workbench.look(), &Look::done, this, [this] {
        if (const PassPointer& pass = m_workbench.look().current()) {
            Tokens made = tokensOf(pass->encoded, pass->model->maxPositions());
            showTokens(made.tokens, std::move(made.special), made.positions);
        }
    });
    fillList();
}

QList<QAction*> InputPanel::panelActions() const {
    return {m_add, m_addPair, m_addFile, m_duplicate, m_remove};
}

bool InputPanel::eventFilter(QObject* watched, QEvent* event) {
    // The editors have no undo of their own: these keys belong to the session.
    if (event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo))
            return true;
    }
    return Panel::eventFilter(watched, event);
}

void InputPanel::fillList() {
    m_showing = true;
    m_list->clear();
    for (const Input& input : m_workbench.inputs().inputs()) {
        auto* item = new QListWidgetItem(input.title().isEmpty() ? tr("(empty)") : input.title(), m_list);
        item->setData(Qt::UserRole, input.id);
        item->setIcon(icon(!input.file.isEmpty()
                               ? QStringLiteral("file")
                               : (input.hasPair ? QStringLiteral("pair") : QStringLiteral("text"))));
        item->setToolTip(input.text.left(400));
        if (input.id == m_workbench.inputs().currentId())
            m_list->setCurrentItem(item);
    }
    m_showing = false;
    showCurrent();
}

void InputPanel::showCurrent() {
    m_showing = true;
    const Input* input = m_workbench.inputs().current();
    const QString text = input == nullptr ? QString() : input->text;
    const QString pair = input == nullptr ? QString() : input->pair;
    // Only when it differs: the cursor stays where the user types.
    if (m_text->toPlainText() != text) {
        m_text->setPlainText(text);
        m_text->moveCursor(QTextCursor::End);
    }
    if (m_pair->toPlainText() != pair)
        m_pair->setPlainText(pair);
    m_hasPair->setChecked(input != nullptr && input->hasPair);
    m_hasPair->setEnabled(input != nullptr);
    m_pair->setVisible(input != nullptr && input->hasPair);
    m_showing = false;
    updateActions();
    m_rest.start();
}

void InputPanel::tokenize() {
    const auto model = m_workbench.models().currentModel();
    const Input* input = m_workbench.inputs().current();
    if (model == nullptr || input == nullptr || input->text.isEmpty()) {
        m_workbench.jobs().cancelTopic(QStringLiteral("tokenize"));
        m_tokens->setTokens({}, {});
        m_count->setText(model == nullptr ? tr("Open a model to see the tokens.") : tr("Type a sentence."));
        return;
    }
    m_workbench.jobs().start(
        {}, Lane::Errand, QStringLiteral("tokenize"), this,
        [model, text = input->text.toStdString(), pair = input->pair.toStdString(),
         hasPair = input->hasPair](const Progress&) {
            return tokensOf(hasPair ? model->encodePair(text, pair) : model->encode(text),
                            model->maxPositions());
        },
        [this](Tokens made) { showTokens(made.tokens, std::move(made.special), made.positions); },
        [this](const QString& sentence) { m_count->setText(sentence); });
}

void InputPanel::showTokens(const QStringList& tokens, std::vector<bool> special, qint64 positions) {
    const PassPointer& reference = m_workbench.look().previous();
    const Input* input = m_workbench.inputs().current();
    const bool comparable = reference != nullptr && input != nullptr && reference->input.id == input->id;
    const QList<TokenChange> changes = tokenDiff(comparable ? reference->tokens : tokens, tokens);
    int added = 0;
    int removed = 0;
    int changed = 0;
    for (const TokenChange& change : changes) {
        added += change.kind == TokenChange::Kind::Added ? 1 : 0;
        removed += change.kind == TokenChange::Kind::Removed ? 1 : 0;
        changed += change.kind == TokenChange::Kind::Changed ? 1 : 0;
    }
    QString text = tr("%n token(s) of at most %1", nullptr, static_cast<int>(tokens.size())).arg(positions);
    if (tokens.size() >= positions)
        text += QStringLiteral(" · <span style=\"color:%1\">%2</span>")
                    .arg(Theme::colours().warning.name(), tr("cut to the model's length"));
    if (added + removed + changed > 0)
        text +=
            QStringLiteral(" · ") + tr("since the edit: +%1 −%2 ≠%3").arg(added).arg(removed).arg(changed);
    m_count->setText(text);
    m_tokens->setTokens(changes, std::move(special));
}

void InputPanel::updateActions() {
    const bool any = m_workbench.inputs().current() != nullptr;
    m_duplicate->setEnabled(any);
    m_remove->setEnabled(any);
}

void InputPanel::themeChanged() {
    m_rest.start();
}

void InputPanel::takeFocus() {
    m_text->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
