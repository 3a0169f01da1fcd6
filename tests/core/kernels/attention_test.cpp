// SPDX-License-Identifier: GPL-3.0-or-later
#include "isa_sweep.h"
#include "kernels/attention.h"
#include "kernels/threads.h"
#include "tensor/storage.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace orrery::kernels {
namespace {

using test::forEachIsa;
using test::randomTensor;

constexpr double infinite = std::numeric_limits<double>::infinity();

/// A problem drawn at random, with views as models make them: queries, keys and values inside one tensor
/// where the sizes allow it.
struct Drawn {
    AttentionProblem problem;
    std::int64_t batch = 1, heads = 1, queries = 1, keys = 1, size = 8, valueSize = 8;
    std::string text;
};

Drawn draw(bool few) {
    Drawn d;
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    d.batch = *rc::gen::inRange<std::int64_t>(1, 3);
    const auto keyHeads = *rc::gen::inRange<std::int64_t>(1, 3);
    const auto group = *rc::gen::inRange<std::int64_t>(1, 3);
    d.heads = keyHeads * group;
    d.queries = few ? *rc::gen::inRange<std::int64_t>(1, 4) : *rc::gen::inRange<std::int64_t>(1, 180);
    d.keys = *rc::gen::arbitrary<bool>() ? d.queries : *rc::gen::inRange<std::int64_t>(1, 300);
    d.size = *rc::gen::element<std::int64_t>(8, 16, 24, 33, 40, 64, 80, 128);
    const bool packed = d.keys == d.queries && group == 1 && *rc::gen::arbitrary<bool>();
    d.valueSize = packed || *rc::gen::arbitrary<bool>() ? d.size : *rc::gen::element<std::int64_t>(5, 16, 48);
    AttentionProblem& p = d.problem;
    if (packed) { // [B, L, 3, H, D]
        const Tensor all = randomTensor({d.batch, d.queries, 3, d.heads, d.size}, generator);
        const auto part = [&](std::int64_t which) { return all.select(2, which).transpose(1, 2); };
        p.query = part(0);
        p.key = part(1);
        p.value = part(2);
    } else {
        p.query = randomTensor({d.batch, d.queries, d.heads, d.size}, generator).transpose(1, 2);
        p.key = test::spread(randomTensor({d.batch, keyHeads, d.keys, d.size}, generator), 6);
        p.value = randomTensor({d.batch, d.keys, keyHeads, d.valueSize}, generator).transpose(1, 2);
    }
    p.scale = *rc::gen::element(1.0 / std::sqrt(static_cast<double>(d.size)), 1.0, -0.3, 0.0);
    p.causal = *rc::gen::arbitrary<bool>();
    p.queryOffset = *rc::gen::element<std::int64_t>(0, 0, d.keys - d.queries, 3, -2);
    if (*rc::gen::inRange(0, 3) == 0)
        p.window = *rc::gen::inRange<std::int64_t>(1, 70);
    const int masked = *rc::gen::inRange(0, 4);
    if (masked > 0) {
        p.keyMask = Tensor::empty({d.batch, d.keys}, masked == 1 ? DType::I64 : DType::U8);
        for (std::int64_t b = 0; b < d.batch; ++b)
            for (std::int64_t s = 0; s < d.keys; ++s) {
                // Padding at the end, or holes anywhere.
                const bool seen = masked == 2 ? s < d.keys - b * (d.keys / 3) : generator.uniform() < 0.7;
                if (p.keyMask.dtype() == DType::I64)
                    p.keyMask.mutableData<std::int64_t>()[static_cast<std::size_t>(b * d.keys + s)] = seen;
                else
                    p.keyMask.mutableData<std::uint8_t>()[static_cast<std::size_t>(b * d.keys + s)] = seen;
            }
    }
    if (*rc::gen::inRange(0, 3) == 0) {
        p.bias = randomTensor(
            {*rc::gen::arbitrary<bool>() ? 1 : d.batch, *rc::gen::arbitrary<bool>() ? 1 : d.heads,
             *rc::gen::arbitrary<bool>() ? 1 : d.queries, *rc::gen::inRange(0, 4) == 0 ? 1 : d.keys},
            generator);
        if (p.bias.size(3) > 1)
            p.bias.mutableData<float>()[0] = -std::numeric_limits<float>::infinity();
    }
    return d;
}

AttentionProblem inF64(const AttentionProblem& problem) {
    AttentionProblem exact = problem;
    exact.query = problem.query.to(DType::F64);
    exact.key = problem.key.to(DType::F64);
    exact.value = problem.value.to(DType::F64);
    if (problem.bias.defined())
        exact.bias = problem.bias.to(DType::F64);
    return exact;
}

/// One weight by the definition, written apart from all kernels: the anchor of the f64 path.
double score(const AttentionProblem& p, std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) {
    const std::int64_t distance = i + p.queryOffset - j;
    if ((p.causal && distance < 0) || std::abs(distance) >= p.window ||
        (p.keyMask.defined() && p.keyMask.at({b, j}) == 0))
        return -infinite;
    double product = 0;
    for (std::int64_t d = 0; d < p.query.size(3); ++d)
        product += p.query.at({b, h, i, d}) * p.key.at({b, h / (p.query.size(1) / p.key.size(1)), j, d});
    const auto at = [&](int dimension, std::int64_t index) {
        return p.bias.size(dimension) == 1 ? 0 : index;
    };
    return product * p.scale + (p.bias.defined() ? p.bias.at({at(0, b), at(1, h), at(2, i), at(3, j)}) : 0);
}

bool near(double got, double want, double tolerance) {
    if (std::isinf(want) || std::isinf(got))
        return got == want;
    return std::fabs(got - want) <= tolerance * std::max(1.0, std::fabs(want));
}

void compare(const Tensor& got, const Tensor& want, double tolerance) {
    const std::vector<float> a = got.toFloats();
    const std::vector<float> b = want.toFloats();
    RC_ASSERT(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
        RC_ASSERT(near(static_cast<double>(a[i]), static_cast<double>(b[i]), tolerance));
}

RC_GTEST_PROP(Attention, ExactPathIsTheDefinition, ()) {
    const Drawn d = draw(true);
    const AttentionProblem p = inF64(d.problem);
    const Tensor out = Tensor::empty({d.batch, d.heads, d.queries, d.valueSize}, DType::F64);
    const Tensor lse = Tensor::empty({d.batch, d.heads, d.queries}, DType::F64);
    attention(p, out, lse);
    for (std::int64_t b = 0; b < d.batch; ++b)
        for (std::int64_t h = 0; h < d.heads; ++h)
            for (std::int64_t i = 0; i < d.queries; ++i) {
                double total = 0;
                std::vector<double> sums(static_cast<std::size_t>(d.valueSize));
                for (std::int64_t j = 0; j < d.keys; ++j) {
                    const double weight = std::exp(score(p, b, h, i, j));
                    total += weight;
                    for (std::int64_t e = 0; e < d.valueSize; ++e)
                        sums[static_cast<std::size_t>(e)] +=
                            weight * p.value.at({b, h / (d.heads / p.key.size(1)), j, e});
                }
                RC_ASSERT(near(lse.at({b, h, i}), std::log(total), 1e-9));
                for (std::int64_t e = 0; e < d.valueSize; ++e)
                    RC_ASSERT(near(out.at({b, h, i, e}),
                                   total > 0 ? sums[static_cast<std::size_t>(e)] / total : 0, 1e-9));
            }
}

void checkForward(bool few) {
    const Drawn d = draw(few);
    const Tensor want = Tensor::empty({d.batch, d.heads, d.queries, d.valueSize}, DType::F64);
    const Tensor wantLse = Tensor::empty({d.batch, d.heads, d.queries}, DType::F64);
    attention(inF64(d.problem), want, wantLse);
    forEachIsa([&](Isa) {
        // Written as models want it: [B, L, H, Dv].
        const Tensor rows = Tensor::full({d.batch, d.queries, d.heads, d.valueSize}, 7);
        const Tensor lse = Tensor::empty({d.batch, d.heads, d.queries});
        attention(d.problem, rows.transpose(1, 2), lse);
        compare(rows.transpose(1, 2), want, 2e-5);
        compare(lse, wantLse, 2e-5);
    });
}

RC_GTEST_PROP(Attention, ForwardAgreesWithF64, ()) {
    checkForward(false);
}
RC_GTEST_PROP(Attention, FewQueriesAgreeWithF64, ()) {
    checkForward(true);
}

RC_GTEST_PROP(Attention, Bf16StaysWithinItsRounding, ()) {
    Drawn d = draw(*rc::gen::arbitrary<bool>());
    AttentionProblem p = d.problem;
    p.query = p.query.to(DType::BF16);
    p.key = p.key.to(DType::BF16);
    p.value = p.value.to(DType::BF16);
    const Tensor want = Tensor::empty({d.batch, d.heads, d.queries, d.valueSize}, DType::F64);
    const Tensor wantLse = Tensor::empty({d.batch, d.heads, d.queries}, DType::F64);
    attention(inF64(p), want, wantLse);
    forEachIsa([&](Isa) {
        const Tensor out = Tensor::empty({d.batch, d.heads, d.queries, d.valueSize}, DType::BF16);
        const Tensor lse = Tensor::empty({d.batch, d.heads, d.queries});
        attention(p, out, lse);
        compare(out, want, 0.02);
        compare(lse, wantLse, 1e-3);
    });
}

RC_GTEST_PROP(Attention, GradientsAgreeWithF64, ()) {
    const Drawn d = draw(*rc::gen::arbitrary<bool>());
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const AttentionProblem exact = inF64(d.problem);
    const Shape outShape{d.batch, d.heads, d.queries, d.valueSize};
    const Tensor dOut = randomTensor(outShape, generator);
    const auto make = [&](DType dtype) {
        AttentionGradients g;
        g.dQuery = Tensor::empty(d.problem.query.shape(), dtype);
        g.dKey = Tensor::empty(d.problem.key.shape(), dtype);
        g.dValue = Tensor::empty(d.problem.value.shape(), dtype);
        if (d.problem.bias.defined())
            g.dBias = Tensor::empty(d.problem.bias.shape(), dtype);
        return g;
    };
    const Tensor wantOut = Tensor::empty(outShape, DType::F64);
    const Tensor wantLse = Tensor::empty({d.batch, d.heads, d.queries}, DType::F64);
    attention(exact, wantOut, wantLse);
    const AttentionGradients want = make(DType::F64);
    attentionBackward(exact, wantOut, wantLse, dOut.to(DType::F64), want);
    forEachIsa([&](Isa) {
        const AttentionGradients got = make(DType::F32);
        attentionBackward(d.problem, wantOut.to(DType::F32), wantLse.to(DType::F32), dOut, got);
        compare(got.dQuery, want.dQuery, 2e-4);
        compare(got.dKey, want.dKey, 2e-4);
        compare(got.dValue, want.dValue, 2e-4);
        if (want.dBias.defined())
            compare(got.dBias, want.dBias, 2e-4);
    });
}

TEST(Attention, ExactGradientsAreFiniteDifferences) {
    Generator generator(11);
    AttentionProblem p;
    p.query = randomTensor({1, 2, 5, 3}, generator, DType::F64);
    p.key = randomTensor({1, 1, 6, 3}, generator, DType::F64);
    p.value = randomTensor({1, 1, 6, 2}, generator, DType::F64);
    p.bias = randomTensor({1, 1, 5, 6}, generator, DType::F64);
    p.causal = true;
    p.queryOffset = 1;
    p.scale = 0.7;
    const Tensor dOut = randomTensor({1, 2, 5, 2}, generator, DType::F64);
    const Tensor out = Tensor::empty({1, 2, 5, 2}, DType::F64);
    const Tensor lse = Tensor::empty({1, 2, 5}, DType::F64);
    attention(p, out, lse);
    AttentionGradients g{Tensor::empty(p.query.shape(), DType::F64), Tensor::empty(p.key.shape(), DType::F64),
                         Tensor::empty(p.value.shape(), DType::F64),
                         Tensor::empty(p.bias.shape(), DType::F64)};
    attentionBackward(p, out, lse, dOut, g);
    const auto loss = [&] {
        const Tensor result = Tensor::empty({1, 2, 5, 2}, DType::F64);
        attention(p, result);
        double total = 0;
        for (std::size_t i = 0; i < 20; ++i)
            total += result.data<double>()[i] * dOut.data<double>()[i];
        return total;
    };
    const auto check = [&](const Tensor& tensor, const Tensor& gradient) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.elements()); ++i) {
            double& number = tensor.mutableData<double>()[i];
            const double before = number;
            number = before + 1e-5;
            const double above = loss();
            number = before - 1e-5;
            const double below = loss();
            number = before;
            ASSERT_NEAR(gradient.data<double>()[i], (above - below) / 2e-5, 1e-7);
        }
    };
    check(p.query, g.dQuery);
    check(p.key, g.dKey);
    check(p.value, g.dValue);
    check(p.bias, g.dBias);
}

RC_GTEST_PROP(Pattern, TilesPoolsAndStatisticsAreOfTheExactWeights, ()) {
    const Drawn d = draw(*rc::gen::inRange(0, 4) != 0);
    const AttentionProblem& p = d.problem;
    const Tensor out = Tensor::empty({d.batch, d.heads, d.queries, d.valueSize});
    const Tensor lse = Tensor::empty({d.batch, d.heads, d.queries});
    attention(p, out, lse);
    const auto b = *rc::gen::inRange<std::int64_t>(0, d.batch);
    const auto h = *rc::gen::inRange<std::int64_t>(0, d.heads);
    const AttentionProblem exact = inF64(p);
    const Tensor exactLse = Tensor::empty({d.batch, d.heads, d.queries}, DType::F64);
    attention(exact, Tensor::empty(out.shape(), DType::F64), exactLse);
    const auto weight = [&](std::int64_t i, std::int64_t j) {
        const double level = exactLse.at({b, h, i});
        return level == -infinite ? 0 : std::exp(score(exact, b, h, i, j) - level);
    };
    PatternBlock block{
        b, h, *rc::gen::inRange<std::int64_t>(0, d.queries), *rc::gen::inRange<std::int64_t>(0, d.keys),
        0, 0};
    block.rows = *rc::gen::inRange<std::int64_t>(0, d.queries - block.row + 1);
    block.columns = *rc::gen::inRange<std::int64_t>(0, d.keys - block.column + 1);
    std::vector<float> tile(static_cast<std::size_t>(block.rows * block.columns) + 1, 9);
    std::vector<float> scores = tile;
    attentionTile(p, lse, block, tile);
    attentionScoreTile(p, block, scores);
    RC_ASSERT(tile.back() == 9);
    for (std::int64_t i = 0; i < block.rows; ++i)
        for (std::int64_t j = 0; j < block.columns; ++j) {
            const auto at = static_cast<std::size_t>(i * block.columns + j);
            RC_ASSERT(near(static_cast<double>(tile[at]), weight(block.row + i, block.column + j), 3e-5));
            RC_ASSERT(near(static_cast<double>(scores[at]),
                           score(exact, b, h, block.row + i, block.column + j), 3e-5));
        }
    const auto factor = *rc::gen::inRange<std::int64_t>(1, 90);
    const std::int64_t cellColumns = (d.keys + factor - 1) / factor;
    std::vector<float> cells(static_cast<std::size_t>((d.queries + factor - 1) / factor * cellColumns));
    attentionPooled(p, lse, b, h, factor, cells);
    std::vector<double> sums(cells.size());
    std::vector<double> counts(cells.size());
    AttentionRowStatistics s;
    const Shape rows{d.batch, d.heads, d.queries};
    s.entropy = Tensor::empty(rows);
    s.maximum = Tensor::empty(rows);
    s.argmax = Tensor::empty(rows, DType::I64);
    s.sink = Tensor::empty(rows);
    s.distance = Tensor::empty(rows);
    s.squares = Tensor::empty(rows);
    s.sinkKeys = 3;
    attentionRowStatistics(p, lse, s);
    for (std::int64_t i = 0; i < d.queries; ++i) {
        double entropy = 0, maximum = 0, sink = 0, distance = 0, squares = 0;
        for (std::int64_t j = 0; j < d.keys; ++j) {
            const double w = weight(i, j);
            entropy -= w > 0 ? w * std::log(w) : 0;
            maximum = std::max(maximum, w);
            sink += j < 3 ? w : 0;
            distance += w * static_cast<double>(std::abs(i + p.queryOffset - j));
            squares += w * w;
            const auto cell = static_cast<std::size_t>(i / factor * cellColumns + j / factor);
            sums[cell] += w;
            counts[cell] += 1;
        }
        RC_ASSERT(near(s.entropy.at({b, h, i}), entropy, 1e-4));
        RC_ASSERT(near(s.maximum.at({b, h, i}), maximum, 1e-4));
        RC_ASSERT(near(s.sink.at({b, h, i}), sink, 1e-4));
        RC_ASSERT(near(s.distance.at({b, h, i}), distance, 1e-4));
        RC_ASSERT(near(s.squares.at({b, h, i}), squares, 1e-4));
        const auto where = static_cast<std::int64_t>(s.argmax.at({b, h, i}));
        RC_ASSERT((maximum == 0 ? where == -1 : weight(i, where) > maximum - 1e-4));
    }
    for (std::size_t c = 0; c < cells.size(); ++c)
        RC_ASSERT(near(static_cast<double>(cells[c]), sums[c] / counts[c], 1e-4));
}

TEST(Attention, MemoryGrowsWithTheLengthNotItsSquare) {
    Generator generator(5);
    AttentionProblem p;
    const std::int64_t length = 8192;
    p.query = p.key = p.value = randomTensor({1, 1, length, 32}, generator);
    p.scale = 0.2;
    const ThreadsScope threadsBefore; // each has tiles of its own, which count as well
    setThreads(2);
    resetPeakBytes();
    const std::size_t before = peakOwnedBytes();
    const Tensor out = Tensor::empty({1, 1, length, 32});
    attention(p, out);
    // A few times the operands, where the pattern would be 268 MB.
    EXPECT_LT(peakOwnedBytes() - before, static_cast<std::size_t>(length) * 32 * 4 * 8);
}

TEST(Attention, IsRepeatableAndCancellable) {
    Generator generator(6);
    AttentionProblem p;
    p.query = randomTensor({2, 3, 150, 64}, generator);
    p.key = randomTensor({2, 3, 150, 64}, generator);
    p.value = randomTensor({2, 3, 150, 64}, generator);
    p.scale = 0.125;
    const Tensor first = Tensor::empty({2, 3, 150, 64});
    const Tensor second = Tensor::empty({2, 3, 150, 64});
    attention(p, first);
    attention(p, second);
    EXPECT_EQ(first.toFloats(), second.toFloats());
    const CancelToken token;
    const Progress progress({}, token);
    p.progress = &progress;
    attention(p, second);
    token.cancel();
    EXPECT_THROW(attention(p, second), Cancelled);
}

} // namespace
} // namespace orrery::kernels
