// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "scratch.h"
#include "store/workspace.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace {

using namespace orrery;
using namespace orrery::store;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

NewRun benchRun(const std::string& title) {
    NewRun run;
    run.job = "bench";
    run.title = title;
    run.options = {{"length", {1, 2}}, {"dtype", "f32"}};
    run.provenance.model = "docs-bert";
    run.provenance.seed = 18446744073709551615ULL;
    run.commandLine = "orrery bench docs-bert";
    run.environment = {{"cpu", "some"}, {"cores", 2}};
    run.machine = "abc";
    run.models = {{"docs-bert", "h1", "/models/docs-bert", "bert"},
                  {"docs-gpt", "h2", "/models/docs-gpt", "gpt2"}};
    return run;
}

TEST(Workspace, ARunComesBackAsItWasWritten) {
    const Scratch scratch;
    Workspace workspace(scratch / "deep/er/w.orrery"); // folders are made
    const RunId id = workspace.beginRun(benchRun("Speed of BERT"));
    store::Run run = workspace.run(id);
    EXPECT_EQ(run.status, RunStatus::Running);
    EXPECT_EQ(run.title, "Speed of BERT");
    EXPECT_EQ(run.options, benchRun("").options);
    EXPECT_EQ(run.environment, benchRun("").environment);
    EXPECT_EQ(run.provenance.seed, 18446744073709551615ULL);
    EXPECT_EQ(run.commandLine, "orrery bench docs-bert");
    ASSERT_EQ(run.models.size(), 2U);
    EXPECT_EQ(run.models[1].name, "docs-gpt");
    EXPECT_EQ(run.model, "docs-bert, docs-gpt");
    EXPECT_EQ(run.uid.size(), 32U);
    workspace.finishRun(id, RunStatus::Failed, "No.");
    run = workspace.run(id);
    EXPECT_EQ(run.status, RunStatus::Failed);
    EXPECT_EQ(run.message, "No.");
    EXPECT_GE(run.duration, 0);
    EXPECT_THROW(static_cast<void>(workspace.run(id + 1)), UsageError);
    EXPECT_THROW(workspace.finishRun(id + 1, RunStatus::Done), UsageError);
    EXPECT_THAT(workspace.integrityCheck(), IsEmpty());
}

TEST(Workspace, ItIsThereTomorrow) {
    const Scratch scratch;
    RunId id = 0;
    {
        Workspace workspace(scratch / "w.orrery");
        id = workspace.beginRun(benchRun("a"));
        const CellId cell = workspace.addCell(id, {{"length", 1}});
        workspace.addSamples(cell, "seconds", std::vector<double>{0.25, 0.5});
        workspace.finishRun(id, RunStatus::Done);
    }
    const Workspace again(scratch / "w.orrery", Workspace::Access::ReadOnly);
    EXPECT_THAT(again.sampleValues(again.cells(id).at(0).id), ElementsAre(0.25, 0.5));
}

TEST(Workspace, CellsSamplesAndMetrics) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    const RunId id = workspace.beginRun(benchRun("grid"));
    const std::vector<OrderedJson> plan{{{"length", 1}}, {{"length", 2}}, {{"length", 4}}};
    const auto cells = workspace.planCells(id, plan);
    EXPECT_EQ(workspace.planCells(id, plan), cells) << "planning again finds the same cells";
    workspace.addSamples(cells[0], "seconds", std::vector<double>{3, 1});
    workspace.addSamples(cells[0], "seconds", std::vector<double>{2});
    workspace.addSamples(cells[0], "joules", std::vector<double>{9});
    EXPECT_THAT(workspace.sampleValues(cells[0]), ElementsAre(3, 1, 2));
    EXPECT_EQ(workspace.samples(cells[0], "").size(), 4U);
    workspace.markOutliers(cells[0], "seconds", std::vector<std::int64_t>{1});
    EXPECT_TRUE(workspace.samples(cells[0])[1].outlier);
    workspace.markOutliers(cells[0], "seconds", std::vector<std::int64_t>{2});
    EXPECT_FALSE(workspace.samples(cells[0])[1].outlier);
    EXPECT_EQ(workspace.samples(cells[0]).size(), 3U) << "marked, not deleted";
    EXPECT_THROW(workspace.markOutliers(cells[0], "seconds", std::vector<std::int64_t>{1, 99}), UsageError);
    EXPECT_TRUE(workspace.samples(cells[0])[2].outlier) << "a failed transaction changes nothing";

    workspace.finishCell(cells[0], CellStatus::Done,
                         std::vector<Metric>{{"seconds", 2, "s", 1.0, 3.0, {}}, {"rate", 7}});
    workspace.finishCell(cells[1], CellStatus::Failed, {}, "too long");
    workspace.setMetrics(id, std::vector<Metric>{{"total", 1}});
    workspace.setMetrics(id, std::vector<Metric>{{"total", 5}});
    const auto metrics = workspace.metrics(id);
    ASSERT_EQ(metrics.size(), 3U);
    EXPECT_EQ(metrics[0].low, 1.0);
    EXPECT_EQ(metrics[0].cell, cells[0]);
    EXPECT_EQ(metrics[2].value, 5);
    EXPECT_FALSE(metrics[2].cell.has_value());
    const auto pending = workspace.pendingCells(id);
    ASSERT_EQ(pending.size(), 2U);
    EXPECT_EQ(pending[0].message, "too long");
    EXPECT_EQ(pending[1].settings, plan[2]);
    const auto listed = workspace.listRuns();
    EXPECT_EQ(listed.at(0).cells, 3);
    EXPECT_EQ(listed.at(0).cellsDone, 1);
    EXPECT_THROW(workspace.addSamples(cells[0], "seconds", std::vector<double>{std::nan("")}), Error);
    EXPECT_THROW(workspace.addSamples(4711, "seconds", std::vector<double>{1}), UsageError);
    EXPECT_THROW(
        workspace.setMetrics(id, std::vector<Metric>{{"x", std::numeric_limits<double>::infinity()}}), Error);
}

TEST(Workspace, SamplesKeepOrderAndEveryBit) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    const RunId id = workspace.beginRun(benchRun("p"));
    int number = 0;
    EXPECT_TRUE(rc::check([&](const std::vector<std::vector<double>>& batches) {
        const CellId cell = workspace.addCell(id, {{"n", number++}});
        std::vector<double> all;
        for (const auto& batch : batches) {
            workspace.addSamples(cell, "seconds", batch);
            all.insert(all.end(), batch.begin(), batch.end());
        }
        RC_ASSERT(workspace.sampleValues(cell) == all);
    }));
}

TEST(Workspace, FiguresNotesTagsReports) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    const RunId id = workspace.beginRun(benchRun("a"));
    figure::Heatmap map;
    map.values = std::make_shared<figure::DenseMatrix>(1, 2, std::vector<float>{0.1F, std::nanf("")});
    const FigureId figureId = workspace.addFigure(id, {"map", "Map", "What it shows.", map, {}});
    EXPECT_EQ(workspace.addFigure(id, {"map", "Map 2", "", map, {}}), figureId)
        << "the same name is replaced";
    const FigureId loose = workspace.addFigure(0, {"map", "Loose", "", figure::Text{"words"}, {}});
    EXPECT_NE(loose, figureId);
    const auto back = workspace.figure(figureId);
    EXPECT_EQ(back.title, "Map 2");
    EXPECT_EQ(std::get<figure::Heatmap>(back.body).values->at(0, 0), 0.1F);
    ASSERT_EQ(workspace.figures(id).size(), 1U);
    EXPECT_EQ(workspace.figures(id)[0].kind, "heatmap");
    ASSERT_EQ(workspace.figures(0).size(), 1U);
    EXPECT_EQ(workspace.allFigures().at(0).id, loose);
    workspace.deleteFigure(loose);
    EXPECT_THROW(workspace.deleteFigure(loose), UsageError);

    const NoteId note = workspace.addNote(id, "**first**");
    workspace.changeNote(note, "second");
    workspace.addNote(0, "of the workspace");
    EXPECT_EQ(workspace.notes(id).at(0).markdown, "second");
    EXPECT_EQ(workspace.notes(0).size(), 1U);
    workspace.addTag(id, "paper");
    workspace.addTag(id, "paper");
    workspace.addTag(id, "a, b");
    EXPECT_THAT(workspace.run(id).tags, ElementsAre("a, b", "paper"));
    workspace.removeTag(id, "a, b");
    EXPECT_THAT(workspace.tags(), ElementsAre(std::pair<std::string, std::int64_t>{"paper", 1}));

    workspace.saveReport("r", "Report", "# one");
    workspace.saveReport("r", "Report", "# two");
    EXPECT_EQ(workspace.report("r").content, "# two");
    EXPECT_EQ(workspace.reports().size(), 1U);
    workspace.deleteReport("r");
    EXPECT_THROW(static_cast<void>(workspace.report("r")), UsageError);
}

TEST(Workspace, DeletingARunTakesAllOfIt) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    const RunId first = workspace.beginRun(benchRun("a"));
    const RunId second = workspace.beginRun(benchRun("b"));
    const CellId cell = workspace.addCell(first, {{"length", 1}});
    workspace.addSamples(cell, "seconds", std::vector<double>{1});
    workspace.finishCell(cell, CellStatus::Done, std::vector<Metric>{{"m", 1}});
    workspace.addFigure(first, {"t", "", "", figure::Text{"x"}, {}});
    workspace.addNote(first, "n");
    workspace.addTag(first, "t");
    workspace.deleteRun(first);
    EXPECT_THROW(static_cast<void>(workspace.run(first)), UsageError);
    EXPECT_THAT(workspace.samples(cell, ""), IsEmpty());
    EXPECT_THAT(workspace.allFigures(), IsEmpty());
    EXPECT_THAT(workspace.notes(first), IsEmpty());
    EXPECT_THAT(workspace.tags(), IsEmpty());
    EXPECT_EQ(workspace.run(second).models.size(), 2U);
    EXPECT_GT(workspace.beginRun(benchRun("c")), second) << "numbers are not used again";
    EXPECT_THAT(workspace.integrityCheck(), IsEmpty());
}

TEST(Workspace, FiltersSortsAndNames) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    NewRun other = benchRun("Rollout of 100 % _x");
    other.job = "analyze";
    other.models = {{"docs-gpt", "h2", "/elsewhere", "gpt2"}};
    const RunId a = workspace.beginRun(benchRun("beta"));
    const RunId b = workspace.beginRun(other);
    workspace.finishRun(b, RunStatus::Done);
    workspace.addTag(b, "keep");
    workspace.addNote(b, "Heads of layer three");
    const auto ids = [](const std::vector<RunSummary>& runs) {
        std::vector<RunId> list;
        for (const auto& run : runs)
            list.push_back(run.id);
        return list;
    };
    EXPECT_THAT(ids(workspace.listRuns()), ElementsAre(b, a));
    EXPECT_THAT(ids(workspace.listRuns({}, RunSort::Oldest)), ElementsAre(a, b));
    EXPECT_THAT(ids(workspace.listRuns({}, RunSort::Title)), ElementsAre(b, a));
    EXPECT_THAT(ids(workspace.listRuns({}, RunSort::Newest, 1, 1)), ElementsAre(a));
    RunFilter filter;
    filter.job = "analyze";
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(b));
    filter = {};
    filter.status = RunStatus::Running;
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(a));
    filter = {};
    filter.model = "docs-bert";
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(a));
    filter = {};
    filter.tag = "keep";
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(b));
    filter = {};
    filter.text = "LAYER three";
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(b));
    filter.text = "100 % _";
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(b));
    filter.text = "a_b"; // an underscore is itself, not any letter
    EXPECT_THAT(ids(workspace.listRuns(filter)), IsEmpty());
    filter.text = "docs";
    filter.job = "bench";
    EXPECT_THAT(ids(workspace.listRuns(filter)), ElementsAre(a));
    EXPECT_EQ(workspace.countRuns(filter), 1);
    filter = {};
    filter.createdBefore = "2000";
    EXPECT_EQ(workspace.countRuns(filter), 0);

    EXPECT_EQ(workspace.resolveRun(std::to_string(a)), a);
    EXPECT_EQ(workspace.resolveRun("last"), b);
    EXPECT_EQ(workspace.resolveRun(workspace.run(a).uid.substr(0, 12)), a);
    EXPECT_THROW(static_cast<void>(workspace.resolveRun("99")), UsageError);
    EXPECT_THROW(static_cast<void>(workspace.resolveRun("")), UsageError);

    const auto hits = workspace.search("layer THREE");
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(hits[0].kind, SearchHit::Kind::Note);
    EXPECT_EQ(hits[0].run, b);
    EXPECT_THAT(hits[0].excerpt, HasSubstr("layer three"));
    EXPECT_EQ(workspace.search("docs-gpt", 1).size(), 1U);
}

TEST(Workspace, ResumingIsForOneAtATime) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    const RunId id = workspace.beginRun(benchRun("a"));
    EXPECT_THROW(workspace.resumeRun(id), UsageError);
    workspace.finishRun(id, RunStatus::Cancelled);
    workspace.resumeRun(id);
    EXPECT_EQ(workspace.run(id).status, RunStatus::Running);
    Workspace second(scratch / "w.orrery");
    EXPECT_EQ(second.run(id).status, RunStatus::Running) << "this process lives";
    EXPECT_THROW(second.resumeRun(id), UsageError);
    EXPECT_THROW(second.resumeRun(77), UsageError);
}

TEST(Workspace, OthersChangesAreNoticed) {
    const Scratch scratch;
    Workspace first(scratch / "w.orrery");
    Workspace second(scratch / "w.orrery");
    const auto before = first.changeCounter();
    second.beginRun(benchRun("a"));
    EXPECT_NE(first.changeCounter(), before);
    EXPECT_EQ(first.listRuns().size(), 1U);
}

TEST(Workspace, MachineValues) {
    const Scratch scratch;
    Workspace workspace(scratch / "w.orrery");
    EXPECT_FALSE(workspace.machineValue("m", "f32").has_value());
    workspace.setMachineValue("m", "f32", 1e9, "FLOP/s");
    workspace.setMachineValue("m", "f32", 2e9, "FLOP/s");
    EXPECT_EQ(workspace.machineValue("m", "f32"), 2e9);
}

TEST(Workspace, MergingTakesWhatIsNotHere) {
    const Scratch scratch;
    RunId id = 0;
    {
        Workspace other(scratch / "o?#%.orrery"); // characters that mean something in a URI
        other.beginRun(benchRun("first"));
        id = other.beginRun(benchRun("second"));
        const CellId cell = other.addCell(id, {{"length", 8}});
        other.addSamples(cell, "seconds", std::vector<double>{1, 2, 3});
        other.markOutliers(cell, "seconds", std::vector<std::int64_t>{2});
        other.finishCell(cell, CellStatus::Done, std::vector<Metric>{{"m", 1}});
        other.setMetrics(id, std::vector<Metric>{{"whole", 2}});
        other.addFigure(id, {"t", "T", "", figure::Text{"x"}, {}});
        other.addNote(id, "note");
        other.addNote(0, "loose");
        other.addTag(id, "tag");
        other.saveReport("r", "R", "theirs");
        other.finishRun(id, RunStatus::Done);
    }
    Workspace workspace(scratch / "w.orrery");
    workspace.beginRun(benchRun("own"));
    workspace.beginRun(benchRun("own 2"));
    workspace.saveReport("r", "R", "ours");
    const MergeResult result = workspace.merge(scratch / "o?#%.orrery");
    EXPECT_EQ(result.added, 2);
    EXPECT_EQ(result.notes, 2);
    EXPECT_EQ(result.figures, 1);
    EXPECT_EQ(result.reports, 1);
    EXPECT_EQ(workspace.reports().size(), 2U);
    RunFilter filter;
    filter.tag = "tag";
    const auto merged = workspace.listRuns(filter);
    ASSERT_EQ(merged.size(), 1U);
    EXPECT_EQ(merged[0].title, "second");
    EXPECT_EQ(merged[0].notes, 1);
    EXPECT_EQ(merged[0].model, "docs-bert, docs-gpt");
    const auto cells = workspace.cells(merged[0].id);
    EXPECT_THAT(workspace.sampleValues(cells.at(0).id), ElementsAre(1, 2, 3));
    EXPECT_TRUE(workspace.samples(cells.at(0).id)[2].outlier);
    const auto metrics = workspace.metrics(merged[0].id);
    ASSERT_EQ(metrics.size(), 2U);
    EXPECT_EQ(metrics[0].cell, cells[0].id);
    EXPECT_FALSE(metrics[1].cell.has_value());
    EXPECT_EQ(workspace.countRuns(), 4);

    const MergeResult again = workspace.merge(scratch / "o?#%.orrery");
    EXPECT_EQ(again.added, 0);
    EXPECT_EQ(again.present, 2);
    EXPECT_EQ(again.notes + again.figures + again.reports, 0);
    EXPECT_EQ(workspace.countRuns(), 4);
    EXPECT_THROW(workspace.merge(scratch / "w.orrery"), UsageError);
    EXPECT_THROW(workspace.merge(scratch / "missing"), InputError);
    EXPECT_THAT(workspace.integrityCheck(), IsEmpty());
}

TEST(Workspace, AListStaysFastWithTenThousandRuns) {
    const Scratch scratch;
    const auto fill = [](Workspace& workspace, int runs) {
        const RunId first = workspace.beginRun(benchRun("run"));
        workspace.finishRun(first, RunStatus::Done);
        SQLite::Database direct(workspace.path(), SQLite::OPEN_READWRITE);
        direct.exec(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < " +
            std::to_string(runs) +
            ") INSERT INTO run(uid, job, title, status, created, session_started, touched, options, "
            "provenance,"
            " command_line, environment_id, machine) SELECT uid || i, job, title || i, status, created, 0, 0,"
            " options, provenance, command_line, environment_id, machine FROM run, n");
        direct.exec("INSERT INTO run_model SELECT id, 0, 1 FROM run WHERE id > 1");
        EXPECT_EQ(workspace.countRuns(), runs);
    };
    const auto seconds = [](const Workspace& workspace) {
        double best = 1e9;
        for (int i = 0; i < 7; ++i) {
            const auto start = std::chrono::steady_clock::now();
            EXPECT_EQ(workspace.listRuns().size(), 200U);
            best = std::min(best,
                            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        return best;
    };
    Workspace small(scratch / "small.orrery");
    fill(small, 200);
    Workspace large(scratch / "large.orrery");
    fill(large, 10000);
    const double ratio = seconds(large) / seconds(small);
    RecordProperty("ratio_10000_to_200_runs", std::to_string(ratio));
    EXPECT_LT(ratio, 5) << "a page of the list must not depend on how many runs there are";
}

} // namespace
