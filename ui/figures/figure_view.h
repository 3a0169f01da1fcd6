// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"

#include <QWidget>

class QLabel;
class QMenu;
class QVBoxLayout;

namespace orrery::ui {

/// A figure as every panel shows it: title, body, caption, and the menu that all figures have: copy, copy
/// data, save figure (SVG, PDF, PNG), save data (CSV, JSON, npy), add to report, how it was made.
class FigureView : public QWidget {
    Q_OBJECT
public:
    explicit FigureView(FigureWidget::Pointer figure, QWidget* parent = nullptr);

    [[nodiscard]] FigureWidget* body() const { return m_body; }
    [[nodiscard]] const FigureWidget::Pointer& figurePointer() const { return m_body->figurePointer(); }
    /// Replaces the figure; a new widget is made only when the kind differs (connect to bodyReplaced then).
    void setFigure(FigureWidget::Pointer figure);
    void setHeaderVisible(bool visible);  ///< title line; on by default
    void setCaptionVisible(bool visible); ///< on by default
    /// The menu as it would open, for tests and for panels that show it from a button; caller deletes.
    [[nodiscard]] QMenu* makeMenu();
    /// Saves by the ending of the path: svg, pdf, png (scale pixels a unit), csv, json, npy. Throws Error
    /// with a sentence when the kind has no such form or the file cannot be written.
    void saveTo(const QString& path, double scale = 2.0);

public slots:
    void copyImage();
    void copyData();
    void saveFigure(); ///< asks for a file
    void saveData();
    void showProvenance();

signals:
    void addToReport(std::shared_ptr<const orrery::figure::Figure> figure);
    void bodyReplaced(orrery::ui::FigureWidget* body);
    void failed(const QString& sentence); ///< of a save or copy that did not work
    void saved(const QString& path);

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void updateTexts();

    QLabel* m_title;
    QLabel* m_caption;
    QVBoxLayout* m_layout;
    FigureWidget* m_body;
    bool m_headerWanted = true;
    bool m_captionWanted = true;
};

} // namespace orrery::ui
