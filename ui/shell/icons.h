// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>
#include <QString>

namespace orrery::ui {

/// An icon of resources/icons, drawn in the colour of the theme (text, disabled text, highlighted text) at
/// whatever size and pixel ratio is asked for. Name without folder and ending.
QIcon icon(const QString& name);

} // namespace orrery::ui
