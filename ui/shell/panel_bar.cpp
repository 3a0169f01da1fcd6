// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/panel_bar.h"

#include <QAction>
#include <QBoxLayout>
#include <QToolButton>
#include <QWidget>

namespace orrery::ui {

QWidget* panelBar(const QList<QAction*>& actions, QWidget* parent, Qt::Orientation orientation) {
    auto* bar = new QWidget(parent);
    bar->setObjectName(QStringLiteral("panelBar"));
    bar->setAttribute(Qt::WA_StyledBackground);
    auto* layout = new QBoxLayout(
        orientation == Qt::Horizontal ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom, bar);
    layout->setContentsMargins(4, 3, 4, 3);
    layout->setSpacing(2);
    for (QAction* action : actions) {
        if (action == nullptr) {
            layout->addStretch(1);
            continue;
        }
        auto* button = new QToolButton(bar);
        button->setDefaultAction(action);
        button->setIconSize({16, 16});
        button->setFocusPolicy(Qt::TabFocus);
        layout->addWidget(button);
    }
    if (orientation == Qt::Vertical)
        layout->addStretch(1);
    return bar;
}

} // namespace orrery::ui
