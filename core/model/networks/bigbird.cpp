// SPDX-License-Identifier: GPL-3.0-or-later
// BigBird (Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences"): attention by blocks. The first
// and the last block look at everything and are seen by all; the others see themselves, their neighbours and
// some random blocks. In evaluation the reference draws no random blocks but takes block 0 again for each of
// them: its keys count once more for every one.
#include "base/error.h"
#include "model/networks/sequence_families.h"
#include "model/networks/text.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"
#include "nn/mixing_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::model {
namespace {

/// The blocks that a block of queries sees.
std::vector<std::int64_t> seenBy(std::int64_t block, std::int64_t blocks) {
    if (block == 0 || block == blocks - 1) {
        std::vector<std::int64_t> all(static_cast<std::size_t>(blocks));
        for (std::int64_t i = 0; i < blocks; ++i)
            all[static_cast<std::size_t>(i)] = i;
        return all;
    }
    std::vector<std::int64_t> seen{0, block - 1, block, block + 1, blocks - 1};
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    return seen;
}

class BigBirdAttention {
public:
    BigBirdAttention(const Weights& scope, const checkpoint::ModelConfig& config, const StackConfig& sizes)
        : m_heads(sizes.heads), m_block(config.positive({"block_size"}, 64)),
          m_random(config.integer({"num_random_blocks"}, 3)) {
        const std::string type = config.text({"attention_type"}, "block_sparse");
        if (type != "block_sparse" && type != "original_full")
            throw config.error("attention_type", "which is neither \"block_sparse\" nor \"original_full\"");
        m_sparse = type == "block_sparse";
        const std::int64_t width = sizes.hiddenSize;
        const std::array<std::string, 3> parts{"attention.self.query", "attention.self.key",
                                               "attention.self.value"};
        m_queryKeyValue = scope.stacked("attn.qkv", parts, width, width,
                                        config.boolean({"use_bias"}, true) ? Bias::Yes : Bias::No);
        m_out = scope.linear("attn.out", "attention.output.dense", width, width);
    }

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& mask,
                             const NetworkRun::AttentionSite& site) const {
        nn::AttentionInput parts;
        splitHeads(run.linear(m_queryKeyValue, x), m_heads, parts);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        parts.keyMask = mask;
        if (!m_sparse)
            return run.linear(m_out, joinHeads(run.attention(site, parts)));
        // Short texts are not worth the blocks: the reference decides so, too. They are one block.
        const std::int64_t length = x.size(1);
        const Tensor mixed =
            byBlocks(run, parts, site, length > (5 + 2 * m_random) * m_block ? m_block : length);
        return run.linear(m_out, joinHeads(mixed));
    }

private:
    [[nodiscard]] Tensor byBlocks(NetworkRun& run, const nn::AttentionInput& all,
                                  const NetworkRun::AttentionSite& site, std::int64_t size) const {
        run.visit(site.name + ".hook_q", all.query);
        run.visit(site.name + ".hook_k", all.key);
        run.visit(site.name + ".hook_v", all.value);
        const std::int64_t batch = all.query.size(0);
        const std::int64_t length = all.query.size(1);
        const std::int64_t blocks = (length + size - 1) / size;
        const Tensor mixed = run.empty({batch, length, m_heads, all.value.size(3)});
        const bool shown = run.touches(site.name + ".hook_pattern", site.alias);
        const Shape square{batch, m_heads, length, length};
        const Tensor pattern = !shown            ? Tensor{}
                               : run.onlySizes() ? run.empty(square)
                                                 : Tensor::zeros(square);
        if (run.onlySizes()) {
            std::vector<std::int64_t> keys;
            keys.reserve(static_cast<std::size_t>(blocks));
            for (std::int64_t block = 0; block < blocks; ++block)
                keys.push_back(keysOf(seenBy(block, blocks), size, length));
            run.countMixing(nn::blockAttentionCost(batch, length, size, keys, m_heads, all.query.size(3)));
        }
        for (std::int64_t block = 0; block < blocks && !run.onlySizes(); ++block) {
            run.context().progress.check();
            mixBlock(run, all, {block, blocks, size}, mixed, pattern);
        }
        if (shown)
            run.visitPattern(site.name + ".hook_pattern", probe::AttentionPattern(pattern), site.alias);
        run.visit(site.name + ".hook_z", mixed);
        return mixed;
    }

    [[nodiscard]] static std::int64_t keysOf(const std::vector<std::int64_t>& blocks, std::int64_t size,
                                             std::int64_t length) {
        std::int64_t keys = 0;
        for (const std::int64_t each : blocks)
            keys += std::min(length, (each + 1) * size) - each * size;
        return keys;
    }

    /// Which block of queries is mixed.
    struct Place {
        std::int64_t block = 0;
        std::int64_t blocks = 1;
        std::int64_t size = 1; ///< of all but the last
    };
    void mixBlock(NetworkRun& run, const nn::AttentionInput& all, const Place& place, const Tensor& mixed,
                  const Tensor& pattern) const {
        const std::int64_t length = all.query.size(1);
        const std::int64_t begin = place.block * place.size;
        const std::int64_t end = std::min(length, begin + place.size);
        const bool global = place.block == 0 || place.block == place.blocks - 1;
        const std::vector<std::int64_t> seen = seenBy(place.block, place.blocks);
        nn::AttentionInput part = all;
        part.query = all.query.slice(1, begin, end);
        const double copies = 1 + static_cast<double>(m_random); // of block 0's keys
        std::int64_t keys = length;
        if (!global) {
            keys = keysOf(seen, place.size, length);
            part.key = run.empty(all.key.shape().with(1, keys));
            part.value = run.empty(all.value.shape().with(1, keys));
            if (all.keyMask.defined())
                part.keyMask = Tensor::empty({all.keyMask.size(0), keys}, DType::U8);
            std::int64_t to = 0;
            for (const std::int64_t each : seen) {
                const std::int64_t from = each * place.size;
                const std::int64_t size = std::min(length, from + place.size) - from;
                part.key.slice(1, to, to + size).copyFrom(all.key.slice(1, from, from + size));
                part.value.slice(1, to, to + size).copyFrom(all.value.slice(1, from, from + size));
                if (all.keyMask.defined())
                    part.keyMask.slice(1, to, to + size).copyFrom(all.keyMask.slice(1, from, from + size));
                to += size;
            }
            part.bias = run.empty({1, 1, 1, keys});
            part.bias.fill(0);
            part.bias.slice(3, 0, place.size).fill(std::log(copies));
        }
        const nn::AttentionOutput output = nn::fusedAttention()->run(part, pattern.defined(), run.context());
        mixed.slice(1, begin, end).copyFrom(output.output);
        if (!pattern.defined())
            return;
        const Tensor weights = nn::fusedAttention()->matrix(part, output).full();
        const Tensor rows = pattern.slice(2, begin, end);
        if (global) {
            rows.copyFrom(weights);
            return;
        }
        std::int64_t from = 0;
        for (const std::int64_t each : seen) {
            const std::int64_t to = each * place.size;
            const std::int64_t size = std::min(length, to + place.size) - to;
            rows.slice(3, to, to + size).copyFrom(weights.slice(3, from, from + size));
            from += size;
        }
        // The reference shows one of the copies.
        const Tensor first = rows.slice(3, 0, place.size);
        const Tensor once = first.clone();
        for (float& value : once.mutableData<float>())
            value /= static_cast<float>(copies);
        first.copyFrom(once);
    }

    int m_heads;
    std::int64_t m_block;
    std::int64_t m_random;
    bool m_sparse = true;
    LinearId m_queryKeyValue;
    LinearId m_out;
};

class BigBird final : public Network {
public:
    BigBird(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)) {
        const StackConfig& sizes = this->config();
        if (config.boolean({"is_decoder"}, false))
            throw config.error("is_decoder", "but of BigBird only encoders are known");
        const Weights weights = all.under({"bert", ""}, "embeddings.word_embeddings.weight");
        m_embeddings =
            TextEmbeddings(weights, config, sizes, {}, config.positive({"max_position_embeddings"}, 4096));
        if (config.boolean({"rescale_embeddings"}, false))
            m_wordScale = std::sqrt(static_cast<double>(sizes.hiddenSize));
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const Weights scope = weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i));
            m_attentions.emplace_back(scope, config, sizes);
            m_blocks.emplace_back(scope, config, sizes.hiddenSize, sizes.feedForward, PostNormTail::Names{});
        }
        TextHead::Names names;
        names.pooler = "pooler";
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
        Tensor x = m_embeddings.run(run, inputs, m_wordScale);
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
    double m_wordScale = 1;
    std::vector<BigBirdAttention> m_attentions;
    std::vector<PostNormTail> m_blocks;
    TextHead m_head;
};

} // namespace

std::shared_ptr<const Network> buildBigBird(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = textConfig(config);
    stack.maxPositions = config.positive({"max_position_embeddings"}, 4096);
    return std::make_shared<const BigBird>(std::move(stack), config, weights);
}

} // namespace orrery::model
