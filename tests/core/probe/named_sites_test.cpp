// SPDX-License-Identifier: GPL-3.0-or-later
// Sites that are known by their names, as a run comes to them.
#include "base/error.h"
#include "probe/named_sites.h"
#include "probe/trace.h"

#include <gtest/gtest.h>

namespace orrery::probe {
namespace {

const std::vector<std::string> seen{"stages.0.hook_out", "hidden_states.1", "stages.0.attn.hook_pattern"};

Tensor counted(const Shape& shape) {
    const Tensor tensor = Tensor::empty(shape);
    float value = 0;
    for (float& each : tensor.mutableData<float>())
        each = ++value;
    return tensor;
}

TEST(NamedSites, GlobsAndAliasesMeanSites) {
    EXPECT_TRUE(meansSite("stages.0.hook_out", "stages.0.hook_out", ""));
    EXPECT_TRUE(meansSite("hidden_states.1", "stages.0.hook_out", "hidden_states.1"));
    EXPECT_TRUE(meansSite("stages.*.hook_out", "stages.0.hook_out", ""));
    EXPECT_TRUE(meansSite("hidden_states.*", "stages.0.hook_out", "hidden_states.1"));
    EXPECT_FALSE(meansSite("stages.0", "stages.0.hook_out", ""));
    EXPECT_FALSE(meansSite("", "stages.0.hook_out", ""));
    EXPECT_FALSE(meansSite("*.hook_q", "stages.0.hook_out", "hidden_states.1"));
}

TEST(NamedSites, ATraceKeepsWhatItsGlobsMean) {
    Trace trace({"hidden_states.*", "*.hook_pattern"});
    trace.beginNamed({});
    EXPECT_TRUE(trace.wants("stages.0.hook_out", "hidden_states.1"));
    EXPECT_FALSE(trace.wants("stages.0.hook_in", ""));
    trace.capture("stages.0.hook_out", "hidden_states.1", counted({1, 2, 3}));
    EXPECT_THROW(trace.endNamed(seen), UsageError); // no pattern came yet
    EXPECT_TRUE(trace.wants("blocks.4.attn.hook_pattern", "attentions.4"));
    trace.capturePattern("blocks.4.attn.hook_pattern", "attentions.4",
                         AttentionPattern(counted({1, 2, 3, 3})));
    trace.endNamed(seen);
    EXPECT_EQ(trace.names(), (std::vector<std::string>{"stages.0.hook_out", "blocks.4.attn.hook_pattern"}));
    EXPECT_EQ(trace.tensor("hidden_states.1").at({0, 1, 2}), 6);
    EXPECT_EQ(trace.tensor("stages.0.hook_out").at({0, 0, 0}), 1);
    EXPECT_TRUE(trace.has("attentions.4"));
    EXPECT_FALSE(trace.has("attentions.3"));
    EXPECT_TRUE(trace.hasPattern(4));
    EXPECT_FALSE(trace.hasPattern(3));
    EXPECT_EQ(trace.pattern(4).heads(), 2);
    EXPECT_EQ(trace.pattern("attentions.4").queries(), 3);
    EXPECT_EQ(trace.tensor(SiteKind::Pattern, 4).shape(), Shape({1, 2, 3, 3}));
    EXPECT_THROW(static_cast<void>(trace.pattern(0)), UsageError);
    EXPECT_THROW(static_cast<void>(trace.tensor("logits")), UsageError);
    EXPECT_THROW(static_cast<void>(trace.pattern("hidden_states.1")), UsageError);
    EXPECT_GT(trace.bytesKept(), 0U);
    trace.beginNamed({}); // a second run forgets the first
    EXPECT_TRUE(trace.names().empty());
}

TEST(NamedSites, AWrongNameNamesTheNearest) {
    try {
        throwNoSuchSite("stages.0.hook_uot", seen);
    } catch (const UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("stages.0.hook_out"), std::string::npos) << error.what();
    }
}

TEST(NamedSites, EditsFindHeadsAndPositionsByTheName) {
    NamedEdits edits(Edits{Edit::zero("blocks.*.attn.hook_z", 1), Edit::scale("hidden_states.2", 3)});
    EXPECT_FALSE(edits.empty());
    EXPECT_FALSE(edits.any("blocks.0.attn.hook_q", ""));
    EXPECT_TRUE(edits.any("blocks.0.attn.hook_z", ""));
    const Tensor z = counted({1, 2, 2, 2}); // [B, L, H, d]
    edits.apply("blocks.0.attn.hook_z", "", z);
    EXPECT_EQ(z.toFloats(), (std::vector<float>{1, 2, 0, 0, 5, 6, 0, 0}));
    EXPECT_THROW(edits.finish(seen), UsageError); // the second met no site
    EXPECT_TRUE(edits.any("x", "hidden_states.2"));
    edits.finish(seen);
    const Tensor map = counted({1, 2, 2, 1});
    edits.apply("x", "hidden_states.2", map.transpose(1, 3)); // a view is written through
    EXPECT_EQ(map.toFloats(), (std::vector<float>{3, 6, 9, 12}));
}

TEST(NamedSites, WhatASiteDoesNotHaveIsRefused) {
    const NamedEdits head(Edits{Edit::zero("hook_embed", 0)});
    EXPECT_THROW(head.apply("hook_embed", "", counted({1, 2, 3})), UsageError);
    const NamedEdits far(Edits{Edit::zero("attn.hook_q", 7)});
    EXPECT_THROW(far.apply("attn.hook_q", "", counted({1, 2, 3, 4})), UsageError);
    Edit position = Edit::zero("stages.0.hook_conv");
    position.positions = {1};
    const NamedEdits place(Edits{position});
    EXPECT_THROW(place.apply("stages.0.hook_conv", "", counted({1, 2, 3, 4})), UsageError);
    EXPECT_THROW(NamedEdits(Edits{Edit{.site = "x", .kind = EditKind::Replace}}), UsageError);
}

TEST(NamedSites, AxesAndMeanings) {
    EXPECT_EQ(axesOfNamed("encoder.blocks.0.attn.hook_q", 4).head, 2);
    EXPECT_EQ(axesOfNamed("encoder.blocks.0.attn.hook_pattern", 4).position, 2);
    EXPECT_EQ(axesOfNamed("encoder.blocks.0.hook_resid_pre", 3).position, 1);
    EXPECT_EQ(axesOfNamed("stages.0.hook_out", 4).position, -1);
    EXPECT_EQ(axesOfNamed("logits", 2).position, -1);
    EXPECT_EQ(meaningOfNamed("blocks.0.attn.hook_pattern"), "attention weights");
    EXPECT_EQ(meaningOfNamed("blocks.0.mlp.hook_post"), "feed-forward units after the activation");
    EXPECT_EQ(meaningOfNamed("something.else"), "");
}

} // namespace
} // namespace orrery::probe
