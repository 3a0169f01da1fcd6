// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "measure/bench_figures.h"
#include "measure/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

namespace orrery::measure {
namespace {

namespace fs = std::filesystem;

const std::string demo = ORRERY_SOURCE_DIR "/resources/models/docs-bert";

model::ModelInput tokens(std::int64_t batch, std::int64_t length) {
    auto input = model::ModelInput{};
    input.inputIds = Tensor::full({batch, length}, 7, DType::I64);
    input.logits = model::LogitRows::None;
    return input;
}

TEST(Profile, EveryPrimitiveSaysWhatItIs) {
    const auto model = model::Model::open(demo);
    const Profile profile = profileModel(*model, tokens(2, 32), 3);
    ASSERT_FALSE(profile.primitives.empty());
    std::set<std::string> kinds;
    double share = 0;
    double products = 0;
    for (const ProfileEntry& entry : profile.primitives) {
        EXPECT_FALSE(entry.kind.empty());
        EXPECT_FALSE(entry.descriptor.empty()) << entry.kind;
        EXPECT_FALSE(entry.implementation.empty()) << entry.kind;
        EXPECT_GT(entry.calls, 0) << entry.kind;
        EXPECT_GT(entry.seconds, 0) << entry.kind;
        kinds.insert(entry.kind);
        share += entry.share;
        if (entry.kind == "linear")
            products += entry.operations;
    }
    EXPECT_TRUE(kinds.contains("linear"));
    EXPECT_TRUE(kinds.contains("attention"));
    EXPECT_LE(share, 1.02); // they do not overlap
    // All products but those of the head, which is not run.
    double expected = 0;
    model->forEachLinear([&](const nn::Linear& linear) {
        if (linear.name().starts_with("blocks."))
            expected += linear.format()->operations(64);
    });
    EXPECT_NEAR(products, expected, 0.02 * expected);
    // Sites of primitives are those of modules.
    for (const ProfileEntry& entry : profile.primitives)
        if (entry.kind == "linear") {
            EXPECT_TRUE(std::any_of(profile.modules.begin(), profile.modules.end(),
                                    [&](const ProfileEntry& module) { return module.site == entry.site; }))
                << entry.site;
        }
}

TEST(Profile, FiguresAreATableARooflineAndBars) {
    Profile profile;
    profile.seconds = 0.01;
    profile.runs = 1;
    for (int layer = 0; layer < 2; ++layer) {
        const std::string site = "blocks." + std::to_string(layer) + ".mlp.in";
        profile.modules.push_back({site, "", "", "", 1, 0.004, 0, 0, 0.4});
        profile.primitives.push_back({site, "linear", "m8 n4 k2 f32:f32:f32", "avx512", 1,
                                      0.002 * (layer + 1), 3e8, 1e7, 0.2 * (layer + 1)});
    }
    profile.primitives.push_back({"", "norm", "8x4", "avx512", 2, 0.001, 0, 0, 0.1});
    const Ceilings ceilings{.threads = 2, .f32 = 4e11, .bf16 = 8e11, .int8 = 0, .bandwidth = 5e10};
    const auto figures = profileFigures(profile, &ceilings);
    ASSERT_EQ(figures.size(), 3U);

    const auto& table = std::get<figure::Table>(figures[0].body);
    ASSERT_EQ(table.rows.size(), 3U);
    EXPECT_EQ(table.columns[2].title, "descriptor");
    EXPECT_EQ(std::get<std::string>(table.rows[0][0]), "blocks.1.mlp.in"); // the longest first
    EXPECT_EQ(std::get<std::string>(table.rows[0][3]), "avx512");
    EXPECT_DOUBLE_EQ(std::get<double>(table.rows[1][7]), 150); // 3e8 in 2 ms
    EXPECT_DOUBLE_EQ(std::get<double>(table.rows[1][8]), 5);   // 1e7 bytes in 2 ms
    EXPECT_DOUBLE_EQ(std::get<double>(table.rows[1][9]), 30);  // FLOP/B
    EXPECT_DOUBLE_EQ(std::get<double>(table.rows[1][10]),
                     37.5); // of the f32 ceiling, which is below the slope
    EXPECT_TRUE(std::holds_alternative<std::monostate>(table.rows[2][7]));

    const auto& roofline = std::get<figure::Series>(figures[1].body);
    EXPECT_TRUE(roofline.x.logarithmic && roofline.y.logarithmic);
    ASSERT_EQ(roofline.curves.size(), 3U); // two ceilings, one kind of primitive
    EXPECT_EQ(roofline.curves[0].marks, figure::Series::Curve::Marks::Line);
    EXPECT_DOUBLE_EQ(roofline.curves[0].x[1], 8); // 4e11 / 5e10
    EXPECT_DOUBLE_EQ(roofline.curves[0].y[2], 400);
    const auto& points = roofline.curves[2];
    EXPECT_EQ(points.name, "linear");
    ASSERT_EQ(points.x.size(), 1U); // both layers together
    EXPECT_DOUBLE_EQ(points.x[0], 30);
    EXPECT_DOUBLE_EQ(points.y[0], 100); // 6e8 in 6 ms
    EXPECT_TRUE(points.labels[0].starts_with("mlp.in · linear m8 n4 k2")) << points.labels[0];

    EXPECT_EQ(std::get<figure::Bars>(figures[2].body).categories.labels.at(0), "mlp.in");
    EXPECT_EQ(profileFigures(profile, nullptr).size(), 2U);
}

TEST(Profile, IsKeptInTheWorkspace) {
    const fs::path file = fs::temp_directory_path() / "orrery_profile_test.orrery";
    fs::remove(file);
    {
        store::Workspace workspace(file);
        const Machine machine = describeMachine();
        BenchRequest request;
        request.models = {demo};
        request.options.setText("length", "16,32");
        const ProfileOutcome outcome = profileRun(workspace, request, {});
        EXPECT_EQ(outcome.settings.length, 16);
        const store::Run run = workspace.run(outcome.run);
        EXPECT_EQ(run.job, "profile");
        EXPECT_EQ(run.status, store::RunStatus::Done);
        EXPECT_EQ(run.machine, machine.key());
        ASSERT_EQ(workspace.figures(outcome.run).size(), 3U);
        EXPECT_EQ(workspace.figure(workspace.figures(outcome.run)[1].id).id, "roofline");
        request.options.setText("length", "100000");
        EXPECT_THROW((void)profileRun(workspace, request, {}), UsageError);
    }
    fs::remove(file);
}

TEST(Profile, NetworksAreProfiledWithTheirExampleInputs) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/mamba");
    const Profile profile = profileModel(*model, model->exampleInputs(2, 24), 2);
    double scanned = 0;
    for (const ProfileEntry& entry : profile.primitives)
        if (entry.kind == "selective_scan")
            scanned += entry.operations;
    EXPECT_GT(scanned, 0);
    // What the scans report is what the model predicts.
    EXPECT_EQ(scanned, model->cost(2, 24).attentionOperations);
}

} // namespace
} // namespace orrery::measure
