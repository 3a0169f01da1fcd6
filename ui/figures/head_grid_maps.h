// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/value_colours.h"

#include <QImage>

#include <atomic>
#include <memory>
#include <vector>

namespace orrery::ui {

/// One head's map pooled to about 96 x 96.
struct PooledMap {
    int rows = 0;
    int columns = 0;
    std::vector<float> values;
    ValueRange range;
    mutable QImage image; ///< coloured by the painter, on its thread only
    mutable quint64 imageKey = 0;
    mutable QImage shown; ///< the same scaled to the cells of the screen
};

/// The pooled maps of a head grid, filled in as they are computed; null: not yet, or the head has no map.
struct HeadGridMaps {
    static constexpr std::int64_t side = 96;
    std::vector<std::shared_ptr<const PooledMap>> maps; ///< layer * heads + head
    ValueRange range;                                   ///< over all that are there

    /// Pools one map; pure, any thread.
    static std::shared_ptr<const PooledMap> pool(const figure::MatrixSource& source);
    /// All at once: for exports.
    static HeadGridMaps of(const figure::HeadGrid& grid);
    void put(std::size_t index, std::shared_ptr<const PooledMap> map);
};

} // namespace orrery::ui
