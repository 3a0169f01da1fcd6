// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/random.h"
#include "probe/edit.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace orrery::probe {
namespace {

SiteLayout layoutWithHeads() {
    SiteLayout layout;
    layout.layers = 2;
    layout.heads = 3;
    layout.keyValueHeads = 3;
    layout.headSize = 4;
    layout.hiddenSize = 12;
    layout.feedForward = 8;
    layout.positionEmbedding = true;
    return layout;
}

Tensor numbers(const Shape& shape, std::uint64_t seed) {
    Generator generator(seed);
    Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.normal());
    return tensor;
}

TEST(Edit, ZeroesOneHeadAtSomePositions) {
    const Tensor z = numbers({2, 5, 3, 4}, 1);
    const Tensor before = z.clone();
    Edit edit = Edit::zero("blocks.0.attn.hook_z", 1);
    edit.positions = {0, -1};
    edit.batchItems = {1};
    applyEdit(edit, SiteKind::Z, z);
    for (int b = 0; b < 2; ++b)
        for (int l = 0; l < 5; ++l)
            for (int h = 0; h < 3; ++h)
                for (int d = 0; d < 4; ++d) {
                    const bool changed = b == 1 && h == 1 && (l == 0 || l == 4);
                    EXPECT_EQ(z.at({b, l, h, d}), changed ? 0 : before.at({b, l, h, d}));
                }
}

TEST(Edit, PatternSelectsHeadsAndQueries) {
    const Tensor pattern = Tensor::full({1, 3, 4, 4}, 1);
    Edit edit = Edit::scale("blocks.0.attn.hook_pattern", 0.5, 2);
    edit.positions = {3};
    applyEdit(edit, SiteKind::Pattern, pattern);
    EXPECT_EQ(pattern.at({0, 2, 3, 0}), 0.5);
    EXPECT_EQ(pattern.at({0, 2, 2, 0}), 1);
    EXPECT_EQ(pattern.at({0, 1, 3, 0}), 1);
}

TEST(Edit, MeanOverBatchAndPositions) {
    const Tensor x = numbers({2, 3, 12}, 2);
    const Tensor before = x.clone();
    applyEdit(Edit::mean("hook_embed"), SiteKind::Embed, x);
    for (int d = 0; d < 12; ++d) {
        double mean = 0;
        for (int b = 0; b < 2; ++b)
            for (int l = 0; l < 3; ++l)
                mean += before.at({b, l, d}) / 6;
        for (int b = 0; b < 2; ++b)
            for (int l = 0; l < 3; ++l)
                EXPECT_NEAR(x.at({b, l, d}), mean, 1e-6);
    }
}

TEST(Edit, ReplaceBroadcastsAndPatchTakesTheSameSelection) {
    const Tensor x = numbers({2, 3, 3, 4}, 3);
    const Tensor other = numbers({1, 3, 3, 4}, 4);
    Edit patch = Edit::patch("blocks.0.attn.hook_q", other, 0);
    patch.positions = {1};
    applyEdit(patch, SiteKind::Query, x);
    EXPECT_EQ(x.at({1, 1, 0, 2}), other.at({0, 1, 0, 2}));
    EXPECT_NE(x.at({1, 0, 0, 2}), other.at({0, 0, 0, 2}));
    applyEdit(Edit::replace("blocks.0.attn.hook_q", Tensor::of<float>({4}, {1, 2, 3, 4})), SiteKind::Query,
              x);
    EXPECT_EQ(x.at({1, 2, 2, 3}), 4);
    EXPECT_THROW(applyEdit(Edit::replace("q", Tensor::zeros({5})), SiteKind::Query, x), UsageError);
}

TEST(Edit, CachedPositionsAreCountedFromTheStartOfTheSequence) {
    const Tensor x = Tensor::full({1, 2, 4}, 1); // positions 5 and 6 of 7
    Edit edit = Edit::zero("blocks.0.hook_attn_out");
    edit.positions = {1, 5};
    applyEdit(edit, SiteKind::AttentionOut, x, 5);
    EXPECT_EQ(x.at({0, 0, 0}), 0);
    EXPECT_EQ(x.at({0, 1, 0}), 1);
    const Tensor y = Tensor::full({1, 2, 4}, 1);
    Tensor whole = Tensor::zeros({1, 7, 4});
    whole.slice(1, 6, 7).fill(9);
    applyEdit(Edit::patch("blocks.0.hook_attn_out", whole), SiteKind::AttentionOut, y, 5);
    EXPECT_EQ(y.at({0, 0, 0}), 0);
    EXPECT_EQ(y.at({0, 1, 0}), 9);
}

TEST(Edit, FindsWhereARunMustStart) {
    const SiteLayout layout = layoutWithHeads();
    EXPECT_EQ(Edits({Edit::zero("blocks.1.hook_mlp_out")}).firstLayer(layout), 1);
    EXPECT_EQ(Edits({Edit::zero("blocks.*.hook_mlp_out")}).firstLayer(layout), 0);
    EXPECT_EQ(Edits({}).firstLayer(layout), 2);
    EXPECT_TRUE(Edits({Edit::zero("hook_embed")}).beforeBlocks(layout));
    Edit late = Edit::zero("blocks.1.hook_mlp_out");
    late.positions = {-2};
    EXPECT_EQ(Edits({late}).firstPosition(10), 8);
    EXPECT_THROW(static_cast<void>(Edits({Edit::zero("blocks.9.hook_mlp_out")}).firstLayer(layout)),
                 UsageError);
}

TEST(Edit, RefusesWhatCannotBe) {
    const SiteLayout layout = layoutWithHeads();
    EXPECT_THROW(BoundEdits(Edits({Edit::zero("blocks.0.hook_mlp_out", 1)}), layout), UsageError);
    EXPECT_THROW(BoundEdits(Edits({Edit::zero("blocks.0.attn.hook_z", 3)}), layout), UsageError);
    EXPECT_THROW(BoundEdits(Edits({Edit::replace("hook_embed", {})}), layout), UsageError);
    EXPECT_THROW(BoundEdits(Edits({Edit::apply("hook_embed", nullptr)}), layout), UsageError);
}

RC_GTEST_PROP(Edit, JsonGivesTheSameEdit, ()) {
    Edit edit;
    edit.site = *rc::gen::element<std::string>("blocks.0.attn.hook_z", "logits", "hook_embed");
    edit.kind = *rc::gen::element(EditKind::Zero, EditKind::Mean, EditKind::Replace, EditKind::Scale,
                                  EditKind::Patch);
    if (*rc::gen::arbitrary<bool>())
        edit.head = *rc::gen::inRange(0, 12);
    edit.positions = *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(-9, 9));
    edit.batchItems = *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 4));
    if (edit.kind == EditKind::Scale)
        edit.factor = *rc::gen::inRange(-50, 50) / 8.0;
    if (edit.kind == EditKind::Replace)
        edit.value = numbers({*rc::gen::inRange<std::int64_t>(1, 4), 3}, 5);
    const Edits read = Edits::fromJson(Json::parse(Edits({edit}).toJson().dump()));
    const Edit& copy = read.all().front();
    RC_ASSERT(copy.site == edit.site);
    RC_ASSERT(copy.kind == edit.kind);
    RC_ASSERT(copy.head == edit.head);
    RC_ASSERT(copy.positions == edit.positions);
    RC_ASSERT(copy.batchItems == edit.batchItems);
    RC_ASSERT(copy.factor == edit.factor);
    RC_ASSERT(copy.value.defined() == edit.value.defined());
    if (edit.value.defined())
        RC_ASSERT(copy.value.toFloats() == edit.value.toFloats());
}

TEST(Edit, BrokenJsonIsAnInputError) {
    for (const char* text :
         {R"({})", R"([1])", R"([{"site": "a"}])", R"([{"site": "a", "kind": "melt"}])",
          R"([{"site": "a", "kind": "function"}])", R"([{"site": "a", "kind": "zero", "head": -1}])",
          R"([{"site": "a", "kind": "zero", "positions": "x"}])",
          R"([{"site": "a", "kind": "replace", "value": {"shape": [4000000000, 4000000000], "values": []}}])",
          R"([{"site": "a", "kind": "replace", "value": {"shape": [2], "values": [1]}}])",
          R"([{"site": "a", "kind": "replace", "value": {"shape": [1], "values": ["x"]}}])"})
        EXPECT_THROW(static_cast<void>(Edits::fromJson(Json::parse(text))), InputError) << text;
}

} // namespace
} // namespace orrery::probe
