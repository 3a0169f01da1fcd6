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

TEST(EncoderDecoders, AreTheOnlyOnes) {
    EXPECT_TRUE(EncoderDecoderStepModel::fits(*model::Model::open(golden / "whisper")));
    const auto gpt2 = model::Model::open(golden / "gpt2");
    EXPECT_FALSE(EncoderDecoderStepModel::fits(*gpt2));
    EXPECT_THROW(EncoderDecoderStepModel(*gpt2, {}, {}), UsageError);
}

} // namespace
} // namespace orrery::generate
