// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugin/registry.h"
#include "shell/panel.h"

class QLabel;
class QLineEdit;
class QTextBrowser;
class QTreeWidget;
class QTreeWidgetItem;

namespace orrery::ui {

class OptionForm;
class Workbench;

/// The plugins found at start with their state, and the parts they brought with paper and options.
class PluginsPanel : public Panel {
    Q_OBJECT
public:
    explicit PluginsPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Plugins"); }
    void takeFocus() override;
    [[nodiscard]] QTreeWidget& tree() { return *m_tree; }

protected:
    void themeChanged() override;

private:
    void fill();
    void filter(const QString& text);
    void show(const QTreeWidgetItem* item);

    Workbench& m_workbench;
    QLineEdit* m_words;
    QTreeWidget* m_tree;
    QTextBrowser* m_text;
    QLabel* m_optionsTitle;
    OptionForm* m_form;
};

} // namespace orrery::ui
