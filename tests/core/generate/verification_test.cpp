// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "generate/generate.h"
#include "generate/verification.h"

#include <gtest/gtest.h>

namespace orrery::generate {
namespace {

TEST(Verification, GeneratedIdsAreMadeAgainAsTheCaseSays) {
    const auto result = model::verifyModelCase(ORRERY_GOLDEN_DIR "/hf/gpt2", {}, continuation());
    EXPECT_TRUE(result.ok) << result.problem;
    int compared = 0;
    for (const model::VerifiedSet& set : result.sets)
        for (const model::VerifiedTensor& tensor : set.tensors)
            compared += tensor.name == "generated_ids";
    EXPECT_EQ(compared, 2);
}

TEST(Verification, ArgumentsChooseStrategyEndsAndLength) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    const auto prompt = model::ModelInput::ofIds({5, 6, 7});
    const auto by = [&](const Json& arguments) {
        return continuation()(*model, {{"input_ids", prompt.inputIds}}, arguments, 8, {}).at(0);
    };
    GenerateOptions options;
    options.maxNewTokens = 8;
    const TokenIds plain = generate(*model, prompt, greedy(), {}, options).sequences[0].ids();
    EXPECT_EQ(by(Json::object()), plain);
    EXPECT_EQ(by({{"max_new_tokens", 3}, {"eos_token_id", nullptr}}),
              TokenIds(plain.begin(), plain.begin() + 3));
    EXPECT_EQ(by({{"eos_token_id", plain[1]}}).size(), plain[0] == plain[1] ? 1U : 2U);
    OptionValues beams(beamSearch().options());
    beams.set("num_beams", std::int64_t{3});
    beams.set("length_penalty", 2.0);
    options.stopIds = {1}; // of the model's own configuration
    EXPECT_EQ(by({{"num_beams", 3}, {"length_penalty", 2.0}}),
              generate(*model, prompt, beamSearch(), beams, options).sequences[0].ids());
    EXPECT_THROW(static_cast<void>(by({{"do_sample", true}})), InputError);
    EXPECT_THROW(static_cast<void>(by({{"num_beams", "three"}})), InputError);
}

} // namespace
} // namespace orrery::generate
