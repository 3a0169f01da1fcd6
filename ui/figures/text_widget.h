// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/figure_widget.h"

class QTextBrowser;

namespace orrery::ui {

/// Words of an analysis, in Markdown. Links are shown and never followed.
class TextWidget final : public FigureWidget {
    Q_OBJECT
public:
    explicit TextWidget(Pointer figure, QWidget* parent = nullptr);
    [[nodiscard]] QString selectionText() const override;
    [[nodiscard]] QString dataText() const override;
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void figureChanged() override;
    void styleChanged() override { figureChanged(); }

private:
    QTextBrowser* m_browser;
};

} // namespace orrery::ui
