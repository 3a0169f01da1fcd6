// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "base/random.h"
#include "generate/step_model.h"

#include <cmath>
#include <vector>

namespace orrery::generate {

/// A model whose logits are random numbers made from all that was said: small enough to try everything, and
/// wrong at once when a row continues another than it should.
class TableModel final : public StepModel {
public:
    explicit TableModel(std::int64_t vocabulary, std::uint64_t seed = 1, double sharpness = 2,
                        std::int64_t positions = 1000)
        : m_vocabulary(vocabulary), m_seed(seed), m_sharpness(sharpness), m_positions(positions) {}

    [[nodiscard]] std::vector<float> logitsAfter(std::span<const std::int64_t> ids) const {
        std::uint64_t hash = m_seed * 0x9E3779B97F4A7C15U + 7;
        for (const std::int64_t id : ids)
            hash = (hash ^ (static_cast<std::uint64_t>(id) + 1)) * 0x100000001B3U + 0x1234567U;
        Generator generator(hash);
        std::vector<float> logits;
        for (std::int64_t i = 0; i < m_vocabulary; ++i)
            logits.push_back(static_cast<float>(m_sharpness * generator.normal()));
        return logits;
    }
    [[nodiscard]] std::vector<double> logProbabilities(std::span<const std::int64_t> ids) const {
        std::vector<double> values;
        double sum = 0;
        for (const float logit : logitsAfter(ids)) {
            values.push_back(static_cast<double>(logit));
            sum += std::exp(values.back());
        }
        for (double& value : values)
            value -= std::log(sum);
        return values;
    }

    Tensor prefill(std::span<const TokenIds> prompts) override {
        m_rows.assign(prompts.begin(), prompts.end());
        m_length = 0;
        for (const TokenIds& prompt : prompts)
            m_length = std::max(m_length, static_cast<std::int64_t>(prompt.size()));
        return logits();
    }
    Tensor step(std::span<const std::int64_t> tokens) override {
        ORRERY_CHECK(tokens.size() == m_rows.size(), "a token for every row");
        ++calls;
        ++m_length;
        for (std::size_t row = 0; row < tokens.size(); ++row)
            m_rows[row].push_back(tokens[row]);
        return logits();
    }
    void reorder(std::span<const std::int64_t> rows) override {
        std::vector<TokenIds> next;
        for (const std::int64_t row : rows)
            next.push_back(m_rows.at(static_cast<std::size_t>(row)));
        m_rows = std::move(next);
    }
    [[nodiscard]] std::int64_t rows() const override { return static_cast<std::int64_t>(m_rows.size()); }
    [[nodiscard]] std::int64_t length() const override { return m_length; }
    [[nodiscard]] std::int64_t vocabulary() const override { return m_vocabulary; }
    [[nodiscard]] std::int64_t maxPositions() const override { return m_positions; }
    [[nodiscard]] std::size_t stateBytes() const override { return 0; }
    [[nodiscard]] bool canGoBack() const override { return true; }
    Tensor extend(std::span<const std::int64_t> tokens) override {
        Tensor result = Tensor::empty({static_cast<std::int64_t>(tokens.size()), m_vocabulary});
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            result.select(0, static_cast<std::int64_t>(i)).copyFrom(step(tokens.subspan(i, 1)).select(0, 0));
            --calls;
        }
        ++calls;
        return result;
    }
    void goBack(std::int64_t length) override {
        m_rows.at(0).resize(static_cast<std::size_t>(length));
        m_length = length;
    }

    int calls = 0;

private:
    [[nodiscard]] Tensor logits() const {
        Tensor result = Tensor::empty({rows(), m_vocabulary});
        auto out = result.mutableData<float>().begin();
        for (const TokenIds& row : m_rows) {
            const auto values = logitsAfter(row);
            out = std::copy(values.begin(), values.end(), out);
        }
        return result;
    }
    std::int64_t m_vocabulary;
    std::uint64_t m_seed;
    double m_sharpness;
    std::int64_t m_positions;
    std::int64_t m_length = 0;
    std::vector<TokenIds> m_rows;
};

} // namespace orrery::generate
