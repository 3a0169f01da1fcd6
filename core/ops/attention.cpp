// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/attention.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/elementwise.h"
#include "ops/gemm.h"
#include "ops/record.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace orrery::ops {
namespace {

constexpr std::int64_t tileRows = 32; ///< queries whose rows of the pattern exist at a time

/// One call: sizes, the untracked inputs, and who may look where.
struct Call {
    Tensor q, k, v;
    Tensor keys; ///< [batch, keys] bool, contiguous, or undefined
    Tensor bias; ///< expanded to [batch, heads, queries, keys], or undefined
    bool causal = false;
    std::int64_t queryOffset = 0;
    std::int64_t window = 0;
    double scale = 1;
    std::int64_t batch = 0, heads = 0, queries = 0, kvHeads = 0, length = 0, size = 0, valueSize = 0;

    [[nodiscard]] std::int64_t group() const { return heads / kvHeads; }
    /// Tasks of so many queries that a thread should at least have.
    [[nodiscard]] std::int64_t grain(std::int64_t rows) const {
        return 1 + 100000 / (1 + rows * length * (size + valueSize));
    }
    [[nodiscard]] std::int64_t tiles() const { return (queries + tileRows - 1) / tileRows; }
};

template <typename T>
detail::MatrixView<T> matrix(const Tensor& t, std::int64_t b, std::int64_t h, std::int64_t row = 0) {
    return {t.pointer<T>() + b * t.strides()[0] + h * t.strides()[1] + row * t.strides()[2], t.strides()[2],
            false};
}

/// scores [rows, length] = scale q k^T + bias for queries first.., with -infinity where looking is forbidden.
template <typename T>
void scoreTile(const Call& call, std::int64_t b, std::int64_t h, std::int64_t first, std::int64_t rows,
               T* scores) {
    auto keys = matrix<T>(call.k, b, h / call.group());
    keys.transposed = true;
    detail::gemm<T>(rows, call.length, call.size, static_cast<T>(call.scale), matrix<T>(call.q, b, h, first),
                    keys, T(0), scores, call.length);
    constexpr T never = -std::numeric_limits<T>::infinity();
    const bool* allowed = call.keys.defined() ? call.keys.pointer<bool>() + b * call.length : nullptr;
    for (std::int64_t r = 0; r < rows; ++r) {
        T* row = scores + r * call.length;
        if (call.bias.defined()) {
            const Shape& step = call.bias.strides();
            const T* added = call.bias.pointer<T>() + b * step[0] + h * step[1] + (first + r) * step[2];
            for (std::int64_t s = 0; s < call.length; ++s)
                row[s] += added[s * step[3]];
        }
        if (allowed != nullptr)
            for (std::int64_t s = 0; s < call.length; ++s)
                row[s] = allowed[s] ? row[s] : never;
        const std::int64_t place = first + r + call.queryOffset;
        const bool unbounded = call.window > std::numeric_limits<std::int64_t>::max() / 4;
        const std::int64_t begin =
            unbounded ? 0 : std::clamp<std::int64_t>(place - call.window + 1, 0, call.length);
        const std::int64_t after = call.causal ? place + 1 : unbounded ? call.length : place + call.window;
        const std::int64_t end = std::clamp(after, begin, call.length);
        std::fill_n(row, begin, never);
        std::fill(row + end, row + call.length, never);
    }
}

template <typename T>
void forward(const Call& call, const Tensor& output, const Tensor& lse) {
    const std::int64_t tasks = call.batch * call.heads * call.tiles();
    detail::inParallel(
        tasks, call.grain(std::min(tileRows, call.queries)),
        [&](std::int64_t firstTask, std::int64_t lastTask) {
            std::vector<T> scores(static_cast<std::size_t>(std::min(tileRows, call.queries) * call.length));
            for (std::int64_t task = firstTask; task < lastTask; ++task) {
                const std::int64_t first = task % call.tiles() * tileRows;
                const std::int64_t h = task / call.tiles() % call.heads;
                const std::int64_t b = task / call.tiles() / call.heads;
                const std::int64_t rows = std::min(tileRows, call.queries - first);
                scoreTile<T>(call, b, h, first, rows, scores.data());
                T* sums = lse.mutablePointer<T>() + (b * call.heads + h) * call.queries + first;
                for (std::int64_t r = 0; r < rows; ++r) {
                    T* row = scores.data() + r * call.length;
                    T top = -std::numeric_limits<T>::infinity();
                    for (std::int64_t s = 0; s < call.length; ++s)
                        top = row[s] > top || row[s] != row[s] ? row[s] : top;
                    if (top == -std::numeric_limits<T>::infinity()) {
                        std::fill_n(row, call.length, T(0));
                        sums[r] = top;
                        continue;
                    }
                    double total = 0;
                    for (std::int64_t s = 0; s < call.length; ++s) {
                        row[s] = std::exp(row[s] - top);
                        total += static_cast<double>(row[s]);
                    }
                    const T factor = static_cast<T>(1 / total);
                    for (std::int64_t s = 0; s < call.length; ++s)
                        row[s] *= factor;
                    sums[r] = top + static_cast<T>(std::log(total));
                }
                const Shape& step = output.strides();
                detail::gemm<T>(rows, call.valueSize, call.length, T(1), {scores.data(), call.length, false},
                                matrix<T>(call.v, b, h / call.group()), T(0),
                                output.mutablePointer<T>() + b * step[0] + h * step[1] + first * step[2],
                                step[2]);
            }
        });
}

/// Where the gradients go; each undefined when not asked for. All contiguous but bias, which is expanded like
/// the bias itself, so that adding to it sums over what was broadcast.
struct Targets {
    Tensor q, k, v, bias;
};

/// The heads that share one key head, one after the other: only they add into its gradient.
template <typename T>
void backwardGroup(const Call& call, const Tensor& lse, const Tensor& g, const Targets& to, std::int64_t b,
                   std::int64_t kvHead) {
    const std::int64_t length = call.length;
    std::vector<T> pattern(static_cast<std::size_t>(std::min(tileRows, call.queries) * length));
    std::vector<T> slope(pattern.size());
    const auto target = [&](const Tensor& t, std::int64_t head, std::int64_t row) {
        return t.mutablePointer<T>() + b * t.strides()[0] + head * t.strides()[1] + row * t.strides()[2];
    };
    for (std::int64_t h = kvHead * call.group(); h < (kvHead + 1) * call.group(); ++h)
        for (std::int64_t first = 0; first < call.queries; first += tileRows) {
            const std::int64_t rows = std::min(tileRows, call.queries - first);
            scoreTile<T>(call, b, h, first, rows, pattern.data());
            const T* sums = lse.pointer<T>() + (b * call.heads + h) * call.queries + first;
            for (std::int64_t r = 0; r < rows; ++r) {
                const bool blind = sums[r] == -std::numeric_limits<T>::infinity();
                for (std::int64_t s = 0; s < length; ++s) {
                    T& p = pattern[static_cast<std::size_t>(r * length + s)];
                    p = blind ? T(0) : std::exp(p - sums[r]);
                }
            }
            const detail::MatrixView<T> above = matrix<T>(g, b, h, first);
            if (to.v.defined())
                detail::gemm<T>(length, call.valueSize, rows, T(1), {pattern.data(), length, true}, above,
                                T(1), target(to.v, kvHead, 0), to.v.strides()[2]);
            auto values = matrix<T>(call.v, b, kvHead);
            values.transposed = true;
            detail::gemm<T>(rows, length, call.valueSize, T(1), above, values, T(0), slope.data(), length);
            for (std::int64_t r = 0; r < rows; ++r) {
                const T* p = pattern.data() + r * length;
                T* s = slope.data() + r * length;
                double along = 0;
                for (std::int64_t i = 0; i < length; ++i)
                    along += static_cast<double>(p[i] * s[i]);
                for (std::int64_t i = 0; i < length; ++i)
                    s[i] = p[i] * (s[i] - static_cast<T>(along));
                if (to.bias.defined()) {
                    const Shape& step = to.bias.strides();
                    T* sum = target(to.bias, h, first + r);
                    for (std::int64_t i = 0; i < length; ++i)
                        sum[i * step[3]] += s[i];
                }
            }
            const T scale = static_cast<T>(call.scale);
            if (to.q.defined())
                detail::gemm<T>(rows, call.size, length, scale, {slope.data(), length, false},
                                matrix<T>(call.k, b, kvHead), T(0), target(to.q, h, first),
                                to.q.strides()[2]);
            if (to.k.defined())
                detail::gemm<T>(length, call.size, rows, scale, {slope.data(), length, true},
                                matrix<T>(call.q, b, h, first), T(1), target(to.k, kvHead, 0),
                                to.k.strides()[2]);
        }
}

template <typename T>
void backward(const Call& call, const Tensor& lse, const Tensor& g, const Targets& to) {
    const auto groups = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task)
            backwardGroup<T>(call, lse, g, to, task / call.kvHeads, task % call.kvHeads);
    };
    const std::int64_t tasks = call.batch * call.kvHeads;
    if (to.bias.defined()) // a bias may be shared by heads and sequences: no two threads may add to it
        groups(0, tasks);
    else
        detail::inParallel(tasks, call.grain(call.queries * call.group()), groups);
}

/// Rows may lie apart, elements of a row may not.
Tensor denseRows(const Tensor& t) {
    const Tensor plain = t.detached();
    return plain.strides()[-1] == 1 || plain.size(-1) == 1 ? plain : plain.clone();
}

void checkShapes(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionMask& mask) {
    const bool ranks = q.rank() == 4 && k.rank() == 4 && v.rank() == 4;
    ORRERY_CHECK(ranks && k.size(0) == q.size(0) && v.size(0) == q.size(0) && k.size(1) == v.size(1) &&
                     k.size(2) == v.size(2) && k.size(3) == q.size(3) && k.size(1) > 0 &&
                     q.size(1) % k.size(1) == 0,
                 fmt::format("attention of queries {}, keys {} and values {}", q.shape().toText(),
                             k.shape().toText(), v.shape().toText()));
    ORRERY_CHECK(!mask.keys.defined() || mask.keys.shape() == (Shape{q.size(0), k.size(2)}),
                 fmt::format("a key mask of {} for keys {}", mask.keys.shape().toText(), k.shape().toText()));
    ORRERY_CHECK(mask.window >= 1, "a window sees at least itself");
}

} // namespace

AttentionResult attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionMask& mask,
                          double scale) {
    checkShapes(q, k, v, mask);
    const DType dtype =
        detail::widest("attention", q.dtype(), detail::widest("attention", k.dtype(), v.dtype()));
    const DType inner = dtype == DType::BF16 ? DType::F32 : dtype;
    if (q.dtype() != inner || k.dtype() != inner || v.dtype() != inner) {
        const AttentionResult wide = attention(cast(q, inner), cast(k, inner), cast(v, inner), mask, scale);
        return {cast(wide.output, dtype), wide.logSumExp};
    }
    const Tensor bias = mask.bias.defined() ? cast(mask.bias, dtype) : Tensor();
    Call call;
    call.q = denseRows(q);
    call.k = denseRows(k);
    call.v = denseRows(v);
    call.batch = q.size(0);
    call.heads = q.size(1);
    call.queries = q.size(2);
    call.size = q.size(3);
    call.kvHeads = k.size(1);
    call.length = k.size(2);
    call.valueSize = v.size(3);
    const Shape pattern{call.batch, call.heads, call.queries, call.length};
    if (mask.keys.defined())
        call.keys = mask.keys.detached().to(DType::Bool);
    if (bias.defined())
        call.bias = bias.expand(pattern);
    call.causal = mask.causal;
    call.queryOffset = mask.queryOffset;
    call.window = mask.window;
    call.scale = scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(call.size));
    // Heads lie side by side in memory, as the projection that follows wants them.
    const Tensor output =
        Tensor::empty({call.batch, call.queries, call.heads, call.valueSize}, dtype).transpose(1, 2);
    const Tensor lse = Tensor::empty({call.batch, call.heads, call.queries}, dtype);
    detail::withReal("attention", dtype, [&]<typename T>(T) { forward<T>(call, output, lse); });
    const Tensor recorded = record("attention", output, {q, k, v, bias}, [&] {
        return
            [=, needsQ = q.tracked(), needsK = k.tracked(), needsV = v.tracked(), needsBias = bias.tracked(),
             biasShape = bias.shape()](const Tensor& gradient) -> std::vector<Tensor> {
                const Tensor g = denseRows(gradient);
                std::vector<Tensor> result(4);
                Targets to;
                if (needsQ)
                    result[0] = to.q = Tensor::zeros(call.q.shape(), dtype);
                if (needsK)
                    result[1] = to.k = Tensor::zeros(call.k.shape(), dtype);
                if (needsV)
                    result[2] = to.v = Tensor::zeros(call.v.shape(), dtype);
                if (needsBias) {
                    result[3] = Tensor::zeros(biasShape, dtype);
                    to.bias = result[3].expand(pattern);
                }
                detail::withReal("attention", dtype, [&]<typename T>(T) { backward<T>(call, lse, g, to); });
                return result;
            };
    });
    return {recorded, lse};
}

} // namespace orrery::ops
