// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "base/options.h"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::measure {

/// The one declaration of a benchmark's options: axes of the grid (workload, length, batch, generated, dtype,
/// threads, mixer, kernel, compressor) and how it is measured (target, budget, min_repetitions,
/// max_repetitions, warmups, interleave, seed, memory). Axes take lists and ranges:
/// "length=128,256-1024+128", "dtype=f32,bf16".
[[nodiscard]] OptionSchema benchOptions();
/// Names of the options that are axes, in the order in which cells vary (the last fastest).
[[nodiscard]] const std::vector<std::string>& gridAxes();

/// One point of a grid.
struct BenchSettings {
    std::string model;               ///< folder
    std::string workload = "encode"; ///< "encode", "prefill", "decode"
    std::int64_t length = 128;
    std::int64_t batch = 1;
    std::int64_t generated = 32; ///< decode only
    std::string dtype = "f32";
    int threads = 0;    ///< 0: those that the engine has when the benchmark starts
    std::string mixer;  ///< id of a token mixer in every layer; "" (typed "none"): the model's own attention
    std::string kernel; ///< id of an attention kernel; "": the fused one
    std::string compressor; ///< id; "": none

    [[nodiscard]] OrderedJson toJson() const; ///< without what is not chosen
    static BenchSettings fromJson(const Json& json);
    /// "docs-bert encode L=128 B=1 f32 2 threads", without the keys in leaveOut.
    [[nodiscard]] std::string label(const std::vector<std::string>& leaveOut = {}) const;
};

/// All points for the models, the product of the axes. Settings that differ only in model, dtype, threads or
/// parts (what is compared) stand next to one another. UsageError when there are more than 100000.
[[nodiscard]] std::vector<BenchSettings> makeGrid(const std::vector<std::string>& models,
                                                  const OptionValues& options);

/// Equal for settings of the same work (workload, length, batch, generated): these are measured interleaved
/// and compared.
[[nodiscard]] std::string workKey(const BenchSettings& settings);

} // namespace orrery::measure
