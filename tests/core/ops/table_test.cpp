// SPDX-License-Identifier: GPL-3.0-or-later
// No op without its case: the headers of ops are read as text, and each function must be called in the table.
#include "base/json.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

namespace orrery::testing {
namespace {

TEST(OpTable, NamesEveryOpOfTheHeaders) {
    const std::string table = readTextFile(ORRERY_SOURCE_DIR "/tests/core/ops/op_table_cases.h");
    const std::regex declaration(
        R"(\[\[nodiscard\]\]\s+(?:Tensor|Extreme|Ordered|AttentionResult|std::vector<Tensor>)\s+(\w+)\()");
    const std::set<std::string> machinery{"record", "attachNode", "saved"};
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(ORRERY_SOURCE_DIR "/core/ops")) {
        if (entry.path().extension() != ".h" || entry.path().filename() == "detail.h")
            continue;
        const std::string header = readTextFile(entry.path());
        for (std::sregex_iterator at(header.begin(), header.end(), declaration), end; at != end; ++at)
            found.insert((*at)[1]);
    }
    EXPECT_GE(found.size(), 70U) << "the pattern no longer finds the declarations";
    for (const std::string& name : found)
        EXPECT_TRUE(machinery.contains(name) ||
                    std::regex_search(table, std::regex("ops::" + name + R"(\b)")))
            << name << " has no case in op_table_cases.h";
}

} // namespace
} // namespace orrery::testing
