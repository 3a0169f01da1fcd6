// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/simd/math.h"
#include "kernels/simd/row_table.h"

namespace orrery::kernels::ORRERY_SIMD {

/// work(offset, whole vector?, lanes) over n numbers.
template <typename Work>
ORRERY_INLINE void overVectors(int64_t n, const Work& work) {
    int64_t i = 0;
    for (; i + Vec::width <= n; i += Vec::width)
        work(i, int64_t{Vec::width});
    if (i < n)
        work(i, n - i);
}
template <typename T>
ORRERY_INLINE Vec take(const T* p, int64_t count) {
    return count == Vec::width ? load(p) : load(p, count);
}
template <typename T>
ORRERY_INLINE void put(T* p, Vec a, int64_t count) {
    count == Vec::width ? store(p, a) : store(p, a, count);
}

/// Sum of part(i, lanes) over a row in four running sums: shorter chains, smaller rounding errors.
template <typename Part>
ORRERY_INLINE float summed(int64_t n, const Part& part) {
    Vec s0 = zero();
    Vec s1 = zero();
    Vec s2 = zero();
    Vec s3 = zero();
    constexpr int64_t w = Vec::width;
    int64_t i = 0;
    for (; i + 4 * w <= n; i += 4 * w) {
        s0 = s0 + part(i, w);
        s1 = s1 + part(i + w, w);
        s2 = s2 + part(i + 2 * w, w);
        s3 = s3 + part(i + 3 * w, w);
    }
    for (; i + w <= n; i += w)
        s0 = s0 + part(i, w);
    if (i < n)
        s1 = s1 + part(i, n - i);
    return sum((s0 + s1) + (s2 + s3));
}

inline void narrowRow(const float* x, uint16_t* out, int64_t n) {
    overVectors(n, [&](int64_t i, int64_t c) { put(out + i, take(x + i, c), c); });
}
inline void widenRow(const uint16_t* x, float* out, int64_t n) {
    overVectors(n, [&](int64_t i, int64_t c) { put(out + i, take(x + i, c), c); });
}
inline void addRow(const float* a, const float* b, float* out, int64_t n) {
    overVectors(n, [&](int64_t i, int64_t c) { put(out + i, take(a + i, c) + take(b + i, c), c); });
}
inline void activateRow(Activation kind, const float* x, float* out, int64_t n) {
    withActivation(kind, [&]<Activation what>() {
        overVectors(n, [&](int64_t i, int64_t c) { put(out + i, activated<what>(take(x + i, c)), c); });
    });
}
inline void activateBackwardRow(Activation kind, const float* x, const float* dOut, float* dx, int64_t n) {
    withActivation(kind, [&]<Activation what>() {
        overVectors(n, [&](int64_t i, int64_t c) {
            put(dx + i, activationSlope<what>(take(x + i, c)) * take(dOut + i, c), c);
        });
    });
}
inline void exponentialRow(const float* x, float* out, int64_t n) {
    overVectors(n, [&](int64_t i, int64_t c) { put(out + i, exp(take(x + i, c)), c); });
}

inline float softmaxRow(const float* x, float* out, int64_t n) {
    Vec running = set(-infinity);
    int64_t i = 0;
    for (; i + Vec::width <= n; i += Vec::width)
        running = max(load(x + i), running);
    float peak = largest(running);
    for (; i < n; ++i)
        peak = most(x[i], peak);
    if (peak == -infinity) {
        if (out)
            for (i = 0; i < n; ++i)
                out[i] = 0;
        return -infinity;
    }
    const Vec shift = set(peak);
    double total = 0; // over pieces, so that long rows keep their accuracy
    for (int64_t piece = 0; piece < n; piece += 4096)
        total += static_cast<double>(summed(least<int64_t>(4096, n - piece), [&](int64_t at, int64_t c) {
            const int64_t from = piece + at;
            Vec e = exp(take(x + from, c) - shift);
            if (c < Vec::width) { // lanes beyond the end hold exp(-peak)
                alignas(64) float values[Vec::width] = {};
                store(values, e, c);
                e = load(values);
            }
            if (out)
                put(out + from, e, c);
            return e;
        }));
    if (out) {
        const Vec factor = set(static_cast<float>(1.0 / total));
        overVectors(n, [&](int64_t at, int64_t c) { put(out + at, take(out + at, c) * factor, c); });
    }
    return peak + static_cast<float>(__builtin_log(total));
}

inline void normRow(const float* s, float* out, int64_t n, NormRow& norm) {
    const auto size = static_cast<float>(n);
    float mean = 0;
    if (norm.centred)
        mean = summed(n, [&](int64_t i, int64_t c) { return take(s + i, c); }) / size;
    const Vec centre = set(mean);
    const float variance = summed(n,
                                  [&](int64_t i, int64_t c) {
                                      Vec d = take(s + i, c) - centre;
                                      if (c < Vec::width) {
                                          alignas(64) float values[Vec::width] = {};
                                          store(values, d, c);
                                          d = load(values);
                                      }
                                      return d * d;
                                  }) /
                           size;
    const float scale = 1.0F / __builtin_sqrtf(variance + norm.epsilon);
    const Vec factor = set(scale);
    overVectors(n, [&](int64_t i, int64_t c) {
        Vec y = (take(s + i, c) - centre) * factor;
        if (norm.weight)
            y = y * take(norm.weight + i, c);
        if (norm.bias)
            y = y + take(norm.bias + i, c);
        put(out + i, y, c);
    });
    norm.mean = mean;
    norm.scale = scale;
}

// With h = (s - mean) scale and g = dOut weight: dx = scale (g - mean(g) - h mean(g h)), without mean(g) for
// RMS norm; dWeight += dOut h, dBias += dOut.
inline void normBackwardRow(const float* s, const float* dOut, float* dx, float* dWeight, float* dBias,
                            int64_t n, const NormRow& norm) {
    const auto size = static_cast<float>(n);
    const Vec centre = set(norm.mean);
    const Vec factor = set(norm.scale);
    const auto gradient = [&](int64_t i, int64_t c) {
        const Vec g = take(dOut + i, c);
        return norm.weight ? g * take(norm.weight + i, c) : g;
    };
    const auto normed = [&](int64_t i, int64_t c) { return (take(s + i, c) - centre) * factor; };
    const Vec along =
        set(summed(n, [&](int64_t i, int64_t c) { return gradient(i, c) * normed(i, c); }) / size);
    const Vec level = set(norm.centred ? summed(n, gradient) / size : 0.0F);
    overVectors(n, [&](int64_t i, int64_t c) {
        const Vec h = normed(i, c);
        const Vec d = take(dOut + i, c);
        if (dWeight)
            put(dWeight + i, fma(d, h, take(dWeight + i, c)), c);
        if (dBias)
            put(dBias + i, take(dBias + i, c) + d, c);
        if (dx)
            put(dx + i, factor * (gradient(i, c) - level - h * along), c);
    });
}

inline void gateRow(Activation kind, const float* gate, const float* up, float* out, int64_t n) {
    withActivation(kind, [&]<Activation what>() {
        overVectors(n, [&](int64_t i, int64_t c) {
            put(out + i, activated<what>(take(gate + i, c)) * take(up + i, c), c);
        });
    });
}

inline void rotateRow(float* x, const float* cosine, const float* sine, int64_t half, bool adjacent) {
    if (adjacent) {
        for (int64_t i = 0; i < half; ++i) {
            const float a = x[2 * i];
            const float b = x[2 * i + 1];
            x[2 * i] = a * cosine[i] - b * sine[i];
            x[2 * i + 1] = b * cosine[i] + a * sine[i];
        }
        return;
    }
    overVectors(half, [&](int64_t i, int64_t c) {
        const Vec a = take(x + i, c);
        const Vec b = take(x + half + i, c);
        const Vec cos = take(cosine + i, c);
        const Vec sin = take(sine + i, c);
        put(x + i, fnma(b, sin, a * cos), c);
        put(x + half + i, fma(a, sin, b * cos), c);
    });
}

inline float absoluteMaximumRow(const float* x, int64_t n) {
    Vec running = zero();
    overVectors(n, [&](int64_t i, int64_t c) { running = max(abs(take(x + i, c)), running); });
    return largest(running);
}

inline void quantiseRow(const float* x, float factor, std::uint8_t* out, int64_t n) {
    const Vec f = set(factor);
    overVectors(n, [&](int64_t i, int64_t c) {
        const Vec q = roundToNearest(min(max(take(x + i, c) * f, set(-127.0F)), set(127.0F))) + set(128.0F);
#if defined(__AVX512F__)
        const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(q.v));
        _mm_mask_storeu_epi8(out + i, firstLanes(c), bytes);
#else
        float values[Vec::width];
        store(values, q);
        for (int64_t j = 0; j < c; ++j)
            out[i + j] = static_cast<std::uint8_t>(values[j]);
#endif
    });
}

inline void recurRow(const float* decay, const float* u, float in, float out, float* h, float* y, int64_t n) {
    const Vec b = set(in);
    const Vec c = set(out);
    overVectors(n, [&](int64_t i, int64_t lanes) {
        const Vec state = fma(take(decay + i, lanes), take(h + i, lanes), take(u + i, lanes) * b);
        put(h + i, state, lanes);
        put(y + i, fma(state, c, take(y + i, lanes)), lanes);
    });
}
inline void recurSelectedRow(const float* step, const float* rate, const float* u, float in, float out,
                             float* h, float* y, int64_t n) {
    const Vec b = set(in);
    const Vec c = set(out);
    overVectors(n, [&](int64_t i, int64_t lanes) {
        const Vec decay = exp(take(step + i, lanes) * take(rate + i, lanes));
        const Vec state = fma(decay, take(h + i, lanes), take(u + i, lanes) * b);
        put(h + i, state, lanes);
        put(y + i, fma(state, c, take(y + i, lanes)), lanes);
    });
}

inline constexpr RowTable rowTable{
    &narrowRow,      &widenRow,           &addRow,      &activateRow,     &activateBackwardRow,
    &exponentialRow, &softmaxRow,         &normRow,     &normBackwardRow, &gateRow,
    &rotateRow,      &absoluteMaximumRow, &quantiseRow, &recurRow,        &recurSelectedRow};

} // namespace orrery::kernels::ORRERY_SIMD
