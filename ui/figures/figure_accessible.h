// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace orrery::ui {

/// Makes painted figures speak: name, description, and what is selected as value. Once per process; later
/// calls do nothing.
void installFigureAccessibility();

} // namespace orrery::ui
