// SPDX-License-Identifier: GPL-3.0-or-later
// Encoder-decoders write with every strategy, with their cache, as a stream, and begin as they should.
#include "base/error.h"
#include "base/json.h"
#include "generate/generate.h"
#include "generate/generation_config.h"
#include "generate/write.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace orrery::generate {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<model::Model> restorer() {
    return model::Model::open(ORRERY_SOURCE_DIR "/resources/models/docs-seq2seq");
}

const std::string corrupted = " Round dis<mask> values. Args:<mask> pymoo Problem instance.";

model::NamedTensors readOf(const model::Model& model, const std::string& text) {
    return {{"input_ids", model.encode(text).inputIds}};
}

Generation written(const model::Model& model, const model::NamedTensors& read,
                   const DecodingStrategy& strategy, const Json& how = Json::object(),
                   const GenerateOptions* changed = nullptr) {
    GenerateOptions options = toGenerateOptions(defaultValues(model), model.tokenizer().get());
    options.maxNewTokens = 24;
    if (changed != nullptr)
        options = *changed;
    OptionValues values(strategy.options());
    for (const auto& [key, value] : how.items())
        values.setText(key, value.is_string() ? value.get<std::string>() : value.dump());
    return write(model, read, strategy, values, options);
}

TEST(Writing, FollowsTheLikeliestWordWhateverIsCached) {
    const auto model = restorer();
    const auto read = readOf(*model, corrupted);
    const Generation made = written(*model, read, greedy());
    const TokenIds ids = made.sequences.front().ids();
    ASSERT_GT(ids.size(), 8U);
    // The same words from whole runs without a cache.
    TokenIds begun{2}; // decoder_start_token_id
    for (const std::int64_t id : ids) {
        model::NamedTensors inputs = read;
        inputs["decoder_input_ids"] =
            Tensor::of<std::int64_t>({1, static_cast<std::int64_t>(begun.size())}, begun);
        const Tensor logits = model->run(inputs).at("logits");
        const std::vector<float> last =
            logits.select(0, 0).select(0, static_cast<std::int64_t>(begun.size()) - 1).toFloats();
        ASSERT_EQ(std::max_element(last.begin(), last.end()) - last.begin(), id);
        begun.push_back(id);
    }
    EXPECT_GT(made.cacheBytes, 0U);
    EXPECT_EQ(made.promptLength, 1);
}

TEST(Writing, StreamsTheTextThatItGives) {
    const auto model = restorer();
    GenerateOptions options = toGenerateOptions(defaultValues(*model), model->tokenizer().get());
    options.maxNewTokens = 24;
    std::string stream;
    bool last = false;
    options.onToken = [&](const TokenEvent& event) {
        stream += event.text;
        last = event.last;
        return true;
    };
    const Generation made = written(*model, readOf(*model, corrupted), greedy(), {}, &options);
    EXPECT_EQ(stream, made.sequences.front().text);
    EXPECT_NE(stream.find("Round"), std::string::npos) << stream;
    EXPECT_EQ(stream.find("</s>"), std::string::npos);
    EXPECT_TRUE(last);
    options.stopStrings = {"Args"};
    options.onToken = {};
    const Generation stopped = written(*model, readOf(*model, corrupted), greedy(), {}, &options);
    EXPECT_EQ(stopped.sequences.front().reason, StopReason::StopString);
    EXPECT_EQ(stopped.sequences.front().text, stream.substr(0, stream.find("Args")));
}

TEST(Writing, BeamsFindNothingLessLikelyThanTheGreedyText) {
    const auto model = restorer();
    const auto read = readOf(*model, corrupted);
    GenerateOptions options = toGenerateOptions(defaultValues(*model), model->tokenizer().get());
    options.maxNewTokens = 24;
    options.probabilities = true;
    const Generation likeliest = written(*model, read, greedy(), {}, &options);
    double plain = 0; // log likelihood of the greedy text
    for (const TokenRecord& token : likeliest.sequences[0].tokens)
        plain += std::log(token.probability);
    const Generation beams = written(*model, read, beamSearch(),
                                     {{"num_beams", 4}, {"length_penalty", 0}, {"num_return_sequences", 3}});
    ASSERT_EQ(beams.sequences.size(), 3U);
    EXPECT_GE(beams.sequences[0].score, plain - 1e-3);
    EXPECT_GE(beams.sequences[0].score, beams.sequences[1].score);
    EXPECT_NE(beams.sequences[0].ids(), beams.sequences[1].ids());
}

TEST(Writing, SamplesAreRepeatableAndSeveral) {
    const auto model = restorer();
    const auto read = readOf(*model, corrupted);
    GenerateOptions options = toGenerateOptions(defaultValues(*model), model->tokenizer().get());
    options.maxNewTokens = 12;
    options.seed = 5;
    const Json how{{"temperature", 1.5}, {"num_return_sequences", 4}};
    const Generation first = written(*model, read, sampling(), how, &options);
    const Generation again = written(*model, read, sampling(), how, &options);
    ASSERT_EQ(first.sequences.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(first.sequences[i].ids(), again.sequences[i].ids());
    options.seed = 6;
    const Generation other = written(*model, read, sampling(), how, &options);
    EXPECT_FALSE(std::equal(first.sequences.begin(), first.sequences.end(), other.sequences.begin(),
                            [](const Sequence& a, const Sequence& b) { return a.ids() == b.ids(); }));
}

TEST(Writing, SeveralTextsAtOnceAreWrittenAsEachAlone) {
    const auto model = restorer();
    const std::vector<std::string> texts{corrupted, " Returns the<mask> of the array."};
    const model::ModelInput both = model->encodeBatch(texts);
    const Generation made =
        written(*model, {{"input_ids", both.inputIds}, {"attention_mask", both.attentionMask}}, greedy());
    ASSERT_EQ(made.sequences.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(made.sequences[i].ids(),
                  written(*model, readOf(*model, texts[i]), greedy()).sequences[0].ids());
}

TEST(Writing, WhatCannotWriteSaysSo) {
    const auto gpt2 = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    EXPECT_THROW(
        static_cast<void>(written(*gpt2, {{"input_ids", Tensor::zeros({1, 2}, DType::I64)}}, greedy())),
        UsageError);
    const auto model = restorer();
    EXPECT_THROW(static_cast<void>(written(*model, {}, greedy())), UsageError);
    // Strategies that go back or look at hidden states are not for decoders with a memory; they say so.
    EXPECT_THROW(static_cast<void>(written(*model, readOf(*model, corrupted), contrastiveSearch())),
                 UsageError);
}

/// The golden Whisper with another generation_config.json.
class Speech {
public:
    explicit Speech(const Json& generation) : m_path(fs::temp_directory_path() / "orrery_begin_test") {
        fs::remove_all(m_path);
        fs::create_directories(m_path);
        for (const char* file : {"config.json", "model.safetensors"})
            fs::copy_file(fs::path(ORRERY_GOLDEN_DIR "/hf/whisper") / file, m_path / file);
        if (!generation.is_null())
            writeFileAtomically(m_path / "generation_config.json", generation.dump());
        m_model = model::Model::open(m_path);
    }
    ~Speech() { fs::remove_all(m_path); }
    Speech(const Speech&) = delete;
    Speech& operator=(const Speech&) = delete;

    [[nodiscard]] const model::Model& model() const { return *m_model; }
    [[nodiscard]] std::vector<TokenIds> begins(const DecoderStart& start = {}, std::int64_t items = 1) const {
        EncoderDecoderStepModel steps(*m_model, {{"input_features", features(items)}}, {});
        return decoderBegins(*m_model, steps, start);
    }
    /// Different for each item.
    [[nodiscard]] static Tensor features(std::int64_t items) {
        const Tensor result = Tensor::empty({items, 16, 40});
        float value = 0;
        for (float& x : result.mutableData<float>()) {
            x = value - 2;
            value = value > 4 ? 0.1F : value + 0.37F;
        }
        return result;
    }

private:
    fs::path m_path;
    std::shared_ptr<model::Model> m_model;
};

Speech speaking(const Json& generation) {
    return Speech(generation);
}

TEST(DecoderBegins, AsTheConfigurationSays) {
    EXPECT_EQ(speaking({}).begins(), (std::vector<TokenIds>{{3}})); // of config.json
    EXPECT_EQ(speaking({{"decoder_start_token_id", 5}}).begins({}, 2), (std::vector<TokenIds>{{5}, {5}}));
    EXPECT_EQ(speaking({{"decoder_start_token_id", 5}}).begins({.ids = {7, 8}}),
              (std::vector<TokenIds>{{7, 8}}));
    // English Whisper of older and newer files.
    EXPECT_EQ(speaking({{"decoder_start_token_id", 5}, {"forced_decoder_ids", {{1, 20}, {2, 21}}}}).begins(),
              (std::vector<TokenIds>{{5, 20, 21}}));
    EXPECT_EQ(speaking({{"decoder_start_token_id", 5}, {"no_timestamps_token_id", 30}}).begins(),
              (std::vector<TokenIds>{{5, 30}}));
}

TEST(DecoderBegins, LanguagesAreToldOrFound) {
    const Speech speech = speaking({{"decoder_start_token_id", 5},
                                    {"lang_to_id", {{"<|de|>", 40}, {"<|en|>", 41}, {"<|fr|>", 42}}},
                                    {"task_to_id", {{"transcribe", 50}, {"translate", 51}}},
                                    {"no_timestamps_token_id", 60}});
    EXPECT_EQ(speech.begins({.language = "en"}), (std::vector<TokenIds>{{5, 41, 50, 60}}));
    EXPECT_EQ(speech.begins({.language = "<|fr|>", .task = "translate"}),
              (std::vector<TokenIds>{{5, 42, 51, 60}}));
    // Found: the likeliest of the languages after the start token, for each sound.
    const auto found = speech.begins({}, 3);
    const Tensor logits =
        speech.model()
            .run(model::NamedTensors{{"input_features", Speech::features(3)},
                                     {"decoder_input_ids", Tensor::full({3, 1}, 5, DType::I64)}})
            .at("logits");
    for (std::int64_t item = 0; item < 3; ++item) {
        const std::vector<float> row = logits.select(0, item).select(0, 0).toFloats();
        const auto best = std::max_element(row.begin() + 40, row.begin() + 43) - row.begin();
        EXPECT_EQ(found[static_cast<std::size_t>(item)], (TokenIds{5, best, 50, 60}));
    }
    try {
        static_cast<void>(speech.begins({.language = "xx"}));
        ADD_FAILURE();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("<|de|>"), std::string::npos);
    }
    EXPECT_THROW(static_cast<void>(speech.begins({.task = "sing"})), UsageError);
    EXPECT_THROW(static_cast<void>(speaking({{"decoder_start_token_id", 5}}).begins({.language = "en"})),
                 UsageError);
    for (const Json& broken :
         {Json{{"decoder_start_token_id", 5000}}, Json{{"lang_to_id", {{"<|de|>", 4000}}}},
          Json{{"lang_to_id", 7}}, Json{{"forced_decoder_ids", {{1, 4000}}}}})
        EXPECT_THROW(static_cast<void>(speaking(broken).begins()), InputError) << broken.dump();
}

} // namespace
} // namespace orrery::generate
