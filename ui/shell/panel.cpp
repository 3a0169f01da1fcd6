// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/panel.h"

#include "shell/theme.h"

#include <QApplication>

namespace orrery::ui {

Panel::Panel(QString id, QWidget* parent) : QWidget(parent), m_id(std::move(id)) {
    setObjectName(m_id);
    connect(&Theme::of(*qobject_cast<QApplication*>(QApplication::instance())), &Theme::changed, this,
            &Panel::themeChanged);
}

} // namespace orrery::ui
