// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/comparison.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

/// Which elements of a tensor count, by the mask of one of its dimensions.
class Counted {
public:
    Counted(const Tensor& tensor, const Tensor& mask, int axis) {
        if (!mask.defined() || axis < 0 || axis >= tensor.rank() || mask.rank() != 2 ||
            mask.size(0) != tensor.size(0) || mask.size(1) != tensor.size(axis))
            return;
        m_mask = mask.toIntegers();
        m_positions = tensor.size(axis);
        m_perItem = tensor.elements() / std::max<std::int64_t>(tensor.size(0), 1);
        for (int i = axis + 1; i < tensor.rank(); ++i)
            m_inner *= tensor.size(i);
    }
    [[nodiscard]] bool operator()(std::int64_t element) const {
        return m_mask.empty() ||
               m_mask[static_cast<std::size_t>(element / m_perItem * m_positions +
                                               element % m_perItem / m_inner % m_positions)] != 0;
    }

private:
    std::vector<std::int64_t> m_mask;
    std::int64_t m_positions = 0;
    std::int64_t m_perItem = 1;
    std::int64_t m_inner = 1; ///< elements below the position's dimension
};

} // namespace

void Comparison::add(const std::string& name, double worst, double tolerance) {
    m_result.tensors.push_back({name, worst, tolerance, worst <= tolerance}); // NaN is not ok
}

void Comparison::tensors(const std::string& name, const Tensor& got, const Tensor& expected,
                         const Tensor& mask, int axis, const Tolerance& tolerance) {
    if (!(got.shape() == expected.shape()))
        throw InputError(fmt::format("{} expects \"{}\" with shape {}, but the model gives {}.", file(), name,
                                     expected.shape().toText(), got.shape().toText()));
    const Counted counts(got, mask, axis);
    const std::vector<float> a = got.toFloats();
    const std::vector<float> b = expected.toFloats();
    double worst = 0;
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(b[i])));
        if (!counts(static_cast<std::int64_t>(i)))
            continue;
        const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        if (error > worst || std::isnan(error))
            worst = error;
        if (std::isnan(worst))
            break;
    }
    add(name, worst, tolerance.relative * largest + tolerance.absolute);
}

void Comparison::chosenRows(const std::string& name, const Tensor& logits, const Tensor& positions,
                            const Tensor& values) {
    const std::vector<std::int64_t> rows = positions.toIntegers();
    if (logits.rank() != 3 || values.rank() != 2 || static_cast<std::size_t>(values.size(0)) != rows.size() ||
        values.size(1) != logits.size(2))
        throw InputError(fmt::format("{}: \"{}\" has shape {}, which does not fit logits of {}.", file(),
                                     name, values.shape().toText(), logits.shape().toText()));
    const Tensor got = Tensor::empty(values.shape());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] < 0 || rows[i] >= logits.size(1))
            throw InputError(fmt::format("{}: \"{}\" names position {}.", file(), name, rows[i]));
        got.select(0, static_cast<std::int64_t>(i)).copyFrom(logits.select(0, 0).select(0, rows[i]));
    }
    tensors(name, got, values);
}

void Comparison::chosenIds(const std::string& name, const Tensor& logits, const Tensor& ids,
                           const Tensor& values, const Tensor& mask) {
    if (logits.rank() != 3 || values.rank() != 3 || !(ids.shape() == values.shape()) ||
        values.size(0) != logits.size(0) || values.size(1) != logits.size(1))
        throw InputError(fmt::format("{}: \"{}\" has shape {}, which does not fit logits of {}.", file(),
                                     name, values.shape().toText(), logits.shape().toText()));
    const std::vector<std::int64_t> chosen = ids.toIntegers();
    const std::vector<float> all = logits.toFloats();
    const Tensor got = Tensor::empty(values.shape());
    float* out = got.mutablePointer<float>();
    const std::int64_t width = logits.size(2);
    const std::int64_t each = values.size(2);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (chosen[i] < 0 || chosen[i] >= width)
            throw InputError(fmt::format("{}: \"{}\" names the id {}.", file(), name, chosen[i]));
        out[i] = all[static_cast<std::size_t>(static_cast<std::int64_t>(i) / each * width + chosen[i])];
    }
    tensors(name, got, values, mask, 1);
}

void Comparison::continuations(const std::string& name, const std::vector<std::vector<std::int64_t>>& rows,
                               const Tensor& expected, std::int64_t begin) {
    const std::int64_t width = expected.size(1);
    double different = 0;
    for (std::int64_t row = 0; row < expected.size(0); ++row) {
        const std::vector<std::int64_t>& ids = rows.at(static_cast<std::size_t>(row));
        const std::vector<std::int64_t> wanted = expected.select(0, row).toIntegers();
        for (std::int64_t column = begin; column < width; ++column) {
            const auto place = static_cast<std::size_t>(column - begin);
            const std::int64_t id = wanted[static_cast<std::size_t>(column)];
            different += place < ids.size() ? ids[place] != id : id != wanted.back();
        }
    }
    add(name, different, 0);
}

void Comparison::likeliest(const std::string& name, const Tensor& logits, const Tensor& ids,
                           std::int64_t begin) {
    double different = 0;
    for (std::int64_t row = 0; row < ids.size(0); ++row)
        for (std::int64_t i = std::max<std::int64_t>(begin, 1); i < ids.size(1); ++i) {
            const std::vector<float> values = logits.select(0, row).select(0, i - 1).toFloats();
            different += std::max_element(values.begin(), values.end()) - values.begin() !=
                         static_cast<std::int64_t>(ids.at({row, i}));
        }
    add(name, different, 0);
}

VerifiedSet Comparison::take() {
    if (m_result.tensors.empty())
        throw InputError(fmt::format("{} holds no outputs to compare with.", file()));
    m_result.ok = std::all_of(m_result.tensors.begin(), m_result.tensors.end(),
                              [](const VerifiedTensor& tensor) { return tensor.ok; });
    return std::move(m_result);
}

} // namespace orrery::model
