// SPDX-License-Identifier: GPL-3.0-or-later
// Broken and unusual folders: each is a sentence that names what is wrong, or opens as it should.
#include "base/error.h"
#include "core/model/folder.h"
#include "model/model.h"
#include "tensor/storage.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

namespace orrery::model {
namespace {

void expectWords(const std::string& sentence, const std::vector<std::string>& words) {
    for (const std::string& word : words)
        EXPECT_NE(sentence.find(word), std::string::npos) << "\"" << word << "\" in: " << sentence;
}

TEST(Hostile, MissingAndWrongConfigKeys) {
    for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                            "intermediate_size", "max_position_embeddings", "model_type"}) {
        Folder folder("bert-seqcls");
        folder.config.erase(key);
        expectWords(folder.sentence(), {"config.json", key});
    }
    for (const Json& value : {Json(0), Json(-4), Json("many"), Json(1e300), Json::array()}) {
        Folder folder("bert-seqcls");
        folder.config["num_hidden_layers"] = value;
        expectWords(folder.sentence(), {"config.json", "num_hidden_layers"});
    }
}

TEST(Hostile, ImpossibleSizes) {
    Folder heads("bert-seqcls");
    heads.config["num_attention_heads"] = 5;
    expectWords(heads.sentence(), {"32", "5"});
    Folder absurd("bert-seqcls");
    absurd.config["num_hidden_layers"] = 2000000000;
    expectWords(absurd.sentence(), {"2000000000"});
    Folder large("bert-seqcls");
    large.config["vocab_size"] = 2000000000;
    expectWords(large.sentence(), {"word_embeddings", "2000000000"});
    Folder more("gpt2");
    more.config["n_layer"] = 3;
    expectWords(more.sentence(), {"h.2.ln_1.weight", "missing"});
    Folder positions("roberta-mlm");
    positions.config["max_position_embeddings"] = 2;
    expectWords(positions.sentence(), {"max_position_embeddings"});
}

TEST(Hostile, UnknownFamilyListsTheKnownOnes) {
    Folder folder("bert-seqcls");
    folder.config["model_type"] = "hyena";
    expectWords(folder.sentence(), {"hyena", "bert", "gpt2", "roberta"});
}

TEST(Hostile, UnsupportedSettings) {
    Folder positions("bert-seqcls");
    positions.config["position_embedding_type"] = "relative_key";
    expectWords(positions.sentence(), {"relative_key"});
    Folder activation("bert-seqcls");
    activation.config["hidden_act"] = "mish";
    expectWords(activation.sentence(), {"mish", "gelu"});
    Folder cross("gpt2");
    cross.config["add_cross_attention"] = true;
    expectWords(cross.sentence(), {"cross-attention"});
}

TEST(Hostile, MissingAndMisshapenTensors) {
    Folder missing("bert-seqcls");
    missing.named("bert.encoder.layer.1.intermediate.dense.weight").first = "something.else";
    expectWords(missing.sentence(),
                {"bert.encoder.layer.1.intermediate.dense.weight", "missing", "[64, 32]"});
    Folder shape("bert-seqcls");
    shape.named("bert.encoder.layer.0.attention.self.key.weight").second = Tensor::zeros({32, 31});
    expectWords(shape.sentence(), {"attention.self.key.weight", "[32, 31]", "[32, 32]"});
    Folder dtype("bert-seqcls");
    dtype.named("classifier.weight").second = Tensor::zeros({3, 32}, DType::I64);
    expectWords(dtype.sentence(), {"classifier.weight", "floating"});
    Folder empty("bert-seqcls");
    empty.tensors.clear();
    expectWords(empty.sentence(), {"missing"});
    Folder head("bert-base-model");
    head.config["architectures"] = {"BertForMaskedLM"};
    expectWords(head.sentence(), {"cls.predictions", "missing", "BertForMaskedLM"});
}

TEST(Hostile, FoldersThatAreNone) {
    EXPECT_THROW(static_cast<void>(Model::open("/nonexistent/model")), InputError);
    EXPECT_THROW(
        static_cast<void>(Model::open(std::filesystem::path(ORRERY_GOLDEN_DIR "/hf/gpt2/config.json"))),
        InputError);
    EXPECT_THROW(static_cast<void>(Model::open(ORRERY_GOLDEN_DIR)), InputError);
    EXPECT_THROW(static_cast<void>(Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2", {.dtype = DType::I8})),
                 UsageError);
}

std::vector<float> hidden(const Model& model) {
    return model.run(ModelInput::ofIds({5, 6, 7})).lastHidden.toFloats();
}

TEST(Unusual, PrefixesMayBeThereOrNot) {
    Folder bert("bert-seqcls");
    const auto expected = hidden(*bert.open());
    bert.rename([](std::string name) { return name.starts_with("bert.") ? name.substr(5) : name; });
    EXPECT_EQ(hidden(*bert.open()), expected);
    Folder gpt("gpt2");
    const auto words = hidden(*gpt.open());
    gpt.rename([](std::string name) { return name.substr(12); }); // "transformer."
    EXPECT_EQ(hidden(*gpt.open()), words);
}

TEST(Unusual, OldNamesOfNorms) {
    Folder folder("bert-seqcls");
    const auto expected = hidden(*folder.open());
    folder.rename([](std::string name) {
        if (name.ends_with("LayerNorm.weight"))
            return name.substr(0, name.size() - 6) + "gamma";
        if (name.ends_with("LayerNorm.bias"))
            return name.substr(0, name.size() - 4) + "beta";
        return name;
    });
    EXPECT_EQ(hidden(*folder.open()), expected);
}

TEST(Unusual, OwnAndTiedUnembeddings) {
    Folder folder("gpt2");
    const ModelInput input = ModelInput::ofIds({5, 6, 7});
    const Tensor tied = folder.open()->run(input).logits.clone();
    folder.tensors.emplace_back("lm_head.weight", folder.named("transformer.wte.weight").second.clone());
    EXPECT_EQ(folder.open()->run(input).logits.toFloats(), tied.toFloats());
    folder.config["tie_word_embeddings"] = false;
    folder.named("lm_head.weight").second = Tensor::zeros(folder.named("lm_head.weight").second.shape());
    EXPECT_EQ(folder.open()->run(input).logits.at({0, 1, 9}), 0);
    folder.tensors.pop_back();
    expectWords(folder.sentence(), {"lm_head.weight", "missing"});
}

TEST(Unusual, BaseModelsWithoutPoolerAndExtraTensors) {
    Folder folder("bert-base-model");
    const auto drop = [&](const std::string& end) {
        std::erase_if(folder.tensors, [&](const auto& tensor) { return tensor.first.ends_with(end); });
    };
    drop("pooler.dense.weight");
    drop("pooler.dense.bias");
    folder.tensors.emplace_back("embeddings.position_ids", Tensor::zeros({1, 40}, DType::I64));
    folder.tensors.emplace_back("embeddings.other", Tensor::zeros({2}));
    const auto model = folder.open();
    EXPECT_FALSE(model->run(ModelInput::ofIds({5})).pooled.defined());
    EXPECT_EQ(model->unusedTensors(),
              std::vector<std::string>{"embeddings.other"}); // not what a model computes
    EXPECT_FALSE(probe::findSite("pooler_output", model->layout()));
}

TEST(Unusual, OtherHeadsOfTheSameStack) {
    // GPT-2 classifies a sequence by its last token, RoBERTa by its first through a dense layer.
    Folder gpt("gpt2");
    gpt.config["architectures"] = {"GPT2ForSequenceClassification"};
    gpt.config["id2label"] = {{"0", "good"}, {"1", "bad"}};
    gpt.tensors.emplace_back("score.weight", Tensor::full({2, 32}, 0.5));
    const auto judge = gpt.open();
    ModelInput padded = ModelInput::ofIds({{5, 6}, {5, 6, 7, 8}}, 0);
    const Tensor both = judge->run(padded).logits;
    EXPECT_EQ(both.shape(), Shape({2, 2}));
    EXPECT_NEAR(judge->run(ModelInput::ofIds({5, 6})).logits.at({0, 1}), both.at({0, 1}), 1e-4);
    EXPECT_EQ(judge->labels(), (std::vector<std::string>{"good", "bad"}));

    Folder roberta("roberta-mlm");
    roberta.config["architectures"] = {"RobertaForSequenceClassification"};
    roberta.config["id2label"] = {{"0", "a"}, {"1", "b"}, {"2", "c"}};
    roberta.tensors.emplace_back("classifier.dense.weight", Tensor::zeros({32, 32}));
    roberta.tensors.emplace_back("classifier.dense.bias", Tensor::full({32}, 0.5));
    roberta.tensors.emplace_back("classifier.out_proj.weight", Tensor::full({3, 32}, 1));
    roberta.tensors.emplace_back("classifier.out_proj.bias", Tensor::zeros({3}));
    EXPECT_NEAR(roberta.open()->run(ModelInput::ofIds({5, 6})).logits.at({0, 2}), 32 * std::tanh(0.5), 1e-4);
}

TEST(Unusual, LongInputsTakeMemoryInProportionToTheirLength) {
    Folder folder("gpt2");
    constexpr std::int64_t length = 8192;
    folder.config["n_positions"] = length;
    folder.named("transformer.wpe.weight").second = Tensor::full({length, 32}, 0.01);
    const auto model = folder.open();
    std::vector<std::int64_t> ids(static_cast<std::size_t>(length));
    for (std::size_t i = 0; i < ids.size(); ++i)
        ids[i] = static_cast<std::int64_t>(i * 37 % 110);
    ModelInput input = ModelInput::ofIds(ids);
    input.logits = LogitRows::Last;
    probe::Trace trace({"attentions.*"});
    Context context;
    context.trace = &trace;
    const std::size_t before = ownedBytes();
    resetPeakBytes();
    static_cast<void>(model->run(input, context));
    // One pattern alone, held whole, would be a gigabyte.
    EXPECT_LT(peakOwnedBytes() - before, std::size_t{40} << 20U);
    const auto matrix = trace.pattern(1).matrix(0, 3);
    double sum = 0;
    std::vector<float> row(static_cast<std::size_t>(length));
    matrix->tile(length - 1, 0, 1, length, row);
    for (const float weight : row)
        sum += static_cast<double>(weight);
    EXPECT_NEAR(sum, 1, 1e-4);
}

TEST(Unusual, WeightsThatAreNotNumbersStayLocal) {
    Folder folder("gpt2");
    folder.named("transformer.h.1.mlp.c_fc.weight").second.mutableData<float>()[0] =
        std::numeric_limits<float>::quiet_NaN();
    const auto values = hidden(*folder.open()); // runs to its end
    EXPECT_TRUE(std::isnan(values[0]));
}

} // namespace
} // namespace orrery::model
