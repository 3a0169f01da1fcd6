// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/text_widget.h"

#include "figures/document_painter.h"

#include <QTextBrowser>
#include <QVBoxLayout>

#include <algorithm>

namespace orrery::ui {

namespace {

/// Shows words and loads nothing that they name.
class ClosedBrowser final : public QTextBrowser {
public:
    using QTextBrowser::QTextBrowser;

protected:
    QVariant loadResource(int, const QUrl&) override { return {}; }
};

} // namespace

TextWidget::TextWidget(Pointer figure, QWidget* parent)
    : FigureWidget(std::move(figure), parent), m_browser(new ClosedBrowser(this)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_browser);
    m_browser->setOpenLinks(false);
    m_browser->setFrameShape(QFrame::NoFrame);
    m_browser->setContextMenuPolicy(Qt::NoContextMenu);
    m_browser->setAccessibleName(QString::fromStdString(m_figure->title));
    setFocusProxy(m_browser);
    TextWidget::figureChanged();
}

void TextWidget::figureChanged() {
    setMarkdown(*m_browser->document(),
                QString::fromStdString(std::get<figure::Text>(m_figure->body).markdown), m_style);
    m_browser->document()->setDocumentMargin(8);
    updateGeometry();
}

QSize TextWidget::sizeHint() const {
    const auto& text = std::get<figure::Text>(m_figure->body);
    return {480, static_cast<int>(std::min(
                     markdownHeight(QString::fromStdString(text.markdown), m_style, 470) + 24, 400.0))};
}

QString TextWidget::selectionText() const {
    return m_browser->textCursor().selectedText();
}

QString TextWidget::dataText() const {
    const QString chosen = selectionText();
    return chosen.isEmpty() ? QString::fromStdString(std::get<figure::Text>(m_figure->body).markdown)
                            : chosen;
}

} // namespace orrery::ui
