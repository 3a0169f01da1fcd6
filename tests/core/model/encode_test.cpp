// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "model/model.h"
#include "text/tokenizer.h"

#include <gtest/gtest.h>

namespace orrery::model {
namespace {

std::shared_ptr<const Model> demo(const std::string& name) {
    return Model::open(std::filesystem::path(ORRERY_SOURCE_DIR "/resources/models") / name);
}

TEST(Encode, TextsBecomeInputs) {
    const auto model = demo("docs-bert");
    ASSERT_NE(model->tokenizer(), nullptr) << model->tokenizerProblem();
    const ModelInput input = model->encode("Returns the number of items.");
    ASSERT_EQ(input.rows.size(), 1U);
    EXPECT_EQ(static_cast<std::size_t>(input.length()), input.rows[0].tokens.size());
    EXPECT_TRUE(input.rows[0].special.front());
    EXPECT_EQ(input.rows[0].ids, input.inputIds.toIntegers());
    EXPECT_FALSE(input.attentionMask.defined());
    EXPECT_EQ(model->run(input).logits.size(2), model->vocabulary());
}

TEST(Encode, BatchesArePaddedAndPairsHaveTypes) {
    const auto model = demo("docs-bert");
    const std::vector<std::string> texts{"One.", "A somewhat longer sentence about files."};
    const ModelInput batch = model->encodeBatch(texts);
    EXPECT_EQ(batch.batch(), 2);
    EXPECT_TRUE(batch.attentionMask.defined());
    EXPECT_EQ(batch.attentionMask.at({0, batch.length() - 1}), 0);
    EXPECT_LT(batch.rows[0].tokens.size(), batch.rows[1].tokens.size());
    const ModelInput pair = model->encodePair("one", "two");
    EXPECT_EQ(pair.typeIds.at({0, 0}), 0);
    EXPECT_EQ(pair.typeIds.at({0, pair.length() - 1}), 1);
}

TEST(Encode, LongTextsAreCutToWhatTheModelTakes) {
    const auto model = demo("docs-topic");
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += "word ";
    const ModelInput input = model->encode(text);
    EXPECT_EQ(input.length(), model->maxPositions());
    EXPECT_EQ(model->run(input).logits.shape(),
              Shape({1, static_cast<std::int64_t>(model->labels().size())}));
}

TEST(Encode, IdsComeBackAsText) {
    const auto model = demo("docs-gpt");
    const ModelInput input = model->encode("Compute the sum");
    const auto ids = input.inputIds.toIntegers();
    EXPECT_EQ(model->decode(ids), "Compute the sum");
    EXPECT_EQ(model->tokenText(999999), "#999999");
}

TEST(Encode, TheSameTextHasTheSameHash) {
    const auto model = demo("docs-bert");
    EXPECT_EQ(model->encode("a b").hash(), model->encode("a b").hash());
    EXPECT_NE(model->encode("a b").hash(), model->encode("a c").hash());
}

} // namespace
} // namespace orrery::model
