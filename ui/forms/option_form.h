// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"

#include <QHash>
#include <QString>
#include <QWidget>

class QGridLayout;
class QLabel;
class QToolButton;

namespace orrery::ui {

class OptionEditor;

/// A form made from declared options: the right editor for each type, with range, unit, default, help, reset
/// and the sentence that says what is wrong with a value. The values are always valid: a wrong text stays in
/// its editor, marked, and the last good value stays in values().
class OptionForm : public QWidget {
    Q_OBJECT
public:
    explicit OptionForm(QWidget* parent = nullptr);
    explicit OptionForm(const OptionSchema& schema, QWidget* parent = nullptr);

    void setSchema(const OptionSchema& schema); ///< rebuilds the form with the defaults
    void setValues(const OptionValues& values); ///< of the same schema
    [[nodiscard]] const OptionValues& values() const { return m_values; }
    [[nodiscard]] bool valid() const;      ///< no editor holds a wrong text
    [[nodiscard]] QString problem() const; ///< sentence of the first wrong editor, or empty
    [[nodiscard]] QWidget* editor(const QString& name) const; ///< the widget that takes the keyboard
    void resetAll();

signals:
    void valuesChanged();
    void validityChanged(bool valid);

private:
    void edited(OptionEditor* editor);
    void addRow(const Option& option, QGridLayout* grid, int row);

    OptionValues m_values;
    QList<OptionEditor*> m_editors;
    QWidget* m_body = nullptr;
    bool m_wasValid = true;
};

} // namespace orrery::ui
