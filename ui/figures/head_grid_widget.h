// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"
#include "figures/head_grid_painter.h"

#include <QElapsedTimer>
#include <QPixmap>
#include <QThreadPool>

#include <atomic>
#include <memory>

namespace orrery::ui {

/// All heads at a glance: click or arrows choose one, Enter opens it. The maps are pooled on a thread and
/// kept as one picture, so that painting costs the same for 4 heads and 400.
class HeadGridWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit HeadGridWidget(Pointer figure, QWidget* parent = nullptr);
    ~HeadGridWidget() override;

    void fillMenu(QMenu& menu) override;
    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] QString dataText() const override;
    [[nodiscard]] bool settled() const override { return m_pending == 0; }
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return {200, 140}; }
    [[nodiscard]] QRectF headRect(int layer, int head) const; ///< in widget coordinates
    void setShareScale(bool share);
    void setTransfer(Transfer transfer);

protected:
    void figureChanged() override;
    void styleChanged() override;
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;

private:
    struct Task; ///< shared with the worker; outlived by nobody
    void startPooling();
    void stopPooling();
    void refreshPicture();
    void choose(int layer, int head);
    [[nodiscard]] double scoreOf(int layer, int head) const;

    std::unique_ptr<HeadGridPainter> m_painter;
    HeadGridMaps m_maps;
    std::shared_ptr<Task> m_task;
    QThreadPool m_pool;
    std::size_t m_pending = 0;
    QPixmap m_picture; ///< everything but selection and hover
    bool m_pictureFresh = false;
    QElapsedTimer m_lastPicture;
};

} // namespace orrery::ui
