// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/matrix_source.h"
#include "figures/value_colours.h"

#include <QImage>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace orrery::ui {

/// Names a block of 256 x 256 pooled cells: a pooled cell is the mean of 2^rowLevel x 2^columnLevel cells.
struct BlockKey {
    int rowLevel = 0;
    int columnLevel = 0;
    std::int64_t row = 0; ///< in blocks
    std::int64_t column = 0;
    friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
};

struct ValueBlock {
    static constexpr std::int64_t side = 256;
    std::int64_t rows = 0; ///< in pooled cells; the last blocks are smaller
    std::int64_t columns = 0;
    std::vector<float> values; ///< row-major means; NaN where no cell has a value
    mutable QImage image;      ///< coloured by the painter, on its thread only
    mutable quint64 imageKey = 0;
};

/// The whole matrix pooled to at most 1024 x 1024, with the range of the exact values, from one pass in
/// bounded memory. A matrix of that size or smaller is held exactly.
struct Overview {
    int rowLevel = 0;
    int columnLevel = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<float> values;
    ValueRange range;
};

/// Reads a matrix source for a heatmap; all functions are pure and may run on any thread. They return null
/// when stopped.
class BlockReader {
public:
    BlockReader(std::shared_ptr<const figure::MatrixSource> source, std::vector<std::int64_t> maskedFrom);

    [[nodiscard]] std::int64_t rows() const { return m_rows; }
    [[nodiscard]] std::int64_t columns() const { return m_columns; }
    [[nodiscard]] std::shared_ptr<const Overview> overview(const std::atomic<bool>& stop) const;
    [[nodiscard]] std::shared_ptr<const ValueBlock> block(const BlockKey& key,
                                                          const std::atomic<bool>& stop) const;
    /// A block as coarse as the overview or coarser, pooled from it.
    [[nodiscard]] static std::shared_ptr<const ValueBlock> pooledFrom(const Overview& overview,
                                                                      const BlockKey& key);
    [[nodiscard]] int overviewRowLevel() const { return levelFor(m_rows); }
    [[nodiscard]] int overviewColumnLevel() const { return levelFor(m_columns); }
    [[nodiscard]] std::int64_t maskStart(std::int64_t row) const; ///< columns() when the row has no mask
    [[nodiscard]] const figure::MatrixSource& source() const { return *m_source; }

private:
    static int levelFor(std::int64_t size);
    struct Region {
        std::int64_t row, column, rows, columns;
    };
    bool pool(const Region& region, int rowLevel, int columnLevel, std::vector<float>& out, ValueRange* range,
              const std::atomic<bool>& stop) const;

    std::shared_ptr<const figure::MatrixSource> m_source;
    std::vector<std::int64_t> m_maskedFrom;
    std::int64_t m_rows;
    std::int64_t m_columns;
};

/// What the painter asks values from. Null answers mean "not yet".
class HeatmapValues {
public:
    virtual ~HeatmapValues() = default;
    [[nodiscard]] virtual const BlockReader& reader() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const Overview> overview() = 0;
    [[nodiscard]] virtual std::shared_ptr<const ValueBlock> block(const BlockKey& key) = 0;
    [[nodiscard]] virtual std::optional<float> value(std::int64_t row, std::int64_t column) = 0;
};

/// Computes at once: for exports.
class DirectHeatmapValues final : public HeatmapValues {
public:
    explicit DirectHeatmapValues(const figure::Heatmap& heatmap);
    [[nodiscard]] const BlockReader& reader() const override { return m_reader; }
    [[nodiscard]] std::shared_ptr<const Overview> overview() override;
    [[nodiscard]] std::shared_ptr<const ValueBlock> block(const BlockKey& key) override;
    [[nodiscard]] std::optional<float> value(std::int64_t row, std::int64_t column) override;

private:
    BlockReader m_reader;
    std::atomic<bool> m_never{false};
    std::shared_ptr<const Overview> m_overview;
    std::map<BlockKey, std::shared_ptr<const ValueBlock>> m_blocks;
};

} // namespace orrery::ui
