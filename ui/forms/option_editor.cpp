// SPDX-License-Identifier: GPL-3.0-or-later
#include "forms/option_editor.h"

#include "base/error.h"
#include "shell/icons.h"
#include "shell/theme.h"

#include <QAbstractSpinBox>
#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QToolButton>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

class BooleanEditor final : public OptionEditor {
public:
    BooleanEditor(const Option& option, QWidget* parent)
        : OptionEditor(option, parent), m_box(new QCheckBox(this)) {
        m_box->setText(OptionEditor::tr("on"));
        adopt(m_box);
        connect(m_box, &QCheckBox::toggled, this, &OptionEditor::edited);
    }
    [[nodiscard]] QString text() const override {
        return m_box->isChecked() ? QStringLiteral("true") : QStringLiteral("false");
    }
    void setText(const QString& text) override { m_box->setChecked(text == QLatin1String("true")); }
    [[nodiscard]] QWidget* input() const override { return m_box; }

private:
    QCheckBox* m_box;
};

class ChoiceEditor final : public OptionEditor {
public:
    ChoiceEditor(const Option& option, QWidget* parent)
        : OptionEditor(option, parent), m_box(new QComboBox(this)) {
        for (const auto& [value, help] : option.choices()) {
            m_box->addItem(QString::fromStdString(value));
            m_box->setItemData(m_box->count() - 1, QString::fromStdString(help), Qt::ToolTipRole);
        }
        m_box->setFocusPolicy(Qt::StrongFocus);
        adopt(m_box);
        connect(m_box, &QComboBox::currentIndexChanged, this, &OptionEditor::edited);
    }
    [[nodiscard]] QString text() const override { return m_box->currentText(); }
    void setText(const QString& text) override { m_box->setCurrentText(text); }
    [[nodiscard]] QWidget* input() const override { return m_box; }
    [[nodiscard]] QString detail() const override { return m_box->currentData(Qt::ToolTipRole).toString(); }

private:
    QComboBox* m_box;
};

class TextEditor : public OptionEditor {
public:
    TextEditor(const Option& option, QWidget* parent)
        : OptionEditor(option, parent), m_edit(new QLineEdit(this)) {
        m_edit->setPlaceholderText(example(option.type()));
        adopt(m_edit);
        connect(m_edit, &QLineEdit::textChanged, this, &OptionEditor::edited);
    }
    [[nodiscard]] QString text() const override { return m_edit->text(); }
    void setText(const QString& text) override { m_edit->setText(text); }
    [[nodiscard]] QWidget* input() const override { return m_edit; }

protected:
    QLineEdit* m_edit;

private:
    static QString example(OptionType type) {
        switch (type) {
        case OptionType::IntegerList:
            return QStringLiteral("1,2,4 · 128-512+128 · 64-1024*2");
        case OptionType::RealList:
            return QStringLiteral("0.1,0.5,1");
        case OptionType::TextList:
            return OptionEditor::tr("one,two,three");
        default:
            return {};
        }
    }
};

class PathEditor final : public TextEditor {
public:
    PathEditor(const Option& option, QWidget* parent) : TextEditor(option, parent) {
        auto* browse = new QToolButton(this);
        browse->setIcon(icon(QStringLiteral("open")));
        browse->setToolTip(OptionEditor::tr("Choose a file"));
        browse->setAccessibleName(OptionEditor::tr("Choose a file"));
        layout()->addWidget(browse);
        connect(browse, &QToolButton::clicked, this, [this] {
            const QString path =
                QFileDialog::getOpenFileName(this, OptionEditor::tr("Choose a file"), m_edit->text());
            if (!path.isEmpty())
                m_edit->setText(path);
        });
    }
};

/// Numbers of any size as text with arrows: what is wrong is said in a sentence, not swallowed by the box.
class NumberBox final : public QAbstractSpinBox {
public:
    NumberBox(const Option& option, QWidget* parent) : QAbstractSpinBox(parent), m_option(option) {
        setFocusPolicy(Qt::StrongFocus);
        setAccelerated(true);
    }
    [[nodiscard]] QLineEdit* edit() const { return lineEdit(); }
    QValidator::State validate(QString&, int&) const override { return QValidator::Acceptable; }
    void stepBy(int steps) override {
        double value = 0;
        try {
            value = toDouble(m_option.parse(lineEdit()->text().toStdString()));
        } catch (const Error&) {
            value = toDouble(m_option.defaultValue());
        }
        value = std::clamp(value + steps * stepSize(value), m_option.low(), m_option.high());
        if (m_option.type() == OptionType::Integer) {
            lineEdit()->setText(QString::number(std::llround(value)));
        } else {
            // Twelve digits hide the noise of adding 0.1.
            lineEdit()->setText(QString::number(value, 'g', 12));
        }
        selectAll();
    }

protected:
    [[nodiscard]] StepEnabled stepEnabled() const override { return StepUpEnabled | StepDownEnabled; }
    void wheelEvent(QWheelEvent* event) override {
        // Scrolling a form must not change what lies under the pointer.
        if (hasFocus())
            QAbstractSpinBox::wheelEvent(event);
        else
            event->ignore();
    }

private:
    static double toDouble(const OptionValue& value) {
        if (const auto* integer = std::get_if<std::int64_t>(&value))
            return static_cast<double>(*integer);
        return std::get<double>(value);
    }
    [[nodiscard]] double stepSize(double value) const {
        if (m_option.type() == OptionType::Integer)
            return 1;
        if (std::isfinite(m_option.low()) && std::isfinite(m_option.high()))
            return std::pow(10.0, std::floor(std::log10(m_option.high() - m_option.low())) - 1);
        return value == 0 ? 0.1 : std::pow(10.0, std::floor(std::log10(std::abs(value))) - 1);
    }
    Option m_option;
};

class NumberEditor final : public OptionEditor {
public:
    NumberEditor(const Option& option, QWidget* parent)
        : OptionEditor(option, parent), m_box(new NumberBox(option, this)) {
        adopt(m_box);
        connect(m_box->edit(), &QLineEdit::textChanged, this, &OptionEditor::edited);
    }
    [[nodiscard]] QString text() const override { return m_box->edit()->text(); }
    void setText(const QString& text) override { m_box->edit()->setText(text); }
    [[nodiscard]] QWidget* input() const override { return m_box; }

private:
    NumberBox* m_box;
};

QString number(double value) {
    return QString::number(value, 'g', 12);
}

} // namespace

OptionEditor::OptionEditor(Option option, QWidget* parent) : QWidget(parent), m_option(std::move(option)) {}

void OptionEditor::adopt(QWidget* widget) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(4);
    row->addWidget(widget, 1);
    const QString name = QString::fromStdString(m_option.name());
    widget->setObjectName(name);
    widget->setAccessibleName(name);
    widget->setAccessibleDescription(QString::fromStdString(m_option.help()));
    QString tip = QString::fromStdString(m_option.help());
    if (const QString range = rangeText(m_option); !range.isEmpty())
        tip += QStringLiteral("\n") + tr("Range: %1").arg(range);
    tip += QStringLiteral("\n") +
           tr("Default: %1").arg(QString::fromStdString(Option::toText(m_option.defaultValue())));
    widget->setToolTip(tip);
    setFocusProxy(widget);
}

void OptionEditor::setProblem(const QString& sentence) {
    if (m_problem == sentence)
        return;
    m_problem = sentence;
    QPalette palette;
    if (!sentence.isEmpty()) {
        palette.setColor(QPalette::Base, Theme::colours().removed);
        palette.setColor(QPalette::Text, this->palette().color(QPalette::WindowText));
    }
    input()->setPalette(palette);
    emit problemChanged(sentence);
}

OptionEditor* makeOptionEditor(const Option& option, QWidget* parent) {
    switch (option.type()) {
    case OptionType::Boolean:
        return new BooleanEditor(option, parent);
    case OptionType::Choice:
        return new ChoiceEditor(option, parent);
    case OptionType::Integer:
    case OptionType::Real:
        return new NumberEditor(option, parent);
    case OptionType::Path:
        return new PathEditor(option, parent);
    case OptionType::Text:
    case OptionType::IntegerList:
    case OptionType::RealList:
    case OptionType::TextList:
        break;
    }
    return new TextEditor(option, parent);
}

QString rangeText(const Option& option) {
    const bool low = std::isfinite(option.low());
    const bool high = std::isfinite(option.high());
    if (low && high)
        return OptionEditor::tr("%1 to %2").arg(number(option.low()), number(option.high()));
    if (low)
        return OptionEditor::tr("at least %1").arg(number(option.low()));
    if (high)
        return OptionEditor::tr("at most %1").arg(number(option.high()));
    return {};
}

} // namespace orrery::ui
