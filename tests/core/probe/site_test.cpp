// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "probe/site.h"
#include "probe/trace.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace orrery::probe {
namespace {

SiteLayout bertLike() {
    SiteLayout layout;
    layout.layers = 3;
    layout.heads = 4;
    layout.keyValueHeads = 4;
    layout.headSize = 8;
    layout.hiddenSize = 32;
    layout.feedForward = 64;
    layout.positionEmbedding = true;
    layout.typeEmbedding = true;
    layout.postNorm = true;
    layout.pooler = true;
    layout.hasLogits = true;
    layout.logitsWidth = 100;
    return layout;
}

SiteLayout gptLike() {
    SiteLayout layout = bertLike();
    layout.postNorm = false;
    layout.finalNorm = true;
    layout.typeEmbedding = false;
    layout.pooler = false;
    return layout;
}

/// Rotary positions, shared keys, a gate; or two branches side by side, experts, narrower embeddings.
SiteLayout llamaLike() {
    SiteLayout layout = gptLike();
    layout.positionEmbedding = false;
    layout.keyValueHeads = 2;
    layout.rotary = true;
    layout.gated = true;
    return layout;
}

SiteLayout unusual() {
    SiteLayout layout = gptLike();
    layout.embeddingSize = 16;
    layout.positionSize = 32;
    layout.outputSize = 16;
    layout.experts = 4;
    layout.gated = true;
    layout.parallel = true;
    layout.secondNorm = false;
    return layout;
}

TEST(Site, OnlyWhatALayoutComputesIsThere) {
    const auto has = [](const char* name, const SiteLayout& layout) {
        return findSite(name, layout).has_value();
    };
    for (const char* name :
         {"blocks.0.attn.hook_rot_q", "blocks.0.attn.hook_rot_k", "blocks.1.mlp.hook_pre_linear"}) {
        EXPECT_TRUE(has(name, llamaLike())) << name;
        EXPECT_FALSE(has(name, gptLike())) << name;
    }
    for (const char* name :
         {"blocks.0.hook_resid_mid", "blocks.0.ln2.hook_normalized", "blocks.0.mlp.hook_pre",
          "blocks.0.mlp.hook_post", "blocks.0.mlp.hook_pre_linear"})
        EXPECT_FALSE(has(name, unusual())) << name;
    EXPECT_FALSE(has("hook_out_proj", gptLike()));
    EXPECT_EQ(findSite("last_hidden_state", unusual()), (SiteId{SiteKind::OutputProjection, -1}));
    for (const SiteInfo& site : enumerateSites(unusual(), 2, 5)) {
        if (site.name == "hook_embed" || site.name == "hook_out_proj") {
            EXPECT_EQ(site.shape, Shape({2, 5, 16}));
        }
        if (site.name == "hook_pos_embed") {
            EXPECT_EQ(site.shape, Shape({2, 5, 32}));
        }
        if (site.name == "blocks.2.mlp.hook_expert_weights") {
            EXPECT_EQ(site.shape, Shape({2, 5, 4}));
        }
    }
    for (const SiteInfo& site : enumerateSites(llamaLike(), 2, 5)) {
        if (site.name == "blocks.1.attn.hook_rot_k") {
            EXPECT_EQ(site.shape, Shape({2, 5, 2, 8}));
        }
    }
}

TEST(Site, EveryNameAndAliasFindsItsSite) {
    for (const SiteLayout& layout : {bertLike(), gptLike(), llamaLike(), unusual()}) {
        std::set<std::string> seen;
        for (const SiteInfo& site : enumerateSites(layout, 2, 5)) {
            EXPECT_TRUE(seen.insert(site.name).second) << site.name;
            EXPECT_EQ(findSite(site.name, layout), site.id) << site.name;
            EXPECT_EQ(siteName(site.id), site.name);
            for (const std::string& alias : site.aliases)
                EXPECT_EQ(findSite(alias, layout), site.id) << alias;
            EXPECT_EQ(site.bytes, static_cast<std::size_t>(site.shape.elements()) * 4);
        }
    }
}

TEST(Site, AliasesOfHuggingFace) {
    const SiteLayout bert = bertLike();
    EXPECT_EQ(findSite("hidden_states.0", bert), (SiteId{SiteKind::ResidualPre, 0}));
    EXPECT_EQ(findSite("hidden_states.3", bert), (SiteId{SiteKind::NormalizedResidual, 2}));
    EXPECT_EQ(findSite("hidden_states.-1", bert), (SiteId{SiteKind::NormalizedResidual, 2}));
    EXPECT_EQ(findSite("hidden_states.3", gptLike()), (SiteId{SiteKind::FinalNorm, -1}));
    EXPECT_EQ(findSite("attentions.2", bert), (SiteId{SiteKind::Pattern, 2}));
    EXPECT_EQ(findSite("blocks.-1.ln2", bert), (SiteId{SiteKind::Norm2, 2}));
    EXPECT_FALSE(findSite("attentions.3", bert));
    EXPECT_FALSE(findSite("blocks.x.hook_resid_pre", bert));
    EXPECT_FALSE(findSite("hidden_states.99999999999999999999", bert));
    EXPECT_FALSE(findSite("hook_token_type_embed", gptLike()));
}

TEST(Site, Globs) {
    EXPECT_TRUE(globMatches("blocks.*.attn.hook_pattern", "blocks.11.attn.hook_pattern"));
    EXPECT_TRUE(globMatches("blocks.[0-2].hook_{attn,mlp}_out", "blocks.1.hook_mlp_out"));
    EXPECT_FALSE(globMatches("blocks.[!0-2].hook_*", "blocks.1.hook_mlp_out"));
    EXPECT_TRUE(globMatches("?ogits", "logits"));
    EXPECT_FALSE(globMatches("logit", "logits"));
    EXPECT_FALSE(globMatches("[", "a"));
    // Many stars end in bounded time.
    EXPECT_FALSE(globMatches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(200, 'a')));
}

RC_GTEST_PROP(Site, AGlobOfStarsAndItsOwnTextMatches, (const std::string& text)) {
    for (const char c : text)
        RC_PRE(c != '[' && c != '{' && c != '*' && c != '?');
    RC_ASSERT(globMatches(text, text));
    RC_ASSERT(globMatches("*", text));
    RC_ASSERT(globMatches("*" + text + "*", text));
}

TEST(Site, AGlobThatMatchesNothingNamesTheNearestSite) {
    const std::vector<std::string> globs{"blocks.0.attn.hook_patern"};
    try {
        static_cast<void>(matchSites(globs, bertLike()));
        FAIL();
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("blocks.0.attn.hook_pattern"), std::string::npos)
            << error.what();
    }
}

TEST(Trace, PredictsWhatItKeeps) {
    const SiteLayout layout = bertLike();
    const std::size_t lazy = Trace::predictedBytes({"attentions.*"}, layout, 2, 100);
    EXPECT_EQ(lazy, 3 * (2 * 100 * (4 + 4) * 8 + 2 * 4 * 100) * 4U);
    EXPECT_EQ(Trace::predictedBytes({"attentions.*"}, layout, 2, 100, true), 3U * 2 * 4 * 100 * 100 * 4);
}

TEST(Trace, AsksForWhatItsGlobsName) {
    Trace trace({"blocks.1.hook_resid_mid", "logits"});
    trace.begin(gptLike());
    EXPECT_TRUE(trace.wants(SiteKind::ResidualMid, 1));
    EXPECT_FALSE(trace.wants(SiteKind::ResidualMid, 0));
    EXPECT_TRUE(trace.wants(SiteKind::Logits));
    trace.capture(SiteKind::Logits, -1, Tensor::zeros({1, 2, 3}));
    EXPECT_TRUE(trace.has("unembed"));
    EXPECT_EQ(trace.names(), std::vector<std::string>{"logits"});
    EXPECT_THROW(static_cast<void>(trace.tensor("blocks.1.hook_resid_mid")), UsageError);
}

} // namespace
} // namespace orrery::probe
