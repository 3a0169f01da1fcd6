// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"
#include "plugin/authoring.h"
#include "plugin/loader.h"
#include "plugin/plugin.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace orrery::plugin {
namespace {

namespace fs = std::filesystem;

class Loading : public testing::Test {
protected:
    void SetUp() override {
        m_folder = fs::temp_directory_path() / ("orrery-loader-test-" + std::to_string(::getpid()));
        fs::remove_all(m_folder);
        fs::create_directories(m_folder / "user");
    }
    void TearDown() override { fs::remove_all(m_folder); }
    void copyFixture(const std::string& name) const {
        fs::copy_file(fs::path(ORRERY_FIXTURES) / (name + ".so"), m_folder / "user" / (name + ".so"));
    }
    fs::path m_folder;
};

const PluginState& named(const std::vector<PluginState>& states, const std::string& id) {
    const auto found =
        std::find_if(states.begin(), states.end(), [&](const auto& state) { return state.id == id; });
    if (found == states.end())
        throw std::runtime_error("no plugin " + id);
    return *found;
}

TEST_F(Loading, BundledPluginsBringTheirParts) {
    Registry registry;
    LoaderOptions options;
    options.bundled = {ORRERY_PLUGINS};
    const auto states = Loader(registry).load(options);
    for (const auto& state : states)
        EXPECT_EQ(state.status, PluginStatus::Loaded) << state.reason;
    EXPECT_NE(registry.find<analyze::Analyzer>("logit_lens"), nullptr);
    EXPECT_NE(registry.find<nn::TokenMixerPart>("pooling"), nullptr);
    EXPECT_NE(registry.find<compress::Compressor>("int8_linear"), nullptr);
    for (const auto& entry : registry.entries()) {
        EXPECT_FALSE(entry.part->info().title.empty());
        EXPECT_FALSE(entry.part->info().usableIn.empty());
        EXPECT_NE(entry.plugin, "orrery");
    }
    EXPECT_THROW((void)registry.require<analyze::Analyzer>("logit_lense"), UsageError);
}

TEST_F(Loading, BrokenPluginsAreReportedAndSkipped) {
    for (const char* fixture : {"crashing", "wrong_version", "throwing", "lying", "no_parts", "clashing"})
        copyFixture(fixture);
    std::ofstream(m_folder / "user/noise.so") << "this is no library";
    fs::create_directories(m_folder / "user/folder.so");
    Registry registry;
    LoaderOptions options;
    options.bundled = {ORRERY_PLUGINS};
    options.user = {m_folder / "user", m_folder / "missing"};
    options.trialProgram = ORRERY_PROGRAM;
    options.trialCache = m_folder / "cache/trials.json";
    const auto states = Loader(registry).load(options);
    EXPECT_EQ(named(states, "crashing").status, PluginStatus::Crashed);
    EXPECT_EQ(named(states, "wrong_version").status, PluginStatus::WrongVersion);
    EXPECT_EQ(named(states, "noise").status, PluginStatus::Broken);
    for (const char* id : {"throwing", "lying", "no_parts", "clashing"}) {
        EXPECT_EQ(named(states, id).status, PluginStatus::Broken) << id;
        EXPECT_FALSE(named(states, id).reason.empty()) << id;
    }
    EXPECT_EQ(registry.find<analyze::Analyzer>("attention_rollout")->info().title, "Attention rollout")
        << "the first one stays";
    EXPECT_EQ(named(states, "attention_rollout").status, PluginStatus::Loaded);

    // What was found out is remembered: with a program that cannot even start, the outcome is the same.
    Registry second;
    options.trialProgram = "/nonexistent/orrery";
    EXPECT_EQ(named(Loader(second).load(options), "crashing").status, PluginStatus::Crashed);
}

TEST_F(Loading, AHangingPluginIsGivenUp) {
    auto state = readMetadata(fs::path(ORRERY_FIXTURES) / "hanging.so");
    ASSERT_EQ(state.status, PluginStatus::Loaded) << state.reason;
    state = tryInProcess(ORRERY_PROGRAM, state, 1500);
    EXPECT_EQ(state.status, PluginStatus::Crashed);
    EXPECT_NE(state.reason.find("did not finish"), std::string::npos);
}

TEST_F(Loading, MetadataIsReadWithoutLoading) {
    // Loading this one would end the test.
    const auto state = readMetadata(fs::path(ORRERY_FIXTURES) / "crashing.so");
    EXPECT_EQ(state.id, "crashing");
    EXPECT_EQ(state.parts, (std::vector<std::string>{"analyzer:crashing"}));
}

TEST_F(Loading, NewPluginsComeFromTemplates) {
    const fs::path templates = fs::path(ORRERY_SOURCE_DIR) / "resources/templates";
    for (const auto& kind : templateKinds(templates)) {
        const auto files = newPlugin(templates, kind, "my_" + kind, m_folder);
        EXPECT_GE(files.size(), 6U);
        for (const auto& file : files) {
            EXPECT_EQ(readTextFile(file).find("@id@"), std::string::npos) << file;
            EXPECT_EQ(readTextFile(file).find("@Class@"), std::string::npos) << file;
        }
        EXPECT_EQ(readJsonFile(m_folder / ("my_" + kind) / "plugin.json")["parts"][0]["kind"], kind);
        EXPECT_THROW(newPlugin(templates, kind, "my_" + kind, m_folder), UsageError)
            << "nothing is overwritten";
    }
    EXPECT_THROW(newPlugin(templates, "teapot", "x", m_folder), UsageError);
    for (const char* name : {"", "1a", "A", "a b", "../a", "a-b"})
        EXPECT_THROW(newPlugin(templates, "analyzer", name, m_folder), UsageError) << name;
}

} // namespace
} // namespace orrery::plugin
