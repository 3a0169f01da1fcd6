// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/heatmap_values.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>

namespace orrery::ui {

namespace {

constexpr std::int64_t overviewSide = 1024;
constexpr std::int64_t bandCells = std::int64_t{1} << 20; // read at a time, so that stopping is quick

std::int64_t ceilDivide(std::int64_t value, std::int64_t by) {
    return (value + by - 1) / by;
}

/// Means that ignore NaN.
struct Mean {
    double sum = 0;
    std::int64_t count = 0;
    void add(float value) {
        if (!std::isnan(value)) {
            sum += static_cast<double>(value);
            ++count;
        }
    }
    [[nodiscard]] float result() const {
        return count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : std::nanf("");
    }
};

} // namespace

BlockReader::BlockReader(std::shared_ptr<const figure::MatrixSource> source,
                         std::vector<std::int64_t> maskedFrom)
    : m_source(std::move(source)), m_maskedFrom(std::move(maskedFrom)) {
    ORRERY_CHECK(m_source != nullptr, "a heatmap has values");
    m_rows = m_source->rows();
    m_columns = m_source->columns();
}

int BlockReader::levelFor(std::int64_t size) {
    int level = 0;
    while ((size >> level) > overviewSide)
        ++level;
    return level;
}

std::int64_t BlockReader::maskStart(std::int64_t row) const {
    if (row < 0 || static_cast<std::size_t>(row) >= m_maskedFrom.size())
        return m_columns;
    return std::clamp<std::int64_t>(m_maskedFrom[static_cast<std::size_t>(row)], 0, m_columns);
}

bool BlockReader::pool(const Region& region, int rowLevel, int columnLevel, std::vector<float>& out,
                       ValueRange* range, const std::atomic<bool>& stop) const {
    const std::int64_t rowFactor = std::int64_t{1} << rowLevel;
    const std::int64_t columnFactor = std::int64_t{1} << columnLevel;
    const std::int64_t outRows = ceilDivide(region.rows, rowFactor);
    const std::int64_t outColumns = ceilDivide(region.columns, columnFactor);
    out.assign(static_cast<std::size_t>(outRows * outColumns), 0.0F);
    if (out.empty())
        return true;
    // Bands of whole pooled rows where they fit; single rows of very wide matrices otherwise.
    const std::int64_t bandRows = std::max<std::int64_t>(
        1, std::min(region.rows, bandCells / std::max<std::int64_t>(1, region.columns)));
    std::vector<float> band(static_cast<std::size_t>(bandRows * region.columns));
    std::vector<Mean> means(static_cast<std::size_t>(outColumns));
    std::int64_t pooledRow = 0;
    for (std::int64_t begin = 0; begin < region.rows; begin += bandRows) {
        if (stop.load(std::memory_order_relaxed))
            return false;
        const std::int64_t count = std::min(bandRows, region.rows - begin);
        m_source->tile(region.row + begin, region.column, count, region.columns,
                       std::span(band).first(static_cast<std::size_t>(count * region.columns)));
        for (std::int64_t r = 0; r < count; ++r) {
            const std::int64_t unmasked = std::clamp<std::int64_t>(
                maskStart(region.row + begin + r) - region.column, 0, region.columns);
            const float* line = band.data() + r * region.columns;
            for (std::int64_t c = 0; c < unmasked; ++c) {
                means[static_cast<std::size_t>(c >> columnLevel)].add(line[c]);
                if (range != nullptr)
                    range->add(static_cast<double>(line[c]));
            }
            const std::int64_t done = begin + r + 1;
            if (done % rowFactor == 0 || done == region.rows) {
                for (std::int64_t c = 0; c < outColumns; ++c)
                    out[static_cast<std::size_t>(pooledRow * outColumns + c)] =
                        means[static_cast<std::size_t>(c)].result();
                std::fill(means.begin(), means.end(), Mean{});
                ++pooledRow;
            }
        }
    }
    return true;
}

std::shared_ptr<const Overview> BlockReader::overview(const std::atomic<bool>& stop) const {
    auto result = std::make_shared<Overview>();
    result->rowLevel = overviewRowLevel();
    result->columnLevel = overviewColumnLevel();
    result->rows = ceilDivide(m_rows, std::int64_t{1} << result->rowLevel);
    result->columns = ceilDivide(m_columns, std::int64_t{1} << result->columnLevel);
    if (!pool({0, 0, m_rows, m_columns}, result->rowLevel, result->columnLevel, result->values,
              &result->range, stop))
        return nullptr;
    return result;
}

std::shared_ptr<const ValueBlock> BlockReader::block(const BlockKey& key,
                                                     const std::atomic<bool>& stop) const {
    const std::int64_t rowSpan = ValueBlock::side << key.rowLevel;
    const std::int64_t columnSpan = ValueBlock::side << key.columnLevel;
    Region region{key.row * rowSpan, key.column * columnSpan, 0, 0};
    ORRERY_CHECK(region.row >= 0 && region.column >= 0 && region.row < m_rows && region.column < m_columns,
                 "a block inside the matrix");
    region.rows = std::min(rowSpan, m_rows - region.row);
    region.columns = std::min(columnSpan, m_columns - region.column);
    auto result = std::make_shared<ValueBlock>();
    result->rows = ceilDivide(region.rows, std::int64_t{1} << key.rowLevel);
    result->columns = ceilDivide(region.columns, std::int64_t{1} << key.columnLevel);
    if (!pool(region, key.rowLevel, key.columnLevel, result->values, nullptr, stop))
        return nullptr;
    return result;
}

std::shared_ptr<const ValueBlock> BlockReader::pooledFrom(const Overview& overview, const BlockKey& key) {
    ORRERY_CHECK(key.rowLevel >= overview.rowLevel && key.columnLevel >= overview.columnLevel,
                 "a block coarser than the overview");
    const std::int64_t rowFactor = std::int64_t{1} << (key.rowLevel - overview.rowLevel);
    const std::int64_t columnFactor = std::int64_t{1} << (key.columnLevel - overview.columnLevel);
    const std::int64_t top = key.row * ValueBlock::side * rowFactor;
    const std::int64_t left = key.column * ValueBlock::side * columnFactor;
    auto result = std::make_shared<ValueBlock>();
    result->rows = std::min(ValueBlock::side, ceilDivide(overview.rows - top, rowFactor));
    result->columns = std::min(ValueBlock::side, ceilDivide(overview.columns - left, columnFactor));
    result->values.reserve(static_cast<std::size_t>(result->rows * result->columns));
    for (std::int64_t r = 0; r < result->rows; ++r)
        for (std::int64_t c = 0; c < result->columns; ++c) {
            Mean mean;
            const std::int64_t bottom = std::min(top + (r + 1) * rowFactor, overview.rows);
            const std::int64_t right = std::min(left + (c + 1) * columnFactor, overview.columns);
            for (std::int64_t y = top + r * rowFactor; y < bottom; ++y)
                for (std::int64_t x = left + c * columnFactor; x < right; ++x)
                    mean.add(overview.values[static_cast<std::size_t>(y * overview.columns + x)]);
            result->values.push_back(mean.result());
        }
    return result;
}

DirectHeatmapValues::DirectHeatmapValues(const figure::Heatmap& heatmap)
    : m_reader(heatmap.values, heatmap.maskedFrom) {}

std::shared_ptr<const Overview> DirectHeatmapValues::overview() {
    if (!m_overview)
        m_overview = m_reader.overview(m_never);
    return m_overview;
}

std::shared_ptr<const ValueBlock> DirectHeatmapValues::block(const BlockKey& key) {
    auto& entry = m_blocks[key];
    if (!entry) {
        const bool coarse =
            key.rowLevel >= m_reader.overviewRowLevel() && key.columnLevel >= m_reader.overviewColumnLevel();
        entry = coarse ? BlockReader::pooledFrom(*overview(), key) : m_reader.block(key, m_never);
    }
    return entry;
}

std::optional<float> DirectHeatmapValues::value(std::int64_t row, std::int64_t column) {
    if (row < 0 || column < 0 || row >= m_reader.rows() || column >= m_reader.columns())
        return std::nullopt;
    return m_reader.source().at(row, column);
}

} // namespace orrery::ui
