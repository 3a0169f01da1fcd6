// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "onednn/engine.h"
#include "onednn/matmul.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <mutex>
#include <numbers>
#include <thread>

namespace orrery::onednn {
namespace {

using kernels::Isa;

Tensor randomTensor(const Shape& shape, Generator& generator, DType dtype = DType::F32, double scale = 1) {
    const Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.normal() * scale);
    return tensor.to(dtype);
}

/// Rows further apart than they are long, with numbers between them that would show.
Tensor spaced(const Tensor& tensor, std::int64_t extra) {
    const Tensor room = Tensor::full({tensor.size(0), tensor.size(1) + extra}, 1e20, tensor.dtype());
    Tensor inner = room.slice(1, 0, tensor.size(1));
    inner.copyFrom(tensor);
    return inner;
}

double activated(Activation kind, double x) {
    switch (kind) {
    case Activation::Gelu:
        return x * 0.5 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::GeluTanh:
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::Relu:
        return std::max(x, 0.0);
    case Activation::Silu:
        return x / (1 + std::exp(-x));
    case Activation::QuickGelu:
        return x / (1 + std::exp(-1.702 * x));
    case Activation::Tanh:
        return std::tanh(x);
    case Activation::None:
        break;
    }
    return x;
}

struct Product {
    Tensor x;
    Tensor dense; ///< [out, in] f32, what is multiplied by
    Epilogue epilogue;
    Tensor residualBefore;
};

double wanted(const Product& p, std::int64_t i, std::int64_t o, bool roundX) {
    const Tensor x = p.x;
    double total = 0;
    for (std::int64_t k = 0; k < p.dense.size(1); ++k) {
        const double value = x.at({i, k});
        total +=
            (roundX ? static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(value)))) : value) *
            p.dense.at({o, k});
    }
    if (p.epilogue.bias.defined())
        total += p.epilogue.bias.at({o});
    total = activated(p.epilogue.activation, total);
    if (p.residualBefore.defined())
        total += p.residualBefore.at({i, o});
    return total;
}

RC_GTEST_PROP(Linear, IsTheProductForAllBackendsSetsAndTypes, ()) {
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 60);
    const auto inputs = *rc::gen::element<std::int64_t>(1, 3, 16, 31, 64, 130, 512);
    const int parts = *rc::gen::inRange(1, 4);
    const auto layout = *rc::gen::element(WeightLayout::OutIn, WeightLayout::InOut);
    const DType stored = *rc::gen::element(DType::F32, DType::BF16, DType::F16, DType::F8E4M3, DType::F8E5M2);
    const DType compute = *rc::gen::element(DType::F32, DType::BF16);
    const DType outType = *rc::gen::element(DType::F32, DType::BF16);
    const auto backend = *rc::gen::element(Backend::Automatic, Backend::Kernels, Backend::OneDnn);
    std::vector<Tensor> weights;
    std::int64_t outputs = 0;
    for (int i = 0; i < parts; ++i) {
        const auto width = *rc::gen::inRange<std::int64_t>(1, 70);
        Tensor weight =
            randomTensor({width, inputs}, generator, stored, 1 / std::sqrt(static_cast<double>(inputs)));
        if (*rc::gen::arbitrary<bool>())
            weight = weight.transpose(0, 1).contiguous().transpose(0, 1);
        weights.push_back(layout == WeightLayout::OutIn ? weight : weight.transpose(0, 1));
        outputs += width;
    }
    Product p;
    p.x = randomTensor({rows, inputs}, generator, *rc::gen::element(DType::F32, DType::BF16));
    if (*rc::gen::arbitrary<bool>())
        p.x = spaced(p.x, *rc::gen::inRange<std::int64_t>(1, 9));
    if (*rc::gen::arbitrary<bool>())
        p.epilogue.bias = randomTensor({outputs}, generator);
    p.epilogue.activation =
        *rc::gen::element(Activation::None, Activation::Gelu, Activation::GeluTanh, Activation::Relu,
                          Activation::Silu, Activation::QuickGelu, Activation::Tanh);
    const int residual = *rc::gen::inRange(0, 3);
    const bool roomy = *rc::gen::arbitrary<bool>();
    for (const Isa set : {Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni, Isa::Avx512Bf16}) {
        kernels::forceIsa(set);
        const PackedWeight weight(weights, layout, compute, backend);
        RC_ASSERT(weight.inputs() == inputs && weight.outputs() == outputs && !weight.packed());
        p.dense = weight.toDense();
        Tensor out = Tensor::empty({rows, outputs}, outType);
        if (roomy)
            out = spaced(out, 5);
        Generator again(7);
        p.residualBefore = residual == 0 ? Tensor{} : randomTensor({rows, outputs}, again, outType);
        p.epilogue.residual = {};
        if (residual == 1)
            p.epilogue.residual = p.residualBefore;
        if (residual == 2) { // added to what is there
            out.copyFrom(p.residualBefore);
            p.epilogue.residual = out;
        }
        linear(p.x, weight, p.epilogue, out);
        RC_ASSERT(weight.packed());
        const double tolerance = outType == DType::BF16 ? 0.01 : 3e-5;
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t o = 0; o < outputs; o += 1 + outputs / 6) {
                const double want = wanted(p, i, o, compute == DType::BF16);
                RC_ASSERT(std::fabs(out.at({i, o}) - want) <= tolerance * std::max(1.0, std::fabs(want)));
            }
        kernels::forceIsa(std::nullopt);
    }
}

TEST(Linear, RowsThatConflictInTheCacheAreCopied) {
    Generator generator(2);
    const Tensor x = randomTensor({40, 1024}, generator);
    const Tensor w = randomTensor({33, 1024}, generator, DType::F32, 0.03);
    for (const DType compute : {DType::F32, DType::BF16}) {
        const PackedWeight weight(w, WeightLayout::OutIn, compute);
        const Product p{x, weight.toDense(), {}, {}};
        const Tensor out = Tensor::empty({40, 33});
        linear(compute == DType::BF16 ? x.to(DType::BF16) : x, weight, {}, out);
        for (std::int64_t i = 0; i < 40; i += 3)
            for (std::int64_t o = 0; o < 33; ++o)
                ASSERT_NEAR(out.at({i, o}), wanted(p, i, o, compute == DType::BF16), 1e-4);
    }
}

TEST(Linear, PacksOnceForManyThreads) {
    Generator generator(4);
    const PackedWeight weight(randomTensor({96, 64}, generator));
    const Tensor x = randomTensor({5, 64}, generator);
    const Tensor want = Tensor::empty({5, 96});
    linear(x, PackedWeight(weight.originals()), {}, want);
    std::vector<std::thread> callers;
    std::vector<Tensor> results(4);
    for (auto& result : results)
        callers.emplace_back([&] {
            result = Tensor::empty({5, 96});
            linear(x, weight, {}, result);
        });
    for (auto& caller : callers)
        caller.join();
    for (const auto& result : results)
        EXPECT_EQ(result.toFloats(), want.toFloats());
}

RC_GTEST_PROP(Int8, StaysWithinItsQuantisation, ()) {
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto inputs = *rc::gen::element<std::int64_t>(1, 5, 64, 129, 1024);
    const auto outputs = *rc::gen::inRange<std::int64_t>(1, 80);
    const bool half = *rc::gen::arbitrary<bool>();
    const Tensor w = randomTensor({outputs, inputs}, generator);
    const Int8Weight weight = Int8Weight::quantise(w);
    const Int8Weight again = Int8Weight::fromParts(weight.values(), weight.scales());
    RC_ASSERT(again.toDense().toFloats() == weight.toDense().toFloats());
    for (std::int64_t o = 0; o < outputs; ++o)
        for (std::int64_t k = 0; k < inputs; ++k)
            RC_ASSERT(std::fabs(weight.toDense().at({o, k}) - w.at({o, k})) <=
                      0.501 * weight.scales().at({o}) + 1e-7);
    const Tensor x = randomTensor({rows, inputs}, generator, half ? DType::BF16 : DType::F32);
    Epilogue epilogue;
    epilogue.bias = randomTensor({outputs}, generator);
    // The same by the definition: quantised rows times quantised weights.
    const Tensor dense = weight.toDense();
    for (const Isa set : {Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni, Isa::Avx512Bf16}) {
        kernels::forceIsa(set);
        const Tensor out = Tensor::empty({rows, outputs});
        linear(x, weight, epilogue, out);
        kernels::forceIsa(std::nullopt);
        for (std::int64_t i = 0; i < rows; ++i) {
            float peak = 0;
            for (std::int64_t k = 0; k < inputs; ++k)
                peak = std::max(peak, std::fabs(static_cast<float>(x.at({i, k}))));
            const float factor = peak > 0 ? 127.0F / peak : 0.0F;
            for (std::int64_t o = 0; o < outputs; ++o) {
                double want = epilogue.bias.at({o});
                for (std::int64_t k = 0; k < inputs; ++k)
                    want += std::nearbyint(static_cast<float>(x.at({i, k})) * factor) *
                            static_cast<double>(peak / 127.0F) * dense.at({o, k});
                RC_ASSERT(std::fabs(out.at({i, o}) - want) < 1e-4 * (1 + std::fabs(want)));
            }
        }
    }
}

TEST(Int8, RefusesPartsThatDoNotFit) {
    EXPECT_THROW((void)Int8Weight::fromParts(Tensor::zeros({2, 3}, DType::I8), Tensor::zeros({3})),
                 InputError);
    EXPECT_THROW((void)Int8Weight::fromParts(Tensor::zeros({2, 3}), Tensor::zeros({2})), InputError);
}

RC_GTEST_PROP(Matmul, IsTheProductForAllViews, ()) {
    Generator generator(*rc::gen::arbitrary<std::uint64_t>());
    const auto m = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto n = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto k = *rc::gen::inRange<std::int64_t>(1, 40);
    const auto b1 = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto b2 = *rc::gen::inRange<std::int64_t>(1, 4);
    const bool transposeA = *rc::gen::arbitrary<bool>();
    const bool transposeB = *rc::gen::arbitrary<bool>();
    const bool accumulate = *rc::gen::arbitrary<bool>();
    const DType dtype = *rc::gen::element(DType::F32, DType::BF16, DType::F64);
    const auto operand = [&](std::int64_t rows, std::int64_t columns) {
        const bool first = *rc::gen::arbitrary<bool>();
        const bool second = *rc::gen::arbitrary<bool>();
        switch (*rc::gen::inRange(0, 4)) {
        case 0: // broadcast over the batch
            return randomTensor({rows, columns}, generator, dtype);
        case 1: // heads beside one another, as attention has them
            return randomTensor({first ? 1 : b1, rows, second ? 1 : b2, columns}, generator, dtype)
                .transpose(1, 2);
        case 2: // repeated by a stride of zero
            return randomTensor({1, second ? 1 : b2, rows, columns}, generator, dtype)
                .expand({b1, second ? 1 : b2, rows, columns});
        default:
            return randomTensor({first ? 1 : b1, second ? 1 : b2, rows, columns}, generator, dtype);
        }
    };
    const Tensor a = transposeA ? operand(k, m) : operand(m, k);
    const Tensor b = transposeB ? operand(n, k) : operand(k, n);
    const Tensor out = randomTensor({b1, b2, m, n}, generator, dtype == DType::F64 ? DType::F64 : DType::F32);
    const Tensor before = out.clone();
    matmul(a, b, transposeA, transposeB, out, accumulate);
    const auto at = [](const Tensor& t, std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t c) {
        return t.rank() == 2 ? t.at({r, c}) : t.at({t.size(0) == 1 ? 0 : i, t.size(1) == 1 ? 0 : j, r, c});
    };
    for (std::int64_t i = 0; i < b1; ++i)
        for (std::int64_t j = 0; j < b2; ++j)
            for (std::int64_t r = 0; r < m; ++r)
                for (std::int64_t c = 0; c < n; ++c) {
                    double want = accumulate ? before.at({i, j, r, c}) : 0;
                    for (std::int64_t e = 0; e < k; ++e)
                        want += at(a, i, j, transposeA ? e : r, transposeA ? r : e) *
                                at(b, i, j, transposeB ? c : e, transposeB ? e : c);
                    RC_ASSERT(std::fabs(out.at({i, j, r, c}) - want) < 1e-4 * (1 + std::fabs(want)));
                }
}

TEST(Matmul, PrimitivesAreKeptAndTheOldestLeave) {
    Generator generator(9);
    const std::size_t capacity = primitiveCache().capacity;
    setPrimitiveCacheCapacity(3);
    for (std::int64_t n = 1; n < 8; ++n)
        for (int repeat = 0; repeat < 2; ++repeat)
            matmul(randomTensor({4, 5}, generator), randomTensor({5, n}, generator), false, false,
                   Tensor::empty({4, n}));
    EXPECT_LE(primitiveCache().entries, 3U);
    EXPECT_GE(primitiveCache().hits, 7U);
    setPrimitiveCacheCapacity(capacity);
}

class Recorder : public OperationObserver {
public:
    void executed(const Operation& operation) override {
        const std::lock_guard lock(m_mutex);
        sites.emplace_back(operation.site);
        kinds.emplace_back(operation.kind);
        flops += operation.flops;
        descriptions.push_back(operation.description);
    }
    std::vector<std::string> sites, kinds, descriptions;
    double flops = 0;

private:
    std::mutex m_mutex;
};

TEST(Observer, IsToldOfEveryPrimitiveAndItsSite) {
    Generator generator(1);
    const PackedWeight weight(randomTensor({8, 4}, generator));
    const Tensor x = randomTensor({3, 4}, generator);
    const Tensor out = Tensor::empty({3, 8});
    const auto recorder = std::make_shared<Recorder>();
    setOperationObserver(recorder);
    {
        const SiteLabel outer("blocks.0.mlp");
        linear(x, weight, {}, out);
        {
            const SiteLabel inner("blocks.0.attn");
            matmul(x, weight.originals().front(), false, true, out);
        }
        EXPECT_EQ(SiteLabel::current(), "blocks.0.mlp");
    }
    setOperationObserver(nullptr);
    linear(x, weight, {}, out);
    EXPECT_EQ(recorder->sites, (std::vector<std::string>{"blocks.0.mlp", "blocks.0.attn"}));
    EXPECT_EQ(recorder->kinds, (std::vector<std::string>{"linear", "matmul"}));
    EXPECT_EQ(recorder->flops, 2 * 2.0 * 3 * 8 * 4);
    EXPECT_EQ(recorder->descriptions.front(), "m3 n8 k4 f32:f32:f32");
}

TEST(Engine, NamesItself) {
    EXPECT_EQ(libraryVersion().substr(0, 2), "2.");
    EXPECT_FALSE(libraryIsa().empty());
    EXPECT_EQ(kernelIsa(), kernels::name(kernels::isa()));
}

} // namespace
} // namespace orrery::onednn
