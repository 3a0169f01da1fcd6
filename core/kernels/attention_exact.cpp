// SPDX-License-Identifier: GPL-3.0-or-later
// Attention in f64, one row at a time, by the definition.
#include "base/error.h"
#include "kernels/attention_job.h"
#include "kernels/threads.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace orrery::kernels {
namespace {

constexpr double minusInfinity = -std::numeric_limits<double>::infinity();

/// Rows of f64 tensors of rank 4.
const double* rowOf(const Tensor& tensor, std::int64_t b, std::int64_t h, std::int64_t i) {
    return tensor.pointer<double>() + b * tensor.strides()[0] + h * tensor.strides()[1] +
           i * tensor.strides()[2];
}
double* targetRow(const Tensor& tensor, std::int64_t b, std::int64_t h, std::int64_t i) {
    return tensor.mutablePointer<double>() + b * tensor.strides()[0] + h * tensor.strides()[1] +
           i * tensor.strides()[2];
}

/// What of a problem one row looks at.
struct Exact {
    const AttentionProblem& problem;
    Tensor bias;
    std::vector<char> present; ///< [batch, keys]
    std::int64_t heads;
    std::int64_t group;
    std::int64_t queries;
    std::int64_t keys;
    std::int64_t size;
    std::int64_t valueSize;

    explicit Exact(const AttentionProblem& given) : problem(given) {
        const Tensor& q = given.query;
        const Tensor& k = given.key;
        const Tensor& v = given.value;
        ORRERY_CHECK(q.rank() == 4 && k.rank() == 4 && v.rank() == 4 && k.dtype() == DType::F64 &&
                         v.dtype() == DType::F64,
                     "f64 attention takes queries, keys and values of rank 4 in f64");
        heads = q.size(1);
        ORRERY_CHECK(k.size(1) > 0 && heads % k.size(1) == 0 && v.size(1) == k.size(1) &&
                         v.size(2) == k.size(2) && k.size(3) == q.size(3) && k.size(0) == q.size(0) &&
                         v.size(0) == q.size(0),
                     "queries, keys and values fit");
        group = heads / k.size(1);
        queries = q.size(2);
        keys = k.size(2);
        size = q.size(3);
        valueSize = v.size(3);
        if (given.bias.defined())
            bias = given.bias.expand({q.size(0), heads, queries, keys});
        present.assign(static_cast<std::size_t>(q.size(0) * keys), 1);
        if (given.keyMask.defined())
            for (std::int64_t b = 0; b < q.size(0); ++b)
                for (std::int64_t s = 0; s < keys; ++s)
                    present[static_cast<std::size_t>(b * keys + s)] = given.keyMask.at({b, s}) != 0;
    }

    [[nodiscard]] bool sees(std::int64_t b, std::int64_t i, std::int64_t j) const {
        const std::int64_t distance = i + problem.queryOffset - j;
        if (!present[static_cast<std::size_t>(b * keys + j)] || (problem.causal && distance < 0))
            return false;
        return distance < problem.window && (problem.causal || -distance < problem.window);
    }

    /// Scores of a row, -infinity where masked.
    void scores(std::int64_t b, std::int64_t h, std::int64_t i, std::vector<double>& row) const {
        const double* query = rowOf(problem.query, b, h, i);
        for (std::int64_t j = 0; j < keys; ++j) {
            double& score = row[static_cast<std::size_t>(j)];
            if (!sees(b, i, j)) {
                score = minusInfinity;
                continue;
            }
            const double* key = rowOf(problem.key, b, h / group, j);
            double product = 0;
            for (std::int64_t d = 0; d < size; ++d)
                product += query[d] * key[d];
            score = product * problem.scale;
            if (bias.defined())
                score += bias.dtype() == DType::F64 ? rowOf(bias, b, h, i)[j * bias.strides()[3]]
                                                    : bias.at({b, h, i, j});
        }
    }
};

} // namespace

void exactAttention(const AttentionProblem& problem, const Tensor& out, const Tensor& lse) {
    const Exact exact(problem);
    double* kept = lse.defined() ? lse.mutableData<double>().data() : nullptr;
    parallelFor(problem.query.size(0) * exact.heads, 1, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> row(static_cast<std::size_t>(exact.keys));
        for (std::int64_t unit = begin; unit < end; ++unit) {
            const std::int64_t b = unit / exact.heads;
            const std::int64_t h = unit % exact.heads;
            for (std::int64_t i = 0; i < exact.queries; ++i) {
                exact.scores(b, h, i, row);
                double peak = minusInfinity;
                for (const double score : row)
                    peak = std::max(peak, score);
                double* to = targetRow(out, b, h, i);
                std::fill(to, to + exact.valueSize, 0.0);
                double total = 0;
                if (peak > minusInfinity)
                    for (std::int64_t j = 0; j < exact.keys; ++j) {
                        const double weight = std::exp(row[static_cast<std::size_t>(j)] - peak);
                        total += weight;
                        if (weight > 0)
                            for (std::int64_t d = 0; d < exact.valueSize; ++d)
                                to[d] += weight * rowOf(problem.value, b, h / exact.group, j)[d];
                    }
                if (total > 0)
                    for (std::int64_t d = 0; d < exact.valueSize; ++d)
                        to[d] /= total;
                if (kept)
                    kept[unit * exact.queries + i] = total > 0 ? peak + std::log(total) : minusInfinity;
            }
        }
    });
}

void exactAttentionBackward(const AttentionProblem& problem, const Tensor& out, const Tensor& lse,
                            const Tensor& dOut, const AttentionGradients& gradients) {
    const Exact exact(problem);
    for (const Tensor* gradient : {&gradients.dQuery, &gradients.dKey, &gradients.dValue, &gradients.dBias})
        if (gradient->defined())
            gradient->fill(0);
    const double* kept = lse.data<double>().data();
    std::vector<double> row(static_cast<std::size_t>(exact.keys));
    const auto index = [](const Tensor& tensor, int dimension, std::int64_t at) {
        return tensor.size(dimension) == 1 ? 0 : at;
    };
    for (std::int64_t b = 0; b < problem.query.size(0); ++b)
        for (std::int64_t h = 0; h < exact.heads; ++h)
            for (std::int64_t i = 0; i < exact.queries; ++i) {
                const double level = kept[(b * exact.heads + h) * exact.queries + i];
                if (level == minusInfinity)
                    continue;
                exact.scores(b, h, i, row);
                const double* slope = rowOf(dOut, b, h, i);
                const double* result = rowOf(out, b, h, i);
                double delta = 0;
                for (std::int64_t d = 0; d < exact.valueSize; ++d)
                    delta += slope[d] * result[d];
                const double* query = rowOf(problem.query, b, h, i);
                for (std::int64_t j = 0; j < exact.keys; ++j) {
                    const double weight = std::exp(row[static_cast<std::size_t>(j)] - level);
                    if (weight == 0)
                        continue;
                    const double* value = rowOf(problem.value, b, h / exact.group, j);
                    const double* key = rowOf(problem.key, b, h / exact.group, j);
                    double product = 0;
                    for (std::int64_t d = 0; d < exact.valueSize; ++d)
                        product += slope[d] * value[d];
                    const double dScore = weight * (product - delta);
                    if (gradients.dValue.defined()) {
                        double* to = targetRow(gradients.dValue, b, h / exact.group, j);
                        for (std::int64_t d = 0; d < exact.valueSize; ++d)
                            to[d] += weight * slope[d];
                    }
                    if (gradients.dQuery.defined()) {
                        double* to = targetRow(gradients.dQuery, b, h, i);
                        for (std::int64_t d = 0; d < exact.size; ++d)
                            to[d] += problem.scale * dScore * key[d];
                    }
                    if (gradients.dKey.defined()) {
                        double* to = targetRow(gradients.dKey, b, h / exact.group, j);
                        for (std::int64_t d = 0; d < exact.size; ++d)
                            to[d] += problem.scale * dScore * query[d];
                    }
                    if (gradients.dBias.defined()) {
                        const Tensor& d = gradients.dBias;
                        targetRow(d, index(d, 0, b), index(d, 1, h),
                                  index(d, 2, i))[index(d, 3, j) * d.strides()[3]] += dScore;
                    }
                }
            }
}

} // namespace orrery::kernels
