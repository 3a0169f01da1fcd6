// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/simd/attention_pattern.h"

namespace orrery::kernels {

const AttentionTable attentionAvx512 = ORRERY_SIMD::attentionTable;

} // namespace orrery::kernels
