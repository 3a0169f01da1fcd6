// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/plugin.h"

#include "attention_rollout.h"

ORRERY_PLUGIN(registry) {
    registry.make<orrery::analyze::Analyzer, orrery::lenses::AttentionRollout>();
}
