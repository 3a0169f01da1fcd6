// SPDX-License-Identifier: GPL-3.0-or-later
#include "analyze/analyzer.h"
#include "compress/compressor.h"
#include "plugin/registry.h"

#include <gtest/gtest.h>

#include <thread>

namespace orrery::plugin {
namespace {

class Named final : public analyze::Analyzer {
public:
    explicit Named(std::string id) : m_id(std::move(id)) {}
    [[nodiscard]] PartInfo info() const override { return {m_id, "Title", "Summary.", "", "", "any model"}; }
    [[nodiscard]] std::vector<figure::Figure> analyze(const analyze::Request&) const override { return {}; }

private:
    std::string m_id;
};

TEST(Registry, FindsByKindAndIdAndSuggestsTheNearest) {
    Registry registry;
    registry.make<analyze::Analyzer, Named>("logit_lens");
    registry.make<analyze::Analyzer, Named>("attention");
    EXPECT_EQ(registry.require<analyze::Analyzer>("attention")->info().id, "attention");
    EXPECT_EQ(registry.find<analyze::Analyzer>("nothing"), nullptr);
    EXPECT_EQ(registry.find<compress::Compressor>("attention"), nullptr);
    EXPECT_EQ(registry.all<analyze::Analyzer>().size(), 2U);
    EXPECT_EQ(registry.requirePart("", "attention").kind, "analyzer");
    try {
        (void)registry.require<analyze::Analyzer>("logitlens");
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("did you mean 'logit_lens'"), std::string::npos);
    }
    EXPECT_THROW((void)registry.require<compress::Compressor>("any"), UsageError);
}

TEST(Registry, IdsAreUniqueAndWellFormed) {
    Registry registry;
    registry.make<analyze::Analyzer, Named>("one");
    EXPECT_THROW((registry.make<analyze::Analyzer, Named>("one")), UsageError);
    for (const char* id : {"", "With Space", "UPPER", "a-b", "ä"})
        EXPECT_THROW((registry.make<analyze::Analyzer, Named>(id)), UsageError) << id;
}

TEST(Registry, AdoptingIsAllOrNothing) {
    Registry registry;
    registry.make<analyze::Analyzer, Named>("taken");
    Registry plugin;
    plugin.make<analyze::Analyzer, Named>("fresh");
    plugin.make<analyze::Analyzer, Named>("taken");
    EXPECT_THROW(registry.adopt(plugin, "plugin"), UsageError);
    EXPECT_EQ(registry.entries().size(), 1U);
    Registry other;
    other.make<analyze::Analyzer, Named>("fresh");
    registry.adopt(other, "plugin");
    EXPECT_EQ(registry.requirePart("analyzer", "fresh").plugin, "plugin");
}

TEST(Registry, MayBeReadWhileItIsFilled) {
    Registry registry;
    std::thread writer([&] {
        for (int i = 0; i < 200; ++i)
            registry.make<analyze::Analyzer, Named>("part" + std::to_string(i));
    });
    std::size_t most = 0;
    while (most < 200)
        most = std::max(most, registry.entries().size());
    writer.join();
    EXPECT_EQ(most, 200U);
}

} // namespace
} // namespace orrery::plugin
