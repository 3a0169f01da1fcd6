// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/report/report_panel.h"

#include "base/error.h"
#include "base/json.h"
#include "figures/export.h"
#include "figures/report_pdf.h"
#include "report/html.h"
#include "report/markdown.h"
#include "shell/figure_drag.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/report_draft.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QAction>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTextBrowser>
#include <QTextDocument>
#include <QToolButton>
#include <QVBoxLayout>

namespace orrery::ui {

namespace {

constexpr int previewRest = 200; // ms after the last key
constexpr int figureWidth = 560; // CSS pixels of figures in the preview

QString lineOf(const DraftBlock& block) {
    switch (block.kind) {
    case DraftBlock::Kind::Heading:
        return QString(2 * (block.level - 1), QLatin1Char(' ')) + block.text;
    case DraftBlock::Kind::Figure:
        return QString::fromStdString(block.figure->title);
    case DraftBlock::Kind::Words:
        break;
    }
    return block.text.simplified().isEmpty() ? ReportPanel::tr("(empty text)")
                                             : block.text.simplified().left(80);
}

QString iconOf(DraftBlock::Kind kind) {
    switch (kind) {
    case DraftBlock::Kind::Heading:
        return QStringLiteral("heading");
    case DraftBlock::Kind::Figure:
        return QStringLiteral("figure");
    case DraftBlock::Kind::Words:
        break;
    }
    return QStringLiteral("text");
}

QString htmlOf(const QString& markdown) {
    return QString::fromStdString(report::markdownToHtml(markdown.toStdString(), 1));
}

} // namespace

ReportPanel::ReportPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("report"), parent), m_workbench(workbench), m_outline(new QListWidget(this)),
      m_title(new QLineEdit(this)), m_what(new QLabel(this)), m_words(new QPlainTextEdit(this)),
      m_preview(new QTextBrowser(this)),
      m_addSection(new QAction(icon(QStringLiteral("heading")), tr("Add a section"), this)),
      m_addWords(new QAction(icon(QStringLiteral("text")), tr("Add text"), this)),
      m_up(new QAction(icon(QStringLiteral("up")), tr("Move up"), this)),
      m_down(new QAction(icon(QStringLiteral("down")), tr("Move down"), this)),
      m_remove(new QAction(icon(QStringLiteral("remove")), tr("Remove from the report"), this)),
      m_export(new QAction(icon(QStringLiteral("export")), tr("Export the report…"), this)),
      m_clear(new QAction(icon(QStringLiteral("file")), tr("New report"), this)) {
    setAcceptDrops(true);
    m_outline->setAccessibleName(tr("Pieces of the report"));
    m_outline->setDragDropMode(QAbstractItemView::InternalMove);
    m_outline->setDefaultDropAction(Qt::MoveAction);
    m_title->setAccessibleName(tr("Title of the report or section"));
    m_words->setAccessibleName(tr("Words in Markdown"));
    m_words->setObjectName(QStringLiteral("framed"));
    m_words->setUndoRedoEnabled(false);
    m_words->setTabChangesFocus(true);
    m_what->setProperty("role", QStringLiteral("muted"));
    m_what->setWordWrap(true);
    m_preview->setAccessibleName(tr("Preview"));
    m_preview->setOpenLinks(false);
    m_preview->document()->setDocumentMargin(24);
    m_up->setShortcut(QKeySequence(QStringLiteral("Ctrl+Up")));
    m_down->setShortcut(QKeySequence(QStringLiteral("Ctrl+Down")));
    m_remove->setShortcut(QKeySequence::Delete);
    for (QAction* action : {m_up, m_down, m_remove}) {
        action->setShortcutContext(Qt::WidgetShortcut);
        m_outline->addAction(action);
    }
    auto* left = new QWidget(this);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    leftLayout->addWidget(panelBar({m_addSection, m_addWords, nullptr, m_up, m_down, m_remove}, left));
    leftLayout->addWidget(m_outline, 1);
    auto* middle = new QWidget(this);
    auto* middleLayout = new QVBoxLayout(middle);
    middleLayout->setContentsMargins(10, 8, 10, 8);
    middleLayout->addWidget(m_what);
    middleLayout->addWidget(m_title);
    middleLayout->addWidget(m_words, 1);
    auto* hint =
        new QLabel(tr("Markdown: **bold**, *emphasis*, `code`, lists, tables. Drag figures here by their "
                      "title, or use \"Add to report\" in a figure's menu."),
                   middle);
    hint->setWordWrap(true);
    hint->setProperty("role", QStringLiteral("muted"));
    middleLayout->addWidget(hint);
    auto* right = new QWidget(this);
    auto* rightLayout = new QVBoxLayout(right);
    rightLayout->setContentsMargins(0, 0, 0, 0);
    rightLayout->setSpacing(0);
    auto* bar = panelBar({nullptr, m_clear, m_export}, right);
    for (QToolButton* button : bar->findChildren<QToolButton*>())
        button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    rightLayout->addWidget(bar);
    rightLayout->addWidget(m_preview, 1);
    auto* splitter = new QSplitter(this);
    splitter->addWidget(left);
    splitter->addWidget(middle);
    splitter->addWidget(right);
    splitter->setStretchFactor(2, 1);
    splitter->setSizes({170, 230, 520});
    splitter->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter);

    ReportDraft& draft = workbench.report();
    m_rest.setSingleShot(true);
    m_rest.setInterval(previewRest);
    connect(&m_rest, &QTimer::timeout, this, &ReportPanel::showPreview);
    connect(&draft, &ReportDraft::changed, this, [this] {
        fillOutline();
        m_rest.start();
    });
    connect(&draft, &ReportDraft::blockAdded, this, [this](int id) {
        for (int i = 0; i < m_outline->count(); ++i)
            if (m_outline->item(i)->data(Qt::UserRole).toInt() == id)
                m_outline->setCurrentRow(i);
    });
    connect(m_outline, &QListWidget::currentRowChanged, this, [this] {
        if (!m_showing)
            showCurrent();
    });
    connect(m_outline->model(), &QAbstractItemModel::rowsMoved, this,
            [this](const QModelIndex&, int from, int, const QModelIndex&, int to) {
                // Row 0 is the title, which stays; a target below counts the moved row itself.
                const QListWidgetItem* item = m_outline->item(to > from ? to - 1 : to);
                const int target = (to > from ? to - 1 : to) - 1;
                QMetaObject::invokeMethod(
                    this,
                    [this, id = item->data(Qt::UserRole).toInt(), target] {
                        if (id != 0)
                            m_workbench.report().move(id, std::max(0, target));
                        fillOutline();
                    },
                    Qt::QueuedConnection);
            });
    connect(m_title, &QLineEdit::textEdited, this, [this](const QString& text) {
        if (const int id = currentBlock(); id == 0)
            m_workbench.report().setTitle(text);
        else
            m_workbench.report().setText(id, text);
    });
    connect(m_words, &QPlainTextEdit::textChanged, this, [this] {
        if (m_showing)
            return;
        if (const int id = currentBlock(); id == 0)
            m_workbench.report().setSummary(m_words->toPlainText());
        else
            m_workbench.report().setText(id, m_words->toPlainText());
    });
    connect(m_addSection, &QAction::triggered, this, [this] {
        m_workbench.report().addHeading(tr("Section"), 1, positionAfterCurrent());
        m_title->setFocus(Qt::OtherFocusReason);
        m_title->selectAll();
    });
    connect(m_addWords, &QAction::triggered, this, [this] {
        m_workbench.report().addWords({}, positionAfterCurrent());
        m_words->setFocus(Qt::OtherFocusReason);
    });
    connect(m_up, &QAction::triggered, this, [this] { moveCurrent(-1); });
    connect(m_down, &QAction::triggered, this, [this] { moveCurrent(1); });
    connect(m_remove, &QAction::triggered, this, [this] { m_workbench.report().remove(currentBlock()); });
    connect(m_clear, &QAction::triggered, this, [this] { m_workbench.report().clear(); });
    connect(m_export, &QAction::triggered, this, &ReportPanel::exportReport);
    fillOutline();
    showPreview();
}

QList<QAction*> ReportPanel::panelActions() const {
    return {m_addSection, m_addWords, m_up, m_down, m_remove, m_export, m_clear};
}

int ReportPanel::currentBlock() const {
    const QListWidgetItem* item = m_outline->currentItem();
    return item == nullptr ? 0 : item->data(Qt::UserRole).toInt();
}

int ReportPanel::positionAfterCurrent() const {
    return m_outline->currentRow() <= 0 && m_outline->count() > 1 ? -1 : std::max(0, m_outline->currentRow());
}

void ReportPanel::fillOutline() {
    const ReportDraft& draft = m_workbench.report();
    const int current = currentBlock();
    m_showing = true;
    m_outline->clear();
    auto* head = new QListWidgetItem(icon(QStringLiteral("report")), draft.title(), m_outline);
    head->setData(Qt::UserRole, 0);
    head->setFlags(head->flags() & ~Qt::ItemIsDragEnabled);
    for (const DraftBlock& block : draft.blocks()) {
        auto* item = new QListWidgetItem(icon(iconOf(block.kind)), lineOf(block), m_outline);
        item->setData(Qt::UserRole, block.id);
        if (block.id == current)
            m_outline->setCurrentItem(item);
    }
    if (m_outline->currentItem() == nullptr)
        m_outline->setCurrentRow(0);
    m_showing = false;
    showCurrent();
}

void ReportPanel::showCurrent() {
    m_showing = true;
    const ReportDraft& draft = m_workbench.report();
    const DraftBlock* block = draft.find(currentBlock());
    QString title;
    QString words;
    QString what;
    bool hasTitle = true;
    bool hasWords = true;
    if (block == nullptr) {
        what = tr("Title and a summary of the result");
        title = draft.title();
        words = draft.summary();
    } else if (block->kind == DraftBlock::Kind::Heading) {
        what = tr("Heading of a section");
        title = block->text;
        hasWords = false;
    } else if (block->kind == DraftBlock::Kind::Figure) {
        what = tr("Remark on the figure \"%1\"").arg(QString::fromStdString(block->figure->title));
        words = block->text;
        hasTitle = false;
    } else {
        what = tr("Text");
        words = block->text;
        hasTitle = false;
    }
    m_what->setText(what);
    m_title->setVisible(hasTitle);
    m_words->setVisible(hasWords);
    if (m_title->text() != title)
        m_title->setText(title);
    if (m_words->toPlainText() != words)
        m_words->setPlainText(words);
    m_showing = false;
    const int row = m_outline->currentRow();
    m_up->setEnabled(row > 1);
    m_down->setEnabled(row > 0 && row < m_outline->count() - 1);
    m_remove->setEnabled(row > 0);
}

void ReportPanel::moveCurrent(int by) {
    m_workbench.report().move(currentBlock(), m_outline->currentRow() - 1 + by);
}

QImage ReportPanel::pictureOf(const std::shared_ptr<const figure::Figure>& figure) {
    auto held = m_pictures.find(figure.get());
    if (held == m_pictures.end()) {
        ExportOptions options;
        options.size = {figureWidth, 0};
        options.heading = false;
        options.style = FigureStyle::of(palette(), font());
        const double ratio = std::max(1.0, devicePixelRatioF());
        QImage image = QImage::fromData(renderPng(*figure, ratio, options));
        image.setDevicePixelRatio(ratio);
        held = m_pictures.insert(figure.get(), image);
    }
    return *held;
}

void ReportPanel::showPreview() {
    const ReportDraft& draft = m_workbench.report();
    const int scroll = m_preview->verticalScrollBar()->value();
    const QString muted = Theme::colours().muted.name();
    QString html = QStringLiteral("<h1>%1</h1>").arg(draft.title().toHtmlEscaped());
    html += htmlOf(draft.summary());
    int number = 0;
    QSet<const figure::Figure*> used;
    for (const DraftBlock& block : draft.blocks()) {
        if (block.kind == DraftBlock::Kind::Heading) {
            html += QStringLiteral("<h%1>%2</h%1>").arg(block.level + 1).arg(block.text.toHtmlEscaped());
            continue;
        }
        if (block.kind == DraftBlock::Kind::Figure) {
            const QUrl url(QStringLiteral("figure:%1").arg(++number));
            const QImage image = pictureOf(block.figure);
            used.insert(block.figure.get());
            m_preview->document()->addResource(QTextDocument::ImageResource, url, image);
            html += QStringLiteral(
                        "<p><b>%1</b></p><p><img src=\"%2\" width=\"%3\"></p><p style=\"color:%4\">%5</p>")
                        .arg(tr("Figure %1. %2")
                                 .arg(number)
                                 .arg(QString::fromStdString(block.figure->title))
                                 .toHtmlEscaped(),
                             url.toString())
                        .arg(figureWidth)
                        .arg(muted, QString::fromStdString(block.figure->caption).toHtmlEscaped());
        }
        html += htmlOf(block.text);
    }
    if (draft.blocks().isEmpty() && draft.summary().isEmpty())
        html +=
            QStringLiteral("<p style=\"color:%1\">%2</p>")
                .arg(muted,
                     tr("The report is empty. Add figures from any picture's context menu, write what they "
                        "show, and export it as one HTML file, PDF or Markdown.")
                         .toHtmlEscaped());
    m_preview->setHtml(html);
    m_preview->verticalScrollBar()->setValue(scroll);
    m_pictures.removeIf([&used](const auto& entry) { return !used.contains(entry.key()); });
}

void ReportPanel::saveTo(const QString& path) {
    const report::Report made = m_workbench.report().toReport();
    const std::filesystem::path file(path.toStdString());
    const SvgFigureRenderer renderer;
    if (path.endsWith(QLatin1String(".pdf"))) {
        writeFileAtomically(file, renderReportPdf(made).toStdString());
    } else if (path.endsWith(QLatin1String(".md"))) {
        report::writeMarkdown(made, file, &renderer);
    } else if (path.endsWith(QLatin1String(".html"))) {
        writeFileAtomically(file, report::toHtml(made, &renderer));
    } else {
        throw UsageError("A report is written as .html, .pdf or .md; give the file one of these endings.");
    }
}

void ReportPanel::exportReport() {
    QString chosen;
    QString path = QFileDialog::getSaveFileName(
        this, tr("Export the report"), m_workbench.report().title() + QStringLiteral(".html"),
        tr("One HTML file (*.html);;PDF (*.pdf);;Markdown with files (*.md)"), &chosen);
    if (path.isEmpty())
        return;
    QGuiApplication::setOverrideCursor(Qt::WaitCursor);
    try {
        saveTo(path);
        emit m_workbench.message(tr("The report is in %1.").arg(path));
    } catch (const std::exception& error) {
        emit m_workbench.errorRaised(QString::fromUtf8(error.what()));
    }
    QGuiApplication::restoreOverrideCursor();
}

void ReportPanel::themeChanged() {
    m_pictures.clear();
    m_rest.start();
}

void ReportPanel::dragEnterEvent(QDragEnterEvent* event) {
    if (draggedFigure(*event->mimeData()) != nullptr)
        event->acceptProposedAction();
}

void ReportPanel::dropEvent(QDropEvent* event) {
    if (const auto figure = draggedFigure(*event->mimeData())) {
        m_workbench.report().addFigure(figure);
        event->acceptProposedAction();
    }
}

void ReportPanel::takeFocus() {
    m_outline->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
