// SPDX-License-Identifier: GPL-3.0-or-later
// The attention panel on the demo model by keys and mouse.
#include "figures/head_grid_widget.h"
#include "figures/heatmap_widget.h"
#include "figures/token_strip_widget.h"
#include "panels/attention/attention_panel.h"
#include "panels/attention/pattern_figures.h"
#include "shell/report_draft.h"
#include "shell/resources.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

using namespace orrery;
using namespace orrery::ui;

class AttentionTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() {
        QStandardPaths::setTestModeEnabled(true);
        initResources();
        Theme::of(*qApp).apply(QStringLiteral("light"));
        m_workbench = std::make_unique<Workbench>((m_folder.path() + "/w.db").toStdString());
        m_panel = std::make_unique<AttentionPanel>(*m_workbench);
        m_panel->resize(1280, 800);
        m_panel->show();
        QVERIFY(m_panel->grid() == nullptr);
        m_workbench->models().open(QStringLiteral(ORRERY_SOURCE_DIR "/resources/models/docs-bert"));
        m_workbench->inputs().add(QStringLiteral("The cat sat on the mat because it was tired."));
        QTRY_VERIFY_WITH_TIMEOUT(m_panel->map() != nullptr, 30000);
        QTRY_VERIFY_WITH_TIMEOUT(m_panel->map()->body()->settled() && m_panel->grid()->body()->settled(),
                                 20000);
    }

    void cleanupTestCase() {
        m_panel.reset();
        m_workbench.reset();
    }

    void theMapIsThatOfTheModel() {
        const PassPointer pass = m_workbench->look().current();
        const auto& map = std::get<figure::Heatmap>(m_panel->map()->figurePointer()->body);
        QCOMPARE(map.values->rows(), pass->tokens.size());
        const auto expected = pass->trace.pattern(0).matrix(0, 0);
        double sum = 0;
        for (std::int64_t key = 0; key < map.values->columns(); ++key) {
            QCOMPARE(map.values->at(3, key), expected->at(3, key));
            sum += static_cast<double>(map.values->at(3, key));
        }
        QVERIFY(std::abs(sum - 1) < 1e-4);
        QVERIFY(m_panel->map()->figurePointer()->provenance.commandLine.find("hook_pattern") !=
                std::string::npos);
    }

    void aClickInTheGridChoosesTheHeadEverywhere() {
        auto* grid = qobject_cast<HeadGridWidget*>(m_panel->grid()->body());
        QVERIFY(grid != nullptr);
        QTest::mouseClick(grid, Qt::LeftButton, {}, grid->headRect(2, 1).center().toPoint());
        QCOMPARE(m_workbench->selection().layer(), 2);
        QCOMPARE(m_workbench->selection().head(), 1);
        QVERIFY(
            QString::fromStdString(m_panel->map()->figurePointer()->title).contains(QStringLiteral("L2H1")));
        m_panel->activateWindow();
        m_panel->takeFocus();
        QTRY_VERIFY(m_panel->map()->body()->hasFocus());
        QTest::keyClick(m_panel->map()->body(), Qt::Key_PageUp);
        QCOMPARE(m_workbench->selection().layer(), 1);
        QTest::keyClick(m_panel->map()->body(), Qt::Key_BracketLeft);
        QCOMPARE(m_workbench->selection().head(), 0);
        QCOMPARE(grid->state().row, 1);
    }

    void aClickInTheMapSelectsTheTokensEverywhere() {
        auto* map = qobject_cast<HeatmapWidget*>(m_panel->map()->body());
        QVERIFY(map != nullptr);
        const auto at = map->currentLayout();
        QTest::mouseClick(map, Qt::LeftButton, {}, QPointF(at.x(2.5), at.y(6.5)).toPoint());
        QCOMPARE(m_workbench->selection().query(), 6);
        QCOMPARE(m_workbench->selection().key(), 2);
        QCOMPARE(m_panel->strip()->body()->state().column, 6);
        // The strip is coloured by what the query looks at.
        const auto& strip = std::get<figure::TokenStrip>(m_panel->strip()->figurePointer()->body);
        QCOMPARE(strip.scores.size(), std::size_t{2});
        const auto& values = *std::get<figure::Heatmap>(m_panel->map()->figurePointer()->body).values;
        QCOMPARE(strip.scores[0].values[2], static_cast<double>(values.at(6, 2)));
        QCOMPARE(strip.scores[1].values[6], static_cast<double>(values.at(6, 2)));
        QTest::keyClick(map, Qt::Key_Escape);
        QCOMPARE(m_workbench->selection().query(), -1);
    }

    void linesAndMapTakeTurns() {
        m_panel->showLines(true);
        QVERIFY(m_panel->lines() != nullptr && m_panel->lines()->isVisible());
        QVERIFY(!m_panel->map()->isVisible());
        m_workbench->selection().setCell(3, 1);
        QCOMPARE(m_panel->lines()->body()->state().row, 3);
        picture("lines");
        m_panel->showLines(false);
        QVERIFY(m_panel->map()->isVisible());
        m_workbench->selection().clearTokens();
    }

    void twoInputsCompareSideBySideAndAsDifference() {
        const int first = m_workbench->inputs().currentId();
        const QString text = m_workbench->inputs().current()->text;
        const int second = m_workbench->inputs().add(QString(text).replace("cat", "dog"));
        QTRY_VERIFY_WITH_TIMEOUT(m_workbench->look().current() != nullptr &&
                                     m_workbench->look().current()->input.id == second &&
                                     !m_workbench->look().running(),
                                 20000);
        m_panel->compareWith(first);
        QTRY_VERIFY_WITH_TIMEOUT(m_panel->otherMap() != nullptr && m_panel->otherMap()->isVisible(), 20000);
        QVERIFY(m_panel->map()->isVisible());
        picture("side_by_side");
        const PassPointer now = m_workbench->look().current();
        const auto other = std::get<figure::Heatmap>(m_panel->otherMap()->figurePointer()->body).values;
        const auto mine = std::get<figure::Heatmap>(m_panel->map()->figurePointer()->body).values;
        m_panel->showDifference(true);
        if (mine->rows() == other->rows()) {
            QVERIFY(!m_panel->map()->isVisible());
            const auto& map = std::get<figure::Heatmap>(m_panel->otherMap()->figurePointer()->body);
            QCOMPARE(map.scale, figure::ColourScale::Diverging);
            QCOMPARE(map.values->at(4, 2), mine->at(4, 2) - other->at(4, 2));
            picture("difference");
        }
        m_panel->compareWith(0);
        QVERIFY(m_panel->map()->isVisible() && !m_panel->otherMap()->isVisible());
        m_workbench->inputs().setCurrent(first);
    }

    void addToReportReachesTheReport() {
        const auto before = m_workbench->report().blocks().size();
        emit m_panel->map()->addToReport(m_panel->map()->figurePointer());
        QCOMPARE(m_workbench->report().blocks().size(), before + 1);
    }

    void bothThemesAreTaken() {
        m_workbench->selection().setCell(6, 2);
        picture("light");
        Theme::of(*qApp).apply(QStringLiteral("dark"));
        picture("dark");
        QVERIFY(m_panel->map()->body()->figureStyle().dark);
        Theme::of(*qApp).apply(QStringLiteral("light"));
    }

private:
    void picture(const char* name) {
        QElapsedTimer clock;
        clock.start();
        do {
            QTest::qWait(40);
        } while (clock.elapsed() < 8000 &&
                 (!m_panel->map()->body()->settled() || !m_panel->grid()->body()->settled()));
        QDir().mkpath(QStringLiteral(ORRERY_BINARY_DIR "/gallery"));
        m_panel->grab().save(QStringLiteral(ORRERY_BINARY_DIR "/gallery/attention-panel-%1.png")
                                 .arg(QString::fromLatin1(name)));
    }

    QTemporaryDir m_folder;
    std::unique_ptr<Workbench> m_workbench;
    std::unique_ptr<AttentionPanel> m_panel;
};

QTEST_MAIN(AttentionTest)
#include "attention_test.moc"
