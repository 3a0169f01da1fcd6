// SPDX-License-Identifier: GPL-3.0-or-later
#include "samples.h"

#include <gtest/gtest.h>

namespace orrery::text {
namespace {

std::vector<std::string> textsOf(const Step& step) {
    std::vector<std::string> texts;
    for (const Piece& piece : step.pieces)
        texts.push_back(piece.text);
    return texts;
}

TEST(Explain, ShowsEveryStage) {
    const auto tokenizer = goldenTokenizer("bert-uncased");
    const std::vector<Step> steps = tokenizer->explain("Été [MASK]!");
    ASSERT_EQ(steps.size(), 5U);
    EXPECT_EQ(steps[0].stage, "added tokens");
    EXPECT_EQ(textsOf(steps[0]), (std::vector<std::string>{"Été ", "[MASK]", "!"}));
    EXPECT_EQ(steps[0].pieces[1].id, tokenizer->maskId());
    EXPECT_EQ(steps[1].stage, "normalizer");
    EXPECT_EQ(textsOf(steps[1]), (std::vector<std::string>{"ete ", "[MASK]", "!"}));
    EXPECT_EQ(steps[2].stage, "pre-tokenizer");
    EXPECT_EQ(textsOf(steps[2]), (std::vector<std::string>{"ete", "[MASK]", "!"}));
    EXPECT_EQ(steps[2].pieces[0].start, 0);
    EXPECT_EQ(steps[2].pieces[0].end, 3);
    EXPECT_EQ(steps[3].stage, "model");
    EXPECT_EQ(steps[4].stage, "post-processor");
    const Encoding encoding = tokenizer->encode("Été [MASK]!");
    EXPECT_EQ(textsOf(steps[4]), encoding.tokens);
    EXPECT_EQ(steps[3].pieces.size() + 2, encoding.size());
    for (const Step& step : steps)
        EXPECT_FALSE(step.description.empty());
}

TEST(Explain, ShowsByteLevelCharacters) {
    const std::vector<Step> steps = goldenTokenizer("gpt2")->explain("a é");
    EXPECT_EQ(textsOf(steps[2]), (std::vector<std::string>{"a", "ĠÃ©"}));
    EXPECT_EQ(steps[2].pieces[1].start, 1);
    EXPECT_EQ(steps[2].pieces[1].end, 3);
}

} // namespace
} // namespace orrery::text
