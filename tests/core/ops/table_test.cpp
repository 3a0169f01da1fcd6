// SPDX-License-Identifier: GPL-3.0-or-later
// No op without its case: the headers of ops are read as text, and each function must be called in the table.
#include "base/json.h"

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace orrery::testing {
namespace {

bool isNamePart(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Names of the functions that a header declares with a result: what stands before the bracket that follows
/// [[nodiscard]].
std::set<std::string> declaredIn(std::string_view header) {
    constexpr std::string_view mark = "[[nodiscard]]";
    std::set<std::string> names;
    for (auto at = header.find(mark); at != std::string_view::npos; at = header.find(mark, at + 1)) {
        const auto bracket = header.find('(', at);
        if (bracket == std::string_view::npos)
            break;
        auto begin = bracket;
        while (begin > at && isNamePart(header[begin - 1]))
            --begin;
        names.emplace(header.substr(begin, bracket - begin));
    }
    return names;
}

bool calls(std::string_view text, const std::string& name) {
    const std::string call = "ops::" + name;
    for (auto at = text.find(call); at != std::string_view::npos; at = text.find(call, at + 1))
        if (at + call.size() < text.size() && !isNamePart(text[at + call.size()]))
            return true;
    return false;
}

TEST(OpTable, NamesEveryOpOfTheHeaders) {
    const std::string table = readTextFile(ORRERY_SOURCE_DIR "/tests/core/ops/op_table_cases.h");
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(ORRERY_SOURCE_DIR "/core/ops"))
        if (entry.path().extension() == ".h" && entry.path().filename() != "detail.h" &&
            entry.path().filename() != "record.h")
            found.merge(declaredIn(readTextFile(entry.path())));
    found.erase("broadcastShape"); // gives a shape
    EXPECT_GE(found.size(), 70U) << "the declarations are no longer found";
    for (const std::string& name : found)
        EXPECT_TRUE(calls(table, name)) << name << " has no case in op_table_cases.h";
}

} // namespace
} // namespace orrery::testing
