// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/verify.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::model {

/// How near an output must be to what is recorded: |a - b| <= relative * max|b| + absolute, the largest
/// recorded value of the whole tensor. The reference computes in f32 too, so both sides round; on random
/// weights f32 and f64 differ by 1e-6 of the largest value at most, which leaves a factor of 100.
struct Tolerance {
    double relative = 1e-4;
    double absolute = 1e-5;
};

/// For all-bf16 runs: 8 bits of mantissa.
constexpr Tolerance bf16Tolerance{.relative = 5e-2};

/// What was compared of one expected*.safetensors, tensor by tensor.
class Comparison {
public:
    explicit Comparison(std::string file) { m_result.file = std::move(file); }
    [[nodiscard]] const std::string& file() const { return m_result.file; }

    /// mask: [B, L] i64, 0 where the positions in dimension `axis` do not count; undefined: all count. What
    /// a padded position holds depends on how an engine treats rows without anything to attend to.
    /// InputError for different shapes.
    void tensors(const std::string& name, const Tensor& got, const Tensor& expected, const Tensor& mask = {},
                 int axis = -1, const Tolerance& tolerance = {});
    /// Recorded logits of chosen positions [n] of the first item: values [n, V] of logits [B, L, V].
    void chosenRows(const std::string& name, const Tensor& logits, const Tensor& positions,
                    const Tensor& values);
    /// Recorded logits of chosen ids [B, L, k] of every position; mask as in tensors().
    void chosenIds(const std::string& name, const Tensor& logits, const Tensor& ids, const Tensor& values,
                   const Tensor& mask);
    /// Rows of new tokens against columns from `begin` on of expected [B, T]. Where a row ended before
    /// others, the expected ids are filled up with one and the same token.
    void continuations(const std::string& name, const std::vector<std::vector<std::int64_t>>& rows,
                       const Tensor& expected, std::int64_t begin);
    /// Whether ids [B, T] are the likeliest after what is before them, by logits [B, T, V] of them all, from
    /// position `begin` on.
    void likeliest(const std::string& name, const Tensor& logits, const Tensor& ids, std::int64_t begin);

    /// Everything; InputError when nothing was compared.
    [[nodiscard]] VerifiedSet take();

private:
    void add(const std::string& name, double worst, double tolerance);

    VerifiedSet m_result;
};

} // namespace orrery::model
