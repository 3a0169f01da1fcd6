// SPDX-License-Identifier: GPL-3.0-or-later
// Every checkpoint with recorded outputs: logits, hidden states, attentions, padding, bf16, shards, pickle.
#include "base/error.h"
#include "model/comparison.h"
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
    for (const char* name :
         {"digits-vit", "docs-bert", "docs-gpt", "docs-seq2seq", "docs-topic", "series-patchtst"})
        result.emplace_back(std::filesystem::path(ORRERY_SOURCE_DIR "/resources/models") / name);
    result.emplace_back(ORRERY_GOLDEN_DIR "/sentence/docs-embed");
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

TEST(Verify, WhatIsRecordedInPartsIsCompared) {
    const auto compared = [](const std::filesystem::path& folder) {
        std::set<std::string> names;
        for (const VerifiedSet& set : verifyModelCase(folder).sets)
            for (const VerifiedTensor& tensor : set.tensors)
                names.insert(tensor.name);
        return names;
    };
    const auto parts = compared(ORRERY_SOURCE_DIR "/resources/models/docs-seq2seq");
    EXPECT_TRUE(parts.contains("logits_at.values"));
    EXPECT_TRUE(parts.contains("logits_top10.values"));
    EXPECT_TRUE(compared(ORRERY_GOLDEN_DIR "/sentence/docs-embed").contains("embedding"));
}

TEST(Comparison, SeesWhatCountsAndNothingElse) {
    const Tensor expected = Tensor::of<float>({1, 2, 2}, std::vector<float>{1, 2, 3, 4});
    const Tensor got = Tensor::of<float>({1, 2, 2}, std::vector<float>{1, 2, 3, 9});
    const Tensor mask = Tensor::of<std::int64_t>({1, 2}, std::vector<std::int64_t>{1, 0});
    Comparison comparison("expected.safetensors");
    comparison.tensors("masked", got, expected, mask, 1);
    comparison.tensors("other dimension", got, expected, mask, 2);
    comparison.tensors("whole", got, expected);
    const Tensor ids = Tensor::of<std::int64_t>({2, 4}, std::vector<std::int64_t>{1, 5, 6, 7, 1, 5, 2, 2});
    comparison.continuations("ended before", {{5, 6, 7}, {5, 2}}, ids, 1);
    comparison.continuations("two others", {{5, 6, 8}, {4, 2}}, ids, 1);
    const VerifiedSet set = comparison.take();
    EXPECT_TRUE(set.tensors[0].ok);
    EXPECT_TRUE(set.tensors[1].ok); // its second column does not count either
    EXPECT_FALSE(set.tensors[2].ok);
    EXPECT_NEAR(set.tensors[2].worst, 5, 1e-9);
    EXPECT_NEAR(set.tensors[2].tolerance, 4e-4 + 1e-5, 1e-12); // of the largest, not of each
    EXPECT_TRUE(set.tensors[3].ok);
    EXPECT_EQ(set.tensors[4].worst, 2);
    EXPECT_FALSE(set.ok);
    EXPECT_THROW(static_cast<void>(Comparison("nothing").take()), InputError);
    EXPECT_THROW(Comparison("shapes").tensors("x", got, mask), InputError);
    EXPECT_THROW(Comparison("rows").chosenRows("x", got,
                                               Tensor::of<std::int64_t>({1}, std::vector<std::int64_t>{2}),
                                               Tensor::of<float>({1, 2}, std::vector<float>{3, 4})),
                 InputError);
}

TEST(Verify, AFolderWithoutAModelIsASentence) {
    EXPECT_FALSE(isModelCase(ORRERY_GOLDEN_DIR));
    const VerifiedCase verified = verifyModelCase(ORRERY_GOLDEN_DIR);
    EXPECT_FALSE(verified.ok);
    EXPECT_NE(verified.problem, "");
}

} // namespace
} // namespace orrery::model
