// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "logit_lens.h"
#include "plugins/demo_models.h"

#include <rapidcheck.h>

#include <cmath>

namespace orrery::lenses {
namespace {

TEST(LogitLens, ReadingsByHand) {
    const std::vector<float> here{0, std::log(3.0F), 0};
    const std::vector<float> last{std::log(2.0F), 0, 0};
    const auto reading = read(here, last, 2);
    EXPECT_EQ(reading.token, 1);
    EXPECT_NEAR(reading.probability, 0.6, 1e-6);
    EXPECT_EQ(reading.rankOfFinal, 2);
    EXPECT_EQ(reading.best, (std::vector<std::int64_t>{1, 0}));
    const double expected =
        0.5 * std::log(0.5 / 0.2) + 0.25 * std::log(0.25 / 0.6) + 0.25 * std::log(0.25 / 0.2);
    EXPECT_NEAR(reading.divergence, expected, 1e-6);
    EXPECT_NEAR(read(last, last, 1).divergence, 0, 1e-9);
}

TEST(LogitLens, ShiftingLogitsChangesNothing) {
    rc::check([](std::vector<std::int16_t> raw, std::int8_t shift) {
        RC_PRE(raw.size() >= 2U);
        std::vector<float> a;
        std::vector<float> b;
        for (const auto value : raw) {
            a.push_back(static_cast<float>(value) / 4096);
            b.push_back(a.back() + shift);
        }
        const auto one = read(a, a, 3);
        const auto other = read(b, a, 3);
        RC_ASSERT(std::fabs(other.divergence - one.divergence) < 1e-4);
        RC_ASSERT(other.rankOfFinal == 1);
        RC_ASSERT(std::fabs(one.probability - other.probability) < 1e-4);
    });
}

/// The last row of the lens is the model's own answer: samples.json says what the reference predicts for the
/// mask.
TEST(LogitLens, TheLastLayerIsTheModelsAnswer) {
    const auto lens = test::loadedPart<analyze::Analyzer>(ORRERY_PLUGIN_FILE, "logit_lens");
    const auto model = test::demoModel("docs-bert");
    const Json samples = readJsonFile(model->folder() / "samples.json");
    for (const auto& sample : samples) {
        const auto request = analyze::makeRequest(*lens, model, sample.at("text").get<std::string>());
        const auto figures = analyze::runAnalysis(*lens, request);
        const auto& table = std::get<figure::Table>(test::figureNamed(figures, "top").body);
        const auto& last = table.rows[table.rows.size() - 10]; // rank 1 of the last layer
        EXPECT_EQ(std::get<std::string>(last[2]), sample.at("top5")[0][0].get<std::string>());
        EXPECT_NEAR(std::get<double>(last[3]), sample.at("top5")[0][1].get<double>(), 2e-3);
    }
}

TEST(LogitLens, CausalModelsEndAtTheirOwnLogits) {
    const LogitLens lens;
    const auto model = test::demoModel("docs-gpt");
    const auto request = analyze::makeRequest(lens, model, "Compute the number of");
    const auto figures = lens.analyze(request);
    const auto& map = std::get<figure::Heatmap>(test::figureNamed(figures, "logit_lens").body);
    const auto output = model->run(request.input);
    const auto logits = output.logits.select(0, 0).contiguous();
    for (std::int64_t i = 0; i < request.input.length(); ++i) {
        const auto row = logits.select(0, i).toFloats();
        const auto reading = read(row, row, 1);
        EXPECT_NEAR(map.values->at(0, i), reading.probability, 1e-4);
        EXPECT_EQ(map.cellText[static_cast<std::size_t>(i)], model->tokenText(reading.token));
    }
}

TEST(LogitLens, ModelsWithoutAVocabularyHeadAreToldSo) {
    const LogitLens lens;
    const auto model = test::demoModel("docs-topic");
    EXPECT_NE(lens.unsuitable(*model).find("language-model head"), std::string::npos);
    EXPECT_THROW((void)analyze::runAnalysis(lens, analyze::makeRequest(lens, model, "text")), UsageError);
}

} // namespace
} // namespace orrery::lenses
