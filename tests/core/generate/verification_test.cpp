// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "generate/generate.h"
#include "generate/verification.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace orrery::generate {
namespace {

/// Cases that record generated ids, and how often.
std::map<std::string, int> recordedIds() {
    std::map<std::string, int> cases;
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(ORRERY_GOLDEN_DIR "/hf"))
        folders.push_back(entry.path());
    for (const char* demo : {"docs-gpt", "docs-seq2seq"})
        folders.emplace_back(std::filesystem::path(ORRERY_SOURCE_DIR "/resources/models") / demo);
    for (const auto& folder : folders)
        for (const auto& file : std::filesystem::directory_iterator(folder))
            if (const std::string name = file.path().filename().string();
                name.starts_with("expected") && name.ends_with(".safetensors")) {
                const auto expected = checkpoint::Checkpoint::open(file.path());
                for (const std::string& tensor : expected->names())
                    if (tensor.starts_with("output.generated_ids"))
                        ++cases[folder.string()];
            }
    return cases;
}

TEST(Verification, GeneratedIdsOfEveryCaseAreMadeAgain) {
    const auto cases = recordedIds();
    EXPECT_GE(cases.size(), 19U); // decoders, encoder-decoders and state space models
    for (const auto& [folder, recorded] : cases) {
        const auto result = model::verifyModelCase(folder, {}, continuation());
        EXPECT_TRUE(result.ok) << folder << " " << result.problem;
        int compared = 0;
        for (const model::VerifiedSet& set : result.sets) {
            EXPECT_EQ(set.problem, "") << folder;
            for (const model::VerifiedTensor& tensor : set.tensors)
                compared += tensor.name.starts_with("generated_ids") && tensor.ok;
        }
        EXPECT_EQ(compared, recorded) << folder;
    }
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
