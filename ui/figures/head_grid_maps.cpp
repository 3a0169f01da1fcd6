// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/head_grid_maps.h"

#include <algorithm>

namespace orrery::ui {

std::shared_ptr<const PooledMap> HeadGridMaps::pool(const figure::MatrixSource& source) {
    auto map = std::make_shared<PooledMap>();
    const std::int64_t largest = std::max(source.rows(), source.columns());
    const std::int64_t factor = std::max<std::int64_t>(1, (largest + side - 1) / side);
    map->rows = static_cast<int>((source.rows() + factor - 1) / factor);
    map->columns = static_cast<int>((source.columns() + factor - 1) / factor);
    map->values = source.pooled(factor);
    for (const float value : map->values)
        map->range.add(static_cast<double>(value));
    return map;
}

HeadGridMaps HeadGridMaps::of(const figure::HeadGrid& grid) {
    HeadGridMaps result;
    result.maps.resize(grid.maps.size());
    for (std::size_t i = 0; i < grid.maps.size(); ++i)
        if (grid.maps[i])
            result.put(i, pool(*grid.maps[i]));
    return result;
}

void HeadGridMaps::put(std::size_t index, std::shared_ptr<const PooledMap> map) {
    range.add(map->range);
    maps[index] = std::move(map);
}

} // namespace orrery::ui
