// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/input.h"

#include "base/error.h"
#include "base/hash.h"

#include <algorithm>

namespace orrery::model {

ModelInput ModelInput::ofIds(const std::vector<std::int64_t>& ids) {
    return ofIds(std::vector<std::vector<std::int64_t>>{ids}, 0);
}

ModelInput ModelInput::ofIds(const std::vector<std::vector<std::int64_t>>& rows, std::int64_t padToken) {
    if (rows.empty())
        throw UsageError("An input needs at least one row of tokens.");
    std::size_t longest = 0;
    std::size_t shortest = rows.front().size();
    for (const auto& row : rows) {
        longest = std::max(longest, row.size());
        shortest = std::min(shortest, row.size());
    }
    const Shape shape{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)};
    ModelInput input;
    input.inputIds = Tensor::full(shape, static_cast<double>(padToken), DType::I64);
    if (shortest != longest)
        input.attentionMask = Tensor::zeros(shape, DType::I64);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::copy(rows[i].begin(), rows[i].end(),
                  input.inputIds.mutableData<std::int64_t>().begin() +
                      static_cast<std::ptrdiff_t>(i * longest));
        if (input.attentionMask.defined())
            std::fill_n(input.attentionMask.mutableData<std::int64_t>().begin() +
                            static_cast<std::ptrdiff_t>(i * longest),
                        rows[i].size(), 1);
    }
    return input;
}

std::string ModelInput::hash() const {
    Sha256 hash;
    for (const Tensor* tensor : {&inputIds, &attentionMask, &typeIds, &positionIds}) {
        hash.add(tensor->defined() ? tensor->shape().toText() : "none");
        if (tensor->defined()) {
            const Tensor dense = tensor->contiguous();
            hash.add(std::span(dense.rawData(), dense.bytes()));
        }
    }
    return hash.hex();
}

} // namespace orrery::model
