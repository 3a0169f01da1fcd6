// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "onednn/library.h"
#include "onednn/matmul.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

namespace orrery::onednn {

/// Memory for packed weights: in large pages where it pays, since a product walks through all of it. Counts
/// as owned memory; Error when there is none left.
class WeightMemory {
public:
    explicit WeightMemory(std::size_t bytes);
    ~WeightMemory();
    WeightMemory(const WeightMemory&) = delete;
    WeightMemory& operator=(const WeightMemory&) = delete;
    [[nodiscard]] std::byte* data() const { return m_data; }

private:
    std::byte* m_data = nullptr;
    std::size_t m_bytes = 0; ///< mapped
};

struct PackedWeight::State {
    std::vector<Tensor> originals;
    WeightLayout layout = WeightLayout::OutIn;
    DType compute = DType::F32;
    Backend backend = Backend::Automatic;
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;

    // Made by the first product; read-only afterwards.
    mutable std::once_flag once;
    mutable std::once_flag panelsOnce;
    mutable std::atomic<bool> ready{false};
    mutable std::unique_ptr<WeightMemory> panels;
    mutable std::shared_ptr<const LibraryWeight> library;

    void pack() const;
    /// Our own form, also made when oneDNN turns out to have no product for some number of rows.
    void packPanels() const;
    void forgetOriginals() const;
};

struct Int8Weight::State {
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
    Tensor scales;                  ///< [out] f32
    std::vector<std::int32_t> sums; ///< of each output's values
    std::unique_ptr<WeightMemory> panels;
};

} // namespace orrery::onednn
