// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/resources.h"

#include <QtGlobal>

// Q_INIT_RESOURCE declares a function of the global namespace.
static void initAll() {
    Q_INIT_RESOURCE(orrery);
    Q_INIT_RESOURCE(orrery_translations);
}

namespace orrery::ui {

void initResources() {
    initAll();
}

} // namespace orrery::ui
