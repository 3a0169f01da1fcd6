// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "figures/figure_state.h"
#include "figures/style.h"

#include <QWidget>

#include <memory>

class QMenu;

namespace orrery::ui {

/// A figure on the screen. Views are linked by connecting hovered and selected to a shared selection and its
/// changes to setHover and setSelection (neither emits). For the meaning of rows and columns see FigureState.
class FigureWidget : public QWidget {
    Q_OBJECT
public:
    using Pointer = std::shared_ptr<const figure::Figure>;

    [[nodiscard]] const figure::Figure& figure() const { return *m_figure; }
    [[nodiscard]] const Pointer& figurePointer() const { return m_figure; }
    [[nodiscard]] const FigureState& state() const { return m_state; }
    [[nodiscard]] const FigureStyle& figureStyle() const { return m_style; }

    /// Another figure of the same kind in the same place: keeps zoom, selection and choices as far as they
    /// still fit.
    void setFigure(Pointer figure);
    /// Colours for magnitudes (a setting of the window).
    void setSequentialMap(ColourMapId id);
    /// Adds what this kind offers of its own (fit, zoom, colour scale, columns) to a context menu.
    virtual void fillMenu(QMenu& menu);
    /// What is selected in words, for accessibility and status bars: "the -> cat: 0.1234".
    [[nodiscard]] virtual QString selectionText() const { return {}; }
    /// The data around the selection or all of it as tab-separated text, for "copy data".
    [[nodiscard]] virtual QString dataText() const;
    /// Everything shown was computed (background work is done): for tests, tours and exports.
    [[nodiscard]] virtual bool settled() const { return true; }

public slots:
    virtual void setSelection(int row, int column);
    virtual void setHover(int row, int column);

signals:
    void hovered(int row, int column, double value); ///< -1, -1, NaN when the pointer leaves
    void selected(int row, int column);              ///< by click or keyboard; -1, -1 after Esc
    void activated(int row, int column);             ///< double click or Enter
    void stateChanged();                             ///< zoom, colour scale, shown heads ...

protected:
    FigureWidget(Pointer figure, QWidget* parent);
    virtual void figureChanged() {}
    virtual void styleChanged() { update(); }
    void changeEvent(QEvent* event) override;
    void announce(); ///< tells assistive technology that name or value changed

    Pointer m_figure;
    FigureState m_state;
    FigureStyle m_style;
};

/// The widget for the kind of the figure.
FigureWidget* makeFigureWidget(FigureWidget::Pointer figure, QWidget* parent = nullptr);

} // namespace orrery::ui
