// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/simd/attention_pattern.h"

namespace orrery::kernels {

const AttentionTable attentionAvx2 = ORRERY_SIMD::attentionTable;

} // namespace orrery::kernels
