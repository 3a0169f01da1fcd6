// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/style.h"

#include <QRectF>
#include <QStringList>

#include <atomic>
#include <memory>
#include <vector>

class QPainter;

namespace orrery::ui {

struct AttentionLine {
    int query = 0;
    int key = 0;
    int head = 0;
    float weight = 0;
};

/// The lines worth drawing: of each query and head the strongest 24, none below one percent. Ordered by
/// query.
struct AttentionLineSet {
    std::vector<AttentionLine> lines;
    std::vector<std::size_t> firstOfQuery; ///< queries + 1 entries
    bool complete = false;                 ///< false while it is being collected

    /// Reads the heads band by band; pure, any thread. Null when stopped.
    static std::shared_ptr<const AttentionLineSet> collect(const figure::AttentionLines& figure,
                                                           const std::atomic<bool>& stop);
};

/// Draws queries on the left, keys on the right and lines between them.
class AttentionLinesPainter {
public:
    explicit AttentionLinesPainter(std::shared_ptr<const figure::Figure> figure);

    struct Layout {
        std::vector<QRectF> heads; ///< switches of the legend, in head order
        QRectF legend;
        double top = 0; ///< of the first row
        double row = 0; ///< height of a row
        double queryRight = 0;
        double keyLeft = 0;
        double left = 0;
        double right = 0;
        double height = 0;
    };

    [[nodiscard]] const figure::AttentionLines& data() const { return *m_data; }
    [[nodiscard]] Layout layout(const QRectF& rect, const FigureStyle& style) const;
    /// Rows outside visible are skipped; so are lines that neither start nor end in it.
    void draw(QPainter& painter, const Layout& layout, const FigureStyle& style, const FigureState& state,
              const AttentionLineSet& lines, const QRectF& visible) const;
    [[nodiscard]] double preferredHeight(double width, const FigureStyle& style) const;

    struct Hit {
        int query = -1;
        int key = -1;
        int head = -1; ///< a switch of the legend
    };
    [[nodiscard]] Hit hit(const Layout& layout, QPointF point) const;
    [[nodiscard]] QString describe(int query, int key, const AttentionLineSet& lines,
                                   const FigureState& state) const;
    [[nodiscard]] bool shows(const FigureState& state, int head) const;

private:
    std::shared_ptr<const figure::Figure> m_figure;
    const figure::AttentionLines* m_data;
    QStringList m_queries;
    QStringList m_keys;
};

} // namespace orrery::ui
