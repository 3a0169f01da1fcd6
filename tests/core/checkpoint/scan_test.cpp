// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/scan.h"
#include "sample_files.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cmath>
#include <limits>

namespace orrery::checkpoint {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(ScanWeights, FindsNothingInSoundModels) {
    EXPECT_TRUE(scanWeights(*Checkpoint::open(golden / "hf/bert-mlm")).empty());
    EXPECT_TRUE(scanWeights(*Checkpoint::open(golden / "hf/bert-bf16")).empty());
    EXPECT_TRUE(scanWeights(*Checkpoint::open(golden / "hf/bert-legacy-bin")).empty());
    EXPECT_TRUE(scanWeights(*Checkpoint::open(golden / "checkpoint/unsupported-dtypes.bin")).empty());
}

TEST(ScanWeights, NamesTheTensor) {
    const auto flaws = scanWeights(*Checkpoint::open(golden / "checkpoint/mixed-zip.bin"));
    ASSERT_EQ(flaws.size(), 1U);
    EXPECT_EQ(flaws[0].tensor, "special");
    EXPECT_EQ(flaws[0].nans, 1U);
    EXPECT_EQ(flaws[0].infinities, 1U);
    EXPECT_EQ(flaws[0].first, 0U);
}

TEST(ScanWeights, CountsWhateverThePlaceAndDtype) {
    rc::check("as many as were put in", [] {
        const auto length = *rc::gen::inRange<std::int64_t>(1, 20000);
        const auto dtype = *rc::gen::element(DType::F32, DType::F64, DType::F16, DType::BF16);
        const auto places = *rc::gen::container<std::map<std::int64_t, bool>>(
            rc::gen::inRange<std::int64_t>(0, length), rc::gen::arbitrary<bool>());
        const Tensor tensor = Tensor::full({length}, 60000.0, dtype);
        WeightFlaw want;
        for (const auto& [place, isNan] : places) {
            if (want.nans + want.infinities == 0)
                want.first = static_cast<std::uint64_t>(place);
            ++(isNan ? want.nans : want.infinities);
            tensor.slice(0, place, place + 1).fill(isNan ? nan : (place % 2 == 0 ? infinity : -infinity));
        }
        const auto got = scanTensor("w", tensor);
        RC_ASSERT(got.nans == want.nans);
        RC_ASSERT(got.infinities == want.infinities);
        RC_ASSERT(got.first == want.first);
    });
}

TEST(ScanWeights, LooksAtViewsInTheirOwnOrder) {
    const Tensor tensor = Tensor::zeros({3, 4});
    tensor.slice(0, 2, 3).slice(1, 1, 2).fill(nan);
    EXPECT_EQ(scanTensor("w", tensor).first, 9U);
    EXPECT_EQ(scanTensor("w", tensor.transpose(0, 1)).first, 5U);
    EXPECT_EQ(scanTensor("w", Tensor::full({4}, -1, DType::I64)).nans, 0U);
}

TEST(ScanWeights, CanBeCancelled) {
    CancelToken token;
    token.cancel();
    EXPECT_THROW((void)scanWeights(*Checkpoint::open(golden / "hf/bert-mlm"), Progress({}, token)),
                 Cancelled);
    EXPECT_THROW((void)scanTensor("w", Tensor::zeros({100000}), Progress({}, token)), Cancelled);
}

} // namespace
} // namespace orrery::checkpoint
