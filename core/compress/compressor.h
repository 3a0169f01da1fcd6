// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/part.h"
#include "base/progress.h"
#include "nn/weight_format.h"
#include "tensor/tensor.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace orrery::compress {

/// Swaps the weight format of linear layers for a smaller or faster one. What it gains is measured on the
/// real format.
class Compressor : public Part {
public:
    static constexpr std::string_view kind = "compressor";

    /// The format that stands for a dense weight [out, in] f32, or null to leave this linear as it is. name
    /// is the linear's
    /// ("blocks.3.mlp.in").
    [[nodiscard]] virtual std::shared_ptr<const nn::WeightFormat>
    compress(const std::string& name, const Tensor& weight, const OptionValues& options,
             const Progress& progress) const = 0;

    /// The format back from what its save() gave (tensors by suffix; mapped, may be kept). InputError when a
    /// tensor is missing or of another shape or dtype than [outputs, inputs] asks for.
    [[nodiscard]] virtual std::shared_ptr<const nn::WeightFormat>
    load(const std::string& name, const std::map<std::string, Tensor>& saved, std::int64_t outputs,
         std::int64_t inputs) const = 0;
};

} // namespace orrery::compress
