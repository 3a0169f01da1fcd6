// SPDX-License-Identifier: GPL-3.0-or-later
// Files that are not what they claim, disks that are full, processes that are killed.
#include "base/error.h"
#include "base/random.h"
#include "scratch.h"
#include "store/schema.h"
#include "store/workspace.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

namespace {

using namespace orrery;
using namespace orrery::store;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string sentence(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& failure) {
        return fmt::format("{}: {}", failure.exitStatus(), failure.what());
    }
    return "nothing was thrown";
}

/// Runs action in a child process; what it returns comes back as the exit status.
int inChild(const std::function<int()>& action) {
    const pid_t child = ::fork();
    if (child == 0) {
        int result = 99;
        try {
            result = action();
        } catch (const std::exception& failure) {
            fmt::print(stderr, "child: {}\n", failure.what());
        }
        ::_exit(result);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
}

TEST(HostileWorkspace, NotADatabase) {
    const Scratch scratch;
    write(scratch / "text", std::string(5000, 'x'));
    EXPECT_THAT(sentence([&] { Workspace w(scratch / "text"); }),
                AllOf(HasSubstr("3: "), HasSubstr("no SQLite database")));
    EXPECT_THAT(sentence([&] { Workspace w(scratch.folder()); }),
                AllOf(HasSubstr("3: "), HasSubstr("is a folder")));
    EXPECT_THAT(sentence([&] { Workspace w(scratch / "none", Workspace::Access::ReadOnly); }),
                AllOf(HasSubstr("3: "), HasSubstr("does not exist")));
    write(scratch / "file", "x");
    EXPECT_THAT(sentence([&] { Workspace w(scratch / "file/w.orrery"); }),
                AllOf(HasSubstr("1: "), HasSubstr("cannot be made"), HasSubstr("--workspace")));
}

TEST(HostileWorkspace, AnotherProgramsDatabase) {
    const Scratch scratch;
    SQLite::Database(scratch / "other.db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec("CREATE TABLE t(x)");
    EXPECT_THAT(sentence([&] { Workspace w(scratch / "other.db"); }),
                AllOf(HasSubstr("3: "), HasSubstr("another program")));
    EXPECT_EQ(SQLite::Database(scratch / "other.db").execAndGet("PRAGMA user_version").getInt(), 0)
        << "left alone";
}

TEST(HostileWorkspace, FromTheFuture) {
    const Scratch scratch;
    { Workspace w(scratch / "w"); }
    SQLite::Database(scratch / "w", SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
    for (const auto access : {Workspace::Access::ReadWrite, Workspace::Access::ReadOnly})
        EXPECT_THAT(sentence([&] { Workspace w(scratch / "w", access); }),
                    AllOf(HasSubstr("3: "), HasSubstr("newer Orrery"), HasSubstr("99")));
}

TEST(HostileWorkspace, OlderFilesAreMigratedWithTheirContent) {
    const Scratch scratch;
    {
        SQLite::Database old(scratch / "w", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        old.exec(std::string(migrations()[0]));
        old.exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = 1", applicationId));
        old.exec("INSERT INTO environment VALUES(1, 'h', '{}'); INSERT INTO run VALUES(7, 'u', 'bench', "
                 "'kept', 'done',"
                 "'2026-01-01T00:00:00Z', 1, 0, 0, '{}', '{}', '', 1, '', '', '')");
    }
    EXPECT_THAT(sentence([&] { Workspace w(scratch / "w", Workspace::Access::ReadOnly); }),
                HasSubstr("older Orrery"));
    Workspace workspace(scratch / "w");
    EXPECT_EQ(workspace.run(7).title, "kept");
    workspace.saveReport("r", "", ""); // a table that version 1 does not have
    EXPECT_THAT(workspace.integrityCheck(), IsEmpty());
}

TEST(HostileWorkspace, DamagedPagesAreASentenceNotACrash) {
    const Scratch scratch;
    {
        Workspace workspace(scratch / "w");
        for (int i = 0; i < 50; ++i)
            workspace.beginRun({"bench", std::string(500, 'x')});
    }
    std::ifstream in(scratch / "w", std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), {});
    Generator generator(5);
    int refused = 0;
    for (int round = 0; round < 60; ++round) {
        std::string broken = whole;
        for (int i = 0; i < 40; ++i)
            broken[generator.below(broken.size())] = static_cast<char>(generator.below(256));
        if (round % 4 == 0)
            broken.resize(generator.below(broken.size()));
        const auto file = scratch / ("b" + std::to_string(round));
        write(file, broken);
        try {
            Workspace workspace(file);
            for (const auto& run : workspace.listRuns({}, RunSort::Newest, -1))
                static_cast<void>(workspace.run(run.id));
            static_cast<void>(workspace.search("x"));
            if (!workspace.integrityCheck().empty())
                ++refused;
        } catch (const Error& failure) {
            ++refused;
            EXPECT_GT(std::string(failure.what()).size(), 20U);
        }
    }
    EXPECT_GT(refused, 30);
}

TEST(HostileWorkspace, ReadOnlyFile) {
    const Scratch scratch;
    RunId id = 0;
    {
        Workspace workspace(scratch / "w");
        id = workspace.beginRun({"bench", "t"});
        workspace.finishRun(id, RunStatus::Done);
    }
    namespace fs = std::filesystem;
    fs::permissions(scratch / "w", fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
    fs::permissions(scratch.folder(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::group_read |
                                          fs::perms::group_exec | fs::perms::others_read |
                                          fs::perms::others_exec);
    const int result = inChild([&] {
        if (::geteuid() == 0 && ::setuid(65534) != 0) // permissions do not bind the superuser
            return 98;
        const std::string said = sentence([&] { Workspace w(scratch / "w"); });
        if (said.find("1: ") != 0 || said.find("read-only") == std::string::npos) {
            fmt::print(stderr, "{}\n", said);
            return 1;
        }
        const Workspace reader(scratch / "w", Workspace::Access::ReadOnly);
        if (reader.run(id).title != "t")
            return 2;
        const std::string refused =
            sentence([&] { Workspace(scratch / "w", Workspace::Access::ReadOnly).addTag(id, "x"); });
        return refused.find("reading only") == std::string::npos ? 3 : 0;
    });
    fs::permissions(scratch.folder(), fs::perms::owner_all);
    EXPECT_EQ(result, 0);
}

TEST(HostileWorkspace, AFullDiskLosesNothingThatWasStored) {
    const Scratch scratch;
    // A limit on the size of files is a disk that ends there.
    const int result = inChild([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        Workspace workspace(scratch / "w");
        const RunId run = workspace.beginRun({"bench", "t"});
        const CellId cell = workspace.addCell(run, {{"n", 1}});
        const rlimit limit{300 * 1024, 300 * 1024};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const std::vector<double> batch(200, 0.5);
        for (int stored = 0; stored < 10000; ++stored) {
            const std::string said = sentence([&] { workspace.addSamples(cell, "seconds", batch); });
            if (said == "nothing was thrown")
                continue;
            const auto kept = workspace.sampleValues(cell).size();
            if (said.find("1: ") != 0 || said.find("disk") == std::string::npos || stored == 0)
                return 1;
            return kept == static_cast<std::size_t>(stored) * batch.size() ? 0 : 2;
        }
        return 3;
    });
    EXPECT_EQ(result, 0);
    Workspace workspace(scratch / "w");
    EXPECT_THAT(workspace.integrityCheck(), IsEmpty());
    EXPECT_EQ(workspace.listRuns().at(0).status, RunStatus::Interrupted);
}

TEST(HostileWorkspace, AWriterThatNeverEndsIsNamed) {
    const Scratch scratch;
    Workspace workspace(scratch / "w");
    SQLite::Database other(scratch / "w", SQLite::OPEN_READWRITE);
    other.exec("BEGIN IMMEDIATE");
    EXPECT_THAT(sentence([&] {
                    workspace.beginRun({"bench", "t"});
                }),
                AllOf(HasSubstr("1: "), HasSubstr("another program")));
    EXPECT_THAT(workspace.listRuns(), IsEmpty()) << "reading goes on";
    other.exec("COMMIT");
    EXPECT_GT(workspace.beginRun({"bench", "t"}), 0);
}

TEST(HostileWorkspace, SeveralProcessesWriteAtOnce) {
    const Scratch scratch;
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            try {
                Workspace workspace(scratch / "w"); // also created by all at once
                for (int n = 0; n < 25; ++n)
                    workspace.addSamples(workspace.addCell(workspace.beginRun({"bench", "t"}), {{"n", n}}),
                                         "seconds", std::vector<double>{1, 2});
            } catch (const std::exception& failure) {
                fmt::print(stderr, "child: {}\n", failure.what());
                ::_exit(1);
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    Workspace workspace(scratch / "w");
    EXPECT_EQ(workspace.countRuns(), 100);
    EXPECT_THAT(workspace.integrityCheck(), IsEmpty());
}

TEST(HostileWorkspace, KilledAtAnyMomentTheGridGoesOn) {
    const Scratch scratch;
    constexpr int cellCount = 60;
    constexpr int batches = 6;
    // What a benchmark does: cells one after another, samples in batches, metrics with the end of a cell.
    const auto work = [&](RunId run) {
        Workspace workspace(scratch / "w");
        workspace.resumeRun(run);
        for (const Cell& cell : workspace.pendingCells(run)) {
            for (auto held = workspace.samples(cell.id).size(); held < 5 * batches; held += 5)
                workspace.addSamples(cell.id, "seconds",
                                     std::vector<double>(5, static_cast<double>(cell.position)));
            workspace.finishCell(cell.id, CellStatus::Done,
                                 std::vector<Metric>{{"a", 1}, {"b", static_cast<double>(cell.position)}});
        }
        workspace.finishRun(run, RunStatus::Done);
    };
    RunId run = 0;
    {
        Workspace workspace(scratch / "w");
        run = workspace.beginRun({"bench", "t"});
        std::vector<OrderedJson> plan;
        for (int i = 0; i < cellCount; ++i)
            plan.push_back({{"n", i}});
        workspace.planCells(run, plan);
        workspace.finishRun(run, RunStatus::Cancelled);
    }
    Generator generator(11);
    int kills = 0;
    std::int64_t doneBefore = 0;
    for (int round = 0; round < 400; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            try {
                work(run);
            } catch (const std::exception& failure) {
                fmt::print(stderr, "child: {}\n", failure.what());
                ::_exit(1);
            }
            ::_exit(0);
        }
        // Longer from round to round, so that slow machines and sanitizers get to the end as well.
        const auto longest = 4000 * static_cast<std::uint64_t>(1 + round / 10);
        std::this_thread::sleep_for(std::chrono::microseconds(500 + generator.below(longest)));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
        Workspace workspace(scratch / "w");
        ASSERT_THAT(workspace.integrityCheck(), IsEmpty());
        std::map<CellId, int> metrics;
        for (const Metric& metric : workspace.metrics(run))
            ++metrics[metric.cell.value()];
        std::int64_t done = 0;
        for (const Cell& cell : workspace.cells(run)) {
            const auto samples = workspace.samples(cell.id);
            ASSERT_EQ(samples.size() % 5, 0U) << "a batch is stored whole or not at all";
            for (std::size_t i = 0; i < samples.size(); ++i)
                ASSERT_EQ(samples[i].position, static_cast<std::int64_t>(i));
            done += cell.status == CellStatus::Done;
            ASSERT_EQ(metrics[cell.id], cell.status == CellStatus::Done ? 2 : 0)
                << "metrics come with the cell's end";
        }
        ASSERT_GE(done, doneBefore);
        doneBefore = done;
        const RunStatus now = workspace.run(run).status;
        if (now == RunStatus::Done)
            break;
        ++kills;
        ASSERT_TRUE(now == RunStatus::Interrupted || now == RunStatus::Cancelled) << name(now);
    }
    EXPECT_GE(kills, 5) << "the test must have interrupted something";
    const Workspace workspace(scratch / "w");
    EXPECT_EQ(workspace.run(run).status, RunStatus::Done);
    EXPECT_THAT(workspace.pendingCells(run), IsEmpty());
    for (const Cell& cell : workspace.cells(run))
        EXPECT_EQ(workspace.samples(cell.id).size(), 5U * batches);
}

} // namespace
