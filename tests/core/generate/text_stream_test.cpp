// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/generate.h"
#include "generate/text_stream.h"
#include "table_model.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace orrery::generate {
namespace {

/// Bytes as tokens (gpt2) and pieces with bytes for the rest (llama).
const text::Tokenizer& tokenizerNamed(const std::string& name) {
    static const auto gpt2 = text::Tokenizer::open(ORRERY_GOLDEN_DIR "/tokenizers/gpt2");
    static const auto llama = text::Tokenizer::open(ORRERY_GOLDEN_DIR "/tokenizers/llama-metaspace");
    static const auto bert = text::Tokenizer::open(ORRERY_GOLDEN_DIR "/tokenizers/bert-uncased");
    return name == "gpt2" ? *gpt2 : name == "llama" ? *llama : *bert;
}

TokenIds encode(const text::Tokenizer& tokenizer, const std::string& text) {
    text::EncodeOptions plain;
    plain.addSpecialTokens = false;
    return tokenizer.encode(text, plain).ids;
}

std::string randomText() {
    static const std::vector<std::string> pieces{
        "a", " the", "é", "中", "文字", "🙂", "👩‍👩‍👧", " ", "\n", "zz", "ß", "Ω", ".", ","};
    std::string text;
    const auto count = *rc::gen::inRange(0, 60);
    for (int i = 0; i < count; ++i)
        text += *rc::gen::elementOf(pieces);
    return text;
}

RC_GTEST_PROP(TextStream, PiecesAreWholeCharactersAndAddUpToTheText, ()) {
    const auto& tokenizer =
        tokenizerNamed(*rc::gen::element(std::string("gpt2"), std::string("llama"), std::string("bert")));
    const TokenIds prompt = encode(tokenizer, "Say: " + randomText());
    const TokenIds added = encode(tokenizer, randomText());
    TextStream stream(tokenizer, prompt);
    std::string text;
    for (const std::int64_t id : added) {
        const std::string piece = stream.push(id);
        RC_ASSERT(text::isValidUtf8(piece));
        text += piece;
    }
    text += stream.flush();
    TokenIds whole = prompt;
    whole.insert(whole.end(), added.begin(), added.end());
    RC_ASSERT(tokenizer.decode(prompt) + text == tokenizer.decode(whole));
}

RC_GTEST_PROP(TextStream, RandomTokensNeverGiveBrokenCharacters, ()) {
    const auto& tokenizer = tokenizerNamed(*rc::gen::element(std::string("gpt2"), std::string("llama")));
    const auto ids = *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 300));
    TextStream stream(tokenizer, {});
    for (const std::int64_t id : ids)
        RC_ASSERT(text::isValidUtf8(stream.push(id)));
    RC_ASSERT(text::isValidUtf8(stream.flush()));
}

TEST(TextStream, ACharacterWaitsForItsLastToken) {
    const auto& tokenizer = tokenizerNamed("gpt2");
    const TokenIds ids = encode(tokenizer, "🙂");
    ASSERT_GT(ids.size(), 1U) << "the character is spread over several tokens here";
    TextStream stream(tokenizer, {});
    for (std::size_t i = 0; i + 1 < ids.size(); ++i)
        EXPECT_EQ(stream.push(ids[i]), "");
    EXPECT_EQ(stream.push(ids.back()), "🙂");
    TextStream cut(tokenizer, {});
    EXPECT_EQ(cut.push(ids.front()), "");
    EXPECT_EQ(cut.flush(), "\xEF\xBF\xBD");
}

RC_GTEST_PROP(StopStrings, FindsTheFirstWhereverThePiecesEnd, ()) {
    const auto letter = rc::gen::element('a', 'b');
    const auto text = *rc::gen::container<std::string>(letter);
    const auto stop = *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(1, 5), letter);
    const bool keep = *rc::gen::arbitrary<bool>();
    StopStrings stops(std::vector{stop}, keep);
    std::string shown;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto count = static_cast<std::size_t>(*rc::gen::inRange(1, 4));
        shown += stops.push(std::string_view(text).substr(begin, count));
        if (!keep)
            RC_ASSERT(shown.find(stop) == std::string::npos);
        begin += count;
    }
    shown += stops.flush();
    const std::size_t place = text.find(stop);
    RC_ASSERT(stops.found().has_value() == (place != std::string::npos));
    RC_ASSERT(shown ==
              (place == std::string::npos ? text : text.substr(0, place + (keep ? stop.size() : 0))));
}

/// A model that says given tokens.
class Reciter final : public StepModel {
public:
    Reciter(TokenIds script, std::int64_t vocabulary)
        : m_script(std::move(script)), m_vocabulary(vocabulary) {}
    Tensor prefill(std::span<const TokenIds>) override { return say(0); }
    Tensor step(std::span<const std::int64_t>) override { return say(++m_said); }
    void reorder(std::span<const std::int64_t> rows) override {
        m_rows = static_cast<std::int64_t>(rows.size());
    }
    [[nodiscard]] std::int64_t rows() const override { return m_rows; }
    [[nodiscard]] std::int64_t length() const override { return 1; }
    [[nodiscard]] std::int64_t vocabulary() const override { return m_vocabulary; }
    [[nodiscard]] std::int64_t maxPositions() const override { return 1000; }
    [[nodiscard]] std::size_t stateBytes() const override { return 0; }

private:
    [[nodiscard]] Tensor say(std::size_t place) const {
        Tensor logits = Tensor::zeros({m_rows, m_vocabulary});
        for (std::int64_t row = 0; row < m_rows; ++row)
            logits.select(0, row)
                .slice(0, m_script[place % m_script.size()], m_script[place % m_script.size()] + 1)
                .fill(9);
        return logits;
    }
    TokenIds m_script;
    std::int64_t m_vocabulary;
    std::int64_t m_rows = 1;
    std::size_t m_said = 0;
};

TEST(Streaming, StopsAtAStringAcrossTokensAndShowsNothingOfItWhenItIsCut) {
    const auto& tokenizer = tokenizerNamed("gpt2");
    const TokenIds script = encode(tokenizer, "One two. END of text and more");
    const std::string stop = ". END o"; // begins and ends inside of tokens
    for (const bool keep : {false, true})
        for (const bool beams : {false, true}) {
            Reciter model(script, tokenizer.vocabularySize());
            GenerateOptions options;
            options.maxNewTokens = static_cast<std::int64_t>(script.size());
            options.stopStrings = {"never said", stop};
            options.keepStopString = keep;
            std::string streamed;
            options.onToken = [&](const TokenEvent& event) {
                EXPECT_TRUE(text::isValidUtf8(std::string(event.text)));
                streamed += event.text;
                return true;
            };
            const DecodingStrategy& strategy =
                beams ? beamSearch() : static_cast<const DecodingStrategy&>(greedy());
            OptionValues values(strategy.options());
            if (beams)
                values.set("num_beams", std::int64_t{1});
            const Generation made = generate(model, std::vector<TokenIds>{TokenIds{script.front()}}, strategy,
                                             values, options, &tokenizer);
            const Sequence& sequence = made.sequences.front();
            EXPECT_EQ(sequence.reason, StopReason::StopString) << beams;
            EXPECT_EQ(sequence.stopString, stop);
            EXPECT_EQ(sequence.text, keep ? "One two. END o" : "One two");
            EXPECT_EQ(streamed, sequence.text);
            EXPECT_LT(sequence.tokens.size(), script.size());
        }
}

TEST(Streaming, WithoutATokenizerStopStringsAreRefused) {
    Reciter model({1}, 5);
    GenerateOptions options;
    options.stopStrings = {"x"};
    EXPECT_THROW(
        static_cast<void>(generate(model, std::vector<TokenIds>{TokenIds{1}}, greedy(), {}, options)),
        UsageError);
}

TEST(Streaming, ATimeBudgetEndsTheText) {
    Reciter model({1, 2}, 5);
    GenerateOptions options;
    options.maxNewTokens = 1000000;
    options.maxSeconds = 0.05;
    const Generation made = generate(model, std::vector<TokenIds>{TokenIds{1}}, greedy(), {}, options);
    EXPECT_EQ(made.reasons, std::vector{StopReason::Time});
    EXPECT_GT(made.newTokens, 1);
    EXPECT_LT(made.newTokens, 1000000);
}

} // namespace
} // namespace orrery::generate
