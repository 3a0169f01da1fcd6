// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/time_series.h"

#include "base/error.h"
#include "model/networks/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

/// [B, T] or [B, T, C] as [B, T, C].
Tensor withChannels(const Tensor& x) {
    return x.rank() == 2 ? x.contiguous().reshape({x.size(0), x.size(1), 1}) : x.contiguous();
}

} // namespace

SeriesScaling::SeriesScaling(const checkpoint::ModelConfig& config) {
    m_kind = Kind::None;
    if (config.has("scaling")) {
        const Json& value = config.json().at("scaling");
        if (value.is_boolean()) {
            m_kind = value.get<bool>() ? Kind::Mean : Kind::None;
        } else {
            const std::string name = config.text({"scaling"});
            m_kind = name == "mean" ? Kind::Mean : name == "std" ? Kind::Std : Kind::None;
        }
    }
    m_least = config.real({"minimum_scale"}, m_kind == Kind::Std ? 1e-5 : 1e-10);
    if (config.has("default_scale"))
        m_fallback = config.real({"default_scale"});
}

SeriesScaling::Result SeriesScaling::of(const Tensor& x, const Tensor& observed) const {
    const std::int64_t batch = x.size(0);
    const std::int64_t length = x.size(1);
    const std::int64_t channels = x.size(2);
    Result result{Tensor::zeros({batch, 1, channels}), Tensor::full({batch, 1, channels}, 1)};
    result.exactLocation.assign(static_cast<std::size_t>(batch * channels), 0);
    if (m_kind == Kind::None)
        return result;
    const auto weight = [&](std::int64_t at) {
        return observed.defined() ? static_cast<double>(observed.pointer<float>()[at]) : 1.0;
    };
    const float* values = x.pointer<float>();
    for (std::int64_t c = 0; c < channels; ++c) {
        double allSums = 0;
        double allCounts = 0;
        std::vector<std::int64_t> unseen;
        for (std::int64_t item = 0; item < batch; ++item) {
            double count = 0;
            double sum = 0;
            double magnitude = 0;
            for (std::int64_t t = 0; t < length; ++t) {
                const std::int64_t at = (item * length + t) * channels + c;
                count += weight(at);
                sum += static_cast<double>(values[at]) * weight(at);
                magnitude += std::abs(static_cast<double>(values[at]) * weight(at));
            }
            float& scale = result.scale.mutablePointer<float>()[item * channels + c];
            if (m_kind == Kind::Mean) {
                allSums += magnitude;
                allCounts += count;
                if (count <= 0)
                    unseen.push_back(item);
                scale = static_cast<float>(std::max(m_least, magnitude / std::max(count, 1.0)));
                continue;
            }
            const double location = sum / std::max(count, 1.0);
            double variance = 0;
            for (std::int64_t t = 0; t < length; ++t) {
                const std::int64_t at = (item * length + t) * channels + c;
                const double away = (static_cast<double>(values[at]) - location) * weight(at);
                variance += away * away;
            }
            result.location.mutablePointer<float>()[item * channels + c] = static_cast<float>(location);
            result.exactLocation[static_cast<std::size_t>(item * channels + c)] = location;
            scale = static_cast<float>(std::sqrt(variance / std::max(count, 1.0) + m_least));
        }
        for (const std::int64_t item : unseen) // the scale of the others
            result.scale.mutablePointer<float>()[item * channels + c] = static_cast<float>(
                std::max(m_least, m_fallback.value_or(allSums / std::max(allCounts, 1.0))));
    }
    return result;
}

Tensor scaledSeries(const Tensor& x, const SeriesScaling::Result& scaling) {
    const Tensor out = Tensor::empty(x.shape());
    const std::int64_t channels = x.size(2);
    for (std::int64_t at = 0; at < x.elements(); ++at) {
        const std::int64_t place = at / (x.size(1) * channels) * channels + at % channels;
        out.mutablePointer<float>()[at] =
            static_cast<float>((static_cast<double>(x.pointer<float>()[at]) -
                                scaling.exactLocation[static_cast<std::size_t>(place)]) /
                               static_cast<double>(scaling.scale.pointer<float>()[place]));
    }
    return out;
}

SeriesInputs::SeriesInputs(const checkpoint::ModelConfig& config, const Weights& model)
    : m_context(config.positive({"context_length", "prediction_length"})),
      m_prediction(config.positive({"prediction_length"})), m_channels(config.positive({"input_size"}, 1)),
      m_timeFeatures(config.integer({"num_time_features"}, 0) +
                     config.integer({"num_dynamic_real_features"}, 0)),
      m_realFeatures(config.integer({"num_static_real_features"}, 0)),
      m_lags(config.integers({"lags_sequence"}, {1, 2, 3, 4, 5, 6, 7})), m_scaling(config) {
    if (m_lags.empty() || *std::max_element(m_lags.begin(), m_lags.end()) > (std::int64_t{1} << 30))
        throw config.error("lags_sequence", "where some lags of moderate length are needed");
    const std::int64_t categories = config.integer({"num_static_categorical_features"}, 0);
    if (categories == 0)
        return;
    const auto counts = config.integers({"cardinality"});
    const auto widths = config.integers({"embedding_dimension"});
    if (static_cast<std::int64_t>(counts.size()) != categories || widths.size() != counts.size())
        throw config.error("cardinality", "which does not tell the size of each static feature, as "
                                          "\"embedding_dimension\" has to, too");
    for (std::size_t i = 0; i < counts.size(); ++i) {
        m_categories.push_back(model.table(fmt::format("embed.category.{}", i),
                                           fmt::format("embedder.embedders.{}.weight", i),
                                           {counts[i], widths[i]}));
        m_embedded += widths[i];
    }
}

std::int64_t SeriesInputs::features() const {
    return m_channels * static_cast<std::int64_t>(m_lags.size()) + m_embedded + m_realFeatures +
           2 * m_channels + m_timeFeatures;
}

std::vector<NetworkInput> SeriesInputs::inputs() const {
    const std::int64_t past = m_context + *std::max_element(m_lags.begin(), m_lags.end());
    std::vector<NetworkInput> result;
    const auto series = [&](const char* name, const char* meaning, std::int64_t length, bool required) {
        const bool one = m_channels == 1;
        result.push_back({.name = name,
                          .meaning = meaning,
                          .example = one ? Shape{1, length} : Shape{1, length, m_channels},
                          .sizes = one ? Shape{-1, -1} : Shape{-1, -1, m_channels},
                          .dtype = DType::F32,
                          .required = required,
                          .exemplary = required});
    };
    series("past_values", "the series so far, the longest lag more than the context", past, true);
    series("past_observed_mask", "1 where a past value is known, 0 where it is missing", past, false);
    series("future_values", "what follows, as the decoder is given it", m_prediction, false);
    result.back().exemplary = true;
    const auto covariates = [&](const char* name, const char* meaning, std::int64_t length, bool required) {
        result.push_back({.name = name,
                          .meaning = meaning,
                          .example = {1, length, m_timeFeatures},
                          .sizes = {-1, -1, m_timeFeatures},
                          .dtype = DType::F32,
                          .required = required,
                          .exemplary = true});
    };
    if (m_timeFeatures > 0) {
        covariates("past_time_features", "what is known of the past steps (hour, age ...)", past, true);
        covariates("future_time_features", "the same of the steps to come", m_prediction, false);
    }
    if (!m_categories.empty()) {
        const auto count = static_cast<std::int64_t>(m_categories.size());
        result.push_back({.name = "static_categorical_features",
                          .meaning = "numbers of categories of each series",
                          .example = {1, count},
                          .sizes = {-1, count},
                          .dtype = DType::I64});
    }
    if (m_realFeatures > 0)
        result.push_back({.name = "static_real_features",
                          .meaning = "numbers that go with each series",
                          .example = {1, m_realFeatures},
                          .sizes = {-1, m_realFeatures},
                          .dtype = DType::F32});
    return result;
}

SeriesInputs::Result SeriesInputs::read(NetworkRun& run, const NamedTensors& inputs) const {
    const Tensor past = withChannels(inputs.at("past_values"));
    const std::int64_t batch = past.size(0);
    const std::int64_t longest = *std::max_element(m_lags.begin(), m_lags.end());
    if (past.size(1) < m_context + longest)
        throw UsageError(
            fmt::format("\"past_values\" has {} steps where at least {} are needed: {} of context "
                        "and the longest lag, {}.",
                        past.size(1), m_context + longest, m_context, longest));
    const auto fits = [&](const char* name, const Tensor& tensor, std::int64_t length) {
        if (tensor.size(0) != batch || (length >= 0 && tensor.size(1) != length))
            throw UsageError(fmt::format("\"{}\" has shape {}, which does not go with {} series{}.", name,
                                         tensor.shape().toText(), batch,
                                         length >= 0 ? fmt::format(" and {} steps", length) : ""));
    };
    Tensor observed = inputOf(inputs, "past_observed_mask");
    if (observed.defined()) {
        observed = withChannels(observed);
        fits("past_observed_mask", observed, past.size(1));
        observed = observed.slice(1, past.size(1) - m_context, past.size(1)).contiguous();
    }
    const SeriesScaling::Result scaling =
        m_scaling.of(past.slice(1, past.size(1) - m_context, past.size(1)).contiguous(), observed);

    Result result;
    Tensor values = past;
    if (Tensor future = inputOf(inputs, "future_values"); future.defined()) {
        future = withChannels(future);
        fits("future_values", future, m_prediction);
        values = run.concat({past, future}, 1);
        result.future = true;
    }
    const Tensor scaled = scaledSeries(values, scaling);
    const std::int64_t steps = m_context + (result.future ? m_prediction : 0);
    const auto lags = static_cast<std::int64_t>(m_lags.size());
    result.lagged = run.empty({batch, steps, m_channels * lags});
    for (std::int64_t item = 0; item < batch; ++item)
        for (std::int64_t t = 0; t < steps; ++t)
            for (std::int64_t c = 0; c < m_channels; ++c)
                for (std::int64_t k = 0; k < lags; ++k) {
                    const std::int64_t from =
                        values.size(1) - steps + t - m_lags[static_cast<std::size_t>(k)];
                    result.lagged
                        .mutablePointer<float>()[(item * steps + t) * m_channels * lags + c * lags + k] =
                        scaled.pointer<float>()[(item * values.size(1) + from) * m_channels + c];
                }

    const std::int64_t statics = m_embedded + m_realFeatures + 2 * m_channels;
    result.statics = run.empty({batch, statics});
    std::int64_t column = 0;
    if (!m_categories.empty()) {
        const Tensor& given = inputs.at("static_categorical_features");
        fits("static_categorical_features", given, -1);
        for (std::size_t i = 0; i < m_categories.size(); ++i) {
            const Tensor ids = given.select(1, static_cast<std::int64_t>(i)).contiguous();
            const std::int64_t width = m_categories[i].size(1);
            result.statics.slice(1, column, column + width).copyFrom(run.embed(m_categories[i], ids));
            column += width;
        }
    }
    if (m_realFeatures > 0) {
        const Tensor& given = inputs.at("static_real_features");
        fits("static_real_features", given, -1);
        result.statics.slice(1, column, column + m_realFeatures).copyFrom(given);
        column += m_realFeatures;
    }
    for (std::int64_t item = 0; item < batch; ++item)
        for (std::int64_t c = 0; c < m_channels; ++c) {
            float* to = result.statics.mutablePointer<float>() + item * statics + column + c;
            to[0] = std::log1p(std::abs(scaling.location.pointer<float>()[item * m_channels + c]));
            to[m_channels] = std::log(scaling.scale.pointer<float>()[item * m_channels + c]);
        }

    result.covariates = run.empty({batch, steps, statics + m_timeFeatures});
    for (std::int64_t t = 0; t < steps; ++t)
        result.covariates.select(1, t).slice(1, 0, statics).copyFrom(result.statics);
    if (m_timeFeatures > 0) {
        const Tensor& before = inputs.at("past_time_features");
        fits("past_time_features", before, past.size(1));
        const Tensor times = result.covariates.slice(2, statics, statics + m_timeFeatures);
        times.slice(1, 0, m_context).copyFrom(before.slice(1, past.size(1) - m_context, past.size(1)));
        if (result.future) {
            const Tensor after = inputOf(inputs, "future_time_features");
            if (!after.defined())
                throw UsageError("\"future_values\" need \"future_time_features\", too.");
            fits("future_time_features", after, m_prediction);
            times.slice(1, m_context, steps).copyFrom(after);
        }
    }
    const Shape shape = m_channels == 1 ? Shape{batch, 1} : Shape{batch, 1, m_channels};
    result.location = scaling.location.reshape(shape);
    result.scale = scaling.scale.reshape(shape);
    return result;
}

SeriesEmbedding::SeriesEmbedding(const Weights& scope, std::int64_t features, std::int64_t width,
                                 std::int64_t positions)
    : m_values(scope.linear("embed.values", "value_embedding.value_projection", features, width, Bias::No)),
      m_positions(scope.parameter("embed.positions", "embed_positions.weight", {positions, width})),
      m_norm(scope.layerNorm("embed.norm", "layernorm_embedding", width, 1e-5)) {}

Tensor SeriesEmbedding::run(NetworkRun& run, const Tensor& x, std::int64_t first) const {
    const Tensor positions = m_positions.slice(0, first, first + x.size(1));
    return run.norm(m_norm, run.addRepeated(run.linear(m_values, x), positions));
}

DistributionHead::DistributionHead(const Weights& all, const checkpoint::ModelConfig& config,
                                   std::int64_t width, std::int64_t channels, const std::string& path)
    : m_channels(channels) {
    const std::string name = config.text({"distribution_output"}, "student_t");
    if (name == "normal")
        m_kind = Kind::Normal;
    else if (name == "negative_binomial")
        m_kind = Kind::NegativeBinomial;
    else if (name != "student_t")
        throw config.error("distribution_output",
                           "which is none of \"student_t\", \"normal\" and \"negative_binomial\"");
    const int count = m_kind == Kind::StudentT ? 3 : 2;
    for (int i = 0; i < count; ++i)
        m_projections.push_back(all.linear(fmt::format("distribution.{}", i),
                                           fmt::format("{}.proj.{}", path, i), width, channels));
}

std::vector<Tensor> DistributionHead::run(NetworkRun& run, const Tensor& x) const {
    std::vector<Tensor> result;
    for (std::size_t i = 0; i < m_projections.size(); ++i) {
        Tensor parameter = run.linear(m_projections[i], x);
        // What must be positive becomes so by (y + sqrt(y^2 + 4)) / 2.
        const bool freedom = m_kind == Kind::StudentT && i == 0;
        const bool scale = m_kind == Kind::NegativeBinomial ? i == 0 : i + 1 == m_projections.size();
        if (freedom || scale)
            for (float& value : parameter.mutableData<float>()) {
                const float positive = (value + std::sqrt(value * value + 4.0F)) / 2.0F;
                value = freedom ? 2.0F + positive : positive;
                if (scale && m_kind != Kind::NegativeBinomial)
                    value = std::max(value, 1.1920929e-7F);
            }
        if (m_channels == 1)
            parameter = parameter.reshape({x.size(0), x.size(1)});
        result.push_back(parameter);
    }
    return result;
}

SeriesProjections::SeriesProjections(const Weights& scope, const std::string& module, const std::string& path,
                                     std::int64_t width)
    : query(scope.linear(module + ".q", path + ".q_proj", width, width, Bias::IfStored)),
      key(scope.linear(module + ".k", path + ".k_proj", width, width, Bias::IfStored)),
      value(scope.linear(module + ".v", path + ".v_proj", width, width, Bias::IfStored)),
      out(scope.linear(module + ".out", path + ".out_proj", width, width, Bias::IfStored)) {}

Tensor RecordedDraws::recorded(const char* function) {
    return inputOf(m_inputs, fmt::format("rng.{}.{}", m_next++, function));
}

std::vector<std::int64_t> RecordedDraws::integers(std::int64_t count, std::int64_t bound) {
    const Tensor given = recorded("randint");
    if (!given.defined()) {
        std::vector<std::int64_t> result(static_cast<std::size_t>(count));
        for (std::int64_t& value : result)
            value = static_cast<std::int64_t>(generator().below(static_cast<std::uint64_t>(bound)));
        return result;
    }
    std::vector<std::int64_t> result = given.toIntegers();
    const bool fits = static_cast<std::int64_t>(result.size()) == count &&
                      std::all_of(result.begin(), result.end(),
                                  [&](std::int64_t value) { return value >= 0 && value < bound; });
    if (!fits)
        throw UsageError(fmt::format("\"rng.{}.randint\" of shape {} is not {} numbers below {}.", m_next - 1,
                                     given.shape().toText(), count, bound));
    return result;
}

Tensor RecordedDraws::normals(const Shape& shape) {
    const Tensor given = recorded("randn");
    if (given.defined()) {
        if (!(given.shape() == shape))
            throw UsageError(fmt::format("\"rng.{}.randn\" has shape {} where {} is needed.", m_next - 1,
                                         given.shape().toText(), shape.toText()));
        return given.to(DType::F32);
    }
    const Tensor result = Tensor::empty(shape);
    for (float& value : result.mutableData<float>())
        value = static_cast<float>(generator().normal());
    return result;
}

} // namespace orrery::model
