// SPDX-License-Identifier: GPL-3.0-or-later
#include "autograd/gradient_check.h"

#include "autograd/backward.h"
#include "autograd/tape.h"
#include "base/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery::autograd {
namespace {

/// <outputs, weights>, added up in long double so that differences of it keep their digits.
long double project(const std::vector<Tensor>& outputs, const std::vector<Tensor>& weights) {
    long double total = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const Tensor values = outputs[i].detached().to(DType::F64);
        const auto a = values.data<double>();
        const auto b = weights[i].data<double>();
        for (std::size_t j = 0; j < a.size(); ++j)
            total += static_cast<long double>(a[j]) * static_cast<long double>(b[j]);
    }
    return total;
}

std::vector<std::int64_t> chosenElements(std::int64_t count, std::int64_t most, Generator& generator) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    if (count <= most)
        return all;
    for (std::size_t i = 0; i < static_cast<std::size_t>(most); ++i)
        std::swap(all[i], all[i + static_cast<std::size_t>(generator.below(all.size() - i))]);
    all.resize(static_cast<std::size_t>(most));
    return all;
}

} // namespace

GradientCheckResult checkGradients(const CheckedFunction& function, const std::vector<Tensor>& inputs,
                                   const GradientCheckOptions& options) {
    Generator generator(options.seed);
    std::vector<Tensor> points;
    std::vector<Tensor> watched;
    for (const Tensor& input : inputs) {
        const bool real = input.defined() && isFloating(input.dtype());
        points.push_back(real ? input.detached().to(DType::F64).clone() : input);
        watched.push_back(real ? watch(points.back(), "input") : input);
    }
    const std::vector<Tensor> outputs = function(watched);
    std::vector<Tensor> weights;
    std::vector<Tensor> tracked;
    std::vector<Tensor> seeds;
    for (const Tensor& output : outputs) {
        ORRERY_CHECK(isFloating(output.dtype()), "gradients are checked of floating outputs");
        weights.push_back(Tensor::empty(output.shape(), DType::F64));
        for (double& weight : weights.back().mutableData<double>())
            weight = generator.uniform(0.5, 1.5) * (generator.below(2) == 0 ? -1 : 1);
        if (output.tracked()) {
            tracked.push_back(output);
            seeds.push_back(weights.back().to(output.dtype()));
        }
    }
    const Gradients gradients =
        tracked.empty() ? Gradients() : backward(tracked, seeds, {.checkFinite = true});

    GradientCheckResult result;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!watched[i].defined() || !watched[i].tracked())
            continue;
        const Tensor found = gradients.of(watched[i]);
        const auto values = points[i].mutableData<double>();
        const auto claimed = found.data<double>();
        const auto elements = chosenElements(points[i].elements(), options.maxElements, generator);
        std::vector<double> measured;
        double largest = 0;
        for (const std::int64_t element : elements) {
            double& value = values[static_cast<std::size_t>(element)];
            const double original = value;
            const double step = options.step * std::max(1.0, std::abs(original));
            const auto at = [&](double distance) {
                value = original + distance * step;
                const long double projected = project(function(points), weights);
                value = original;
                return projected;
            };
            const double slope = static_cast<double>((8 * (at(1) - at(-1)) - (at(2) - at(-2))) /
                                                     (12 * static_cast<long double>(step)));
            measured.push_back(slope);
            largest =
                std::max({largest, std::abs(slope), std::abs(claimed[static_cast<std::size_t>(element)])});
        }
        for (std::size_t j = 0; j < elements.size(); ++j) {
            const double claim = claimed[static_cast<std::size_t>(elements[j])];
            const double error = std::abs(claim - measured[j]);
            if (!(error <= options.absoluteTolerance + options.relativeTolerance * largest) && result.ok) {
                result.ok = false;
                result.message = fmt::format(
                    "input {} of shape {}, element {}: backward says {:.10g}, differences {:.10g}", i,
                    points[i].shape().toText(), elements[j], claim, measured[j]);
            }
            if (largest > 0)
                result.worstError = std::max(result.worstError, error / largest);
        }
    }
    return result;
}

} // namespace orrery::autograd
