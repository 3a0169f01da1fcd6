// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"
#include "figures/token_strip_painter.h"

#include <memory>

class QComboBox;
class QScrollArea;

namespace orrery::ui {

class FigureCanvas;

/// Tokens as running text; a list chooses which scores colour them when there are several.
class TokenStripWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit TokenStripWidget(Pointer figure, QWidget* parent = nullptr);
    ~TokenStripWidget() override;

    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] QString dataText() const override;
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return {160, 64}; }
    [[nodiscard]] QRectF tokenRect(int token) const; ///< in widget coordinates
    void setScores(int index);

public slots:
    void setSelection(int row, int column) override; ///< the column is the token; the row does not matter
    void setHover(int row, int column) override;

protected:
    void figureChanged() override;
    void styleChanged() override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    [[nodiscard]] const TokenStripPainter::Layout& boxes() const;
    void paintCanvas(QPaintEvent* event);
    void choose(int token);
    void fillScores();

    std::unique_ptr<TokenStripPainter> m_painter;
    mutable TokenStripPainter::Layout m_layout;
    mutable int m_layoutWidth = -1;
    QComboBox* m_scores;
    QScrollArea* m_area;
    FigureCanvas* m_canvas;
};

} // namespace orrery::ui
