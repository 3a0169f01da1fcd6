// SPDX-License-Identifier: GPL-3.0-or-later
#include "generate/decoding_strategy.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery::generate {
namespace {

class GreedyDecoder final : public Decoder {
public:
    std::int64_t next(std::span<float> logits, std::span<const std::int64_t>, Generator&) override {
        return std::max_element(logits.begin(), logits.end()) - logits.begin();
    }
};

class Greedy final : public DecodingStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {.id = "greedy",
                .title = "Greedy",
                .summary = "Always takes the likeliest token.",
                .paper = "",
                .url = "",
                .usableIn = "causal language models"};
    }
    [[nodiscard]] std::unique_ptr<Decoder> start(const OptionValues&) const override {
        return std::make_unique<GreedyDecoder>();
    }
};

struct SamplingSettings {
    double temperature = 1;
    std::int64_t topK = 0;
    double topP = 1;
};

class SamplingDecoder final : public Decoder {
public:
    explicit SamplingDecoder(SamplingSettings settings) : m_settings(settings) {}

    std::int64_t next(std::span<float> logits, std::span<const std::int64_t>, Generator& generator) override {
        const auto highest = std::max_element(logits.begin(), logits.end());
        if (m_settings.temperature == 0)
            return highest - logits.begin();
        m_order.resize(logits.size());
        std::iota(m_order.begin(), m_order.end(), std::size_t{0});
        const auto likelier = [&](std::size_t a, std::size_t b) {
            return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
        };
        std::size_t count = logits.size();
        if (m_settings.topK > 0)
            count = std::min(count, static_cast<std::size_t>(m_settings.topK));
        std::partial_sort(m_order.begin(), m_order.begin() + static_cast<std::ptrdiff_t>(count),
                          m_order.end(), likelier);
        m_weights.resize(count);
        double sum = 0;
        for (std::size_t i = 0; i < count; ++i) {
            m_weights[i] =
                std::exp((static_cast<double>(logits[m_order[i]]) - static_cast<double>(*highest)) /
                         m_settings.temperature);
            sum += m_weights[i];
        }
        if (m_settings.topP < 1) { // the smallest head of the order that holds topP
            double held = 0;
            std::size_t kept = 0;
            while (kept < count && held < m_settings.topP * sum)
                held += m_weights[kept++];
            count = std::max<std::size_t>(kept, 1);
            sum = std::max(held, m_weights[0]);
        }
        double draw = generator.uniform() * sum;
        for (std::size_t i = 0; i + 1 < count; ++i) {
            draw -= m_weights[i];
            if (draw < 0)
                return static_cast<std::int64_t>(m_order[i]);
        }
        return static_cast<std::int64_t>(m_order[count - 1]);
    }

private:
    SamplingSettings m_settings;
    std::vector<std::size_t> m_order;
    std::vector<double> m_weights;
};

class Sampling final : public DecodingStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {
            .id = "sampling",
            .title = "Sampling",
            .summary =
                "Draws from the model's distribution, sharpened by a temperature and cut to the likeliest "
                "tokens.",
            .paper = "Holtzman, Buys, Du, Forbes, Choi, The Curious Case of Neural Text Degeneration, 2020",
            .url = "https://arxiv.org/abs/1904.09751",
            .usableIn = "causal language models"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        schema.real("temperature", 1.0, "Divides the logits; 0 takes the likeliest token.").range(0, 100);
        schema.integer("top_k", 0, "Draw from this many of the likeliest tokens; 0 means all.").range(0, 1e7);
        schema.real("top_p", 1.0, "Draw from the smallest set of tokens that holds this probability.")
            .range(0, 1);
        return schema;
    }
    [[nodiscard]] std::unique_ptr<Decoder> start(const OptionValues& options) const override {
        return std::make_unique<SamplingDecoder>(
            SamplingSettings{options.real("temperature"), options.integer("top_k"), options.real("top_p")});
    }
};

} // namespace

const DecodingStrategy& greedy() {
    static const Greedy strategy;
    return strategy;
}

const DecodingStrategy& sampling() {
    static const Sampling strategy;
    return strategy;
}

std::vector<const DecodingStrategy*> builtInStrategies() {
    return {&greedy(), &sampling()};
}

} // namespace orrery::generate
