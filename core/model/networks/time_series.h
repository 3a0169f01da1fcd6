// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/random.h"
#include "model/network.h"
#include "model/network_run.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What families of time series share.
namespace orrery::model {

/// How series are brought to one magnitude before they are looked at: x' = (x - location) / scale.
class SeriesScaling {
public:
    enum class Kind { None, Mean, Std };
    SeriesScaling() = default;
    explicit SeriesScaling(const checkpoint::ModelConfig& config); ///< "scaling" and what belongs to it
    struct Result {
        Tensor location; ///< [B, 1, C]
        Tensor scale;    ///< [B, 1, C]
        /// The location by item and channel before it is rounded to f32. A level of 400 with steps of 2 loses
        /// 1e-5 of a step in the rounding, and every patch is off by it alike: trained weights make 1e-4 of
        /// an attention of it.
        std::vector<double> exactLocation{};
    };
    /// x [B, T, C]; observed like x with zeros where a value is missing, or undefined.
    [[nodiscard]] Result of(const Tensor& x, const Tensor& observed) const;

private:
    Kind m_kind = Kind::Mean;
    double m_least = 1e-10;
    std::optional<double> m_fallback; ///< scale of series of which nothing was observed
};

/// (x - location) / scale by item and channel.
[[nodiscard]] Tensor scaledSeries(const Tensor& x, const SeriesScaling::Result& scaling);

/// What a forecaster of the encoder-decoder kind is given, by the names of Hugging Face.
class SeriesInputs {
public:
    SeriesInputs() = default;
    SeriesInputs(const checkpoint::ModelConfig& config, const Weights& model);
    [[nodiscard]] std::vector<NetworkInput> inputs() const;
    [[nodiscard]] std::int64_t context() const { return m_context; }
    [[nodiscard]] std::int64_t prediction() const { return m_prediction; }
    [[nodiscard]] std::int64_t channels() const { return m_channels; }
    [[nodiscard]] std::int64_t features() const; ///< of a time step

    struct Result {
        Tensor lagged;     ///< [B, S, C lags]: scaled values some steps ago
        Tensor covariates; ///< [B, S, the other features]
        Tensor location;   ///< as outputs: [B, 1] or [B, 1, C]
        Tensor scale;
        Tensor statics;      ///< [B, F]
        bool future = false; ///< whether S covers the prediction, too
    };
    /// UsageError when sizes do not fit each other.
    [[nodiscard]] Result read(NetworkRun& run, const NamedTensors& inputs) const;

private:
    std::int64_t m_context = 0;
    std::int64_t m_prediction = 0;
    std::int64_t m_channels = 1;
    std::int64_t m_timeFeatures = 0;
    std::int64_t m_realFeatures = 0;
    std::vector<std::int64_t> m_lags;
    std::vector<Tensor> m_categories; ///< embeddings of static features
    std::int64_t m_embedded = 0;      ///< their width together
    SeriesScaling m_scaling;
};

/// Values to hidden states: a projection, positions, a norm.
class SeriesEmbedding {
public:
    SeriesEmbedding() = default;
    SeriesEmbedding(const Weights& scope, std::int64_t features, std::int64_t width, std::int64_t positions);
    /// x [B, S, features]; first: the position of the first step.
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, std::int64_t first) const;

private:
    LinearId m_values;
    Tensor m_positions;
    nn::Norm m_norm;
};

/// The parameters of a distribution out of hidden states: params.0 ...
class DistributionHead {
public:
    DistributionHead() = default;
    DistributionHead(const Weights& all, const checkpoint::ModelConfig& config, std::int64_t width,
                     std::int64_t channels, const std::string& path);
    [[nodiscard]] bool defined() const { return !m_projections.empty(); }
    /// [B, S, channels] each ([B, S] for one channel).
    [[nodiscard]] std::vector<Tensor> run(NetworkRun& run, const Tensor& x) const;

private:
    enum class Kind { StudentT, Normal, NegativeBinomial };
    Kind m_kind = Kind::StudentT;
    std::int64_t m_channels = 1;
    std::vector<LinearId> m_projections;
};

/// q_proj, k_proj, v_proj, out_proj.
struct SeriesProjections {
    LinearId query;
    LinearId key;
    LinearId value;
    LinearId out;
    SeriesProjections() = default;
    SeriesProjections(const Weights& scope, const std::string& module, const std::string& path,
                      std::int64_t width);
};

/// Random draws of a run in their order: those that were recorded ("rng.3.randint"), else by the run's
/// generator, else by one of a fixed seed.
class RecordedDraws {
public:
    RecordedDraws(const NamedTensors& inputs, const Context& context, std::uint64_t seed)
        : m_inputs(inputs), m_own(seed), m_generator(context.generator) {}
    /// count whole numbers in [0, bound).
    [[nodiscard]] std::vector<std::int64_t> integers(std::int64_t count, std::int64_t bound);
    /// Standard normal numbers.
    [[nodiscard]] Tensor normals(const Shape& shape);

private:
    [[nodiscard]] Tensor recorded(const char* function);
    [[nodiscard]] Generator& generator() { return m_generator == nullptr ? m_own : *m_generator; }

    const NamedTensors& m_inputs;
    Generator m_own;
    Generator* m_generator;
    int m_next = 0;
};

} // namespace orrery::model
