// SPDX-License-Identifier: GPL-3.0-or-later
// Beam search against the reference's recorded ids of an encoder-decoder, whose plain arithmetic is written
// out here: any StepModel goes through the same search.
#include "checkpoint/checkpoint.h"
#include "generate/generate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace orrery::generate {
namespace {

using Rows = std::vector<std::vector<double>>;

class PlainBart final : public StepModel {
public:
    PlainBart(const checkpoint::Checkpoint& weights, const std::vector<TokenIds>& inputs)
        : m_weights(weights) {
        for (const TokenIds& ids : inputs) {
            Rows x = embed("encoder", ids);
            for (int layer = 0; layer < 2; ++layer) {
                const std::string name = "model.encoder.layers." + std::to_string(layer) + ".";
                x = norm(name + "self_attn_layer_norm", add(x, attention(name + "self_attn.", x, x, false)));
                x = norm(name + "final_layer_norm", add(x, feedForward(name, x)));
            }
            m_encoded.push_back(std::move(x));
        }
    }
    Tensor prefill(std::span<const TokenIds> prompts) override {
        m_rows.clear();
        for (std::size_t i = 0; i < prompts.size(); ++i)
            m_rows.push_back({i, prompts[i]});
        return logits();
    }
    Tensor step(std::span<const std::int64_t> tokens) override {
        for (std::size_t i = 0; i < tokens.size(); ++i)
            m_rows.at(i).ids.push_back(tokens[i]);
        return logits();
    }
    void reorder(std::span<const std::int64_t> rows) override {
        std::vector<Row> next;
        for (const std::int64_t row : rows)
            next.push_back(m_rows.at(static_cast<std::size_t>(row)));
        m_rows = std::move(next);
    }
    [[nodiscard]] std::int64_t rows() const override { return static_cast<std::int64_t>(m_rows.size()); }
    [[nodiscard]] std::int64_t length() const override {
        return static_cast<std::int64_t>(m_rows.front().ids.size());
    }
    [[nodiscard]] std::int64_t vocabulary() const override { return 100; }
    [[nodiscard]] std::int64_t maxPositions() const override { return 40; }
    [[nodiscard]] std::size_t stateBytes() const override { return 0; }

private:
    struct Row {
        std::size_t input = 0;
        TokenIds ids;
    };

    [[nodiscard]] Rows table(const std::string& name) const {
        const Tensor tensor = m_weights.tensor(name);
        const std::vector<float> values = tensor.toFloats();
        const auto width = static_cast<std::size_t>(tensor.size(-1));
        Rows rows;
        for (std::size_t i = 0; i < values.size(); i += width)
            rows.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(i),
                              values.begin() + static_cast<std::ptrdiff_t>(i + width));
        return rows;
    }
    static Rows add(Rows a, const Rows& b) {
        for (std::size_t i = 0; i < a.size(); ++i)
            for (std::size_t d = 0; d < a[i].size(); ++d)
                a[i][d] += b[i][d];
        return a;
    }
    [[nodiscard]] Rows linear(const std::string& name, const Rows& x) const {
        const Rows weight = table(name + ".weight");
        const Rows bias = table(name + ".bias");
        Rows out;
        for (const auto& row : x) {
            auto& result = out.emplace_back(bias[0]);
            for (std::size_t o = 0; o < weight.size(); ++o)
                for (std::size_t d = 0; d < row.size(); ++d)
                    result[o] += row[d] * weight[o][d];
        }
        return out;
    }
    [[nodiscard]] Rows norm(const std::string& name, Rows x) const {
        const Rows weight = table(name + ".weight");
        const Rows bias = table(name + ".bias");
        for (auto& row : x) {
            double mean = 0;
            double square = 0;
            for (const double value : row)
                mean += value / static_cast<double>(row.size());
            for (const double value : row)
                square += (value - mean) * (value - mean) / static_cast<double>(row.size());
            for (std::size_t d = 0; d < row.size(); ++d)
                row[d] = (row[d] - mean) / std::sqrt(square + 1e-5) * weight[0][d] + bias[0][d];
        }
        return x;
    }
    [[nodiscard]] Rows embed(const std::string& side, const TokenIds& ids) const {
        const Rows tokens = table("model.shared.weight");
        const Rows positions = table("model." + side + ".embed_positions.weight");
        Rows x;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            x.push_back(tokens[static_cast<std::size_t>(ids[i])]);
            for (std::size_t d = 0; d < x[i].size(); ++d)
                x[i][d] += positions[i + 2][d];
        }
        return norm("model." + side + ".layernorm_embedding", x);
    }
    [[nodiscard]] Rows attention(const std::string& name, const Rows& from, const Rows& to,
                                 bool causal) const {
        const Rows query = linear(name + "q_proj", from);
        const Rows key = linear(name + "k_proj", to);
        const Rows value = linear(name + "v_proj", to);
        constexpr std::size_t size = 8;
        Rows mixed(from.size(), std::vector<double>(32, 0));
        for (std::size_t head = 0; head < 32; head += size)
            for (std::size_t i = 0; i < from.size(); ++i) {
                std::vector<double> weights;
                double sum = 0;
                for (std::size_t j = 0; j < (causal ? i + 1 : to.size()); ++j) {
                    double score = 0;
                    for (std::size_t d = head; d < head + size; ++d)
                        score += query[i][d] * key[j][d] / std::sqrt(static_cast<double>(size));
                    weights.push_back(std::exp(score));
                    sum += weights.back();
                }
                for (std::size_t j = 0; j < weights.size(); ++j)
                    for (std::size_t d = head; d < head + size; ++d)
                        mixed[i][d] += weights[j] / sum * value[j][d];
            }
        return linear(name + "out_proj", mixed);
    }
    [[nodiscard]] Rows feedForward(const std::string& name, const Rows& x) const {
        Rows hidden = linear(name + "fc1", x);
        for (auto& row : hidden)
            for (double& value : row)
                value = value / 2 * (1 + std::erf(value / std::sqrt(2.0)));
        return linear(name + "fc2", hidden);
    }
    [[nodiscard]] Tensor logits() const {
        const Rows tokens = table("model.shared.weight");
        const Rows bias = table("final_logits_bias");
        Tensor result = Tensor::empty({rows(), 100});
        auto out = result.mutableData<float>().begin();
        for (const Row& row : m_rows) {
            Rows x = embed("decoder", row.ids);
            for (int layer = 0; layer < 2; ++layer) {
                const std::string name = "model.decoder.layers." + std::to_string(layer) + ".";
                x = norm(name + "self_attn_layer_norm", add(x, attention(name + "self_attn.", x, x, true)));
                x = norm(name + "encoder_attn_layer_norm",
                         add(x, attention(name + "encoder_attn.", x, m_encoded[row.input], false)));
                x = norm(name + "final_layer_norm", add(x, feedForward(name, x)));
            }
            for (std::size_t id = 0; id < tokens.size(); ++id) {
                double score = bias[0][id];
                for (std::size_t d = 0; d < tokens[id].size(); ++d)
                    score += tokens[id][d] * x.back()[d];
                *out++ = static_cast<float>(score);
            }
        }
        return result;
    }

    const checkpoint::Checkpoint& m_weights;
    std::vector<Rows> m_encoded;
    std::vector<Row> m_rows;
};

TEST(RecordedBeams, AreFoundAgain) {
    const std::filesystem::path folder = ORRERY_GOLDEN_DIR "/generate/bart-beams";
    const auto weights = checkpoint::Checkpoint::open(folder / "model.safetensors");
    const auto expected = checkpoint::Checkpoint::open(folder / "expected.safetensors");
    std::vector<TokenIds> inputs;
    for (std::int64_t row = 0; row < 2; ++row) {
        TokenIds& ids = inputs.emplace_back();
        for (std::int64_t i = 0; i < 11; ++i)
            if (expected->tensor("input.attention_mask").at({row, i}) != 0)
                ids.push_back(static_cast<std::int64_t>(expected->tensor("input.input_ids").at({row, i})));
    }
    PlainBart model(*weights, inputs);
    const std::vector<TokenIds> prompts{{2}, {2}};
    GenerateOptions options;
    options.maxNewTokens = 10;
    options.stopIds = {2};
    options.padId = 1;
    options.processors.forcedEos = {2};
    EXPECT_EQ(generate(model, prompts, greedy(), {}, options).ids.toIntegers(),
              expected->tensor("output.generated_ids").toIntegers());
    OptionValues values(beamSearch().options());
    values.set("num_beams", std::int64_t{3});
    EXPECT_EQ(generate(model, prompts, beamSearch(), values, options).ids.toIntegers(),
              expected->tensor("output.generated_ids_beam3").toIntegers());
}

} // namespace
} // namespace orrery::generate
