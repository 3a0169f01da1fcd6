// SPDX-License-Identifier: GPL-3.0-or-later
// The lenses panel on the demo model, with a lens of its own and those of the plugins that were built.
#include "analyze/analyzer.h"
#include "base/error.h"
#include "figures/figure_view.h"
#include "figures/heatmap_widget.h"
#include "forms/option_form.h"
#include "panels/lenses/lenses_panel.h"
#include "plugin/registry.h"
#include "shell/report_draft.h"
#include "shell/resources.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QApplication>
#include <QDir>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

using namespace orrery;
using namespace orrery::ui;

namespace {

/// The pattern of a layer and the lengths of the tokens.
class PatternLens final : public analyze::Analyzer {
public:
    [[nodiscard]] PartInfo info() const override {
        return {"test_pattern", "Aa test pattern", "Shows a layer's mean pattern.", "A paper, 2020", "",
                "any"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        schema.integer("layer", 0, "Which layer").range(0, 3);
        schema.boolean("fail", false, "Ends with an error");
        return schema;
    }
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request& request) const override {
        if (request.options.boolean("fail"))
            throw UsageError("The lens was told to fail.");
        const auto layer = static_cast<int>(request.options.integer("layer"));
        probe::Trace trace({"blocks.*.attn.hook_pattern"});
        Context context;
        context.trace = &trace;
        context.progress = request.progress;
        const auto output = request.model->run(request.input, context);
        figure::Heatmap map;
        map.values = trace.pattern(layer).meanOverHeads(0);
        map.x.labels = request.input.rows.at(0).tokens;
        map.y.labels = map.x.labels;
        figure::TokenStrip strip;
        strip.tokens = map.x.labels;
        return {{"mean", "Mean of layer " + std::to_string(layer), "", map, {}},
                {"tokens", "Tokens", "", strip, {}}};
    }
};

class UnsuitableLens final : public analyze::Analyzer {
public:
    [[nodiscard]] PartInfo info() const override {
        return {"test_never", "Ab never", "Suits nothing.", "", "", ""};
    }
    [[nodiscard]] std::string unsuitable(const model::Model&) const override {
        return "No model suits this lens.";
    }
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request&) const override { return {}; }
};

} // namespace

class LensesTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        initResources();
        Theme::of(*qApp).apply(QStringLiteral("light"));
        plugin::registry().make<analyze::Analyzer, PatternLens>();
        plugin::registry().make<analyze::Analyzer, UnsuitableLens>();
        m_workbench = std::make_unique<Workbench>((m_folder.path() + "/w.db").toStdString());
        m_panel = std::make_unique<LensesPanel>(*m_workbench);
        m_panel->resize(1280, 800);
        m_panel->show();
        m_panel->choose(QStringLiteral("test_pattern"));
        m_panel->run(); // without a model nothing happens
        QVERIFY(!m_panel->running());
        m_workbench->models().open(QStringLiteral(ORRERY_SOURCE_DIR "/resources/models/docs-bert"));
        m_workbench->inputs().add(QStringLiteral("The cat sat on the mat because it was tired."));
        QTRY_VERIFY_WITH_TIMEOUT(m_workbench->look().current() != nullptr, 30000);
    }

    void cleanupTestCase() {
        m_panel.reset();
        m_workbench.reset();
    }

    void aLensRunsFromTheKeyboardWithItsOptions() {
        m_panel->form()->setValues([this] {
            OptionValues values = m_panel->form()->values();
            values.set("layer", std::int64_t{2});
            return values;
        }());
        m_panel->takeFocus();
        QTest::keyClick(m_panel->list(), Qt::Key_Return, Qt::ControlModifier);
        QTRY_COMPARE_WITH_TIMEOUT(m_panel->figureViews().size(), 2, 20000);
        const auto figure = m_panel->figureViews()[0]->figurePointer();
        QCOMPARE(figure->title, std::string("Mean of layer 2"));
        QVERIFY(figure->provenance.commandLine.find("--lens test_pattern") != std::string::npos);
        QVERIFY(figure->provenance.commandLine.find("layer=2") != std::string::npos);
    }

    void figuresFollowTheSelectionBothWays() {
        auto* map = qobject_cast<HeatmapWidget*>(m_panel->figureViews()[0]->body());
        QVERIFY(map != nullptr);
        m_workbench->selection().setCell(5, 3);
        QCOMPARE(map->state().row, 5);
        QCOMPARE(m_panel->figureViews()[1]->body()->state().column, 5);
        map->setFocus();
        QTest::keyClick(map, Qt::Key_Down);
        QCOMPARE(m_workbench->selection().query(), 6);
    }

    void anotherInputRunsItAgainInPlace() {
        FigureView* before = m_panel->figureViews()[0];
        m_workbench->inputs().add(QStringLiteral("Nobody ever reads the manual."));
        QTRY_VERIFY_WITH_TIMEOUT(
            m_panel->figureViews()[0]->figurePointer()->provenance.input.find("manual") != std::string::npos,
            20000);
        QCOMPARE(m_panel->figureViews()[0], before);
    }

    void failureIsASentence() {
        m_panel->form()->setValues([this] {
            OptionValues values = m_panel->form()->values();
            values.set("fail", true);
            return values;
        }());
        m_panel->run();
        QTRY_VERIFY_WITH_TIMEOUT(!m_panel->running(), 20000);
        QTest::qWait(20);
        bool found = false;
        for (const QLabel* label : m_panel->findChildren<QLabel*>())
            found = found || label->text().contains(QStringLiteral("told to fail"));
        QVERIFY(found);
    }

    void whatDoesNotSuitSaysWhyAndDoesNotRun() {
        m_panel->choose(QStringLiteral("test_never"));
        bool found = false;
        for (const QLabel* label : m_panel->findChildren<QLabel*>())
            found = found || label->text().contains(QStringLiteral("No model suits this lens."));
        QVERIFY(found);
        m_panel->run();
        QVERIFY(!m_panel->running());
    }

    void addToReportReachesTheReport() {
        const auto before = m_workbench->report().blocks().size();
        emit m_panel->figureViews()[1]->addToReport(m_panel->figureViews()[1]->figurePointer());
        QCOMPARE(m_workbench->report().blocks().size(), before + 1);
        QDir().mkpath(QStringLiteral(ORRERY_BINARY_DIR "/gallery"));
        QTest::qWait(100);
        m_panel->grab().save(QStringLiteral(ORRERY_BINARY_DIR "/gallery/lenses-panel.png"));
    }

private:
    QTemporaryDir m_folder;
    std::unique_ptr<Workbench> m_workbench;
    std::unique_ptr<LensesPanel> m_panel;
};

QTEST_MAIN(LensesTest)
#include "lenses_test.moc"
