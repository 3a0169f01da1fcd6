// SPDX-License-Identifier: GPL-3.0-or-later
// What encoder-decoders write, greedily and with beams, against the reference's recorded ids.
#include "base/error.h"
#include "generate/encoder_decoder_step_model.h"
#include "generate/verification.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace orrery::generate {
namespace {

const std::filesystem::path golden = ORRERY_GOLDEN_DIR "/hf";

TEST(EncoderDecoders, WriteWhatIsRecorded) {
    for (const auto& [name, recorded] : {std::pair<const char*, std::ptrdiff_t>{"bart", 2},
                                         {"t5-gated", 1},
                                         {"t5-relu-tied", 1},
                                         {"whisper", 1}}) {
        const model::VerifiedCase verified = model::verifyModelCase(golden / name, {}, continuation());
        ASSERT_EQ(verified.sets.size(), 1U) << verified.problem;
        EXPECT_EQ(verified.sets.front().problem, "") << name;
        const auto& tensors = verified.sets.front().tensors;
        EXPECT_EQ(std::count_if(tensors.begin(), tensors.end(),
                                [](const auto& tensor) {
                                    return tensor.name.starts_with("generated_ids") && tensor.ok;
                                }),
                  recorded)
            << name;
    }
}

TEST(EncoderDecoders, AreTheOnlyOnes) {
    EXPECT_TRUE(EncoderDecoderStepModel::fits(*model::Model::open(golden / "whisper")));
    const auto gpt2 = model::Model::open(golden / "gpt2");
    EXPECT_FALSE(EncoderDecoderStepModel::fits(*gpt2));
    EXPECT_THROW(EncoderDecoderStepModel(*gpt2, {}, {}), UsageError);
}

} // namespace
} // namespace orrery::generate
