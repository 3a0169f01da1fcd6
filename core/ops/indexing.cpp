// SPDX-License-Identifier: GPL-3.0-or-later
#include "ops/indexing.h"

#include "ops/cast.h"
#include "ops/detail.h"
#include "ops/record.h"
#include "ops/shaping.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace orrery::ops {
namespace {

using detail::Axis;

/// The indices as i64, every one checked to lie in [0, bound).
Tensor checkedIndices(std::string_view op, const Tensor& index, std::int64_t bound) {
    if (isFloating(index.dtype()) || index.dtype() == DType::Bool)
        throw Error(fmt::format("{} needs integer indices, not {}.", op, name(index.dtype())));
    Tensor result = index.detached().to(DType::I64);
    for (const std::int64_t value : result.data<std::int64_t>())
        if (value < 0 || value >= bound)
            throw InputError(
                fmt::format("{}: index {} lies outside 0..{}; check that the input belongs to this model.",
                            op, value, bound - 1));
    return result;
}

/// A gradient of f32 or f64 to add many small parts into; bf16 adds up in f32.
DType sumType(DType dtype) {
    return dtype == DType::BF16 ? DType::F32 : dtype;
}

/// target[slice index[s]] += source[slice s] along the middle of the axis.
void addSlices(const Tensor& target, const Axis& axis, const Tensor& indices, const Tensor& source) {
    const auto index = indices.data<std::int64_t>();
    const auto count = static_cast<std::int64_t>(index.size());
    detail::withReal("indexSelect", target.dtype(), [&]<typename T>(T) {
        const T* from = source.pointer<T>();
        T* to = target.mutablePointer<T>();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t s = 0; s < count; ++s) {
                const T* in = from + (o * count + s) * axis.inner;
                T* out = to + (o * axis.size + index[static_cast<std::size_t>(s)]) * axis.inner;
                for (std::int64_t i = 0; i < axis.inner; ++i)
                    out[i] += in[i];
            }
    });
}

void checkAlong(std::string_view op, const Shape& x, const Shape& index, int front) {
    ORRERY_CHECK(
        x.rank() == index.rank() && x.with(front, 0) == index.with(front, 0),
        fmt::format("{} of {} by an index of {} along dimension {}", op, x.toText(), index.toText(), front));
}

Tensor ordering(const Tensor& x, int front, bool descending) {
    const Tensor values =
        x.detached().to(x.dtype() == DType::F64 || x.dtype() == DType::I64 ? x.dtype() : DType::F32);
    const Axis axis = detail::axisOf(x.shape(), front);
    Tensor result = Tensor::empty(x.shape(), DType::I64);
    auto* to = result.mutablePointer<std::int64_t>();
    const auto fill = [&]<typename T>(T) {
        const T* from = values.pointer<T>();
        std::vector<std::int64_t> order(static_cast<std::size_t>(axis.size));
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t i = 0; i < axis.inner; ++i) {
                const auto at = [&](std::int64_t s) { return from[(o * axis.size + s) * axis.inner + i]; };
                const auto less = [](T a, T b) { return b != b ? a == a : a < b; }; // NaN is the largest
                std::iota(order.begin(), order.end(), std::int64_t{0});
                std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
                    return descending ? less(at(b), at(a)) : less(at(a), at(b));
                });
                for (std::int64_t s = 0; s < axis.size; ++s)
                    to[(o * axis.size + s) * axis.inner + i] = order[static_cast<std::size_t>(s)];
            }
    };
    switch (values.dtype()) {
    case DType::F64:
        fill(double{});
        break;
    case DType::I64:
        fill(std::int64_t{});
        break;
    default:
        fill(float{});
    }
    return result;
}

} // namespace

Tensor embedding(const Tensor& weight, const Tensor& ids) {
    ORRERY_CHECK(weight.rank() == 2, fmt::format("an embedding of {} is no matrix", weight.shape().toText()));
    const Tensor rows = indexSelect(weight, 0, ids.detached().contiguous().reshape({ids.elements()}));
    Shape shape = ids.shape();
    shape.append(weight.size(1));
    return reshape(rows, shape);
}

Tensor gather(const Tensor& x, int dimension, const Tensor& index) {
    const int front = detail::frontDimension("gather", x, dimension);
    checkAlong("gather", x.shape(), index.shape(), front);
    const Tensor indices = checkedIndices("gather", index, x.size(front));
    const Tensor input = x.contiguous();
    const Tensor y = Tensor::empty(index.shape(), x.dtype());
    const Axis axis = detail::axisOf(x.shape(), front);
    const std::int64_t count = index.size(front);
    detail::withWidth(x.dtype(), [&]<typename T>(T) {
        const T* from = reinterpret_cast<const T*>(input.rawData());
        T* to = reinterpret_cast<T*>(y.mutableRawData());
        const std::int64_t* at = indices.pointer<std::int64_t>();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t s = 0; s < count; ++s)
                for (std::int64_t i = 0; i < axis.inner; ++i) {
                    const std::int64_t place = (o * count + s) * axis.inner + i;
                    to[place] = from[(o * axis.size + at[place]) * axis.inner + i];
                }
    });
    return record("gather", y, {x}, [&] {
        return [front, indices, shape = x.shape()](const Tensor& g) -> std::vector<Tensor> {
            const DType sums = sumType(g.dtype());
            return {scatterAdd(Tensor::zeros(shape, sums), front, indices, g.to(sums)).to(g.dtype())};
        };
    });
}

Tensor scatterAdd(const Tensor& base, int dimension, const Tensor& index, const Tensor& source) {
    const int front = detail::frontDimension("scatterAdd", base, dimension);
    checkAlong("scatterAdd", base.shape(), index.shape(), front);
    ORRERY_CHECK(
        source.shape() == index.shape() && source.dtype() == base.dtype(),
        fmt::format("scatterAdd of {} by an index of {}", source.shape().toText(), index.shape().toText()));
    if (base.dtype() == DType::BF16)
        return cast(scatterAdd(cast(base, DType::F32), dimension, index, cast(source, DType::F32)),
                    DType::BF16);
    const Tensor indices = checkedIndices("scatterAdd", index, base.size(front));
    const Tensor added = source.contiguous();
    const Tensor y = base.clone();
    const Axis axis = detail::axisOf(base.shape(), front);
    const std::int64_t count = index.size(front);
    detail::withReal("scatterAdd", base.dtype(), [&]<typename T>(T) {
        const T* from = added.pointer<T>();
        T* to = y.mutablePointer<T>();
        const std::int64_t* at = indices.pointer<std::int64_t>();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (std::int64_t s = 0; s < count; ++s)
                for (std::int64_t i = 0; i < axis.inner; ++i) {
                    const std::int64_t place = (o * count + s) * axis.inner + i;
                    to[(o * axis.size + at[place]) * axis.inner + i] += from[place];
                }
    });
    return record("scatterAdd", y, {base, source}, [&] {
        return [front, indices](const Tensor& g) -> std::vector<Tensor> {
            return {g, gather(g, front, indices)};
        };
    });
}

Tensor indexSelect(const Tensor& x, int dimension, const Tensor& index) {
    const int front = detail::frontDimension("indexSelect", x, dimension);
    ORRERY_CHECK(index.rank() == 1, fmt::format("indexSelect by an index of {}", index.shape().toText()));
    const Tensor indices = checkedIndices("indexSelect", index, x.size(front));
    const Tensor input = x.contiguous();
    const Tensor y = Tensor::empty(x.shape().with(front, index.size(0)), x.dtype());
    const Axis axis = detail::axisOf(x.shape(), front);
    const auto places = indices.data<std::int64_t>();
    const std::size_t run = static_cast<std::size_t>(axis.inner) * itemSize(x.dtype());
    if (y.elements() > 0) {
        std::byte* to = y.mutableRawData();
        for (std::int64_t o = 0; o < axis.outer; ++o)
            for (const std::int64_t place : places) {
                std::memcpy(to, input.rawData() + static_cast<std::size_t>(o * axis.size + place) * run, run);
                to += run;
            }
    }
    return record("indexSelect", y, {x}, [&] {
        return [indices, axis, shape = x.shape()](const Tensor& g) -> std::vector<Tensor> {
            const Tensor whole = Tensor::zeros(shape, sumType(g.dtype()));
            addSlices(whole, axis, indices, g.to(whole.dtype()));
            return {whole.to(g.dtype())};
        };
    });
}

Ordered topK(const Tensor& x, std::int64_t count, int dimension, bool largest) {
    const int front = detail::frontDimension("topK", x, dimension);
    ORRERY_CHECK(count >= 0 && count <= x.size(front),
                 fmt::format("the {} foremost of dimension {} of {}", count, dimension, x.shape().toText()));
    const Tensor indices = ordering(x, front, largest).slice(front, 0, count).contiguous();
    return {gather(x, front, indices), indices};
}

Ordered sort(const Tensor& x, int dimension, bool descending) {
    const int front = detail::frontDimension("sort", x, dimension);
    const Tensor indices = ordering(x, front, descending);
    return {gather(x, front, indices), indices};
}

Tensor oneHot(const Tensor& ids, std::int64_t classes, DType dtype) {
    const Tensor indices = checkedIndices("oneHot", ids, classes);
    Shape shape = ids.shape();
    shape.append(classes);
    const Tensor wide = Tensor::zeros(shape, DType::F32);
    float* row = wide.mutablePointer<float>();
    for (const std::int64_t place : indices.data<std::int64_t>()) {
        row[place] = 1;
        row += classes;
    }
    return wide.to(dtype);
}

} // namespace orrery::ops
