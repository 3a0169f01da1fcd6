// SPDX-License-Identifier: GPL-3.0-or-later
#include "isa_sweep.h"
#include "kernels/state_scan.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

namespace orrery::kernels {
namespace {

using test::forEachIsa;
using test::randomTensor;
using test::spread;

Tensor positive(const Shape& shape, Generator& generator, double sign = 1) {
    const Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(sign * std::abs(generator.normal()));
    return tensor;
}

struct Sizes {
    std::int64_t batch = 1;
    std::int64_t length = 1;
    std::int64_t heads = 1;
    std::int64_t width = 1;
    std::int64_t groups = 1;
    std::int64_t states = 1;
    [[nodiscard]] std::int64_t channels() const { return heads * width; }
};

/// Both recurrences as they are written, in double: step(b, t, c), rate(n, c), in(b, t, n, c) ...
template <typename Step, typename Rate, typename In, typename Skip>
std::pair<std::vector<double>, std::vector<double>>
naive(const Sizes& sizes, const Tensor& x, const Tensor& state, const Step& step, const Rate& rate,
      const In& in, const In& out, const Skip& skip) {
    std::vector<double> h(static_cast<std::size_t>(state.elements()));
    std::vector<double> y(static_cast<std::size_t>(x.elements()));
    for (std::int64_t b = 0; b < sizes.batch; ++b)
        for (std::int64_t c = 0; c < sizes.channels(); ++c)
            for (std::int64_t n = 0; n < sizes.states; ++n) {
                double value = state.at({b, n, c});
                for (std::int64_t t = 0; t < sizes.length; ++t) {
                    value = std::exp(step(b, t, c) * rate(n, c)) * value +
                            step(b, t, c) * in(b, t, n, c) * x.at({b, t, c});
                    y[static_cast<std::size_t>((b * sizes.length + t) * sizes.channels() + c)] +=
                        value * out(b, t, n, c) + (n == 0 ? skip(c) * x.at({b, t, c}) : 0.0);
                }
                h[static_cast<std::size_t>((b * sizes.states + n) * sizes.channels() + c)] = value;
            }
    return {h, y};
}

void expectNear(const Tensor& got, const std::vector<double>& want) {
    const std::vector<float> values = got.toFloats();
    for (std::size_t i = 0; i < want.size(); ++i)
        RC_ASSERT(std::abs(static_cast<double>(values[i]) - want[i]) <= 2e-5 * (1 + std::abs(want[i])));
}

Sizes anySizes() {
    Sizes sizes;
    sizes.batch = *rc::gen::inRange<std::int64_t>(1, 4);
    sizes.length = *rc::gen::inRange<std::int64_t>(1, 12);
    sizes.groups = *rc::gen::inRange<std::int64_t>(1, 4);
    sizes.heads = sizes.groups * *rc::gen::inRange<std::int64_t>(1, 5);
    sizes.width = *rc::gen::inRange<std::int64_t>(1, 40);
    sizes.states = *rc::gen::inRange<std::int64_t>(1, 9);
    return sizes;
}

/// A scan in two pieces must be the scan in one.
template <typename Scan, typename Run>
void inPieces(Scan scan, std::int64_t length, const Run& run) {
    const std::int64_t cut = *rc::gen::inRange<std::int64_t>(0, length + 1);
    const Scan whole = scan;
    for (const auto& [begin, end] : {std::pair{std::int64_t{0}, cut}, std::pair{cut, length}}) {
        if (begin == end)
            continue;
        for (Tensor Scan::*part : {&Scan::x, &Scan::step, &Scan::in, &Scan::out})
            scan.*part = (whole.*part).slice(1, begin, end);
        scan.y = Tensor::empty(scan.x.shape());
        run(scan);
        whole.y.slice(1, begin, end).copyFrom(scan.y);
    }
}

RC_GTEST_PROP(StateScan, TheSelectiveScanIsItsRecurrence, ()) {
    const Sizes sizes = anySizes();
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const Shape sequence{sizes.batch, sizes.length, sizes.channels()};
    const Shape controls{sizes.batch, sizes.length, sizes.states};
    SelectiveScan scan;
    scan.x = spread(randomTensor(sequence, generator), 6);
    scan.step = positive(sequence, generator);
    scan.rate = positive({sizes.states, sizes.channels()}, generator, -1);
    scan.in = spread(randomTensor(controls, generator), 4);
    scan.out = randomTensor(controls, generator);
    scan.skip = randomTensor({sizes.channels()}, generator);
    const Tensor before = randomTensor({sizes.batch, sizes.states, sizes.channels()}, generator);
    const auto input = [&](std::int64_t b, std::int64_t t, std::int64_t n, std::int64_t) {
        return scan.in.at({b, t, n});
    };
    const auto output = [&](std::int64_t b, std::int64_t t, std::int64_t n, std::int64_t) {
        return scan.out.at({b, t, n});
    };
    using Read = std::function<double(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>;
    const auto [h, y] = naive(
        sizes, scan.x, before,
        [&](std::int64_t b, std::int64_t t, std::int64_t c) {
            return scan.step.at({b, t, c});
        },
        [&](std::int64_t n, std::int64_t c) {
            return scan.rate.at({n, c});
        },
        Read(input), Read(output), [&](std::int64_t c) { return scan.skip.at({c}); });
    forEachIsa([&, &states = h, &results = y](Isa) {
        scan.state = before.clone();
        scan.y = Tensor::empty(sequence);
        inPieces(scan, sizes.length, selectiveScan);
        expectNear(scan.y, results);
        expectNear(scan.state, states);
    });
}

RC_GTEST_PROP(StateScan, TheScalarScanIsItsRecurrence, ()) {
    const Sizes sizes = anySizes();
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const Shape sequence{sizes.batch, sizes.length, sizes.channels()};
    const Shape controls{sizes.batch, sizes.length, sizes.groups * sizes.states};
    ScalarScan scan;
    scan.x = spread(randomTensor(sequence, generator), 6);
    scan.step = spread(positive({sizes.batch, sizes.length, sizes.heads}, generator), 2);
    scan.rate = positive({sizes.heads}, generator, -1);
    scan.in = spread(randomTensor(controls, generator), 4);
    scan.out = randomTensor(controls, generator);
    scan.skip = randomTensor({sizes.heads}, generator);
    const Tensor before = randomTensor({sizes.batch, sizes.states, sizes.channels()}, generator);
    const auto headOf = [&](std::int64_t c) { return c / sizes.width; };
    const auto placeOf = [&](std::int64_t n, std::int64_t c) {
        return headOf(c) / (sizes.heads / sizes.groups) * sizes.states + n;
    };
    using Read = std::function<double(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>;
    const auto [h, y] = naive(
        sizes, scan.x, before,
        [&](std::int64_t b, std::int64_t t, std::int64_t c) {
            return scan.step.at({b, t, headOf(c)});
        },
        [&](std::int64_t, std::int64_t c) { return scan.rate.at({headOf(c)}); },
        Read([&](auto b, auto t, auto n, auto c) {
            return scan.in.at({b, t, placeOf(n, c)});
        }),
        Read([&](auto b, auto t, auto n, auto c) {
            return scan.out.at({b, t, placeOf(n, c)});
        }),
        [&](std::int64_t c) { return scan.skip.at({headOf(c)}); });
    forEachIsa([&, &states = h, &results = y](Isa) {
        scan.state = before.clone();
        scan.y = Tensor::empty(sequence);
        inPieces(scan, sizes.length, scalarScan);
        expectNear(scan.y, results);
        expectNear(scan.state, states);
    });
}

} // namespace
} // namespace orrery::kernels
