// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/feature_map.h"
#include "model/network_weights.h"
#include "nn/attention_kernel.h"
#include "nn/token_mixer.h"
#include "probe/context.h"
#include "probe/named_sites.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

/// What can be exchanged in a network; copies of a model have their own.
struct NetworkTable {
    std::vector<nn::Linear> linears;
    std::map<int, std::shared_ptr<const nn::AttentionKernel>> kernels; ///< by number of the attention
    std::map<int, std::shared_ptr<const nn::TokenMixer>> mixers;
};

/// A site that a run came by.
struct SeenSite {
    std::string name;
    std::string alias;
    Shape shape;
    bool pattern = false;
    std::size_t lazyBytes = 0; ///< what a trace keeps of it
};

/// One run through a network: what its forward function computes with, and to whom it shows its sites.
/// Tensors are dense f32 unless said otherwise; a result is a buffer of its own that no later step writes
/// to, but through an edit of its site, or where a function says "in place".
class NetworkRun {
public:
    enum class Purpose {
        Compute,
        /// Only sizes are of interest: products, convolutions and attentions give zeros and are counted,
        /// every site is noted.
        Sizes,
        /// The same, but only what this run needs is of interest: sites that nobody asked for are not noted.
        Memory
    };
    NetworkRun(const Context& context, const NetworkTable& table, Purpose purpose = Purpose::Compute);

    [[nodiscard]] const Context& context() const { return m_context; }
    /// Nothing is to be computed: what a family computes by itself it counts instead (countMixing), and
    /// leaves its results as they come.
    [[nodiscard]] bool onlySizes() const { return m_purpose != Purpose::Compute; }
    /// Operations and least traffic of a mixing of positions that is not done by attention().
    void countMixing(const nn::Cost& cost);

    // Sites.
    /// Shows a tensor at a site to the edits, which change it in place, and then to the trace. Dense or a
    /// view (maps are shown as [B, C, H, W]: see map()). The last parts of names are those of TransformerLens
    /// where they mean the same: "blocks.3.attn.hook_q", "stages.0.blocks.1.hook_resid_post". alias: what
    /// Hugging Face calls it, "hidden_states.4".
    void visit(std::string_view name, const Tensor& tensor, std::string_view alias = {});
    /// The same for a map [B, H, W, C], shown with its channels first.
    void visitMap(std::string_view name, const Tensor& map, std::string_view alias = {});
    /// Whether someone looks at a site or changes it: what is computed for it alone can be left out.
    [[nodiscard]] bool touches(std::string_view name, std::string_view alias = {});
    /// A pattern that is not made by attention() (mixers without queries and keys).
    void visitPattern(std::string_view name, probe::AttentionPattern pattern, std::string_view alias = {});

    // Computing. x may have any leading dimensions; the last one is what is multiplied or normed.
    [[nodiscard]] Tensor empty(const Shape& shape, DType dtype = DType::F32);
    /// A view (permuted, sliced) as a dense tensor of its own.
    [[nodiscard]] Tensor dense(const Tensor& view);
    /// activation(x W^T + b) + residual
    [[nodiscard]] Tensor linear(LinearId id, const Tensor& x,
                                nn::Activation activation = nn::Activation::None,
                                const Tensor& residual = {});
    [[nodiscard]] const nn::Linear& module(LinearId id) const;
    [[nodiscard]] Tensor norm(const nn::Norm& module, const Tensor& x);
    [[nodiscard]] Tensor groupNorm(const GroupNorm& module, const Tensor& x); ///< [B, .., C]
    /// Over maps [B, H, W, C]; over sequences [B, L, C] when the kernel's height is 1.
    [[nodiscard]] Tensor convolve(const nn::Convolution& module, const Tensor& x,
                                  nn::Activation activation = nn::Activation::None);
    /// Rows of a table by ids [..] i64: [.., D].
    [[nodiscard]] Tensor embed(const Tensor& table, const Tensor& ids);
    [[nodiscard]] Tensor activate(nn::Activation activation, const Tensor& x);
    [[nodiscard]] Tensor add(const Tensor& a, const Tensor& b);      ///< same shapes
    [[nodiscard]] Tensor multiply(const Tensor& a, const Tensor& b); ///< same shapes
    /// a + b where b repeats over a's first dimensions ([L, D] or [D] to [B, L, D]).
    [[nodiscard]] Tensor addRepeated(const Tensor& a, const Tensor& b);
    /// x + y * scale by channel; scale undefined: x + y
    [[nodiscard]] Tensor addScaled(const Tensor& x, const Tensor& y, const Tensor& scale);
    [[nodiscard]] Tensor scaleChannels(const Tensor& x, const Tensor& scale, const Tensor& shift = {});
    [[nodiscard]] Tensor concat(std::initializer_list<Tensor> parts, int dimension);
    [[nodiscard]] Tensor softmax(const Tensor& x); ///< of rows

    // Maps [B, H, W, C].
    /// Images [B, C, H, W] as maps.
    [[nodiscard]] Tensor map(const Tensor& image);
    /// Tokens [B, H W, C] of a grid as a map: a view.
    [[nodiscard]] static Tensor grid(const Tensor& tokens, std::int64_t height, std::int64_t width);
    /// A map as tokens [B, H W, C]: a view.
    [[nodiscard]] static Tensor tokens(const Tensor& map);
    /// Blocks of size that do not overlap, row by row, for Weights::patches: images [B, C, H, W] to [B, n,
    /// C size[0] size[1]]; what is left over on the right and below is dropped.
    [[nodiscard]] Tensor patches(const Tensor& image, const kernels::Pair& size);
    [[nodiscard]] Tensor pool(const Tensor& map, kernels::Pooling pooling, const kernels::Pair& size,
                              const kernels::Window2d& window);
    [[nodiscard]] Tensor meanOverPositions(const Tensor& x); ///< [B, .., C] to [B, C]
    [[nodiscard]] Tensor resample(const Tensor& map, std::int64_t height, std::int64_t width,
                                  kernels::Interpolation interpolation, bool alignCorners = false);
    [[nodiscard]] Tensor cutWindows(const Tensor& map, const kernels::Pair& size, const kernels::Pair& shift);
    [[nodiscard]] Tensor joinWindows(const Tensor& windows, const Shape& map, const kernels::Pair& size,
                                     const kernels::Pair& shift);

    // Attention.
    struct AttentionSite {
        std::string name;  ///< "blocks.3.attn": its sites are name.hook_q, _k, _v, _attn_scores, _pattern, _z
        std::string alias; ///< of the pattern: "attentions.3"
        int layer = -1;    ///< number by which a kernel is chosen for it, 0 .. config().layers - 1
    };
    /// Softmax attention by the chosen kernel or the fused one; the result is [B, L, H, d] dense.
    [[nodiscard]] Tensor attention(const AttentionSite& site, const nn::AttentionInput& input);
    /// The output of a token mixer that stands in the place of an attention, [B, L, D]; undefined when none
    /// was chosen. hidden: what the attention would get.
    [[nodiscard]] Tensor mixer(const AttentionSite& site, const Tensor& hidden, const Tensor& keyMask = {},
                               bool causal = false, std::vector<std::int64_t> grid = {});

    // For the one who starts the run.
    /// Outputs are sites too; UsageError when a trace or an edit named a site that the run did not meet, or a
    /// mixer was chosen that nothing asked for.
    void finish(NamedTensors& outputs);
    [[nodiscard]] const std::vector<SeenSite>& seen() const { return m_seen; }
    [[nodiscard]] const RunCost& cost() const { return m_cost; }
    [[nodiscard]] const std::vector<const nn::Convolution*>& convolutions() const { return m_convolutions; }

private:
    [[nodiscard]] bool wants(std::string_view name, std::string_view alias);
    [[nodiscard]] bool edits(std::string_view name, std::string_view alias);
    void note(std::string_view name, std::string_view alias, const Shape& shape, bool pattern = false,
              std::size_t lazyBytes = 0);
    [[nodiscard]] const nn::AttentionKernel* kernelOf(int layer) const;

    const Context& m_context;
    const NetworkTable& m_table;
    Purpose m_purpose;
    probe::Trace* m_trace;
    probe::NamedEdits m_edits;
    bool m_watched; ///< someone looks or changes, or the sites are listed
    bool m_mixerAsked = false;
    std::vector<SeenSite> m_seen;                       ///< when watched
    RunCost m_cost;                                     ///< when only sizes are of interest
    std::vector<const nn::Convolution*> m_convolutions; ///< the same
};

} // namespace orrery::model
