// SPDX-License-Identifier: GPL-3.0-or-later
#include "logit_lens.h"
#include "plugin/plugin.h"

ORRERY_PLUGIN(registry) { registry.make<orrery::analyze::Analyzer, orrery::lenses::LogitLens>(); }
