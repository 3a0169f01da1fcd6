// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/dtype.h"
#include "tensor/shape.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::probe {

/// What is computed at a site. The names follow TransformerLens (HookedTransformer, and its BERT variant for
/// post-norm stacks), see siteName(). B batch, L queries, S keys, D width, H heads, d head size, F
/// feed-forward width.
enum class SiteKind : std::uint8_t {
    Embed,         ///< hook_embed [B, L, D]: token embeddings
    PositionEmbed, ///< hook_pos_embed [B, L, D]
    TypeEmbed,     ///< hook_token_type_embed [B, L, D]
    ResidualPre,   ///< blocks.N.hook_resid_pre [B, L, D]: what enters layer N
    Norm1,         ///< blocks.N.ln1.hook_normalized [B, L, D]: output of the first norm, scale and shift done
    Query,         ///< blocks.N.attn.hook_q [B, L, H, d]
    Key,           ///< blocks.N.attn.hook_k [B, S, H, d] (heads of keys when they are shared)
    Value,         ///< blocks.N.attn.hook_v [B, S, H, d]
    RotatedQuery,  ///< blocks.N.attn.hook_rot_q [B, L, H, d]: after rotary positions, where there are any
    RotatedKey,    ///< blocks.N.attn.hook_rot_k [B, S, H, d]
    Scores,        ///< blocks.N.attn.hook_attn_scores [B, H, L, S]: scaled and masked, before softmax
    Pattern,       ///< blocks.N.attn.hook_pattern [B, H, L, S]: rows sum to 1; kept lazily, see trace.h
    Z,             ///< blocks.N.attn.hook_z [B, L, H, d]: weighted values
    Result,        ///< blocks.N.attn.hook_result [B, L, H, D]: each head's share of attn_out, without bias
    AttentionOut,  ///< blocks.N.hook_attn_out [B, L, D]
    ResidualMid,   ///< blocks.N.hook_resid_mid [B, L, D]: resid_pre + attn_out
    Norm2,         ///< blocks.N.ln2.hook_normalized [B, L, D]
    MlpPre,        ///< blocks.N.mlp.hook_pre [B, L, F]: before the activation
    MlpPreLinear,  ///< blocks.N.mlp.hook_pre_linear [B, L, F]: gated feed-forward, what the gate multiplies
    ExpertWeights, ///< blocks.N.mlp.hook_expert_weights [B, L, E]: router probabilities of a mixture of
                   ///< experts
    MlpPost,       ///< blocks.N.mlp.hook_post [B, L, F]
    MlpOut,        ///< blocks.N.hook_mlp_out [B, L, D]
    ResidualPost,  ///< blocks.N.hook_resid_post [B, L, D]: in post-norm stacks before the second norm
    NormalizedResidual, ///< blocks.N.hook_normalized_resid_post [B, L, D]: post-norm stacks; what layer N+1
                        ///< gets
    OutputProjection,   ///< hook_out_proj [B, L, E]: last hidden state taken back to the embeddings' width
    FinalNorm,          ///< ln_final.hook_normalized [B, L, D]
    Pooled,             ///< pooler_output [B, D]
    Logits,             ///< logits [B, rows, V], or [B, labels], or [B, L, labels]
};
constexpr int siteKinds = static_cast<int>(SiteKind::Logits) + 1;

/// A site as the engine compares it: no strings in a run.
struct SiteId {
    SiteKind kind = SiteKind::Embed;
    int layer = -1; ///< -1 for sites outside the blocks
    friend bool operator==(const SiteId&, const SiteId&) = default;
};

/// What decides which sites a model has and how large they are. Made by Model::layout().
struct SiteLayout {
    int layers = 0;
    int heads = 0;
    int keyValueHeads = 0;
    std::int64_t headSize = 0;
    std::int64_t hiddenSize = 0;
    std::int64_t feedForward = 0;
    std::int64_t embeddingSize = 0; ///< of the three embeddings; 0: hiddenSize
    std::int64_t positionSize = 0;  ///< of the position embeddings; 0: embeddingSize
    std::int64_t outputSize = 0;    ///< of OutputProjection; 0: there is none
    int experts = 0;                ///< of the feed-forward; 0: it is no mixture
    bool rotary = false;            ///< queries and keys are rotated
    bool gated = false;             ///< the feed-forward has a gate
    bool parallel = false;          ///< attention and feed-forward read the same residual stream
    bool secondNorm = true;         ///< false: one norm feeds both
    bool positionEmbedding = false;
    bool typeEmbedding = false;
    bool postNorm = false;
    bool finalNorm = false;
    bool pooler = false;
    bool hasLogits = false;
    bool logitsPerPosition = true;         ///< false: one row a sequence (classification)
    std::int64_t logitsWidth = 0;          ///< vocabulary or labels; 0 with hasLogits: one number a position
    std::vector<bool> mixerWithoutHeads{}; ///< layers whose attention a mixer replaced: no q, k, v, z, scores
};

/// A site with what it would cost to keep it.
struct SiteInfo {
    SiteId id;
    std::string name;
    std::vector<std::string> aliases; ///< Hugging Face names: "hidden_states.3", "attentions.2", ...
    Shape shape;
    DType dtype = DType::F32;
    std::size_t bytes = 0;     ///< when captured whole
    std::size_t lazyBytes = 0; ///< what a trace really keeps (a pattern keeps q, k, lse)
    std::string meaning;       ///< a short phrase
};

/// "blocks.3.attn.hook_pattern"
[[nodiscard]] std::string siteName(SiteId id);
[[nodiscard]] std::string_view siteMeaning(SiteKind kind);

/// The site that a name or alias stands for in a model of this layout, or nothing. Aliases: hidden_states.i,
/// attentions.i, last_hidden_state, pooler_output, logits, start_logits/end_logits (both are "logits"),
/// unembed, blocks.N.ln1/ln2 without ".hook_normalized", negative layers ("blocks.-1.hook_resid_post").
[[nodiscard]] std::optional<SiteId> findSite(std::string_view nameOrAlias, const SiteLayout& layout);

/// Every site of a model in the order of computation, with shapes for a batch of B x L.
[[nodiscard]] std::vector<SiteInfo> enumerateSites(const SiteLayout& layout, std::int64_t batch,
                                                   std::int64_t length);

/// Whether a glob with *, ? and [a-z] or [!a-z] matches the whole text; "{a,b}" are alternatives.
[[nodiscard]] bool globMatches(std::string_view glob, std::string_view text);

/// Sites whose name or alias matches one of the globs, in order of computation; UsageError naming the nearest
/// site when a glob matches nothing.
[[nodiscard]] std::vector<SiteId> matchSites(std::span<const std::string> globs, const SiteLayout& layout);

} // namespace orrery::probe
