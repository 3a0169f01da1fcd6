// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include <functional>

class QScrollArea;

namespace orrery::ui {

/// The inside of a scrolled figure: as wide as the view, as high as its content, painted and operated by its
/// owner.
class FigureCanvas final : public QWidget {
    Q_OBJECT
public:
    FigureCanvas(std::function<int(int width)> height, std::function<void(QPaintEvent*)> paint,
                 QScrollArea* area);
    void contentChanged(); ///< the height may be another

signals:
    void pressed(QPointF point, Qt::MouseButton button, Qt::KeyboardModifiers modifiers);
    void moved(QPointF point);
    void doubleClicked(QPointF point);
    void left();

protected:
    void paintEvent(QPaintEvent* event) override { m_paint(event); }
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    std::function<int(int)> m_height;
    std::function<void(QPaintEvent*)> m_paint;
    QScrollArea* m_area;
};

} // namespace orrery::ui
