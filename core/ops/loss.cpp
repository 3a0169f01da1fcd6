// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/loss.h"

#include "kernels/elementwise.h"
#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/record.h"
#include "ops/reduce.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace orrery::ops {
namespace {

using detail::withReal;

Tensor reduced(const Tensor& losses, Reduction reduction, std::int64_t count) {
    if (reduction == Reduction::None)
        return losses;
    const Tensor total = sum(losses);
    return reduction == Reduction::Sum ? total
                                       : scale(total, count > 0 ? 1.0 / static_cast<double>(count) : 0.0);
}

Tensor wide(const Tensor& x) {
    return x.dtype() == DType::BF16 ? cast(x, DType::F32) : x;
}

void checkSame(std::string_view op, const Tensor& a, const Tensor& b) {
    ORRERY_CHECK(a.shape() == b.shape(),
                 fmt::format("{} of {} and {}", op, a.shape().toText(), b.shape().toText()));
}

/// Loss of every row: -(1 - s) log p[target] - s mean(log p); 0 where the target is ignored.
Tensor rowLosses(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
    const Tensor input = logits.contiguous();
    const std::int64_t classes = logits.size(-1);
    const std::int64_t rows = targets.elements();
    const Tensor losses = Tensor::empty(targets.shape(), logits.dtype());
    const Tensor sums = Tensor::empty({rows}, logits.dtype()); // log sum exp of each row
    const double smoothing = options.labelSmoothing;
    withReal("crossEntropy", logits.dtype(), [&]<typename T>(T) {
        const T* x = input.pointer<T>();
        const std::int64_t* wanted = targets.pointer<std::int64_t>();
        T* loss = losses.mutablePointer<T>();
        T* lse = sums.mutablePointer<T>();
        const std::int64_t grain = std::max<std::int64_t>(1, detail::lightGrain / 4 / classes);
        detail::inParallel(
            rows, grain, [=, ignore = options.ignoreIndex](std::int64_t begin, std::int64_t end) {
                for (std::int64_t r = begin; r < end; ++r) {
                    const T* row = x + r * classes;
                    loss[r] = lse[r] = 0;
                    if (wanted[r] == ignore)
                        continue;
                    const double top = static_cast<double>(*std::max_element(row, row + classes));
                    double total = 0;
                    double plain = 0;
                    for (std::int64_t c = 0; c < classes; ++c) {
                        total += static_cast<double>(std::exp(row[c] - static_cast<T>(top)));
                        plain += static_cast<double>(row[c]);
                    }
                    const double level = top + std::log(total);
                    double value = (1 - smoothing) * (level - static_cast<double>(row[wanted[r]]));
                    if (smoothing >
                        0) // else -infinity among the logits would spoil a sum that does not count
                        value += smoothing * (level - plain / static_cast<double>(classes));
                    lse[r] = static_cast<T>(level);
                    loss[r] = static_cast<T>(value);
                }
            });
    });
    return record("crossEntropy", losses, {logits}, [&] {
        return [=, input = saved(input),
                ignore = options.ignoreIndex](const Tensor& gradient) -> std::vector<Tensor> {
            const Tensor g = gradient.contiguous();
            const Tensor result = Tensor::empty(input.shape(), input.dtype());
            withReal("crossEntropy", input.dtype(), [&]<typename T>(T) {
                const T* x = input.pointer<T>();
                const T* lse = sums.pointer<T>();
                const T* above = g.pointer<T>();
                const std::int64_t* wanted = targets.pointer<std::int64_t>();
                T* to = result.mutablePointer<T>();
                const T share = static_cast<T>(smoothing / static_cast<double>(classes));
                const T rest = static_cast<T>(1 - smoothing);
                const std::int64_t grain = std::max<std::int64_t>(1, detail::lightGrain / 4 / classes);
                detail::inParallel(rows, grain, [=](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t r = begin; r < end; ++r) {
                        T* out = to + r * classes;
                        if (wanted[r] == ignore) {
                            std::fill_n(out, classes, T(0));
                            continue;
                        }
                        for (std::int64_t c = 0; c < classes; ++c)
                            out[c] = above[r] * (std::exp(x[r * classes + c] - lse[r]) - share);
                        out[wanted[r]] -= above[r] * rest;
                    }
                });
            });
            return {result};
        };
    });
}

/// Without smoothing in f32 by the vectorised kernel, which makes the gradient on the way.
Tensor fastRowLosses(const Tensor& logits, const Tensor& targets, std::int64_t ignoreIndex) {
    const Tensor losses = Tensor::empty(targets.shape());
    const Tensor slope = logits.tracked() ? Tensor::empty(logits.shape()) : Tensor();
    kernels::crossEntropyRows(logits.contiguous(), targets, ignoreIndex, losses, slope);
    return record("crossEntropy", losses, {logits}, [&] {
        return [slope](const Tensor& g) -> std::vector<Tensor> { return {mul(slope, g.unsqueeze(-1))}; };
    });
}

} // namespace

Tensor crossEntropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
    if (logits.dtype() == DType::BF16)
        return crossEntropy(cast(logits, DType::F32), targets, options);
    ORRERY_CHECK(logits.rank() == targets.rank() + 1 && logits.shape().without(-1) == targets.shape(),
                 fmt::format("crossEntropy of logits {} and targets {}", logits.shape().toText(),
                             targets.shape().toText()));
    if (!(options.labelSmoothing >= 0 && options.labelSmoothing < 1))
        throw UsageError(fmt::format("Label smoothing lies in [0, 1); {} does not.", options.labelSmoothing));
    const Tensor wanted = targets.detached().to(DType::I64);
    const std::int64_t classes = logits.size(-1);
    std::int64_t counted = 0;
    for (const std::int64_t target : wanted.data<std::int64_t>()) {
        if (target == options.ignoreIndex)
            continue;
        if (target < 0 || target >= classes)
            throw InputError(fmt::format("A target of {} is none of the {} classes.", target, classes));
        ++counted;
    }
    const bool fast = logits.dtype() == DType::F32 && options.labelSmoothing == 0 && logits.elements() > 0;
    const Tensor losses =
        fast ? fastRowLosses(logits, wanted, options.ignoreIndex) : rowLosses(logits, wanted, options);
    return reduced(losses, options.reduction, counted);
}

Tensor meanSquaredError(const Tensor& prediction, const Tensor& target, Reduction reduction) {
    checkSame("meanSquaredError", prediction, target);
    return reduced(square(sub(wide(prediction), wide(target))), reduction, prediction.elements());
}

Tensor binaryCrossEntropyWithLogits(const Tensor& logits, const Tensor& target, Reduction reduction) {
    checkSame("binaryCrossEntropyWithLogits", logits, target);
    // -t log s(x) - (1 - t) log s(-x) = softplus(x) - t x.
    const Tensor x = wide(logits);
    return reduced(sub(softplus(x), mul(x, wide(target))), reduction, x.elements());
}

Tensor klDivergence(const Tensor& logProbabilities, const Tensor& logTarget, Reduction reduction) {
    checkSame("klDivergence", logProbabilities, logTarget);
    const DType dtype = detail::widest("klDivergence", logProbabilities.dtype(), logTarget.dtype());
    const Tensor q = cast(wide(logProbabilities), dtype == DType::F64 ? dtype : DType::F32);
    const Tensor p = cast(wide(logTarget), q.dtype());
    // What has no mass adds nothing, whatever q says; chosen before the product, so that backward stays
    // finite too.
    const Tensor mass = exp(p);
    const Tensor difference = where(mass.detached(), sub(p, q), Tensor::zeros({}, q.dtype()));
    const Tensor terms = mul(mass, difference);
    const Tensor rows = sum(terms, {-1});
    return reduced(rows, reduction, rows.elements());
}

} // namespace orrery::ops
