// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/options.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace orrery {
namespace {

OptionSchema sample() {
    OptionSchema schema;
    schema.real("damping", 0.5, "How much is kept.").range(0, 1);
    schema.integers("length", {128}, "Lengths.").range(1, 1e6).unit("tokens");
    schema.choice("mode", "fast", "How.").choice("fast", "quickly").choice("exact", "slowly");
    schema.boolean("residual", true, "Whether the residual is counted.");
    return schema;
}

TEST(Options, DefaultsHoldUntilChanged) {
    OptionValues values(sample());
    EXPECT_DOUBLE_EQ(values.real("damping"), 0.5);
    EXPECT_TRUE(values.isDefault("damping"));
    values.assign("damping=0.25");
    EXPECT_DOUBLE_EQ(values.real("damping"), 0.25);
    values.reset("damping");
    EXPECT_TRUE(values.isDefault("damping"));
}

TEST(Options, BadValuesSayWhatIsAllowed) {
    OptionValues values(sample());
    const auto sentence = [&](const char* assignment) {
        try {
            values.assign(assignment);
        } catch (const UsageError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    EXPECT_NE(sentence("damping=2").find("0 to 1"), std::string::npos);
    EXPECT_NE(sentence("damping=much").find("number"), std::string::npos);
    EXPECT_NE(sentence("damping=nan").find("number"), std::string::npos);
    EXPECT_NE(sentence("dampign=1").find("did you mean 'damping'"), std::string::npos);
    EXPECT_NE(sentence("mode=slow").find("fast, exact"), std::string::npos);
    EXPECT_NE(sentence("residual=maybe").find("true or false"), std::string::npos);
    EXPECT_NE(sentence("length=0").find("1 to 1000000"), std::string::npos);
    EXPECT_FALSE(sentence("length=1-99999999").empty());
}

TEST(Options, RangesFollowTheCommandLinePage) {
    using List = std::vector<std::int64_t>;
    EXPECT_EQ(parseIntegerRange("128,256-1024+128,512-8192*2", "length"),
              (List{128, 256, 384, 512, 640, 768, 896, 1024, 512, 1024, 2048, 4096, 8192}));
    EXPECT_EQ(parseIntegerRange("1-4", "batch"), (List{1, 2, 3, 4}));
    EXPECT_EQ(parseIntegerRange("-3", "n"), (List{-3}));
    EXPECT_EQ(parseIntegerRange("9223372036854775806-9223372036854775807", "n").size(), 2U);
    for (const char* bad : {"", "4-1", "1-8*1", "1-8+0", "a", "1,,2", "0-8*2"})
        EXPECT_THROW(parseIntegerRange(bad, "n"), UsageError) << bad;
}

TEST(Options, TextAndJsonComeBack) {
    rc::check("what toText writes, parse reads", [](std::int64_t integer, std::vector<std::int16_t> list) {
        const Option single("n", OptionType::Integer, std::int64_t{0}, "");
        RC_ASSERT(std::get<std::int64_t>(single.parse(Option::toText(integer))) == integer);
        std::vector<std::int64_t> wide(list.begin(), list.end());
        const Option several("n", OptionType::IntegerList, std::vector<std::int64_t>{}, "");
        RC_ASSERT(std::get<std::vector<std::int64_t>>(several.parse(Option::toText(wide))) == wide);
    });
    OptionValues values(sample());
    values.assign("length=1,2");
    OptionValues copy(sample());
    copy.setJson(Json::parse(values.toJson().dump()));
    EXPECT_EQ(copy.integers("length"), values.integers("length"));
    EXPECT_THROW(copy.setJson(Json::parse(R"({"damping": "x"})")), UsageError);
    EXPECT_THROW(copy.setJson(Json::parse("[]")), UsageError);
}

TEST(Options, HelpNamesEverything) {
    const std::string help = sample().helpText();
    for (const char* word : {"damping=0.5", "0 to 1", "tokens", "exact: slowly", "residual=true"})
        EXPECT_NE(help.find(word), std::string::npos) << word;
}

} // namespace
} // namespace orrery
