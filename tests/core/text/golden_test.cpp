// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::text {
namespace {

std::vector<std::filesystem::path> cases() {
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(ORRERY_GOLDEN_DIR "/tokenizers"))
        if (isTokenizerCase(entry.path()))
            folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

class GoldenTokenizer : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(GoldenTokenizer, EqualsTheReferenceInEverything) {
    const CaseResult result = verifyTokenizerCase(GetParam());
    EXPECT_TRUE(result.ok) << result.differing << " of " << result.compared
                           << " records differ: " << result.firstDifference;
    EXPECT_GT(result.compared, 100);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTokenizer, testing::ValuesIn(cases()), [](const auto& parameter) {
    std::string name = parameter.param.filename().string();
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(GoldenTokenizers, AreAllThere) {
    EXPECT_EQ(cases().size(), 16U);
}

} // namespace
} // namespace orrery::text
