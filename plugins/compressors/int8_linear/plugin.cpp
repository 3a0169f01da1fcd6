// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugin/plugin.h"

#include "int8_linear.h"

ORRERY_PLUGIN(registry) {
    registry.make<orrery::compress::Compressor, orrery::compressors::Int8Linear>();
}
