// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/plugin.h"

#include "pooling.h"

ORRERY_PLUGIN(registry) {
    registry.make<orrery::nn::TokenMixerPart, orrery::mixers::PoolingPart>();
}
