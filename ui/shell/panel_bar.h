// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <Qt>

class QAction;
class QWidget;

namespace orrery::ui {

/// The strip of buttons at the edge of a panel; null actions become gaps. More widgets may be added to its
/// layout.
QWidget* panelBar(const QList<QAction*>& actions, QWidget* parent,
                  Qt::Orientation orientation = Qt::Horizontal);

} // namespace orrery::ui
