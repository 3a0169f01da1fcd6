// SPDX-License-Identifier: GPL-3.0-or-later
// Nystromformer (Xiong et al. 2021, "A Nystrom-Based Algorithm for Approximating Self-Attention"): softmax
// attention by way of a few landmarks, softmax(Q Kl^T) pinv(softmax(Ql Kl^T)) softmax(Ql K^T) V, the
// pseudo-inverse by six steps of an iteration (section 3.2, equation 11), and a convolution of the values.
#include "base/error.h"
#include "kernels/threads.h"
#include "model/networks/sequence_families.h"
#include "model/networks/text.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::model {
namespace {

/// a I - x for square matrices [.., m, m], in place.
void subtractFrom(double diagonal, const Tensor& x) {
    const std::int64_t m = x.size(-1);
    float* values = x.mutablePointer<float>();
    for (std::int64_t i = 0; i < x.elements(); ++i) {
        const bool onDiagonal = i % m == i / m % m;
        values[i] = static_cast<float>(onDiagonal ? diagonal : 0) - values[i];
    }
}

/// Pseudo-inverses of stochastic matrices [B, H, m, m]. exactStart: each by its own column sums rather than
/// by the largest of the whole batch.
Tensor pseudoInverse(const Tensor& x, bool exactStart) {
    const std::int64_t m = x.size(-1);
    const std::int64_t count = x.elements() / (m * m);
    std::vector<float> largest(static_cast<std::size_t>(count), 0);
    const float* from = x.pointer<float>();
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t column = 0; column < m; ++column) {
            float sum = 0;
            for (std::int64_t row = 0; row < m; ++row)
                sum += from[(i * m + row) * m + column];
            largest[static_cast<std::size_t>(i)] = std::max(largest[static_cast<std::size_t>(i)], sum);
        }
    if (!exactStart)
        std::fill(largest.begin(), largest.end(), *std::max_element(largest.begin(), largest.end()));
    Tensor inverse = Tensor::empty(x.shape());
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t row = 0; row < m; ++row)
            for (std::int64_t column = 0; column < m; ++column)
                inverse.mutablePointer<float>()[(i * m + row) * m + column] =
                    from[(i * m + column) * m + row] / largest[static_cast<std::size_t>(i)];
    for (int step = 0; step < 6; ++step) {
        const Tensor product = ops::matmul(x, inverse);
        Tensor inner = product.clone();
        subtractFrom(7, inner);
        inner = ops::matmul(product, inner);
        subtractFrom(15, inner);
        inner = ops::matmul(product, inner);
        subtractFrom(13, inner);
        inverse = ops::matmul(ops::scale(inverse, 0.25), inner);
    }
    return inverse;
}

class NystromAttention {
public:
    NystromAttention(const Weights& scope, const checkpoint::ModelConfig& config, const StackConfig& sizes)
        : m_heads(sizes.heads), m_landmarks(config.positive({"num_landmarks"}, 64)),
          m_whole(m_landmarks == config.positive({"segment_means_seq_len"}, 64)),
          m_exactStart(config.boolean({"inv_coeff_init_option"}, false)) {
        const std::int64_t width = sizes.hiddenSize;
        const std::array<std::string, 3> parts{"attention.self.query", "attention.self.key",
                                               "attention.self.value"};
        m_queryKeyValue = scope.stacked("attn.qkv", parts, width, width, Bias::IfStored);
        m_out = scope.linear("attn.out", "attention.output.dense", width, width);
        if (config.has("conv_kernel_size")) {
            m_kernel = config.positive({"conv_kernel_size"});
            if (m_kernel % 2 == 0)
                throw config.error("conv_kernel_size", "which must be odd");
            m_convolution =
                scope.parameter("attn.conv", "attention.self.conv.weight", {m_heads, 1, m_kernel, 1});
        }
    }
    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& mask,
                             const NetworkRun::AttentionSite& site) const {
        nn::AttentionInput parts;
        splitHeads(run.linear(m_queryKeyValue, x), m_heads, parts);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        parts.keyMask = mask;
        Tensor mixed;
        if (m_whole || x.size(1) <= m_landmarks) {
            mixed = run.attention(site, parts);
            addConvolved(run, parts.value, mixed);
        } else {
            mixed = byLandmarks(run, parts, site);
        }
        return run.linear(m_out, joinHeads(mixed));
    }

private:
    /// Means of segments as equal as they can be: x [B, L, H, d] to [B, m, H, d].
    [[nodiscard]] Tensor means(NetworkRun& run, const Tensor& x) const {
        const Tensor rows = run.dense(x);
        const std::int64_t length = x.size(1);
        const std::int64_t each = x.size(2) * x.size(3);
        const Tensor result = run.empty({x.size(0), m_landmarks, x.size(2), x.size(3)});
        for (std::int64_t item = 0; item < x.size(0); ++item)
            for (std::int64_t i = 0; i < m_landmarks; ++i) {
                const std::int64_t begin = i * length / m_landmarks;
                const std::int64_t end = (i + 1) * length / m_landmarks;
                float* to = result.mutablePointer<float>() + (item * m_landmarks + i) * each;
                std::fill_n(to, each, 0.0F);
                for (std::int64_t row = begin; row < end; ++row)
                    for (std::int64_t j = 0; j < each; ++j)
                        to[j] += rows.pointer<float>()[(item * length + row) * each + j];
                for (std::int64_t j = 0; j < each; ++j)
                    to[j] /= static_cast<float>(end - begin);
            }
        return result;
    }

    [[nodiscard]] Tensor byLandmarks(NetworkRun& run, const nn::AttentionInput& parts,
                                     const NetworkRun::AttentionSite& site) const {
        run.visit(site.name + ".hook_q", parts.query);
        run.visit(site.name + ".hook_k", parts.key);
        run.visit(site.name + ".hook_v", parts.value);
        const std::int64_t batch = parts.query.size(0);
        const std::int64_t length = parts.query.size(1);
        const auto byHead = [](const Tensor& heads) { return heads.transpose(1, 2); };
        const Tensor queries = means(run, parts.query);
        const Tensor keys = means(run, parts.key);
        const Tensor toLandmarks = run.softmax(ops::scale(
            ops::matmul(byHead(parts.query), byHead(keys), false, true), parts.scale)); // [B, H, L, m]
        const Tensor between =
            run.softmax(ops::scale(ops::matmul(byHead(queries), byHead(keys), false, true), parts.scale));
        const Tensor weights = ops::matmul(toLandmarks, pseudoInverse(between, m_exactStart));
        run.visit(site.name + ".hook_pattern", weights, site.alias);
        nn::AttentionInput gathered = parts;
        gathered.query = queries;
        const Tensor values = nn::fusedAttention()->run(gathered, false, run.context()).output;
        Tensor mixed = run.empty({batch, length, m_heads, parts.value.size(3)});
        mixed.copyFrom(byHead(ops::matmul(weights, byHead(values))));
        addConvolved(run, parts.value, mixed);
        run.visit(site.name + ".hook_z", mixed);
        return mixed;
    }

    /// mixed += the values convolved along the positions, one kernel for each head.
    void addConvolved(NetworkRun& run, const Tensor& given, const Tensor& mixed) const {
        if (!m_convolution.defined())
            return;
        const Tensor value = run.dense(given);
        const std::int64_t length = value.size(1);
        const std::int64_t heads = value.size(2);
        const std::int64_t size = value.size(3);
        const float* from = value.pointer<float>();
        const float* kernel = m_convolution.pointer<float>();
        float* to = mixed.mutablePointer<float>();
        kernels::parallelFor(value.size(0) * length, 16, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                const std::int64_t at = row % length;
                for (std::int64_t k = 0; k < m_kernel; ++k) {
                    const std::int64_t shift = k - m_kernel / 2;
                    if (at + shift < 0 || at + shift >= length)
                        continue;
                    for (std::int64_t head = 0; head < heads; ++head) {
                        const float weight = kernel[head * m_kernel + k];
                        const float* source = from + ((row + shift) * heads + head) * size;
                        float* target = to + (row * heads + head) * size;
                        for (std::int64_t j = 0; j < size; ++j)
                            target[j] += weight * source[j];
                    }
                }
            }
        });
    }

    int m_heads;
    std::int64_t m_landmarks;
    bool m_whole; ///< as many landmarks as positions: plain attention
    bool m_exactStart;
    std::int64_t m_kernel = 0;
    LinearId m_queryKeyValue;
    LinearId m_out;
    Tensor m_convolution; ///< [H, 1, K, 1]
};

class Nystromformer final : public Network {
public:
    Nystromformer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)) {
        const StackConfig& sizes = this->config();
        const Weights weights = all.under({"nystromformer", ""}, "embeddings.word_embeddings.weight");
        constexpr std::int64_t first = 2; // rows 0 and 1 are not used
        m_embeddings = TextEmbeddings(weights, config, sizes, {.first = first},
                                      config.positive({"max_position_embeddings"}, 512) + first);
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const Weights scope = weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i));
            m_attentions.emplace_back(scope, config, sizes);
            m_blocks.emplace_back(scope, config, sizes.hiddenSize, sizes.feedForward, PostNormTail::Names{});
        }
        TextHead::Names names;
        names.pooler = "";
        m_head = TextHead(all, weights, config, sizes, m_embeddings.words(), names);
    }
    [[nodiscard]] std::string task() const override { return m_head.task(); }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override { return m_embeddings.inputs(true); }
    [[nodiscard]] bool canUnembed() const override { return m_head.givesWords(); }
    [[nodiscard]] Tensor unembed(const Tensor& rows, NetworkRun& run) const override {
        return m_head.words(run, rows);
    }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_embeddings.words(); }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor mask = maskInput(inputs, inputs.at("input_ids").shape());
        Tensor x = m_embeddings.run(run, inputs);
        for (std::size_t i = 0; i < m_blocks.size(); ++i) {
            const std::string name = fmt::format("blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            const NetworkRun::AttentionSite site{name + ".attn", attentions(index), static_cast<int>(i)};
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index));
            Tensor out = run.mixer(site, x, mask);
            if (!out.defined())
                out = m_attentions[i].run(run, x, mask, site);
            x = m_blocks[i].run(run, x, out, name, i + 1 == m_blocks.size() ? hiddenStates(index + 1) : "");
        }
        return m_head.run(run, x);
    }

private:
    TextEmbeddings m_embeddings;
    std::vector<NystromAttention> m_attentions;
    std::vector<PostNormTail> m_blocks;
    TextHead m_head;
};

} // namespace

std::shared_ptr<const Network> buildNystromformer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = textConfig(config);
    stack.maxPositions = config.positive({"max_position_embeddings"}, 512);
    return std::make_shared<const Nystromformer>(std::move(stack), config, weights);
}

} // namespace orrery::model
