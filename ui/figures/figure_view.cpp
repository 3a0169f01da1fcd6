// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/figure_view.h"

#include "base/error.h"
#include "base/json.h"
#include "figure/serialize.h"
#include "figures/export.h"
#include "figures/provenance_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QVBoxLayout>

namespace orrery::ui {

FigureView::FigureView(FigureWidget::Pointer figure, QWidget* parent)
    : QWidget(parent), m_title(new QLabel(this)), m_caption(new QLabel(this)),
      m_layout(new QVBoxLayout(this)), m_body(makeFigureWidget(std::move(figure), this)) {
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setSpacing(4);
    m_title->setTextFormat(Qt::PlainText);
    m_title->setWordWrap(true);
    m_title->setContentsMargins(4, 2, 4, 0);
    m_caption->setContentsMargins(4, 0, 4, 2);
    QFont bold = font();
    bold.setBold(true);
    m_title->setFont(bold);
    m_caption->setTextFormat(Qt::PlainText);
    m_caption->setWordWrap(true);
    m_caption->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_layout->addWidget(m_title);
    m_layout->addWidget(m_body, 1);
    m_layout->addWidget(m_caption);
    setFocusProxy(m_body);
    updateTexts();
}

void FigureView::updateTexts() {
    const auto& figure = m_body->figure();
    m_title->setText(QString::fromStdString(figure.title));
    m_caption->setText(QString::fromStdString(figure.caption));
    m_title->setVisible(m_headerWanted && !figure.title.empty());
    m_caption->setVisible(m_captionWanted && !figure.caption.empty());
}

void FigureView::setFigure(FigureWidget::Pointer figure) {
    ORRERY_CHECK(figure != nullptr, "a view shows a figure");
    if (figure->body.index() == m_body->figure().body.index()) {
        m_body->setFigure(std::move(figure));
        updateTexts();
        return;
    }
    auto* made = makeFigureWidget(std::move(figure), this);
    delete m_layout->replaceWidget(m_body, made);
    m_body->deleteLater();
    m_body = made;
    setFocusProxy(m_body);
    updateTexts();
    emit bodyReplaced(m_body);
}

void FigureView::setHeaderVisible(bool visible) {
    m_headerWanted = visible;
    updateTexts();
}

void FigureView::setCaptionVisible(bool visible) {
    m_captionWanted = visible;
    updateTexts();
}

QMenu* FigureView::makeMenu() {
    auto* menu = new QMenu(this);
    menu->addAction(tr("&Copy image"), this, &FigureView::copyImage);
    menu->addAction(tr("Copy &data"), this, &FigureView::copyData);
    menu->addSeparator();
    menu->addAction(tr("&Save figure…"), this, &FigureView::saveFigure);
    menu->addAction(tr("Save da&ta…"), this, &FigureView::saveData);
    menu->addSeparator();
    menu->addAction(tr("Add to &report"), this, [this] { emit addToReport(m_body->figurePointer()); });
    menu->addAction(tr("How was this &made?"), this, &FigureView::showProvenance);
    const auto before = menu->actions().size();
    QAction* separator = menu->addSeparator();
    m_body->fillMenu(*menu);
    if (menu->actions().size() == before + 1)
        menu->removeAction(separator);
    return menu;
}

void FigureView::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = makeMenu();
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->popup(event->globalPos());
    event->accept();
}

void FigureView::copyImage() {
    try {
        ExportOptions options;
        options.style = m_body->figureStyle();
        options.state = m_body->state();
        options.state.hoverRow = options.state.hoverColumn = -1;
        options.size.setWidth(std::max(width(), 480));
        auto* content = new QMimeData;
        content->setImageData(QImage::fromData(renderPng(m_body->figure(), 2.0, options), "PNG"));
        QApplication::clipboard()->setMimeData(content);
    } catch (const std::exception& error) {
        emit failed(QString::fromUtf8(error.what()));
    }
}

void FigureView::copyData() {
    QApplication::clipboard()->setText(m_body->dataText());
}

void FigureView::saveTo(const QString& path, double scale) {
    const figure::Figure& figure = m_body->figure();
    ExportOptions options; // on paper: light, whatever the window wears
    options.style.sequential = m_body->figureStyle().sequential;
    options.state = m_body->state();
    options.state.hoverRow = options.state.hoverColumn = -1;
    const QString ending = QFileInfo(path).suffix().toLower();
    std::string content;
    if (ending == QLatin1String("svg"))
        content = renderSvg(figure, options).toStdString();
    else if (ending == QLatin1String("pdf"))
        content = renderPdf(figure, options).toStdString();
    else if (ending == QLatin1String("png"))
        content = renderPng(figure, scale, options).toStdString();
    else if (ending == QLatin1String("csv"))
        content = figure::toCsv(figure);
    else if (ending == QLatin1String("json"))
        content = figure::toJson(figure).dump(1, ' ', false, OrderedJson::error_handler_t::replace);
    else if (ending == QLatin1String("npy")) {
        const auto array = figure::toNpy(figure);
        if (!array)
            throw UsageError("This figure is no array of numbers; save its data as CSV or JSON instead.");
        content = *array;
    } else {
        throw UsageError("A figure cannot be saved as \"" + path.toStdString() +
                         "\": end the name with svg, pdf, png, csv, json or npy.");
    }
    writeFileAtomically(path.toStdString(), content);
    emit saved(path);
}

void FigureView::saveFigure() {
    const QString name = QString::fromStdString(m_body->figure().id) + QStringLiteral(".svg");
    QString chosen;
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Save figure"), name,
        tr("Drawing (*.svg);;Document (*.pdf);;Picture, 2 pixels a unit (*.png);;Picture, 4 pixels a unit "
           "(*.png)"),
        &chosen);
    if (path.isEmpty())
        return;
    try {
        saveTo(path, chosen.contains(QLatin1Char('4')) ? 4.0 : 2.0);
    } catch (const std::exception& error) {
        emit failed(QString::fromUtf8(error.what()));
    }
}

void FigureView::saveData() {
    const bool array = figure::toNpy(m_body->figure(), 1).has_value();
    const QString name = QString::fromStdString(m_body->figure().id) + QStringLiteral(".csv");
    const QString path = QFileDialog::getSaveFileName(this, tr("Save data"), name,
                                                      tr("Table (*.csv);;JSON (*.json)") +
                                                          (array ? tr(";;NumPy array (*.npy)") : QString()));
    if (path.isEmpty())
        return;
    try {
        saveTo(path);
    } catch (const std::exception& error) {
        emit failed(QString::fromUtf8(error.what()));
    }
}

void FigureView::showProvenance() {
    auto* dialog = new ProvenanceDialog(m_body->figure(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
}

} // namespace orrery::ui
