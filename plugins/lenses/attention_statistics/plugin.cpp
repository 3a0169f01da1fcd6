// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/plugin.h"

#include "attention_statistics.h"

ORRERY_PLUGIN(registry) {
    registry.make<orrery::analyze::Analyzer, orrery::lenses::AttentionStatistics>();
}
