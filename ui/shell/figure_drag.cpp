// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/figure_drag.h"

#include "base/log.h"
#include "figure/serialize.h"

#include <QApplication>
#include <QDrag>
#include <QMimeData>
#include <QMouseEvent>
#include <QPixmap>

namespace orrery::ui {

namespace {

const QString figureType = QStringLiteral("application/x-orrery-figure+json");
constexpr int thumbnailWidth = 220;

class DragSource : public QObject {
public:
    explicit DragSource(FigureView& view) : QObject(&view), m_view(view) { view.installEventFilter(this); }

protected:
    // Labels let presses pass; the body of a figure keeps its own. So this is the title and the caption.
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::MouseButtonPress) {
            m_pressed = static_cast<QMouseEvent*>(event)->pos();
        } else if (event->type() == QEvent::MouseMove) {
            const auto* move = static_cast<QMouseEvent*>(event);
            if ((move->buttons() & Qt::LeftButton) != 0 &&
                (move->pos() - m_pressed).manhattanLength() >= QApplication::startDragDistance()) {
                begin();
                return true;
            }
        }
        return QObject::eventFilter(watched, event);
    }

private:
    void begin() {
        auto* data = new QMimeData;
        data->setData(figureType,
                      QByteArray::fromStdString(
                          figure::toJson(*m_view.figurePointer(), figure::MatrixEncoding::Base64).dump()));
        const QPixmap picture = m_view.grab();
        data->setImageData(picture.toImage());
        auto* drag = new QDrag(&m_view);
        drag->setMimeData(data);
        drag->setPixmap(picture.scaledToWidth(thumbnailWidth, Qt::SmoothTransformation));
        drag->exec(Qt::CopyAction);
    }
    FigureView& m_view;
    QPoint m_pressed;
};

} // namespace

void makeDraggable(FigureView& view) {
    new DragSource(view);
}

FigureWidget::Pointer draggedFigure(const QMimeData& data) {
    const QByteArray text = data.data(figureType);
    if (text.isEmpty())
        return nullptr;
    try {
        const std::string name = "the dragged figure";
        return std::make_shared<const figure::Figure>(figure::fromJson(
            parseJson(std::string_view(text.constData(), static_cast<std::size_t>(text.size())), name),
            name));
    } catch (const std::exception& error) {
        log(LogLevel::Warning, error.what());
        return nullptr;
    }
}

} // namespace orrery::ui
