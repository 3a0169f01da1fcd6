// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "compress/compressor.h"

namespace orrery::compressors {

/// Weights as signed bytes with one scale a channel, activations quantised row by row at run time.
class Int8Linear final : public compress::Compressor {
public:
    [[nodiscard]] PartInfo info() const override;
    [[nodiscard]] OptionSchema options() const override;
    [[nodiscard]] std::shared_ptr<const nn::WeightFormat> compress(const std::string& name,
                                                                   const Tensor& weight,
                                                                   const OptionValues& options,
                                                                   const Progress& progress) const override;
    [[nodiscard]] std::shared_ptr<const nn::WeightFormat> load(const std::string& name,
                                                               const std::map<std::string, Tensor>& saved,
                                                               std::int64_t outputs,
                                                               std::int64_t inputs) const override;
};

} // namespace orrery::compressors
