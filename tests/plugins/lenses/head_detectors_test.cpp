// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "head_detectors.h"
#include "plugins/demo_models.h"

namespace orrery::lenses {
namespace {

TEST(HeadDetectors, TargetsOfASmallSequence) {
    const std::vector<std::int64_t> ids{7, 1, 2, 1, 2, 1};
    using Lists = std::vector<std::vector<std::int64_t>>;
    EXPECT_EQ(targets(Detector::PreviousToken, ids), (Lists{{}, {0}, {1}, {2}, {3}, {4}}));
    EXPECT_EQ(targets(Detector::FirstToken, ids), (Lists{{}, {0}, {0}, {0}, {0}, {0}}));
    EXPECT_EQ(targets(Detector::DuplicateToken, ids), (Lists{{}, {}, {}, {1}, {2}, {1, 3}}));
    EXPECT_EQ(targets(Detector::Induction, ids), (Lists{{}, {}, {}, {2}, {3}, {2, 4}}));
}

/// heads.json was measured with the official implementation on 32 sequences of other random tokens.
TEST(HeadDetectors, InductionHeadsOfTheDemoModelAreFound) {
    const auto lens = test::loadedPart<analyze::Analyzer>(ORRERY_PLUGIN_FILE, "head_detectors");
    const auto model = test::demoModel("docs-gpt");
    auto request = analyze::makeRequest(*lens, model, "<|endoftext|>");
    request.options.assign("length=100");
    request.options.assign("sequences=12");
    request.options.assign("shuffles=1");
    const auto figures = analyze::runAnalysis(*lens, request);
    const Json reference =
        readJsonFile(std::string(ORRERY_SOURCE_DIR) + "/resources/models/docs-gpt/heads.json");
    const auto& induction = std::get<figure::Heatmap>(test::figureNamed(figures, "induction").body);
    const auto& table = std::get<figure::Table>(test::figureNamed(figures, "heads").body);
    for (int layer = 0; layer < 4; ++layer)
        for (int head = 0; head < 8; ++head) {
            const double expected =
                reference["induction_score"][static_cast<std::size_t>(layer)][static_cast<std::size_t>(head)];
            EXPECT_NEAR(induction.values->at(layer, head), expected, 0.06) << layer << "." << head;
        }
    int found = 0;
    for (const auto& row : table.rows)
        if (std::get<std::string>(row[0]) == "induction" && std::get<bool>(row[6])) {
            ++found;
            EXPECT_EQ(std::get<std::int64_t>(row[1]), 3);
            EXPECT_GT(std::get<double>(row[3]), 5 * std::get<double>(row[5]))
                << "shuffled tokens must not induce";
        }
    EXPECT_EQ(found, 2); // heads 2 and 3 of the last layer: 0.88 and 0.75
}

TEST(HeadDetectors, SameSeedSameScores) {
    const HeadDetectors lens;
    const auto model = test::demoModel("docs-gpt");
    auto request = analyze::makeRequest(lens, model, "Compute the");
    request.options.assign("length=20");
    request.seed = 5;
    const auto once = lens.analyze(request);
    const auto again = lens.analyze(request);
    EXPECT_EQ(std::get<figure::Heatmap>(once[1].body).values->pooled(1),
              std::get<figure::Heatmap>(again[1].body).values->pooled(1));
}

TEST(HeadDetectors, TextOfAnEncoderWorksToo) {
    const HeadDetectors lens;
    const auto model = test::demoModel("docs-bert");
    auto request = analyze::makeRequest(lens, model, "the array of the array of the array");
    request.options.assign("source=text");
    EXPECT_EQ(lens.analyze(request).size(), 5U);
}

} // namespace
} // namespace orrery::lenses
