// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "op_table.h"

#include <rapidcheck.h>

#include <ostream>

namespace orrery::testing {

inline void showValue(const Draw& d, std::ostream& out) {
    out << "a " << d.a << ", b " << d.b << ", c " << d.c << ", variant " << d.variant << ", seed " << d.seed;
}

} // namespace orrery::testing

namespace rc {

/// Sizes 0 to 5 (mostly small), shrinking towards nothing.
template <>
struct Arbitrary<orrery::testing::Draw> {
    static Gen<orrery::testing::Draw> arbitrary() {
        using orrery::testing::Draw;
        // At full size from the first trial on: the ranges are small as they are.
        return gen::resize(kNominalSize,
                           gen::build<Draw>(gen::set(&Draw::a, gen::inRange<std::int64_t>(0, 4)),
                                            gen::set(&Draw::b, gen::inRange<std::int64_t>(0, 6)),
                                            gen::set(&Draw::c, gen::inRange<std::int64_t>(0, 6)),
                                            gen::set(&Draw::variant, gen::inRange(0, 8)),
                                            gen::set(&Draw::seed, gen::inRange<std::uint64_t>(0, 1000000))));
    }
};

} // namespace rc
