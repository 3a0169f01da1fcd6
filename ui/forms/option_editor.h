// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"

#include <QString>
#include <QWidget>

namespace orrery::ui {

/// The editor of one option: what it shows is text as a person would type it, what it means is decided by
/// Option::parse, so that a form and --set accept the same.
class OptionEditor : public QWidget {
    Q_OBJECT
public:
    [[nodiscard]] const Option& option() const { return m_option; }
    [[nodiscard]] virtual QString text() const = 0;
    virtual void setText(const QString& text) = 0;
    /// The widget that takes the keyboard.
    [[nodiscard]] virtual QWidget* input() const = 0;
    /// Help of what is chosen now, besides the option's own; of choices.
    [[nodiscard]] virtual QString detail() const { return {}; }

    [[nodiscard]] const QString& problem() const { return m_problem; }
    void setProblem(const QString& sentence); ///< marks the editor while not empty

signals:
    void edited();
    void problemChanged(const QString& sentence);

protected:
    explicit OptionEditor(Option option, QWidget* parent);
    void adopt(QWidget* widget); ///< lays it out as the whole editor, with name and tool tip

private:
    Option m_option;
    QString m_problem;
};

/// The right editor for the type of the option.
OptionEditor* makeOptionEditor(const Option& option, QWidget* parent);

/// "0 to 1", "at least 1", or empty.
QString rangeText(const Option& option);

} // namespace orrery::ui
