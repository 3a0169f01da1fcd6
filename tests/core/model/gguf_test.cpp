// SPDX-License-Identifier: GPL-3.0-or-later
// Models as GGUF files: written from the golden checkpoints, opened and run again.
#include "base/error.h"
#include "base/json.h"
#include "checkpoint/gguf_model.h"
#include "checkpoint/gguf_writer.h"
#include "model/gguf_export.h"
#include "model/gguf_tokenizer.h"
#include "model/model.h"
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

namespace fs = std::filesystem;
using checkpoint::GgufTransform;

const fs::path golden = ORRERY_GOLDEN_DIR;

class Gguf : public testing::Test {
public:
    Gguf() {
        std::string name = (fs::temp_directory_path() / "orrery-gguf-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
    }
    ~Gguf() override {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }
    [[nodiscard]] fs::path file(const std::string& name) const { return m_folder / name; }
    [[nodiscard]] const fs::path& folder() const { return m_folder; }

private:
    fs::path m_folder;
};

ModelInput inputFor(const Model& model, std::int64_t length) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < length; ++i)
        ids.push_back((i * 37 + 5) % model.vocabulary());
    return ModelInput::ofIds(ids);
}

Tensor answerOf(const Model& model, std::int64_t length) {
    const ModelOutput output = model.run(inputFor(model, length));
    return output.logits.defined() ? output.logits : output.lastHidden;
}

double relativeError(const Tensor& got, const Tensor& want) {
    const auto a = got.toFloats();
    const auto b = want.toFloats();
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
        size += std::pow(static_cast<double>(b[i]), 2);
    }
    return std::sqrt(difference / size);
}

TEST_F(Gguf, AnExportedModelAnswersAsItsFolder) {
    for (const char* name : {"bert-mlm", "bert-base-model", "bert-seqcls", "bert-tokcls", "gpt2", "llama-gqa",
                             "llama-rope-llama3", "qwen2", "qwen3"}) {
        const fs::path source = golden / "hf" / name;
        const auto original = Model::open(source);
        exportGguf(source, file("a.gguf"), "F32");
        const auto same = Model::open(file("a.gguf"));
        EXPECT_EQ(same->family(), original->family());
        EXPECT_EQ(same->config().head, original->config().head) << name;
        EXPECT_EQ(same->labels(), original->labels()) << name;
        EXPECT_EQ(same->unusedTensors(), std::vector<std::string>{}) << name;
        const Tensor want = answerOf(*original, 11);
        EXPECT_EQ(answerOf(*same, 11).toFloats(), want.toFloats()) << name;

        exportGguf(source, file("h.gguf"), "F16");
        EXPECT_LT(relativeError(answerOf(*Model::open(file("h.gguf")), 11), want), 2e-3) << name;
    }
}

TEST_F(Gguf, QuantisedLinearsStayQuantised) {
    // Wide enough for blocks of 32; both for few rows (blocks) and many (panels).
    for (const char* name : {"docs-bert", "docs-gpt"}) {
        const fs::path source = fs::path(ORRERY_SOURCE_DIR "/resources/models") / name;
        const auto original = Model::open(source);
        exportGguf(source, file("q8.gguf"), "Q8_0");
        const auto quantised = Model::open(file("q8.gguf"));
        std::size_t blocks = 0;
        std::as_const(*quantised).forEachLinear([&](const nn::Linear& linear) {
            blocks += linear.format()->name() == "q8_0" ? 1 : 0;
        });
        EXPECT_GE(blocks, static_cast<std::size_t>(4 * original->layers())) << name;
        const double few = relativeError(answerOf(*quantised, 3), answerOf(*original, 3));
        const double many = relativeError(answerOf(*quantised, 60), answerOf(*original, 60));
        EXPECT_LT(few, 0.03) << name;
        EXPECT_LT(many, 0.03) << name;
        exportGguf(source, file("q4.gguf"), "Q4_0");
        const double coarse =
            relativeError(answerOf(*Model::open(file("q4.gguf")), 60), answerOf(*original, 60));
        EXPECT_GT(coarse, many) << name;
        EXPECT_LT(coarse, 0.5) << name;
    }
}

TEST_F(Gguf, ATextIsTokenizedAsByTheFolder) {
    const fs::path source = fs::path(ORRERY_SOURCE_DIR "/resources/models/docs-gpt");
    exportGguf(source, file("a.gguf"), "Q8_0");
    const auto original = Model::open(source);
    const auto exported = Model::open(folder()); // the only checkpoint of its folder
    ASSERT_NE(exported->tokenizer(), nullptr) << exported->tokenizerProblem();
    const std::string text = "Return the number of samples in   each class.\n\tvalue = 3.14";
    EXPECT_EQ(exported->encode(text).inputIds.toIntegers(), original->encode(text).inputIds.toIntegers());
}

/// The lists of tokens, merges and scores alone, as other writers leave them.
TEST_F(Gguf, TokenizersAreBuiltFromTheirLists) {
    const std::vector<std::string> texts{
        "Hello, world! It's 12345 o'clock.",
        "  two  spaces, a\ttab and a\n\nline",
        "na\xc3\xafve caf\xc3\xa9 \xe2\x82\xac 100 \xf0\x9f\x99\x82 \xe4\xbd\xa0\xe5\xa5\xbd",
        "def f(x):\n    return x ** 2 + 1",
        "I'LL they've DON'T",
        ""};
    for (const char* name : {"gpt2", "llama3", "qwen2", "llama", "bert-uncased", "bert-cased"}) {
        const fs::path source = golden / "tokenizers" / name / "tokenizer.json";
        const auto original = text::Tokenizer::open(source);
        checkpoint::writeGguf(file("t.gguf"), ggufTokenizerSettings(readJsonFile(source), false), {});
        const auto opened = checkpoint::Checkpoint::open(file("t.gguf"));
        const auto& settings =
            dynamic_cast<const checkpoint::GgufFile&>(*opened->sources().front()).settings();
        EXPECT_FALSE(settings.has("tokenizer.huggingface.json"));
        const auto rebuilt = ggufTokenizer(settings);
        for (const std::string& text : texts) {
            const auto want = original->encode(text);
            const auto got = rebuilt->encode(text);
            EXPECT_EQ(got.ids, want.ids) << name << ": " << text;
            EXPECT_EQ(rebuilt->decode(got.ids), original->decode(want.ids)) << name;
        }
    }
}

std::string sentenceOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
}

TEST_F(Gguf, BrokenTokenizersHaveTheirSentences) {
    using testing::HasSubstr;
    const auto refusal = [&](const checkpoint::GgufSettings& settings) {
        checkpoint::writeGguf(file("t.gguf"), settings, {});
        const auto opened = checkpoint::Checkpoint::open(file("t.gguf"));
        return sentenceOf([&] {
            (void)ggufTokenizer(
                dynamic_cast<const checkpoint::GgufFile&>(*opened->sources().front()).settings());
        });
    };
    const std::vector<std::string> two{"a", "b"};
    const std::string gpt2 = "gpt2";
    EXPECT_THAT(refusal({}), HasSubstr("holds no tokenizer"));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", std::string("rwkv")}, {"tokenizer.ggml.tokens", two}}),
                HasSubstr("\"rwkv\""));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", gpt2}}), HasSubstr("no tokens"));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", gpt2}, {"tokenizer.ggml.tokens", two}}),
                HasSubstr("merges"));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", gpt2},
                         {"tokenizer.ggml.tokens", two},
                         {"tokenizer.ggml.token_type", std::vector<std::int32_t>{1}}}),
                HasSubstr("another number"));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", gpt2},
                         {"tokenizer.ggml.tokens", two},
                         {"tokenizer.ggml.pre", std::string("dbrx")},
                         {"tokenizer.ggml.merges", std::vector<std::string>{}}}),
                HasSubstr("\"dbrx\""));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", std::string("llama")},
                         {"tokenizer.ggml.tokens", two},
                         {"tokenizer.ggml.scores", std::vector<float>{1}}}),
                HasSubstr("score"));
    EXPECT_THAT(refusal({{"tokenizer.ggml.model", gpt2},
                         {"tokenizer.ggml.tokens", std::vector<std::string>{"a", "\xff"}},
                         {"tokenizer.ggml.merges", std::vector<std::string>{}}}),
                HasSubstr("UTF-8"));
}

TEST(GgufNames, TheTablesGoBothWays) {
    const auto& llama = *checkpoint::ggufArchitecture("llama");
    const auto query = checkpoint::toHuggingFace(llama, "blk.13.attn_q.weight");
    EXPECT_EQ(query.name, "model.layers.13.self_attn.q_proj.weight");
    EXPECT_EQ(query.transform, GgufTransform::RotaryQuery);
    EXPECT_EQ(checkpoint::toHuggingFace(llama, "blk.0.ffn_norm.weight").name,
              "model.layers.0.post_attention_layernorm.weight");
    EXPECT_EQ(checkpoint::toHuggingFace(llama, "token_embd.weight").name, "model.embed_tokens.weight");
    EXPECT_EQ(checkpoint::toHuggingFace(llama, "output.weight").name, "lm_head.weight");
    const auto& qwen = *checkpoint::ggufArchitecture("qwen2");
    const auto bias = checkpoint::toHuggingFace(qwen, "blk.2.attn_k.bias");
    EXPECT_EQ(bias.name, "model.layers.2.self_attn.k_proj.bias");
    EXPECT_EQ(bias.transform, GgufTransform::None);
    const auto& gpt2 = *checkpoint::ggufArchitecture("gpt2");
    EXPECT_EQ(checkpoint::toGguf(gpt2, "transformer.h.7.mlp.c_fc.weight").name, "blk.7.ffn_up.weight");
    EXPECT_EQ(checkpoint::toGguf(gpt2, "transformer.h.7.mlp.c_fc.weight").transform,
              GgufTransform::Transposed);
    EXPECT_EQ(checkpoint::toGguf(gpt2, "transformer.h.7.mlp.c_fc.bias").transform, GgufTransform::None);
    for (const char* id : {"bert", "gpt2", "llama", "qwen2"}) {
        const auto& architecture = *checkpoint::ggufArchitecture(id);
        for (const auto& name : architecture.names) {
            std::string there(name.gguf);
            if (const auto place = there.find("{}"); place != std::string::npos)
                there.replace(place, 2, "21");
            there += ".weight";
            const auto here = checkpoint::toHuggingFace(architecture, there);
            EXPECT_NE(here.name, there);
            EXPECT_EQ(checkpoint::toGguf(architecture, here.name).name, there);
        }
    }
    EXPECT_EQ(checkpoint::toHuggingFace(gpt2, "blk.x.ffn_up.weight").name, "blk.x.ffn_up.weight");
    EXPECT_EQ(checkpoint::toHuggingFace(gpt2, "blk..ffn_up.weight").name, "blk..ffn_up.weight");
    EXPECT_EQ(checkpoint::ggufArchitecture("mamba"), nullptr);
}

/// Hugging Face turns (x_i, x_{i + d/2}) together, such files (x_{2i}, x_{2i + 1}).
TEST(GgufNames, RotaryRowsAreUnpaired) {
    EXPECT_EQ(checkpoint::rotaryOrder(2, 12),
              (std::vector<std::int32_t>{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11}));
    EXPECT_THROW((void)checkpoint::rotaryOrder(4, 12), Error);
}

checkpoint::GgufSettings llamaSettings(std::uint32_t heads, std::uint32_t groups) {
    return {{"general.architecture", std::string("llama")},
            {"llama.context_length", std::uint32_t{64}},
            {"llama.embedding_length", std::uint32_t{64}},
            {"llama.block_count", std::uint32_t{1}},
            {"llama.feed_forward_length", std::uint32_t{96}},
            {"llama.attention.head_count", heads},
            {"llama.attention.head_count_kv", groups},
            {"llama.attention.layer_norm_rms_epsilon", 1e-5F},
            {"llama.rope.freq_base", 500000.0F},
            {"tokenizer.ggml.bos_token_id", std::uint32_t{1}}};
}

/// LLaMA's settings, names, and queries whose row i holds the number i where Hugging Face has it.
TEST_F(Gguf, LlamaIsReadInHuggingFacesLayout) {
    const auto order = checkpoint::rotaryOrder(4, 64);
    const Tensor query = Tensor::empty({64, 64});
    for (std::int64_t row = 0; row < 64; ++row)
        query.select(0, order[static_cast<std::size_t>(row)]).fill(static_cast<double>(row));
    const auto tensor = [](const char* name, const Tensor& value, const char* type) {
        return checkpoint::GgufTensor{name, value.shape(), checkpoint::ggufTensorType(type),
                                      [value] { return value; }};
    };
    for (const char* type : {"F32", "Q8_0"}) {
        checkpoint::writeGguf(file("l.gguf"), llamaSettings(4, 2),
                              std::vector{tensor("token_embd.weight", Tensor::zeros({10, 64}), "F16"),
                                          tensor("blk.0.attn_q.weight", query, type),
                                          tensor("blk.0.attn_k.weight", Tensor::zeros({32, 64}), type),
                                          tensor("output.weight", Tensor::zeros({10, 64}), type)});
        const auto model = checkpoint::ggufModel(file("l.gguf"));
        ASSERT_TRUE(model);
        EXPECT_EQ(model->config.modelType(), "llama");
        EXPECT_EQ(model->config.integer({"num_key_value_heads"}), 2);
        EXPECT_EQ(model->config.integer({"head_dim"}), 16);
        EXPECT_EQ(model->config.real({"rope_theta"}), 500000);
        EXPECT_EQ(model->config.real({"rms_norm_eps"}), 1e-5);
        EXPECT_EQ(model->config.boolean({"tie_word_embeddings"}), false);
        EXPECT_EQ(model->config.integer({"vocab_size"}), 10);
        const std::string name = "model.layers.0.self_attn.q_proj.weight";
        const Tensor read = model->weights->tensor(name);
        for (std::int64_t row = 0; row < 64; ++row)
            EXPECT_NEAR(read.at({row, 63}), static_cast<double>(row), 0.02) << type;
        if (model->weights->info(name).blocks) {
            EXPECT_NEAR(model->weights->blocks(name).toDense().at({9, 0}), 9, 0.01);
        }
    }
    checkpoint::writeGguf(file("l.gguf"), llamaSettings(4, 3),
                          std::vector{tensor("token_embd.weight", Tensor::zeros({10, 64}), "F16"),
                                      tensor("blk.0.attn_k.weight", Tensor::zeros({32, 64}), "F32")});
    EXPECT_THAT(sentenceOf([&] { (void)checkpoint::ggufModel(file("l.gguf")); }),
                testing::HasSubstr("no 3 heads of pairs"));
}

TEST_F(Gguf, WhatCannotBeWrittenOrRunIsRefused) {
    using testing::HasSubstr;
    EXPECT_THAT(sentenceOf([&] { exportGguf(golden / "hf/roberta-mlm", file("x.gguf"), "F32"); }),
                HasSubstr("roberta"));
    EXPECT_THAT(sentenceOf([&] { exportGguf(golden / "hf/gpt2", file("x.gguf"), "Q6_K"); }),
                HasSubstr("Q6_K"));
    EXPECT_THAT(sentenceOf([&] { exportGguf(golden / "hf/gpt2", file("x.bin"), "F32"); }),
                HasSubstr(".gguf"));
    EXPECT_TRUE(fs::is_empty(folder()));
    checkpoint::writeGguf(file("m.gguf"), {{"general.architecture", std::string("mamba")}}, {});
    EXPECT_THAT(sentenceOf([&] { (void)Model::open(file("m.gguf")); }), HasSubstr("\"mamba\""));
    checkpoint::writeGguf(file("m.gguf"), {}, {});
    EXPECT_THAT(sentenceOf([&] { (void)Model::open(file("m.gguf")); }), HasSubstr("general.architecture"));
    checkpoint::writeGguf(file("m.gguf"),
                          {{"general.architecture", std::string("gpt2")}, {"split.count", std::uint32_t{3}}},
                          {});
    EXPECT_THAT(sentenceOf([&] { (void)Model::open(file("m.gguf")); }), HasSubstr("one part of 3"));
    checkpoint::writeGguf(file("m.gguf"), {{"general.architecture", std::string("gpt2")}}, {});
    EXPECT_THAT(sentenceOf([&] { (void)Model::open(file("m.gguf")); }), HasSubstr("token_embd.weight"));
    std::ofstream(file("note.txt")) << "text";
    EXPECT_THAT(sentenceOf([&] { (void)Model::open(file("note.txt")); }), HasSubstr("is a file"));
}

} // namespace
} // namespace orrery::model
