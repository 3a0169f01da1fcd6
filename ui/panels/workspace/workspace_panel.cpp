// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/workspace/workspace_panel.h"

#include "base/json.h"
#include "measure/bench_figures.h"
#include "measure/export_runs.h"
#include "models/job_model.h"
#include "models/run_table.h"
#include "panels/workspace/figure_stack.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/theme.h"
#include "shell/workbench.h"
#include "shell/workspace_access.h"

#include <QAction>
#include <QFileDialog>
#include <QHeaderView>
#include <QInputDialog>
#include <QLineEdit>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QSplitter>
#include <QTabWidget>
#include <QTextBrowser>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr int noteRest = 700; // ms of rest before a note is stored

using Figures = std::vector<std::shared_ptr<const figure::Figure>>;

/// What the details of one selection show.
struct Details {
    Figures figures;
    std::vector<store::Run> runs; ///< one, or none when several are chosen
    std::vector<store::Note> notes;
};

class RunFilterModel : public QSortFilterProxyModel {
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

protected:
    // All words somewhere in the row.
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override {
        const QStringList words =
            filterRegularExpression().pattern().split(QLatin1Char(' '), Qt::SkipEmptyParts);
        QString text;
        for (int column = 0; column < sourceModel()->columnCount(); ++column)
            text += sourceModel()->index(row, column, parent).data().toString() + QLatin1Char(' ');
        return std::all_of(words.begin(), words.end(),
                           [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
    }
};

QString row(const QString& name, const QString& value) {
    return value.isEmpty()
               ? QString()
               : QStringLiteral("<tr><td style=\"color:%1; padding-right:12px\">%2</td><td>%3</td></tr>")
                     .arg(Theme::colours().muted.name(), name.toHtmlEscaped(), value.toHtmlEscaped());
}

QString jsonRows(const OrderedJson& object) {
    QString rows;
    if (!object.is_object())
        return rows;
    for (const auto& [key, value] : object.items())
        rows += row(QString::fromStdString(key),
                    QString::fromStdString(value.is_string() ? value.get<std::string>() : value.dump()));
    return rows;
}

} // namespace

WorkspacePanel::WorkspacePanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("workspace"), parent), m_workbench(workbench),
      m_table(new RunTable(workbench.workspace(), {}, this)), m_sorted(new RunFilterModel(this)),
      m_words(new QLineEdit(this)), m_view(new QTreeView(this)), m_details(new QTabWidget(this)),
      m_figures(new FigureStack(workbench, tr("Choose a run to see its figures."), this)),
      m_record(new QTextBrowser(this)), m_note(new QPlainTextEdit(this)),
      m_delete(new QAction(icon(QStringLiteral("remove")), tr("Delete the chosen runs"), this)),
      m_export(new QAction(icon(QStringLiteral("export")), tr("Export the chosen runs"), this)),
      m_tag(new QAction(icon(QStringLiteral("filter")), tr("Tag the chosen runs"), this)),
      m_refresh(new QAction(icon(QStringLiteral("refresh")), tr("Read the workspace again"), this)) {
    m_words->setPlaceholderText(tr("Filter runs"));
    m_words->setAccessibleName(tr("Filter runs"));
    m_words->setClearButtonEnabled(true);
    m_sorted->setSourceModel(m_table);
    m_sorted->setSortRole(RunTable::sortRole);
    m_view->setModel(m_sorted);
    m_view->setRootIsDecorated(false);
    m_view->setSortingEnabled(true);
    m_view->sortByColumn(RunTable::Created, Qt::DescendingOrder);
    m_view->setAlternatingRowColors(true);
    m_view->setUniformRowHeights(true);
    m_view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_view->setAccessibleName(tr("Runs"));
    m_view->header()->setStretchLastSection(false);
    m_view->header()->setSectionResizeMode(RunTable::Title, QHeaderView::Stretch);
    m_view->setColumnWidth(RunTable::Id, 44);
    for (const int column : {RunTable::Job, RunTable::Cells, RunTable::Figures, RunTable::Notes})
        m_view->setColumnWidth(column, 64);
    m_record->setAccessibleName(tr("Record of the run"));
    m_record->document()->setDocumentMargin(8);
    m_note->setPlaceholderText(tr("Notes in Markdown; they are kept as you type."));
    m_note->setAccessibleName(tr("Notes"));
    m_note->setTabChangesFocus(true);
    m_details->setDocumentMode(true);
    m_details->addTab(m_figures, icon(QStringLiteral("figure")), tr("Figures"));
    m_details->addTab(m_record, icon(QStringLiteral("table")), tr("Record"));
    m_details->addTab(m_note, icon(QStringLiteral("note")), tr("Notes"));
    m_delete->setShortcut(QKeySequence::Delete);
    m_delete->setShortcutContext(Qt::WidgetShortcut);
    m_view->addAction(m_delete);

    auto* left = new QWidget(this);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    auto* bar = panelBar({m_tag, m_export, m_delete, m_refresh}, left);
    static_cast<QBoxLayout*>(bar->layout())->insertWidget(0, m_words, 1);
    leftLayout->addWidget(bar);
    leftLayout->addWidget(m_view, 1);
    auto* splitter = new QSplitter(this);
    splitter->addWidget(left);
    splitter->addWidget(m_details);
    splitter->setStretchFactor(0, 3);
    splitter->setStretchFactor(1, 2);
    splitter->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter);

    m_rest.setSingleShot(true);
    m_rest.setInterval(noteRest);
    connect(&m_rest, &QTimer::timeout, this, &WorkspacePanel::saveNote);
    connect(m_note, &QPlainTextEdit::textChanged, this, [this] {
        if (!m_showingNote)
            m_rest.start();
    });
    connect(m_words, &QLineEdit::textChanged, m_sorted,
            [this](const QString& text) { m_sorted->setFilterRegularExpression(text); });
    connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, this,
            &WorkspacePanel::showSelected);
    connect(m_delete, &QAction::triggered, this, &WorkspacePanel::removeSelected);
    connect(m_export, &QAction::triggered, this, &WorkspacePanel::exportSelected);
    connect(m_tag, &QAction::triggered, this, &WorkspacePanel::addTag);
    connect(m_refresh, &QAction::triggered, m_table, &RunTable::refresh);
    connect(&workbench.selection(), &Selection::runChanged, this, [this] {
        const QModelIndex index = m_sorted->mapFromSource(m_table->indexOf(m_workbench.selection().run()));
        if (index.isValid() && selectedRuns() != QList{m_workbench.selection().run()})
            m_view->setCurrentIndex(index);
    });
    updateActions();
}

void WorkspacePanel::showEvent(QShowEvent* event) {
    Panel::showEvent(event);
    m_table->refresh();
}

QList<qint64> WorkspacePanel::selectedRuns() const {
    QList<qint64> runs;
    for (const QModelIndex& index : m_view->selectionModel()->selectedRows())
        runs.push_back(index.data(RunTable::runRole).toLongLong());
    std::sort(runs.begin(), runs.end());
    return runs;
}

void WorkspacePanel::updateActions() {
    const bool any = !selectedRuns().isEmpty();
    for (QAction* action : {m_delete, m_export, m_tag})
        action->setEnabled(any);
    m_note->setEnabled(selectedRuns().size() == 1);
}

void WorkspacePanel::showSelected() {
    if (m_rest.isActive()) {
        m_rest.stop();
        saveNote();
    }
    updateActions();
    const QList<qint64> runs = selectedRuns();
    if (runs.size() == 1)
        m_workbench.selection().setRun(runs.first());
    m_workbench.workspace().ask(
        QStringLiteral("workspace/details"), this,
        [ids = std::vector<store::RunId>(runs.begin(), runs.end())](store::Workspace& workspace) {
            Details details;
            if (ids.size() == 1) {
                details.runs.push_back(workspace.run(ids[0]));
                details.notes = workspace.notes(ids[0]);
                for (const auto& summary : workspace.figures(ids[0]))
                    details.figures.push_back(
                        std::make_shared<const figure::Figure>(workspace.figure(summary.id)));
            } else if (ids.size() > 1) {
                details.figures.push_back(
                    std::make_shared<const figure::Figure>(measure::differenceTable(workspace, ids)));
            }
            return details;
        },
        [this, many = runs.size() > 1](const Details& details) {
            m_figures->setEmptyText(details.runs.empty() ? tr("Choose a run to see its figures.")
                                                         : tr("This run has no figures."));
            m_figures->setFigures(details.figures);
            if (!details.runs.empty()) {
                showRecord(details.runs.front(), details.notes);
                return;
            }
            m_record->setHtml(many ? tr("Several runs are chosen; the figures show in what they differ.")
                                   : QString());
            m_showingNote = true;
            m_note->clear();
            m_noteRun = 0;
            m_showingNote = false;
        });
}

void WorkspacePanel::showRecord(const store::Run& run, const std::vector<store::Note>& notes) {
    QString html =
        QStringLiteral("<p><b>%1</b></p><table>").arg(QString::fromStdString(run.title).toHtmlEscaped());
    html += row(tr("Job"), QString::fromStdString(run.job));
    html += row(tr("Model"), QString::fromStdString(run.model));
    html += row(tr("When"), QString::fromStdString(run.created));
    html += row(tr("Took"), durationText(run.duration));
    html += row(tr("Message"), QString::fromStdString(run.message));
    html += row(tr("Command"), QString::fromStdString(run.commandLine));
    QStringList tags;
    for (const std::string& tag : run.tags)
        tags.push_back(QString::fromStdString(tag));
    html += row(tr("Tags"), tags.join(QStringLiteral(", ")));
    html += QStringLiteral("</table><p><b>%1</b></p><table>%2</table><p><b>%3</b></p><table>%4</table>")
                .arg(tr("Options").toHtmlEscaped(), jsonRows(run.options), tr("Environment").toHtmlEscaped(),
                     jsonRows(run.environment));
    m_record->setHtml(html);
    m_showingNote = true;
    m_noteRun = run.id;
    m_noteId = notes.empty() ? 0 : notes.front().id;
    m_note->setPlainText(notes.empty() ? QString() : QString::fromStdString(notes.front().markdown));
    m_showingNote = false;
}

void WorkspacePanel::saveNote() {
    if (m_noteRun == 0)
        return;
    const std::string text = m_note->toPlainText().toStdString();
    const store::NoteId id = m_noteId;
    const store::RunId run = m_noteRun;
    m_workbench.workspace().ask(
        {}, this,
        [id, run, text](store::Workspace& workspace) {
            if (id == 0)
                return text.empty() ? store::NoteId{0} : workspace.addNote(run, text);
            workspace.changeNote(id, text);
            return id;
        },
        [this, run](store::NoteId stored) {
            if (run == m_noteRun)
                m_noteId = stored;
            m_table->refresh();
        });
}

void WorkspacePanel::removeSelected() {
    const QList<qint64> runs = selectedRuns();
    QMessageBox question(QMessageBox::Question, tr("Delete runs"),
                         tr("Delete %n run(s) with samples, figures and notes? This cannot be undone.",
                            nullptr, static_cast<int>(runs.size())),
                         QMessageBox::NoButton, this);
    QPushButton* remove = question.addButton(tr("Delete"), QMessageBox::DestructiveRole);
    question.addButton(QMessageBox::Cancel);
    question.exec();
    if (question.clickedButton() != remove)
        return;
    m_workbench.workspace().change([runs](store::Workspace& workspace) {
        for (const qint64 run : runs)
            workspace.deleteRun(run);
    });
}

void WorkspacePanel::exportSelected() {
    const QStringList filters{tr("Statistics (*.csv)"), tr("Every sample (*.samples.csv)"),
                              tr("Everything (*.json)"), tr("hyperfine (*.hyperfine.json)"),
                              tr("llama-bench (*.llama.csv)")};
    QString chosen;
    QString path = QFileDialog::getSaveFileName(this, tr("Export runs"), {},
                                                filters.join(QStringLiteral(";;")), &chosen);
    if (path.isEmpty())
        return;
    using Format = measure::ExportFormat;
    const std::array formats{Format::Csv, Format::Samples, Format::Json, Format::Hyperfine,
                             Format::LlamaBench};
    const auto at = std::max<qsizetype>(0, filters.indexOf(chosen));
    if (!path.contains(QLatin1Char('.')))
        path += at == 2 || at == 3 ? QStringLiteral(".json") : QStringLiteral(".csv");
    const QList<qint64> runs = selectedRuns();
    m_workbench.workspace().ask(
        {}, this,
        [ids = std::vector<store::RunId>(runs.begin(), runs.end()),
         format = formats[static_cast<std::size_t>(at)],
         file = path.toStdString()](store::Workspace& workspace) {
            writeFileAtomically(file, measure::exportRuns(workspace, ids, format));
            return true;
        },
        [this, path](bool) { emit m_workbench.message(tr("Exported to %1.").arg(path)); });
}

void WorkspacePanel::addTag() {
    const QString tag = QInputDialog::getText(this, tr("Tag runs"), tr("Tag:")).trimmed();
    if (tag.isEmpty())
        return;
    m_workbench.workspace().change(
        [runs = selectedRuns(), tag = tag.toStdString()](store::Workspace& workspace) {
            for (const qint64 run : runs)
                workspace.addTag(run, tag);
        });
}

void WorkspacePanel::themeChanged() {
    showSelected();
}

void WorkspacePanel::takeFocus() {
    m_view->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
