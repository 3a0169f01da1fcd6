// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "model/sentence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace orrery::model {
namespace {

namespace fs = std::filesystem;
using checkpoint::PoolingKind;
using testing::HasSubstr;

const fs::path encoderFolder = ORRERY_GOLDEN_DIR "/sentence/docs-embed";

TEST(SentenceEncoder, GivesTheRecordedEmbeddings) {
    const auto encoder = SentenceEncoder::open(encoderFolder);
    const auto expected = checkpoint::Checkpoint::open(encoderFolder / "expected.safetensors");
    ModelInput input;
    input.inputIds = expected->tensor("input.input_ids");
    input.attentionMask = expected->tensor("input.attention_mask");
    const Tensor got = encoder.embed(input);
    const Tensor want = expected->tensor("output.embedding");
    ASSERT_EQ(got.shape(), want.shape());
    EXPECT_EQ(encoder.width(), 128);
    for (std::int64_t i = 0; i < got.size(0); ++i)
        for (std::int64_t d = 0; d < got.size(1); ++d)
            EXPECT_NEAR(got.at({i, d}), want.at({i, d}), 1e-4 * (1 + std::abs(want.at({i, d}))));
}

TEST(SentenceEncoder, PaddingOfABatchChangesNothing) {
    const auto encoder = SentenceEncoder::open(encoderFolder);
    const std::vector<std::string> texts{"solve a linear system",
                                         "read a file and parse it line by line, then return the lines"};
    const Tensor both = encoder.embed(texts);
    const Tensor one = encoder.embed(std::vector<std::string>{texts[0]});
    double square = 0;
    for (std::int64_t d = 0; d < 128; ++d) {
        EXPECT_NEAR(both.at({0, d}), one.at({0, d}), 1e-5);
        square += both.at({1, d}) * both.at({1, d});
    }
    EXPECT_NEAR(square, 1, 1e-5);
    // Longer than the encoder reads (112 tokens).
    std::string endless;
    for (int i = 0; i < 400; ++i)
        endless += "word ";
    EXPECT_EQ(encoder.embed(std::vector<std::string>{endless}).shape(), (Shape{1, 128}));
    EXPECT_THROW((void)encoder.embed(std::vector<std::string>{}), UsageError);
}

TEST(SentencePooling, EveryKindIsItsDefinition) {
    const Tensor hidden = Tensor::of<float>({1, 4, 2}, {1, 10, -5, 20, 3, -30, 100, 100});
    const Tensor mask = Tensor::of<std::int64_t>({1, 4}, {1, 1, 1, 0});
    const auto pool = [&](std::vector<PoolingKind> kinds) {
        return pooled(hidden, mask, {std::move(kinds), 2}).toFloats();
    };
    EXPECT_EQ(pool({PoolingKind::Cls}), (std::vector<float>{1, 10}));
    EXPECT_EQ(pool({PoolingKind::Max}), (std::vector<float>{3, 20}));
    EXPECT_EQ(pool({PoolingKind::LastToken}), (std::vector<float>{3, -30}));
    EXPECT_NEAR(pool({PoolingKind::Mean})[0], -1.0 / 3, 1e-6);
    EXPECT_NEAR(pool({PoolingKind::MeanSqrtLen})[0], -1 / std::sqrt(3.0), 1e-6);
    EXPECT_NEAR(pool({PoolingKind::WeightedMean})[1], (10.0 + 40 - 90) / 6, 1e-5);
    EXPECT_EQ(pool({PoolingKind::Cls, PoolingKind::Max}), (std::vector<float>{1, 10, 3, 20}));
    EXPECT_THROW((void)pooled(hidden, Tensor::zeros({1, 4}, DType::I64), {{PoolingKind::Mean}, 2}),
                 UsageError);
}

/// A copy of the golden encoder whose modules can be changed.
class Modules : public testing::Test {
public:
    Modules() {
        std::string name = (fs::temp_directory_path() / "orrery-sentence-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        for (const auto& entry : fs::directory_iterator(encoderFolder))
            if (entry.is_regular_file())
                fs::create_symlink(entry.path(), m_folder / entry.path().filename());
        fs::remove(m_folder / "modules.json");
        write("1_Pooling/config.json", R"({"word_embedding_dimension":128,"pooling_mode_mean_tokens":true})");
    }
    ~Modules() override {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((m_folder / name).parent_path());
        std::ofstream(m_folder / name) << text;
    }
    /// modules.json of a Transformer and these types in these folders.
    void modules(const std::vector<std::pair<std::string, std::string>>& list) const {
        std::string text = R"([{"path":"","type":"sentence_transformers.models.Transformer"})";
        for (const auto& [type, path] : list)
            text += R"(,{"path":")" + path + R"(","type":"sentence_transformers.models.)" + type + "\"}";
        write("modules.json", text + "]");
    }
    [[nodiscard]] const fs::path& folder() const { return m_folder; }
    [[nodiscard]] std::string refusal() const {
        try {
            (void)SentenceEncoder::open(m_folder);
        } catch (const InputError& error) {
            return error.what();
        }
        ADD_FAILURE() << "no InputError";
        return {};
    }

private:
    fs::path m_folder;
};

TEST_F(Modules, ADenseLayerIsApplied) {
    modules({{"Pooling", "1_Pooling"}, {"Dense", "2_Dense"}});
    write("2_Dense/config.json", R"({"in_features":128,"out_features":2,"bias":true,)"
                                 R"("activation_function":"torch.nn.modules.activation.Tanh"})");
    const Tensor weight = Tensor::zeros({2, 128});
    weight.mutablePointer<float>()[5] = 0.5F;
    const std::vector<std::pair<std::string, Tensor>> tensors{
        {"linear.weight", weight}, {"linear.bias", Tensor::of<float>({2}, {0, 2})}};
    checkpoint::writeSafetensors(folder() / "2_Dense/model.safetensors", tensors);
    const auto dense = SentenceEncoder::open(folder());
    EXPECT_EQ(dense.width(), 2);
    modules({{"Pooling", "1_Pooling"}});
    const auto plain = SentenceEncoder::open(folder());
    const std::vector<std::string> text{"plot a histogram"};
    const double mean = plain.embed(text).at({0, 5});
    const Tensor got = dense.embed(text);
    EXPECT_NEAR(got.at({0, 0}), std::tanh(0.5 * mean), 1e-5);
    EXPECT_NEAR(got.at({0, 1}), std::tanh(2.0), 1e-5);

    modules({{"Pooling", "1_Pooling"}, {"Dense", "2_Dense"}});
    write("2_Dense/config.json", R"({"in_features":128,"out_features":3})");
    EXPECT_THAT(refusal(), HasSubstr("linear.weight"));
    write("2_Dense/config.json", R"({"in_features":64,"out_features":2})");
    EXPECT_THAT(refusal(), HasSubstr("vectors of 64"));
    write("2_Dense/config.json", R"({"in_features":128,"out_features":2,"activation_function":"x.Softmax"})");
    EXPECT_THAT(refusal(), HasSubstr("activation_function"));
}

TEST_F(Modules, WhatIsNotKnownIsRefused) {
    write("modules.json", "{}");
    EXPECT_THAT(refusal(), HasSubstr("no list"));
    modules({});
    EXPECT_THAT(refusal(), HasSubstr("no Pooling"));
    modules({{"Normalize", ""}});
    EXPECT_THAT(refusal(), HasSubstr("Normalize"));
    modules({{"Pooling", "1_Pooling"}, {"WordWeights", "3"}});
    EXPECT_THAT(refusal(), HasSubstr("WordWeights"));
    modules({{"Pooling", "../1_Pooling"}});
    EXPECT_THAT(refusal(), HasSubstr("path"));
    modules({{"Pooling", "1_Pooling"}});
    write("1_Pooling/config.json", R"({"word_embedding_dimension":64,"pooling_mode_cls_token":true})");
    EXPECT_THAT(refusal(), HasSubstr("vectors of 64"));
    write("1_Pooling/config.json", R"({"word_embedding_dimension":128})");
    EXPECT_THAT(refusal(), HasSubstr("no pooling"));
}

} // namespace
} // namespace orrery::model
