// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace orrery::ui {

/// Brings in the icons, the manual and the translations, which a static library would otherwise leave out.
/// Once, before the first icon; calling again does nothing.
void initResources();

} // namespace orrery::ui
