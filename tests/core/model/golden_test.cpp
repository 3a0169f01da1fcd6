// SPDX-License-Identifier: GPL-3.0-or-later
// Every checkpoint with recorded outputs: logits, hidden states, attentions, padding, bf16, shards, pickle.
#include "base/error.h"
#include "model/model.h"
#include "model/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace orrery::model {
namespace {

std::vector<std::filesystem::path> goldenCases() {
    std::vector<std::filesystem::path> result;
    for (const auto& entry : std::filesystem::directory_iterator(ORRERY_GOLDEN_DIR "/hf")) {
        if (isModelCase(entry.path()))
            result.push_back(entry.path());
    }
    for (const char* name : {"docs-bert", "docs-gpt", "docs-topic"})
        result.emplace_back(std::filesystem::path(ORRERY_SOURCE_DIR "/resources/models") / name);
    std::sort(result.begin(), result.end());
    return result;
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, EveryRecordedOutputIsMet) {
    const VerifiedCase verified = verifyModelCase(GetParam());
    EXPECT_EQ(verified.problem, "");
    EXPECT_FALSE(verified.sets.empty());
    for (const VerifiedSet& set : verified.sets) {
        EXPECT_EQ(set.problem, "") << set.file;
        for (const VerifiedTensor& tensor : set.tensors)
            EXPECT_TRUE(tensor.ok) << set.file << " " << tensor.name << ": " << tensor.worst << " > "
                                   << tensor.tolerance;
    }
    EXPECT_TRUE(verified.ok);
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, Golden, testing::ValuesIn(goldenCases()), [](const auto& test) {
    std::string name = test.param.filename().string();
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
});

TEST(GoldenCases, AllFamiliesAreThere) {
    std::set<std::string> families;
    for (const auto& folder : goldenCases())
        families.insert(Model::open(folder)->family());
    for (const char* family :
         {"vit",        "deit",       "resnet", "albert", "bert",  "bloom",    "deberta",  "deberta-v2",
          "distilbert", "electra",    "fnet",   "gemma",  "gpt2",  "gpt_neox", "llama",    "mistral",
          "mixtral",    "modernbert", "opt",    "qwen2",  "qwen3", "roberta",  "roformer", "xlnet"})
        EXPECT_TRUE(families.contains(family)) << family;
}

TEST(Verify, AWrongExpectationFails) {
    // The recorded outputs of another model's weights: everything is understood, nothing agrees.
    const auto folder = std::filesystem::temp_directory_path() / "orrery_wrong_expectation";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const std::filesystem::path seqcls = ORRERY_GOLDEN_DIR "/hf/bert-seqcls";
    const std::filesystem::path base = ORRERY_GOLDEN_DIR "/hf/bert-base-model";
    std::filesystem::copy(base / "config.json", folder / "config.json");
    std::filesystem::copy(base / "model.safetensors", folder / "model.safetensors");
    std::filesystem::copy(seqcls / "expected.safetensors", folder / "expected.safetensors");
    const VerifiedCase verified = verifyModelCase(folder);
    EXPECT_FALSE(verified.ok);
    std::filesystem::remove_all(folder);
}

TEST(Verify, AFolderWithoutAModelIsASentence) {
    EXPECT_FALSE(isModelCase(ORRERY_GOLDEN_DIR));
    const VerifiedCase verified = verifyModelCase(ORRERY_GOLDEN_DIR);
    EXPECT_FALSE(verified.ok);
    EXPECT_NE(verified.problem, "");
}

} // namespace
} // namespace orrery::model
