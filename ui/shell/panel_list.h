// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>

class QWidget;

namespace orrery::ui {

class MainWindow;
class Panel;
class Workbench;

/// Where a panel stands at first; tabs fill the middle.
enum class PanelPlace { Left, Right, Bottom, Tab };

struct PlacedPanel {
    Panel* panel;
    PanelPlace place;
};

/// Every panel of the window, in the order of tabs and docks. The only place that knows them all.
QList<PlacedPanel> makePanels(Workbench& workbench, MainWindow& window);

} // namespace orrery::ui
