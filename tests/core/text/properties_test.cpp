// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "samples.h"
#include "text/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ctime>
#include <thread>

namespace orrery::text {
namespace {

const std::vector<std::string> everyKind = {"bert-uncased", "gpt2", "roberta-prefix", "clip",
                                            "llama",        "t5",   "wordlevel",      "german-bpe"};

bool same(const Encoding& a, const Encoding& b) {
    return a.ids == b.ids && a.tokens == b.tokens && a.offsets == b.offsets && a.typeIds == b.typeIds &&
           a.attentionMask == b.attentionMask && a.specialTokensMask == b.specialTokensMask &&
           a.wordIds == b.wordIds && a.sequenceIds == b.sequenceIds;
}

RC_GTEST_PROP(Tokenizer, ByteLevelTextComesBackAsItWas, ()) {
    static const auto gpt2 = goldenTokenizer("gpt2");
    static const auto llama3 = goldenTokenizer("llama3");
    const std::string text = encoded(*anyCharacters());
    for (const auto& tokenizer : {gpt2, llama3}) {
        EncodeOptions plain;
        plain.addSpecialTokens = false;
        RC_ASSERT(tokenizer->decode(tokenizer->encode(text, plain).ids, false) == text);
    }
}

RC_GTEST_PROP(Tokenizer, OffsetsAreInsideTheTextAndInOrder, ()) {
    static const std::vector<std::shared_ptr<const Tokenizer>> tokenizers = {
        goldenTokenizer("bert-cased"), goldenTokenizer("gpt2"), goldenTokenizer("roberta"),
        goldenTokenizer("llama-metaspace")};
    const std::vector<char32_t> characters = *anyCharacters();
    const auto length = static_cast<std::int64_t>(characters.size());
    for (const auto& tokenizer : tokenizers) {
        const Encoding encoding = tokenizer->encode(encoded(characters));
        std::int64_t last = 0;
        for (std::size_t i = 0; i < encoding.size(); ++i) {
            const auto [start, end] = encoding.offsets[i];
            RC_ASSERT(start >= 0 && start <= end && end <= length);
            if (encoding.specialTokensMask[i] == 1) {
                RC_ASSERT(end == 0);
                continue;
            }
            RC_ASSERT(start >= last);
            last = start;
        }
    }
}

RC_GTEST_PROP(Tokenizer, ArraysAreParallel, ()) {
    static std::vector<std::shared_ptr<const Tokenizer>> tokenizers;
    if (tokenizers.empty())
        for (const std::string& name : everyKind)
            tokenizers.push_back(goldenTokenizer(name));
    const std::string text = encoded(*anyCharacters());
    const std::string pair = encoded(*anyCharacters());
    for (const auto& tokenizer : tokenizers) {
        const Encoding encoding = tokenizer->encodePair(text, pair);
        const std::size_t size = encoding.size();
        RC_ASSERT(encoding.tokens.size() == size && encoding.offsets.size() == size);
        RC_ASSERT(encoding.typeIds.size() == size && encoding.attentionMask.size() == size);
        RC_ASSERT(encoding.specialTokensMask.size() == size && encoding.wordIds.size() == size);
        RC_ASSERT(encoding.sequenceIds.size() == size && encoding.overflowing.empty());
        for (const std::int64_t id : encoding.ids)
            RC_ASSERT(id >= 0 && id < tokenizer->vocabularySize());
        const auto special =
            std::count(encoding.specialTokensMask.begin(), encoding.specialTokensMask.end(), 1);
        RC_ASSERT(special == tokenizer->addedTokenCount(true));
    }
}

RC_GTEST_PROP(Tokenizer, ABatchIsItsTexts, ()) {
    static const auto tokenizer = goldenTokenizer("bert-uncased");
    std::vector<std::string> texts;
    for (const auto& characters : *rc::gen::container<std::vector<std::vector<char32_t>>>(anyCharacters()))
        texts.push_back(encoded(characters));
    const std::vector<Encoding> batch = tokenizer->encodeBatch(texts);
    RC_ASSERT(batch.size() == texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i)
        RC_ASSERT(same(batch[i], tokenizer->encode(texts[i])));
}

RC_GTEST_PROP(Tokenizer, PaddingAddsOnlyPadding, ()) {
    static const auto tokenizer = goldenTokenizer("roberta");
    const std::vector<std::string> texts = {encoded(*anyCharacters()), encoded(*anyCharacters())};
    const bool left = *rc::gen::arbitrary<bool>();
    EncodeOptions options;
    options.padding.emplace();
    options.padding->direction = left ? Side::Left : Side::Right;
    options.padding->multipleOf = *rc::gen::inRange(0, 9);
    const std::vector<Encoding> batch = tokenizer->encodeBatch(texts, options);
    const std::size_t length = batch[0].size();
    RC_ASSERT(batch[1].size() == length);
    if (options.padding->multipleOf > 0)
        RC_ASSERT(length % static_cast<std::size_t>(options.padding->multipleOf) == 0U);
    for (std::size_t t = 0; t < 2; ++t) {
        const Encoding bare = tokenizer->encode(texts[t]);
        const std::size_t shift = left ? length - bare.size() : 0;
        for (std::size_t i = 0; i < length; ++i) {
            const bool inside = i >= shift && i < shift + bare.size();
            RC_ASSERT(batch[t].attentionMask[i] == (inside ? 1 : 0));
            RC_ASSERT(batch[t].ids[i] == (inside ? bare.ids[i - shift] : *tokenizer->padId()));
        }
    }
}

RC_GTEST_PROP(Tokenizer, TruncatedPartsCoverTheText, ()) {
    static const auto tokenizer = goldenTokenizer("bert-cased");
    const std::string text = encoded(*anyCharacters());
    EncodeOptions options;
    options.truncation.emplace();
    options.truncation->maxLength = *rc::gen::inRange(4, 30);
    options.truncation->stride = *rc::gen::inRange<std::int64_t>(0, options.truncation->maxLength - 2);
    options.truncation->wholeText = true;
    const Encoding whole = tokenizer->encode(text);
    Encoding first = tokenizer->encode(text, options);
    std::vector<Encoding> parts = std::move(first.overflowing);
    parts.insert(parts.begin(), std::move(first));
    std::vector<std::int64_t> joined = {whole.ids.front()};
    for (std::size_t p = 0; p < parts.size(); ++p) {
        RC_ASSERT(static_cast<std::int64_t>(parts[p].size()) <= options.truncation->maxLength);
        const std::size_t shared = p == 0 ? 0 : static_cast<std::size_t>(options.truncation->stride);
        joined.insert(joined.end(), parts[p].ids.begin() + 1 + static_cast<std::ptrdiff_t>(shared),
                      parts[p].ids.end() - 1);
    }
    joined.push_back(whole.ids.back());
    RC_ASSERT(joined == whole.ids);

    options.truncation->wholeText = false; // the first part does not depend on how far tokenizing goes
    RC_ASSERT(same(tokenizer->encode(text, options), parts.front()));
}

RC_GTEST_PROP(Tokenizer, AnyBytesAreReadAsTheRepairedText, (const std::string& bytes)) {
    static const auto gpt2 = goldenTokenizer("gpt2");
    const std::string repaired = repairUtf8(bytes);
    RC_ASSERT(isValidUtf8(repaired));
    const Encoding encoding = gpt2->encode(bytes);
    RC_ASSERT(same(encoding, gpt2->encode(repaired)));
    RC_ASSERT(gpt2->decode(encoding.ids, false) == repaired);
}

TEST(Tokenizer, RepairsWhatUnicodeSays) {
    // The example of section 3.9: maximal parts of ill-formed sequences.
    EXPECT_EQ(repairUtf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
              "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
              "b\xEF\xBF\xBD"
              "c\xEF\xBF\xBD\xEF\xBF\xBD"
              "d");
    EXPECT_EQ(repairUtf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // a surrogate
    EXPECT_FALSE(isValidUtf8("\xC0\x80"));
    EXPECT_TRUE(isValidUtf8("\xF4\x8F\xBF\xBF"));
}

TEST(Tokenizer, IsTheSameOnManyThreads) {
    const auto tokenizer = goldenTokenizer("qwen2");
    std::vector<std::string> texts;
    for (int i = 0; i < 200; ++i)
        texts.push_back("The tokenizer number " + std::to_string(i * 7919) + " isn't shared, naïve   café");
    const std::vector<Encoding> expected = tokenizer->encodeBatch(texts);
    std::vector<int> differing(4, 0);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < texts.size(); ++i)
                if (!same(tokenizer->encode(texts[i]), expected[i]))
                    ++differing[t];
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(differing, std::vector<int>(4, 0));
}

TEST(Tokenizer, AFullCacheForgetsButDoesNotErr) {
    const auto used = goldenTokenizer("bert-cased");
    std::string many;
    for (int i = 0; i < 40'000; ++i)
        many += "w" + std::to_string(i) + " ";
    static_cast<void>(used->encode(many));
    EXPECT_TRUE(same(used->encode(many), goldenTokenizer("bert-cased")->encode(many)));
}

double secondsOfOneWord(const Tokenizer& tokenizer, std::size_t length) {
    std::string word;
    for (std::size_t i = 0; word.size() < length; ++i)
        word += "internationalisationofthequickbrownfox"[i * 7 % 37];
    double best = 1e9;
    for (int repeat = 0; repeat < 3; ++repeat) {
        const std::clock_t start = std::clock(); // of this process: other work on the machine does not count
        const Encoding encoding = tokenizer.encode(word);
        best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
        EXPECT_GT(encoding.size(), 0U);
    }
    return best;
}

TEST(Tokenizer, AWordOfAMegabyteTakesTenTimesOneOfATenth) {
    for (const std::string name : {"gpt2", "llama", "t5", "clip", "bert-cased"}) {
        const auto tokenizer = goldenTokenizer(name);
        const double tenth = secondsOfOneWord(*tokenizer, 100'000);
        const double whole = secondsOfOneWord(*tokenizer, 1'000'000);
        // Linear would be 10, quadratic 100; the margin is for what no longer fits in caches.
        EXPECT_LT(whole / std::max(tenth, 1e-3), 50.0) << name << " " << tenth << " s, " << whole << " s";
    }
}

} // namespace
} // namespace orrery::text
