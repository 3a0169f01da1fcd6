// SPDX-License-Identifier: GPL-3.0-or-later
// Families that differ from BART, T5 and wav2vec 2.0 in a few choices. Those of BART are compared with the
// equations written out in double precision; those of T5 and wav2vec 2.0 with the recorded cases, whose
// weights mean the same under the other name.
#include "base/random.h"
#include "folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>

namespace orrery::model {
namespace {

using Rows = std::vector<std::vector<double>>;
using Ids = std::vector<std::int64_t>;

struct Choices {
    const char* type;
    bool postNorm;
    bool embeddingNorm;
    bool finalNorm;
    bool sines;
    std::int64_t reserved;
    bool scaled;
    const char* activation;
    bool tied = true;
    std::int64_t decoderWords = 11; ///< others than the encoder's 11: tables of their own
};

/// A tiny encoder-decoder with random weights, as a checkpoint and as plain arithmetic.
class Plain {
public:
    static constexpr std::int64_t width = 8;
    static constexpr std::int64_t heads = 2;
    static constexpr std::int64_t inner = 12;
    static constexpr std::int64_t words = 11;
    static constexpr std::int64_t positions = 9;

    explicit Plain(const Choices& choices) : m_choices(choices), m_generator(7) {
        const bool shared = choices.decoderWords == words;
        if (shared)
            add("model.shared.weight", {words, width});
        else
            add("model.encoder.embed_tokens.weight", {words, width});
        if (!shared)
            add("model.decoder.embed_tokens.weight", {choices.decoderWords, width});
        for (const std::string tower : {"model.encoder.", "model.decoder."}) {
            if (!choices.sines)
                add(tower + "embed_positions.weight", {positions + choices.reserved, width});
            if (choices.embeddingNorm)
                addNorm(tower + "layernorm_embedding");
            for (const char* layer : {"layers.0.", "layers.1."}) {
                addAttention(tower + layer + "self_attn");
                if (tower == "model.decoder.")
                    addAttention(tower + layer + "encoder_attn");
                add(tower + layer + "fc1.weight", {inner, width});
                add(tower + layer + "fc1.bias", {inner});
                add(tower + layer + "fc2.weight", {width, inner});
                add(tower + layer + "fc2.bias", {width});
                addNorm(tower + layer + "final_layer_norm");
            }
            if (choices.finalNorm)
                addNorm(tower + "layer_norm");
        }
        if (!choices.tied)
            add("lm_head.weight", {choices.decoderWords, width});
        add("final_logits_bias", {1, choices.decoderWords});
    }

    void write(Folder& folder) const {
        folder.config = {{"model_type", m_choices.type},
                         {"architectures", {"XForConditionalGeneration"}},
                         {"d_model", width},
                         {"encoder_layers", 2},
                         {"decoder_layers", 2},
                         {"encoder_attention_heads", heads},
                         {"decoder_attention_heads", heads},
                         {"encoder_ffn_dim", inner},
                         {"decoder_ffn_dim", inner},
                         {"vocab_size", words},
                         {"max_position_embeddings", positions},
                         {"activation_function", m_choices.activation},
                         {"scale_embedding", m_choices.scaled},
                         {"tie_word_embeddings", m_choices.tied},
                         {"pad_token_id", 1},
                         {"decoder_start_token_id", 3}};
        if (m_choices.decoderWords != words) {
            folder.config["share_encoder_decoder_embeddings"] = false;
            folder.config["decoder_vocab_size"] = m_choices.decoderWords;
        }
        folder.tensors.assign(m_tensors.begin(), m_tensors.end());
    }

    [[nodiscard]] Rows logits(const Ids& read, const Ids& written) const {
        const Rows memory = tower("encoder", read, nullptr);
        const Rows hidden = tower("decoder", written, &memory);
        const std::string table = !m_choices.tied                   ? "lm_head.weight"
                                  : m_choices.decoderWords == words ? "model.shared.weight"
                                                                    : "model.decoder.embed_tokens.weight";
        Rows result = product(hidden, table);
        for (auto& row : result)
            for (std::size_t i = 0; i < row.size(); ++i)
                row[i] += at("final_logits_bias", static_cast<std::int64_t>(i));
        return result;
    }

private:
    void add(const std::string& name, const Shape& shape) {
        const Tensor tensor = Tensor::empty(shape);
        for (float& value : tensor.mutableData<float>())
            value = static_cast<float>(0.6 * m_generator.normal());
        m_tensors[name] = tensor;
    }
    void addNorm(const std::string& name) {
        add(name + ".weight", {width});
        add(name + ".bias", {width});
    }
    void addAttention(const std::string& name) {
        for (const char* part : {".q_proj", ".k_proj", ".v_proj", ".out_proj"}) {
            add(name + part + ".weight", {width, width});
            add(name + part + ".bias", {width});
        }
        addNorm(name + "_layer_norm");
    }

    [[nodiscard]] double at(const std::string& name, std::int64_t index) const {
        return static_cast<double>(m_tensors.at(name).pointer<float>()[index]);
    }
    [[nodiscard]] Rows product(const Rows& x, const std::string& weight) const {
        const std::int64_t outputs = m_tensors.at(weight).size(0);
        Rows result(x.size(), std::vector<double>(static_cast<std::size_t>(outputs)));
        for (std::size_t i = 0; i < x.size(); ++i)
            for (std::int64_t o = 0; o < outputs; ++o)
                for (std::size_t k = 0; k < x[i].size(); ++k)
                    result[i][static_cast<std::size_t>(o)] +=
                        x[i][k] *
                        at(weight, o * static_cast<std::int64_t>(x[i].size()) + static_cast<std::int64_t>(k));
        return result;
    }
    [[nodiscard]] Rows linear(const Rows& x, const std::string& name) const {
        Rows result = product(x, name + ".weight");
        for (auto& row : result)
            for (std::size_t o = 0; o < row.size(); ++o)
                row[o] += at(name + ".bias", static_cast<std::int64_t>(o));
        return result;
    }
    [[nodiscard]] Rows norm(Rows x, const std::string& name) const {
        for (auto& row : x) {
            double mean = 0;
            double variance = 0;
            for (const double value : row)
                mean += value / width;
            for (const double value : row)
                variance += (value - mean) * (value - mean) / width;
            for (std::size_t i = 0; i < row.size(); ++i)
                row[i] = (row[i] - mean) / std::sqrt(variance + 1e-5) *
                             at(name + ".weight", static_cast<std::int64_t>(i)) +
                         at(name + ".bias", static_cast<std::int64_t>(i));
        }
        return x;
    }
    [[nodiscard]] Rows attend(const Rows& x, const Rows& memory, const std::string& name, bool causal) const {
        const Rows q = linear(x, name + ".q_proj");
        const Rows k = linear(memory, name + ".k_proj");
        const Rows v = linear(memory, name + ".v_proj");
        constexpr std::size_t size = width / heads;
        Rows mixed(x.size(), std::vector<double>(width));
        for (std::size_t head = 0; head < heads; ++head)
            for (std::size_t i = 0; i < x.size(); ++i) {
                std::vector<double> scores(causal ? i + 1 : memory.size());
                double sum = 0;
                for (std::size_t j = 0; j < scores.size(); ++j) {
                    for (std::size_t c = head * size; c < (head + 1) * size; ++c)
                        scores[j] += q[i][c] * k[j][c] / std::sqrt(static_cast<double>(size));
                    sum += scores[j] = std::exp(scores[j]);
                }
                for (std::size_t j = 0; j < scores.size(); ++j)
                    for (std::size_t c = head * size; c < (head + 1) * size; ++c)
                        mixed[i][c] += scores[j] / sum * v[j][c];
            }
        return linear(mixed, name + ".out_proj");
    }
    [[nodiscard]] double activated(double x) const {
        const std::string name = m_choices.activation;
        return name == "relu"    ? std::max(x, 0.0)
               : name == "swish" ? x / (1 + std::exp(-x))
                                 : 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    }
    [[nodiscard]] Rows tower(const std::string& name, const Ids& ids, const Rows* memory) const {
        const std::string path = "model." + name + ".";
        const std::string table =
            m_choices.decoderWords == words ? "model.shared.weight" : path + "embed_tokens.weight";
        Rows x;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            auto& row = x.emplace_back();
            for (std::int64_t c = 0; c < width; ++c) {
                const auto position = static_cast<std::int64_t>(i);
                const double angle = static_cast<double>(i) /
                                     std::pow(10000, 2.0 * static_cast<double>(c % (width / 2)) / width);
                row.push_back(at(table, ids[i] * width + c) * (m_choices.scaled ? std::sqrt(width) : 1) +
                              (!m_choices.sines ? at(path + "embed_positions.weight",
                                                     (position + m_choices.reserved) * width + c)
                               : c < width / 2  ? std::sin(angle)
                                                : std::cos(angle)));
            }
        }
        if (m_choices.embeddingNorm)
            x = norm(x, path + "layernorm_embedding");
        const auto around = [&](const std::string& normName, const auto& work) {
            const Rows added = work(m_choices.postNorm ? x : norm(x, normName));
            for (std::size_t i = 0; i < x.size(); ++i)
                for (std::size_t c = 0; c < x[i].size(); ++c)
                    x[i][c] += added[i][c];
            if (m_choices.postNorm)
                x = norm(x, normName);
        };
        for (const char* layer : {"layers.0.", "layers.1."}) {
            const std::string block = path + layer;
            around(block + "self_attn_layer_norm", [&](const Rows& input) {
                return attend(input, input, block + "self_attn", memory != nullptr);
            });
            if (memory != nullptr)
                around(block + "encoder_attn_layer_norm", [&](const Rows& input) {
                    return attend(input, *memory, block + "encoder_attn", false);
                });
            around(block + "final_layer_norm", [&](const Rows& input) {
                Rows hidden = linear(input, block + "fc1");
                for (auto& row : hidden)
                    for (double& value : row)
                        value = activated(value);
                return linear(hidden, block + "fc2");
            });
        }
        return m_choices.finalNorm ? norm(x, path + "layer_norm") : x;
    }

    Choices m_choices;
    Generator m_generator;
    std::map<std::string, Tensor> m_tensors;
};

Tensor row(const Ids& ids) {
    return Tensor::of<std::int64_t>({1, static_cast<std::int64_t>(ids.size())}, ids);
}

class RelativesOfBart : public testing::TestWithParam<Choices> {};

TEST_P(RelativesOfBart, FollowTheirEquations) {
    const Plain plain(GetParam());
    Folder folder("bart");
    plain.write(folder);
    const auto model = folder.open();
    EXPECT_EQ(model->family(), GetParam().type);
    EXPECT_TRUE(model->unusedTensors().empty());
    const Ids read{4, 9, 2, 10, 5};
    const Ids written{3, 7, 6, 2};
    const NamedTensors outputs =
        model->run(NamedTensors{{"input_ids", row(read)}, {"decoder_input_ids", row(written)}});
    const Tensor& logits = outputs.at("logits");
    const Rows expected = plain.logits(read, written);
    for (std::size_t i = 0; i < expected.size(); ++i)
        for (std::size_t w = 0; w < expected[i].size(); ++w)
            EXPECT_NEAR(logits.at({0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(w)}),
                        expected[i][w], 2e-5)
                << i << " " << w;
}

INSTANTIATE_TEST_SUITE_P(Families, RelativesOfBart,
                         testing::Values(Choices{"bart", true, true, false, false, 2, false, "gelu"},
                                         Choices{"marian", true, false, false, true, 0, true, "swish"},
                                         Choices{"marian", true, false, false, true, 0, true, "relu", false,
                                                 13},
                                         Choices{"mbart", false, true, true, false, 2, true, "relu"},
                                         Choices{"mbart", false, true, true, false, 2, false, "gelu", false},
                                         Choices{"pegasus", false, false, true, true, 0, true, "relu"}),
                         [](const auto& test) { return test.param.type + std::to_string(test.index); });

TEST(RelativesOfBart, BeginWithTheirOwnToken) {
    const Ids read{4, 9, 2, 10, 1, 1}; // two of padding
    const auto logits = [&](const Choices& choices, const Ids& written) {
        const Plain plain(choices);
        Folder folder("bart");
        plain.write(folder);
        const auto model = folder.open();
        NamedTensors inputs{{"input_ids", row(read)}};
        if (!written.empty())
            inputs["decoder_input_ids"] = row(written);
        return model->run(inputs).at("logits").toFloats();
    };
    const Choices mbart{"mbart", false, true, true, false, 2, true, "relu"};
    EXPECT_EQ(logits(mbart, {}), logits(mbart, {10, 4, 9, 2, 10, 1})); // the last that is no padding
    const Choices pegasus{"pegasus", false, false, true, true, 0, true, "relu"};
    EXPECT_EQ(logits(pegasus, {}), logits(pegasus, {3, 4, 9, 2, 10, 1})); // the start token
}

/// Recorded outputs of a case, from a folder whose files were changed.
void expectRecorded(Folder& folder, const std::string& source, const std::string& output) {
    const auto expected = checkpoint::Checkpoint::open(std::string(ORRERY_GOLDEN_DIR "/hf/") + source +
                                                       "/expected.safetensors");
    NamedTensors inputs;
    for (const std::string& name : expected->names())
        if (name.starts_with("input."))
            inputs[name.substr(6)] = expected->tensor(name);
    const auto model = folder.open();
    EXPECT_TRUE(model->unusedTensors().empty());
    const auto got = model->run(inputs).at(output).toFloats();
    const auto wanted = expected->tensor("output." + output).toFloats();
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], wanted[i], 1e-3) << i;
}

TEST(RelativesOfT5, MT5IsItsSecondVersionAndNeverScales) {
    for (const bool tied : {true, false}) { // files say either
        Folder folder("t5-gated");
        folder.config["model_type"] = "mt5";
        folder.config["architectures"] = {"MT5ForConditionalGeneration"};
        folder.config["tie_word_embeddings"] = tied;
        folder.config.erase("scale_decoder_outputs");
        folder.config.erase("feed_forward_proj"); // gated, here
        expectRecorded(folder, "t5-gated", "logits");
    }
}

TEST(RelativesOfT5, UMT5HasDistancesInEveryBlock) {
    const auto distances = [](const std::string& tower, int block) {
        return tower + ".block." + std::to_string(block) +
               ".layer.0.SelfAttention.relative_attention_bias.weight";
    };
    Folder folder("t5-gated");
    folder.config["model_type"] = "umt5";
    folder.config["architectures"] = {"UMT5ForConditionalGeneration"};
    const int layers = folder.config["num_layers"].get<int>();
    ASSERT_GT(layers, 1);
    for (const std::string tower : {"encoder", "decoder"})
        for (int block = 1; block < layers; ++block)
            folder.tensors.emplace_back(distances(tower, block),
                                        folder.named(distances(tower, 0)).second.clone());
    expectRecorded(folder, "t5-gated", "logits");
    // One's own distances are used.
    const auto model = folder.open();
    const NamedTensors inputs{{"input_ids", row({3, 4, 5, 6})}, {"decoder_input_ids", row({0, 4})}};
    const auto before = model->run(inputs).at("logits").toFloats();
    for (float& value : folder.named(distances("encoder", 1)).second.mutableData<float>())
        value = -value;
    EXPECT_NE(folder.open()->run(inputs).at("logits").toFloats(), before);
}

TEST(RelativesOfWav2Vec2, HubertIsTheSameNetwork) {
    Folder folder("wav2vec2-ctc");
    folder.config["model_type"] = "hubert";
    folder.config["architectures"] = {"HubertForCTC"};
    folder.rename([](const std::string& name) {
        return name.starts_with("wav2vec2.") ? "hubert." + name.substr(9) : name;
    });
    expectRecorded(folder, "wav2vec2-ctc", "logits");
    folder.config["architectures"] = {"HubertModel"};
    const auto model = folder.open();
    EXPECT_FALSE(model->run(model->exampleInputs()).contains("extract_features"));
    // A choice of its own: no norm before the projection.
    folder.config["feat_proj_layer_norm"] = false;
    EXPECT_NO_THROW(static_cast<void>(folder.open()->run(model->exampleInputs())));
    folder.config["conv_pos_batch_norm"] = true;
    EXPECT_NE(folder.sentence().find("conv_pos_batch_norm"), std::string::npos);
}

} // namespace
} // namespace orrery::model
