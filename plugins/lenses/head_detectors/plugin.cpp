// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/plugin.h"

#include "head_detectors.h"

ORRERY_PLUGIN(registry) {
    registry.make<orrery::analyze::Analyzer, orrery::lenses::HeadDetectors>();
}
