// SPDX-License-Identifier: GPL-3.0-or-later
#include "forms/option_form.h"

#include "base/error.h"
#include "forms/option_editor.h"
#include "shell/icons.h"
#include "shell/theme.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QToolButton>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

constexpr int nameColumn = 0;
constexpr int editorColumn = 1;
constexpr int rowsEach = 2; // the editor, and help or problem below it

QString labelText(const Option& option) {
    QString text = QString::fromStdString(option.name());
    text.replace(QLatin1Char('_'), QLatin1Char(' '));
    return text;
}

QString colouredSentence(const QString& sentence) {
    return QStringLiteral("<span style=\"color:%1\">%2</span>")
        .arg(Theme::colours().bad.name(), sentence.toHtmlEscaped());
}

} // namespace

OptionForm::OptionForm(QWidget* parent) : QWidget(parent) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
}

OptionForm::OptionForm(const OptionSchema& schema, QWidget* parent) : OptionForm(parent) {
    setSchema(schema);
}

void OptionForm::setSchema(const OptionSchema& schema) {
    m_values = OptionValues(schema);
    m_editors.clear();
    delete m_body;
    m_body = new QWidget(this);
    auto* body = new QVBoxLayout(m_body);
    body->setContentsMargins(0, 0, 0, 0);
    auto* plain = new QGridLayout;
    auto* foldedBody = new QWidget(m_body);
    auto* folded = new QGridLayout(foldedBody);
    folded->setContentsMargins(0, 0, 0, 0);
    for (QGridLayout* grid : {plain, folded}) {
        grid->setColumnStretch(editorColumn, 1);
        grid->setHorizontalSpacing(8);
        grid->setVerticalSpacing(2);
    }
    int plainRow = 0;
    int foldedRow = 0;
    for (const Option& option : m_values.schema().all()) {
        int& row = option.isAdvanced() ? foldedRow : plainRow;
        addRow(option, option.isAdvanced() ? folded : plain, row);
        row += rowsEach;
    }
    body->addLayout(plain);
    if (foldedRow > 0) {
        auto* toggle = new QToolButton(m_body);
        toggle->setObjectName(QStringLiteral("moreOptions"));
        toggle->setText(tr("More options"));
        toggle->setCheckable(true);
        toggle->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        toggle->setIcon(icon(QStringLiteral("right")));
        body->addWidget(toggle, 0, Qt::AlignLeft);
        body->addWidget(foldedBody);
        foldedBody->hide();
        connect(toggle, &QToolButton::toggled, this, [toggle, foldedBody](bool open) {
            foldedBody->setVisible(open);
            toggle->setIcon(icon(open ? QStringLiteral("down") : QStringLiteral("right")));
        });
    } else {
        delete foldedBody;
    }
    if (m_editors.isEmpty()) {
        auto* none = new QLabel(tr("There is nothing to set."), m_body);
        none->setProperty("role", QStringLiteral("muted"));
        body->addWidget(none);
    }
    layout()->addWidget(m_body);
    m_wasValid = true;
    emit valuesChanged();
    emit validityChanged(true);
}

void OptionForm::addRow(const Option& option, QGridLayout* grid, int row) {
    QWidget* parent = m_body;
    auto* name = new QLabel(labelText(option), parent);
    OptionEditor* editor = makeOptionEditor(option, parent);
    name->setBuddy(editor->input());
    name->setToolTip(editor->input()->toolTip());
    const QString unitText = QString::fromStdString(option.unit());
    auto* unit = new QLabel(unitText, parent);
    unit->setProperty("role", QStringLiteral("muted"));
    auto* reset = new QToolButton(parent);
    reset->setIcon(icon(QStringLiteral("reset")));
    reset->setAutoRaise(true);
    reset->setObjectName(QString::fromStdString(option.name()) + QStringLiteral(".reset"));
    reset->setToolTip(
        tr("Back to the default: %1").arg(QString::fromStdString(Option::toText(option.defaultValue()))));
    reset->setAccessibleName(tr("Reset %1").arg(labelText(option)));
    auto* below = new QLabel(parent);
    below->setWordWrap(true);
    below->setObjectName(QString::fromStdString(option.name()) + QStringLiteral(".help"));
    below->setProperty("role", QStringLiteral("muted"));
    below->setContentsMargins(0, 0, 0, 8);
    QFont font = below->font();
    font.setPointSizeF(font.pointSizeF() * 0.9);
    below->setFont(font);

    grid->addWidget(name, row, nameColumn);
    auto* line = new QHBoxLayout;
    line->setSpacing(6);
    line->addWidget(editor, 1);
    line->addWidget(unit);
    line->addWidget(reset);
    unit->setVisible(!unitText.isEmpty());
    grid->addLayout(line, row, editorColumn);
    grid->addWidget(below, row + 1, editorColumn);

    editor->setText(QString::fromStdString(Option::toText(option.defaultValue())));
    const auto refresh = [this, editor, below, reset] {
        const Option& held = editor->option();
        QString help = QString::fromStdString(held.help());
        if (const QString detail = editor->detail(); !detail.isEmpty())
            help = detail;
        else if (const QString range = rangeText(held); !range.isEmpty())
            help = QStringLiteral("%1 (%2)").arg(help, range);
        below->setText(editor->problem().isEmpty() ? help.toHtmlEscaped()
                                                   : colouredSentence(editor->problem()));
        reset->setVisible(!editor->problem().isEmpty() || !m_values.isDefault(held.name()));
    };
    QSizePolicy kept = reset->sizePolicy();
    kept.setRetainSizeWhenHidden(true);
    reset->setSizePolicy(kept);
    m_editors.push_back(editor);
    connect(editor, &OptionEditor::edited, this, [this, editor, refresh] {
        edited(editor);
        refresh();
    });
    connect(editor, &OptionEditor::problemChanged, this, refresh);
    connect(this, &OptionForm::valuesChanged, below, refresh);
    connect(reset, &QToolButton::clicked, this, [editor] {
        editor->setText(QString::fromStdString(Option::toText(editor->option().defaultValue())));
        editor->input()->setFocus(Qt::OtherFocusReason);
    });
    refresh();
}

void OptionForm::edited(OptionEditor* editor) {
    const std::string& name = editor->option().name();
    try {
        const OptionValue before = m_values.value(name);
        m_values.setText(name, editor->text().toStdString());
        editor->setProblem({});
        if (!(before == m_values.value(name)))
            emit valuesChanged();
    } catch (const Error& error) {
        editor->setProblem(QString::fromUtf8(error.what()));
    }
    if (const bool now = valid(); now != m_wasValid) {
        m_wasValid = now;
        emit validityChanged(now);
    }
}

void OptionForm::setValues(const OptionValues& values) {
    for (OptionEditor* editor : m_editors) {
        const std::string& name = editor->option().name();
        if (values.schema().find(name) == nullptr)
            continue;
        const QSignalBlocker quiet(editor);
        editor->setText(QString::fromStdString(Option::toText(values.value(name))));
        m_values.set(name, values.value(name));
        editor->setProblem({});
    }
    emit valuesChanged();
    if (!m_wasValid && valid()) {
        m_wasValid = true;
        emit validityChanged(true);
    }
}

bool OptionForm::valid() const {
    return problem().isEmpty();
}

QString OptionForm::problem() const {
    for (const OptionEditor* editor : m_editors)
        if (!editor->problem().isEmpty())
            return editor->problem();
    return {};
}

QWidget* OptionForm::editor(const QString& name) const {
    for (const OptionEditor* editor : m_editors)
        if (editor->option().name() == name.toStdString())
            return editor->input();
    return nullptr;
}

void OptionForm::resetAll() {
    setValues(OptionValues(m_values.schema()));
}

} // namespace orrery::ui
