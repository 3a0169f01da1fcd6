// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_accessible.h"

#include "figures/figure_widget.h"

#include <QAccessible>
#include <QAccessibleWidget>

namespace orrery::ui {

namespace {

/// A painted figure: its value is the cell, head, token or point under the cursor, in words.
class FigureAccessible final : public QAccessibleWidget {
public:
    explicit FigureAccessible(FigureWidget* widget)
        : QAccessibleWidget(widget, QAccessible::Chart), m_figure(widget) {}

    [[nodiscard]] QString text(QAccessible::Text kind) const override {
        if (kind == QAccessible::Value)
            return m_figure->selectionText();
        return QAccessibleWidget::text(kind);
    }

private:
    FigureWidget* m_figure;
};

QAccessibleInterface* makeInterface(const QString&, QObject* object) {
    auto* widget = qobject_cast<FigureWidget*>(object);
    return widget != nullptr ? new FigureAccessible(widget) : nullptr;
}

} // namespace

void installFigureAccessibility() {
    static const bool installed = [] {
        QAccessible::installFactory(makeInterface);
        return true;
    }();
    static_cast<void>(installed);
}

} // namespace orrery::ui
