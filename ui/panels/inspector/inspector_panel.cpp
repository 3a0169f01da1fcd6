// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/inspector/inspector_panel.h"

#include "checkpoint/checkpoint.h"
#include "figures/figure_view.h"
#include "model/model.h"
#include "models/module_tree.h"
#include "shell/icons.h"
#include "shell/pass.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QTextBrowser>
#include <QVBoxLayout>

#include <array>

namespace orrery::ui {

namespace {

/// A two-column table; names are muted, values may be selected.
class Facts {
public:
    explicit Facts(const QString& heading) : m_heading(heading) {}
    void add(const QString& name, const QString& value) {
        if (!value.isEmpty())
            m_rows += QStringLiteral("<tr><td style=\"color:%1; padding-right:10px\">%2</td><td>%3</td></tr>")
                          .arg(Theme::colours().muted.name(),
                               name.toHtmlEscaped().replace(QLatin1Char(' '), QStringLiteral("&nbsp;")),
                               value.toHtmlEscaped());
    }
    void sentence(const QString& text) {
        m_rows += QStringLiteral("<tr><td colspan=\"2\">%1</td></tr>").arg(text.toHtmlEscaped());
    }
    [[nodiscard]] QString html() const {
        return QStringLiteral("<p style=\"margin-bottom:4px\"><b>%1</b></p><table cellspacing=\"0\" "
                              "cellpadding=\"2\">%2</table>")
            .arg(m_heading.toHtmlEscaped(), m_rows);
    }

private:
    QString m_heading;
    QString m_rows;
};

QString number(double value) {
    return QString::number(value, 'g', 5);
}

struct Found {
    measure::TensorSummary summary;
    QString shape;
    QString type;
    std::size_t bytes = 0;
};

Found describe(const Tensor& tensor, const Progress& progress) {
    Found found;
    found.summary = measure::summarizeTensor(tensor, progress);
    found.shape = QString::fromStdString(tensor.shape().toText());
    found.type = QString::fromUtf8(name(tensor.dtype()).data());
    found.bytes = tensor.bytes();
    return found;
}

} // namespace

InspectorPanel::InspectorPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("inspector"), parent), m_workbench(workbench), m_text(new QTextBrowser(this)),
      m_histogramPlace(new QWidget(this)),
      m_copy(new QAction(icon(QStringLiteral("copy")), tr("Copy what the inspector shows"), this)) {
    m_text->setAccessibleName(tr("What is selected"));
    m_text->setOpenLinks(false);
    m_text->document()->setDocumentMargin(10);
    auto* place = new QVBoxLayout(m_histogramPlace);
    place->setContentsMargins(4, 4, 4, 4);
    m_histogramPlace->hide();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_text, 3);
    layout->addWidget(m_histogramPlace, 2);
    m_rest.setSingleShot(true);
    m_rest.setInterval(0);
    connect(&m_rest, &QTimer::timeout, this, &InspectorPanel::refresh);
    connect(m_copy, &QAction::triggered, this,
            [this] { QGuiApplication::clipboard()->setText(m_text->toPlainText()); });
    const auto soon = [this] { m_rest.start(); };
    const Selection& selection = workbench.selection();
    for (const auto signal : {&Selection::tokensChanged, &Selection::headChanged, &Selection::hoverChanged})
        connect(&selection, signal, this, soon);
    for (const auto signal : {&Selection::siteChanged, &Selection::parameterChanged})
        connect(&selection, signal, this, [this, soon] {
            summarize();
            soon();
        });
    connect(&workbench.models(), &ModelList::currentChanged, this, soon);
    connect(&workbench.models(), &ModelList::changed, this, soon);
    connect(&workbench.look(), &Look::done, this, [this, soon] {
        if (!m_workbench.selection().site().isEmpty())
            summarize();
        soon();
    });
    refresh();
}

void InspectorPanel::summarize() {
    const auto model = m_workbench.models().currentModel();
    const QString parameter = m_workbench.selection().parameter();
    const QString site = m_workbench.selection().site();
    m_summary.reset();
    m_problem.clear();
    m_summarized = parameter.isEmpty() ? site : parameter;
    m_histogramPlace->hide();
    const QString topic = QStringLiteral("inspect");
    const auto done = [this](const Found& found) {
        m_summary = found.summary;
        m_shape = QStringLiteral("%1 %2, %3").arg(found.shape, found.type, sizeText(found.bytes));
        auto figure = std::make_shared<const figure::Figure>(
            measure::histogramFigure(*m_summary, m_summarized.toStdString()));
        if (m_histogram == nullptr) {
            m_histogram = new FigureView(figure, m_histogramPlace);
            m_histogram->setCaptionVisible(false);
            m_histogram->setHeaderVisible(false);
            m_histogramPlace->layout()->addWidget(m_histogram);
        } else {
            m_histogram->setFigure(figure);
        }
        m_histogramPlace->setVisible(!m_summary->histogram.empty());
        refresh();
    };
    const auto failed = [this](const QString& sentence) {
        m_problem = sentence;
        refresh();
    };
    if (model == nullptr || m_summarized.isEmpty()) {
        m_workbench.jobs().cancelTopic(topic);
        return;
    }
    if (!parameter.isEmpty()) {
        m_workbench.jobs().start(
            {}, Lane::Errand, topic, this,
            [folder = model->folder(), name = parameter.toStdString()](const Progress& progress) {
                return describe(checkpoint::Checkpoint::open(folder)->tensor(name), progress);
            },
            done, failed);
        return;
    }
    const PassPointer pass = m_workbench.look().current();
    if (pass == nullptr) {
        m_problem = tr("Run the model on an input to see the numbers of this site.");
        return;
    }
    m_workbench.jobs().start(
        tr("Values at %1").arg(site), Lane::Engine, topic, this,
        [pass, name = site.toStdString()](const Progress& progress) {
            probe::Trace trace({name}, true);
            Context context;
            context.trace = &trace;
            context.progress = progress;
            model::ModelInput input = pass->encoded;
            input.logits = name == "logits" ? model::LogitRows::All : model::LogitRows::None;
            static_cast<void>(pass->model->run(input, context)); // the trace has what is wanted
            return describe(trace.tensor(name), progress);
        },
        done, failed);
}

QString InspectorPanel::modelText() const {
    const auto* entry = m_workbench.models().current();
    if (entry == nullptr)
        return QStringLiteral("<p style=\"color:%1\">%2</p>")
            .arg(Theme::colours().muted.name(), tr("Open a model to see what is inside.").toHtmlEscaped());
    Facts facts(entry->name);
    if (entry->model == nullptr) {
        facts.sentence(entry->state == ModelList::State::Failed ? entry->failure : tr("Opening…"));
        return facts.html();
    }
    const auto& config = entry->model->config();
    facts.add(tr("Family"), QString::fromStdString(entry->model->family()));
    facts.add(tr("Task"), QString::fromUtf8(model::name(config.head).data()));
    facts.add(tr("Parameters"), countText(entry->model->parameterCount()));
    facts.add(QStringLiteral("n_layers"), QString::number(config.layers));
    facts.add(QStringLiteral("n_heads"), QString::number(config.heads));
    facts.add(QStringLiteral("d_model"), QString::number(config.hiddenSize));
    facts.add(QStringLiteral("d_head"), QString::number(config.headSize));
    facts.add(QStringLiteral("d_mlp"), QString::number(config.feedForward));
    facts.add(QStringLiteral("n_ctx"), QString::number(config.maxPositions));
    facts.add(QStringLiteral("d_vocab"), countText(config.vocabulary));
    facts.add(tr("Attention"), config.causal ? tr("causal: to earlier tokens") : tr("to all tokens"));
    facts.add(tr("Computes in"), QString::fromUtf8(name(entry->model->dtype()).data()));
    if (!entry->model->tokenizerProblem().empty())
        facts.sentence(QString::fromStdString(entry->model->tokenizerProblem()));
    return facts.html();
}

QString InspectorPanel::tensorText() const {
    if (m_summarized.isEmpty())
        return {};
    Facts facts(m_summarized);
    if (const auto model = m_workbench.models().currentModel(); model != nullptr) {
        const auto site = probe::findSite(m_summarized.toStdString(), model->layout());
        if (site && !m_workbench.selection().site().isEmpty())
            facts.sentence(QString::fromUtf8(probe::siteMeaning(site->kind).data()));
    }
    if (!m_problem.isEmpty()) {
        facts.sentence(m_problem);
    } else if (!m_summary) {
        facts.sentence(tr("Computing…"));
    } else {
        facts.add(tr("Shape"), m_shape);
        facts.add(tr("Numbers"), countText(m_summary->count));
        facts.add(tr("Mean"), tr("%1 ± %2").arg(number(m_summary->mean), number(m_summary->deviation)));
        facts.add(tr("Range"), tr("%1 to %2").arg(number(m_summary->minimum), number(m_summary->maximum)));
        facts.add(tr("Median"), number(m_summary->quantiles[2]));
        facts.add(tr("Quartiles"),
                  tr("%1 to %2").arg(number(m_summary->quantiles[1]), number(m_summary->quantiles[3])));
        facts.add(tr("1 % to 99 %"),
                  tr("%1 to %2").arg(number(m_summary->quantiles[0]), number(m_summary->quantiles[4])));
        facts.add(tr("Norm"), number(m_summary->norm));
        facts.add(tr("Zeros"), countText(m_summary->zeros));
        if (m_summary->nans + m_summary->infinities > 0)
            facts.add(tr("Not numbers"),
                      tr("%1 NaN, %2 infinite").arg(m_summary->nans).arg(m_summary->infinities));
    }
    return facts.html();
}

QString InspectorPanel::headText() const {
    const Selection& selection = m_workbench.selection();
    const PassPointer& pass = m_workbench.look().current();
    if (pass == nullptr || selection.layer() < 0 || selection.head() < 0 ||
        !pass->trace.hasPattern(selection.layer()))
        return {};
    const auto& pattern = pass->trace.pattern(selection.layer());
    if (selection.head() >= pattern.heads())
        return {};
    Facts facts(QStringLiteral("L%1H%2").arg(selection.layer()).arg(selection.head()));
    facts.add(tr("Site"),
              QString::fromStdString(probe::siteName({probe::SiteKind::Pattern, selection.layer()})));
    const bool hovering = selection.hoveredQuery() >= 0 && selection.hoveredKey() >= 0;
    const int query = hovering ? selection.hoveredQuery() : selection.query();
    const int key = hovering ? selection.hoveredKey() : selection.key();
    const auto token = [&](int position) {
        return tr("%1 \"%2\"").arg(position).arg(pass->tokens.value(position));
    };
    if (query >= 0 && query < pass->tokens.size())
        facts.add(tr("Query (from)"), token(query));
    if (key >= 0 && key < pass->tokens.size())
        facts.add(tr("Key (to)"), token(key));
    if (query >= 0 && key >= 0 && query < pattern.queries() && key < pattern.keys())
        facts.add(tr("Weight"),
                  number(static_cast<double>(pattern.matrix(0, selection.head())->at(query, key))));
    return facts.html();
}

void InspectorPanel::refresh() {
    m_text->setHtml(tensorText() + headText() + modelText());
}

void InspectorPanel::themeChanged() {
    refresh();
}

void InspectorPanel::takeFocus() {
    m_text->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
