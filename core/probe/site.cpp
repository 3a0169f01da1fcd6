// SPDX-License-Identifier: GPL-3.0-or-later
#include "probe/site.h"

#include "base/error.h"
#include "base/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace orrery::probe {
namespace {

struct KindInfo {
    SiteKind kind;
    bool inBlock;
    std::string_view name; ///< after "blocks.N." for sites of blocks
    std::string_view meaning;
};

constexpr std::array<KindInfo, static_cast<std::size_t>(siteKinds)> kinds{{
    {SiteKind::Embed, false, "hook_embed", "token embeddings"},
    {SiteKind::PositionEmbed, false, "hook_pos_embed", "position embeddings"},
    {SiteKind::TypeEmbed, false, "hook_token_type_embed", "segment embeddings"},
    {SiteKind::ResidualPre, true, "hook_resid_pre", "residual stream entering the layer"},
    {SiteKind::Norm1, true, "ln1.hook_normalized", "output of the first norm"},
    {SiteKind::Query, true, "attn.hook_q", "queries"},
    {SiteKind::Key, true, "attn.hook_k", "keys"},
    {SiteKind::Value, true, "attn.hook_v", "values"},
    {SiteKind::RotatedQuery, true, "attn.hook_rot_q", "queries turned by their positions"},
    {SiteKind::RotatedKey, true, "attn.hook_rot_k", "keys turned by their positions"},
    {SiteKind::Scores, true, "attn.hook_attn_scores", "attention scores before softmax"},
    {SiteKind::Pattern, true, "attn.hook_pattern", "attention weights"},
    {SiteKind::Z, true, "attn.hook_z", "values weighted by attention, by head"},
    {SiteKind::Result, true, "attn.hook_result", "contribution of each head to the residual stream"},
    {SiteKind::AttentionOut, true, "hook_attn_out", "output of the attention"},
    {SiteKind::ResidualMid, true, "hook_resid_mid", "residual stream after the attention"},
    {SiteKind::Norm2, true, "ln2.hook_normalized", "output of the second norm"},
    {SiteKind::MlpPre, true, "mlp.hook_pre", "feed-forward units before the activation"},
    {SiteKind::MlpPreLinear, true, "mlp.hook_pre_linear", "feed-forward units that the gate multiplies"},
    {SiteKind::ExpertWeights, true, "mlp.hook_expert_weights", "probabilities of the experts"},
    {SiteKind::MlpPost, true, "mlp.hook_post", "feed-forward units after the activation"},
    {SiteKind::MlpOut, true, "hook_mlp_out", "output of the feed-forward"},
    {SiteKind::ResidualPost, true, "hook_resid_post", "residual stream after the feed-forward"},
    {SiteKind::NormalizedResidual, true, "hook_normalized_resid_post",
     "residual stream after the second norm"},
    {SiteKind::OutputProjection, false, "hook_out_proj", "last hidden state at the embeddings' width"},
    {SiteKind::FinalNorm, false, "ln_final.hook_normalized", "output of the final norm"},
    {SiteKind::Pooled, false, "pooler_output", "pooled sequence"},
    {SiteKind::Logits, false, "logits", "logits"},
}};

const KindInfo& infoOf(SiteKind kind) {
    return kinds[static_cast<std::size_t>(kind)];
}

std::optional<int> parseLayer(std::string_view text) {
    int value = 0;
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (text.empty() || result.ec != std::errc{} || result.ptr != end)
        return std::nullopt;
    return value;
}

bool hasSite(SiteKind kind, int layer, const SiteLayout& layout) {
    const bool headless = layer >= 0 && static_cast<std::size_t>(layer) < layout.mixerWithoutHeads.size() &&
                          layout.mixerWithoutHeads[static_cast<std::size_t>(layer)];
    switch (kind) {
    case SiteKind::PositionEmbed:
        return layout.positionEmbedding;
    case SiteKind::TypeEmbed:
        return layout.typeEmbedding;
    case SiteKind::Query:
    case SiteKind::Key:
    case SiteKind::Value:
    case SiteKind::Scores:
    case SiteKind::Z:
    case SiteKind::Result:
        return !headless;
    case SiteKind::RotatedQuery:
    case SiteKind::RotatedKey:
        return !headless && layout.rotary;
    case SiteKind::ResidualMid:
        return !layout.parallel;
    case SiteKind::Norm2:
        return layout.secondNorm;
    case SiteKind::MlpPre:
    case SiteKind::MlpPost:
        return layout.experts == 0;
    case SiteKind::MlpPreLinear:
        return layout.experts == 0 && layout.gated;
    case SiteKind::ExpertWeights:
        return layout.experts > 0;
    case SiteKind::OutputProjection:
        return layout.outputSize > 0;
    case SiteKind::NormalizedResidual:
        return layout.postNorm;
    case SiteKind::FinalNorm:
        return layout.finalNorm;
    case SiteKind::Pooled:
        return layout.pooler;
    case SiteKind::Logits:
        return layout.hasLogits;
    default:
        return true;
    }
}

Shape shapeOf(SiteId id, const SiteLayout& layout, std::int64_t batch, std::int64_t length) {
    const std::int64_t embedding = layout.embeddingSize > 0 ? layout.embeddingSize : layout.hiddenSize;
    switch (id.kind) {
    case SiteKind::Embed:
    case SiteKind::TypeEmbed:
        return {batch, length, embedding};
    case SiteKind::PositionEmbed:
        return {batch, length, layout.positionSize > 0 ? layout.positionSize : embedding};
    case SiteKind::OutputProjection:
        return {batch, length, layout.outputSize};
    case SiteKind::ExpertWeights:
        return {batch, length, layout.experts};
    case SiteKind::Query:
    case SiteKind::RotatedQuery:
    case SiteKind::Z:
        return {batch, length, layout.heads, layout.headSize};
    case SiteKind::Key:
    case SiteKind::RotatedKey:
    case SiteKind::Value:
        return {batch, length, layout.keyValueHeads, layout.headSize};
    case SiteKind::Scores:
    case SiteKind::Pattern:
        return {batch, layout.heads, length, length};
    case SiteKind::Result:
        return {batch, length, layout.heads, layout.hiddenSize};
    case SiteKind::MlpPre:
    case SiteKind::MlpPreLinear:
    case SiteKind::MlpPost:
        return {batch, length, layout.feedForward};
    case SiteKind::Pooled:
        return {batch, layout.hiddenSize};
    case SiteKind::Logits:
        if (layout.logitsPerPosition && layout.logitsWidth == 0)
            return {batch, length};
        return layout.logitsPerPosition ? Shape{batch, length, layout.logitsWidth}
                                        : Shape{batch, layout.logitsWidth};
    default:
        return {batch, length, layout.hiddenSize};
    }
}

/// The order in which a layer computes its sites.
void addBlockKinds(const SiteLayout& layout, std::vector<SiteKind>& out) {
    using enum SiteKind;
    if (layout.postNorm)
        out = {ResidualPre,   Query,        Key,
               Value,         RotatedQuery, RotatedKey,
               Scores,        Pattern,      Z,
               Result,        AttentionOut, ResidualMid,
               Norm1,         MlpPre,       MlpPreLinear,
               ExpertWeights, MlpPost,      MlpOut,
               ResidualPost,  Norm2,        NormalizedResidual};
    else
        out = {ResidualPre,  Norm1,         Query,       Key,     Value,
               RotatedQuery, RotatedKey,    Scores,      Pattern, Z,
               Result,       AttentionOut,  ResidualMid, Norm2,   MlpPre,
               MlpPreLinear, ExpertWeights, MlpPost,     MlpOut,  ResidualPost};
}

std::vector<SiteId> allSites(const SiteLayout& layout) {
    std::vector<SiteId> result;
    const auto add = [&](SiteKind kind, int layer) {
        if (hasSite(kind, layer, layout))
            result.push_back({kind, layer});
    };
    add(SiteKind::Embed, -1);
    add(SiteKind::PositionEmbed, -1);
    add(SiteKind::TypeEmbed, -1);
    std::vector<SiteKind> block;
    addBlockKinds(layout, block);
    for (int layer = 0; layer < layout.layers; ++layer)
        for (const SiteKind kind : block)
            add(kind, layer);
    add(SiteKind::FinalNorm, -1);
    add(SiteKind::OutputProjection, -1);
    add(SiteKind::Pooled, -1);
    add(SiteKind::Logits, -1);
    return result;
}

/// The site that holds hidden_states.layers (Hugging Face's last hidden state).
SiteId lastHidden(const SiteLayout& layout) {
    if (layout.outputSize > 0)
        return {SiteKind::OutputProjection, -1};
    if (layout.finalNorm)
        return {SiteKind::FinalNorm, -1};
    if (layout.layers == 0)
        return {SiteKind::Embed, -1};
    return {layout.postNorm ? SiteKind::NormalizedResidual : SiteKind::ResidualPost, layout.layers - 1};
}

std::vector<std::string> aliasesOf(SiteId id, const SiteLayout& layout) {
    std::vector<std::string> result;
    if (id.kind == SiteKind::ResidualPre)
        result.push_back(fmt::format("hidden_states.{}", id.layer));
    if (id == lastHidden(layout)) {
        result.push_back(fmt::format("hidden_states.{}", layout.layers));
        result.emplace_back("last_hidden_state");
    }
    if (id.kind == SiteKind::Pattern)
        result.push_back(fmt::format("attentions.{}", id.layer));
    if (id.kind == SiteKind::Logits)
        result.emplace_back("unembed");
    return result;
}

bool globHere(std::string_view glob, std::string_view text, int& budget);

/// Matches one character class; false with rest unset when the glob is malformed (then '[' is literal).
bool matchClass(std::string_view glob, char c, std::size_t& length, bool& matched) {
    const std::size_t close = glob.find(']', 2);
    if (close == std::string_view::npos)
        return false;
    std::string_view set = glob.substr(1, close - 1);
    const bool negated = !set.empty() && (set[0] == '!' || set[0] == '^');
    if (negated)
        set.remove_prefix(1);
    matched = false;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == '-') {
            matched = matched || (set[i] <= c && c <= set[i + 2]);
            i += 2;
        } else {
            matched = matched || set[i] == c;
        }
    }
    matched = matched != negated;
    length = close + 1;
    return true;
}

bool globHere(std::string_view glob, std::string_view text, int& budget) {
    while (!glob.empty()) {
        if (--budget < 0)
            return false;
        if (glob[0] == '*') {
            while (!glob.empty() && glob[0] == '*')
                glob.remove_prefix(1);
            if (glob.empty())
                return true;
            for (std::size_t i = 0; i <= text.size(); ++i)
                if (globHere(glob, text.substr(i), budget))
                    return true;
            return false;
        }
        if (glob[0] == '{') {
            const std::size_t close = glob.find('}');
            if (close != std::string_view::npos) {
                std::string_view inner = glob.substr(1, close - 1);
                const std::string_view rest = glob.substr(close + 1);
                while (true) {
                    const std::size_t comma = inner.find(',');
                    if (globHere(std::string(inner.substr(0, comma)).append(rest), text, budget))
                        return true;
                    if (comma == std::string_view::npos)
                        return false;
                    inner.remove_prefix(comma + 1);
                }
            }
        }
        if (text.empty())
            return false;
        std::size_t length = 0;
        bool matched = false;
        if (glob[0] == '[' && matchClass(glob, text[0], length, matched)) {
            if (!matched)
                return false;
            glob.remove_prefix(length);
        } else {
            if (glob[0] != '?' && glob[0] != text[0])
                return false;
            glob.remove_prefix(1);
        }
        text.remove_prefix(1);
    }
    return text.empty();
}

} // namespace

std::string siteName(SiteId id) {
    const KindInfo& info = infoOf(id.kind);
    return info.inBlock ? fmt::format("blocks.{}.{}", id.layer, info.name) : std::string(info.name);
}

std::string_view siteMeaning(SiteKind kind) {
    return infoOf(kind).meaning;
}

std::optional<SiteId> findSite(std::string_view name, const SiteLayout& layout) {
    const auto wrapped = [&](int layer, int count) -> std::optional<int> {
        const int value = layer < 0 ? layer + count : layer;
        return value < 0 || value >= count ? std::nullopt : std::optional(value);
    };
    const auto valid = [&](SiteId id) {
        return hasSite(id.kind, id.layer, layout) ? std::optional(id) : std::nullopt;
    };
    if (name.starts_with("hidden_states.")) {
        const auto layer = parseLayer(name.substr(14));
        const auto index = layer ? wrapped(*layer, layout.layers + 1) : std::nullopt;
        if (!index)
            return std::nullopt;
        return *index == layout.layers ? lastHidden(layout) : SiteId{SiteKind::ResidualPre, *index};
    }
    if (name.starts_with("attentions.")) {
        const auto layer = parseLayer(name.substr(11));
        const auto index = layer ? wrapped(*layer, layout.layers) : std::nullopt;
        return index ? std::optional(SiteId{SiteKind::Pattern, *index}) : std::nullopt;
    }
    if (name == "last_hidden_state")
        return lastHidden(layout);
    if (name == "unembed" || name == "start_logits" || name == "end_logits")
        return valid({SiteKind::Logits, -1});
    if (name.starts_with("blocks.")) {
        const std::size_t dot = name.find('.', 7);
        if (dot == std::string_view::npos)
            return std::nullopt;
        const auto layer = parseLayer(name.substr(7, dot - 7));
        const auto index = layer ? wrapped(*layer, layout.layers) : std::nullopt;
        if (!index)
            return std::nullopt;
        const std::string_view rest = name.substr(dot + 1);
        for (const KindInfo& info : kinds)
            if (info.inBlock && (info.name == rest ||
                                 (rest.size() == 3 && info.name.starts_with(rest) && rest.starts_with("ln"))))
                return valid({info.kind, *index});
        return std::nullopt;
    }
    for (const KindInfo& info : kinds)
        if (!info.inBlock && (info.name == name || (name == "ln_final" && info.kind == SiteKind::FinalNorm)))
            return valid({info.kind, -1});
    return std::nullopt;
}

std::vector<SiteInfo> enumerateSites(const SiteLayout& layout, std::int64_t batch, std::int64_t length) {
    std::vector<SiteInfo> result;
    for (const SiteId id : allSites(layout)) {
        SiteInfo site;
        site.id = id;
        site.name = siteName(id);
        site.aliases = aliasesOf(id, layout);
        site.shape = shapeOf(id, layout, batch, length);
        site.bytes = static_cast<std::size_t>(site.shape.elements()) * itemSize(site.dtype);
        site.lazyBytes = site.bytes;
        if (id.kind == SiteKind::Pattern) // queries, keys and a log-sum-exp for each row
            site.lazyBytes = static_cast<std::size_t>(
                                 batch * length *
                                 ((layout.heads + layout.keyValueHeads) * layout.headSize + layout.heads)) *
                             sizeof(float);
        site.meaning = siteMeaning(id.kind);
        result.push_back(std::move(site));
    }
    return result;
}

bool globMatches(std::string_view glob, std::string_view text) {
    int budget = 100000; // a glob of many stars must not take exponential time
    return globHere(glob, text, budget);
}

std::vector<SiteId> matchSites(std::span<const std::string> globs, const SiteLayout& layout) {
    const std::vector<SiteId> all = allSites(layout);
    std::vector<bool> chosen(all.size(), false);
    for (const std::string& glob : globs) {
        bool any = false;
        if (const auto exact = findSite(glob, layout)) {
            const auto place = std::find(all.begin(), all.end(), *exact);
            if (place != all.end()) {
                chosen[static_cast<std::size_t>(place - all.begin())] = true;
                any = true;
            }
        } else {
            for (std::size_t i = 0; i < all.size(); ++i) {
                bool matches = globMatches(glob, siteName(all[i]));
                for (const std::string& alias : aliasesOf(all[i], layout))
                    matches = matches || globMatches(glob, alias);
                if (matches)
                    chosen[i] = any = true;
            }
        }
        if (!any) {
            std::vector<std::string> names;
            for (const SiteId id : all) {
                names.push_back(siteName(id));
                for (std::string& alias : aliasesOf(id, layout))
                    names.push_back(std::move(alias));
            }
            const auto near = nearestName(glob, names);
            throw UsageError(
                fmt::format("No site of this model matches \"{}\"{}; \"orrery inspect\" lists the sites.",
                            glob, near ? fmt::format(", did you mean \"{}\"?", *near) : ""));
        }
    }
    std::vector<SiteId> result;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (chosen[i])
            result.push_back(all[i]);
    return result;
}

} // namespace orrery::probe
