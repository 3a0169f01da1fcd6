// SPDX-License-Identifier: GPL-3.0-or-later
// Longformer (Beltagy et al. 2020, "Longformer: The Long-Document Transformer"): every token looks at a
// window around it and at a few global tokens, which look at everything by matrices of their own. Windows are
// computed in chunks, so that no array grows with the square of the length.
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
#include <limits>
#include <utility>

namespace orrery::model {
namespace {

/// Which tokens are global and which are there at all.
struct Tokens {
    Tensor mask;                                   ///< [B, L] u8: may be looked at
    Tensor local;                                  ///< [B, L] u8: the same without the global ones
    std::vector<std::vector<std::int64_t>> global; ///< positions by item
    std::int64_t mostGlobal = 0;
    std::int64_t padded = 0; ///< the length that the reference pads to

    Tokens(const Shape& ids, const Tensor& given, const Tensor& globalMask, std::int64_t window)
        : mask(given.defined() ? given : Tensor::full(ids, 1, DType::U8)), local(mask.clone()),
          global(static_cast<std::size_t>(ids[0])), padded((ids[1] + window - 1) / window * window) {
        if (!globalMask.defined())
            return;
        if (!(globalMask.shape() == ids))
            throw UsageError(fmt::format("\"global_attention_mask\" has shape {} where {} is needed, as the "
                                         "ids have.",
                                         globalMask.shape().toText(), ids.toText()));
        const auto marks = globalMask.toIntegers();
        for (std::int64_t item = 0; item < ids[0]; ++item) {
            auto& own = global[static_cast<std::size_t>(item)];
            for (std::int64_t i = 0; i < ids[1]; ++i) {
                const std::int64_t at = item * ids[1] + i;
                if (marks[static_cast<std::size_t>(at)] == 0 || mask.pointer<std::uint8_t>()[at] == 0)
                    continue; // padding is not global
                own.push_back(i);
                local.mutablePointer<std::uint8_t>()[at] = 0;
            }
            mostGlobal = std::max(mostGlobal, static_cast<std::int64_t>(own.size()));
        }
    }
};

class LongformerAttention {
public:
    LongformerAttention(const Weights& scope, const StackConfig& sizes, std::int64_t window)
        : m_heads(sizes.heads), m_side(window / 2) {
        const std::int64_t width = sizes.hiddenSize;
        const auto three = [&](const char* module, const std::string& ending) {
            const std::array<std::string, 3> paths{"attention.self.query" + ending,
                                                   "attention.self.key" + ending,
                                                   "attention.self.value" + ending};
            return scope.stacked(module, paths, width, width, Bias::IfStored);
        };
        m_local = three("attn.qkv", "");
        m_global = three("attn.global_qkv", "_global");
        m_out = scope.linear("attn.out", "attention.output.dense", width, width);
    }

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tokens& tokens,
                             const NetworkRun::AttentionSite& site, const std::string& globalAlias) const {
        nn::AttentionInput parts;
        splitHeads(run.linear(m_local, x), m_heads, parts);
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        run.visit(site.name + ".hook_q", parts.query);
        run.visit(site.name + ".hook_k", parts.key);
        run.visit(site.name + ".hook_v", parts.value);
        const Tensor mixed = run.empty({x.size(0), x.size(1), m_heads, parts.query.size(3)});
        if (run.onlySizes())
            run.countMixing(costOf(parts, tokens));
        else
            mixWindows(run, parts, tokens, mixed);
        if (run.touches(site.name + ".hook_pattern", site.alias))
            run.visitPattern(site.name + ".hook_pattern",
                             probe::AttentionPattern(run.onlySizes() ? run.empty(patternShape(parts, tokens))
                                                                     : patternOf(parts, tokens)),
                             site.alias);
        if (tokens.mostGlobal > 0)
            mixGlobal(run, x, tokens, site, globalAlias, mixed);
        run.visit(site.name + ".hook_z", mixed);
        return run.linear(m_out, joinHeads(mixed));
    }

private:
    [[nodiscard]] Shape patternShape(const nn::AttentionInput& all, const Tokens& tokens) const {
        return {all.query.size(0), m_heads, all.query.size(1), tokens.mostGlobal + 2 * m_side + 1};
    }

    /// Pairs of queries and keys that the windows and the global tokens make: what padding saves is not
    /// counted.
    [[nodiscard]] nn::Cost costOf(const nn::AttentionInput& all, const Tokens& tokens) const {
        const std::int64_t length = all.query.size(1);
        nn::Cost cost;
        for (const std::vector<std::int64_t>& global : tokens.global)
            cost = nn::sum(cost, nn::windowAttentionCost(length, m_side, global, m_heads, all.query.size(3)));
        return cost;
    }

    /// Keys of a chunk: a range of positions, then the global ones, for one item.
    void mixWindows(NetworkRun& run, const nn::AttentionInput& all, const Tokens& tokens,
                    const Tensor& mixed) const {
        const std::int64_t length = all.query.size(1);
        const std::int64_t size = all.query.size(3);
        const std::int64_t chunk = std::max<std::int64_t>(m_side, 64);
        const auto kernel = nn::fusedAttention();
        for (std::int64_t item = 0; item < all.query.size(0); ++item) {
            const auto& global = tokens.global[static_cast<std::size_t>(item)];
            const auto extra = static_cast<std::int64_t>(global.size());
            for (std::int64_t begin = 0; begin < length; begin += chunk) {
                run.context().progress.check();
                const std::int64_t end = std::min(length, begin + chunk);
                const std::int64_t first = std::max<std::int64_t>(0, begin - m_side);
                const std::int64_t last = std::min(length, end + m_side);
                const std::int64_t keys = last - first + extra;
                nn::AttentionInput part;
                part.scale = all.scale;
                part.query = all.query.slice(0, item, item + 1).slice(1, begin, end);
                part.key = run.empty({1, keys, m_heads, size});
                part.value = run.empty({1, keys, m_heads, size});
                for (const auto& [to, from] : {std::pair{part.key, all.key}, {part.value, all.value}}) {
                    const Tensor source = from.slice(0, item, item + 1);
                    to.slice(1, 0, last - first).copyFrom(source.slice(1, first, last));
                    for (std::int64_t i = 0; i < extra; ++i) {
                        const std::int64_t at = global[static_cast<std::size_t>(i)];
                        const std::int64_t place = last - first + i;
                        to.slice(1, place, place + 1).copyFrom(source.slice(1, at, at + 1));
                    }
                }
                part.keyMask = Tensor::full({1, keys}, 1, DType::U8);
                part.keyMask.slice(1, 0, last - first)
                    .copyFrom(tokens.local.slice(0, item, item + 1).slice(1, first, last));
                part.bias = run.empty({1, 1, end - begin, keys});
                part.bias.fill(0);
                for (std::int64_t query = begin; query < end; ++query)
                    for (std::int64_t key = first; key < last; ++key)
                        if (std::abs(query - key) > m_side)
                            part.bias.mutablePointer<float>()[(query - begin) * keys + key - first] =
                                -std::numeric_limits<float>::infinity();
                mixed.slice(0, item, item + 1)
                    .slice(1, begin, end)
                    .copyFrom(kernel->run(part, false, run.context()).output);
            }
        }
    }

    /// What Hugging Face returns, [B, H, L, global + 2 side + 1]: weights of the global tokens, then of the
    /// window from left to right; zeros in the rows of global and masked tokens.
    [[nodiscard]] Tensor patternOf(const nn::AttentionInput& all, const Tokens& tokens) const {
        const std::int64_t batch = all.query.size(0);
        const std::int64_t length = all.query.size(1);
        const Tensor pattern = Tensor::zeros(patternShape(all, tokens));
        const std::int64_t columns = pattern.size(3);
        const Tensor query = all.query.contiguous();
        const Tensor key = all.key.contiguous();
        const std::int64_t size = query.size(3);
        std::vector<double> row(static_cast<std::size_t>(columns));
        for (std::int64_t item = 0; item < batch; ++item) {
            const auto& global = tokens.global[static_cast<std::size_t>(item)];
            const std::uint8_t* local = tokens.local.pointer<std::uint8_t>() + item * length;
            for (std::int64_t head = 0; head < m_heads; ++head)
                for (std::int64_t i = 0; i < length; ++i) {
                    if (local[i] == 0)
                        continue;
                    const auto score = [&](std::int64_t j) {
                        const float* a =
                            query.pointer<float>() + ((item * length + i) * m_heads + head) * size;
                        const float* b = key.pointer<float>() + ((item * length + j) * m_heads + head) * size;
                        double sum = 0;
                        for (std::int64_t k = 0; k < size; ++k)
                            sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
                        return sum * all.scale;
                    };
                    std::fill(row.begin(), row.end(), -std::numeric_limits<double>::infinity());
                    for (std::size_t g = 0; g < global.size(); ++g)
                        row[g] = score(global[g]);
                    for (std::int64_t j = std::max<std::int64_t>(0, i - m_side);
                         j <= std::min(length - 1, i + m_side); ++j)
                        if (local[j] != 0)
                            row[static_cast<std::size_t>(tokens.mostGlobal + j - i + m_side)] = score(j);
                    const double peak = *std::max_element(row.begin(), row.end());
                    double total = 0;
                    for (double& value : row)
                        total += value = std::exp(value - peak);
                    float* to =
                        pattern.mutablePointer<float>() + ((item * m_heads + head) * length + i) * columns;
                    for (std::int64_t c = 0; c < columns; ++c)
                        to[c] = static_cast<float>(row[static_cast<std::size_t>(c)] / total);
                }
        }
        return pattern;
    }

    /// The rows of the global tokens, which look at everything.
    void mixGlobal(NetworkRun& run, const Tensor& x, const Tokens& tokens,
                   const NetworkRun::AttentionSite& site, const std::string& globalAlias,
                   const Tensor& mixed) const {
        nn::AttentionInput parts;
        splitHeads(run.linear(m_global, x), m_heads, parts);
        const std::int64_t batch = x.size(0);
        const std::int64_t length = x.size(1);
        const std::int64_t most = tokens.mostGlobal;
        parts.scale = 1 / std::sqrt(static_cast<double>(parts.query.size(3)));
        parts.keyMask = tokens.mask;
        const Tensor queries = run.empty({batch, most, m_heads, parts.query.size(3)});
        queries.fill(0);
        const auto eachGlobal = [&](const auto& work) {
            for (std::int64_t item = 0; item < batch; ++item) {
                const auto& own = tokens.global[static_cast<std::size_t>(item)];
                for (std::size_t i = 0; i < own.size(); ++i)
                    work(item, static_cast<std::int64_t>(i), own[i]);
            }
        };
        const auto row = [](const Tensor& of, std::int64_t item, std::int64_t at) {
            return of.select(0, item).select(0, at);
        };
        eachGlobal([&](std::int64_t item, std::int64_t i, std::int64_t at) {
            row(queries, item, i).copyFrom(row(parts.query, item, at));
        });
        parts.query = queries;
        if (run.onlySizes()) { // counted with the windows
            if (run.touches(site.name + ".hook_global_pattern", globalAlias))
                run.visitPattern(site.name + ".hook_global_pattern",
                                 probe::AttentionPattern(run.empty({batch, m_heads, length, most})),
                                 globalAlias);
            return;
        }
        const nn::AttentionOutput output = nn::fusedAttention()->run(parts, true, run.context());
        eachGlobal([&](std::int64_t item, std::int64_t i, std::int64_t at) {
            row(mixed, item, at).copyFrom(row(output.output, item, i));
        });
        const std::string name = site.name + ".hook_global_pattern";
        if (!run.touches(name, globalAlias))
            return;
        // [B, H, L, global]: a column for each; an even one where an item has fewer than others.
        const Tensor weights = nn::fusedAttention()->matrix(parts, output).full();
        const Tensor pattern =
            Tensor::full({batch, m_heads, length, most}, 1 / static_cast<double>(tokens.padded));
        eachGlobal([&](std::int64_t item, std::int64_t i, std::int64_t) {
            pattern.select(0, item).select(2, i).copyFrom(weights.select(0, item).select(1, i));
        });
        run.visitPattern(name, probe::AttentionPattern(pattern), globalAlias);
    }

    int m_heads;
    std::int64_t m_side; ///< positions on each side
    LinearId m_local;
    LinearId m_global;
    LinearId m_out;
};

class Longformer final : public Network {
public:
    Longformer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)) {
        const StackConfig& sizes = this->config();
        const Weights weights = all.under({"longformer", ""}, "embeddings.word_embeddings.weight");
        m_embeddings =
            TextEmbeddings(weights, config, sizes, {.padding = config.integer({"pad_token_id"}, 1)},
                           config.positive({"max_position_embeddings"}, 512));
        std::vector<std::int64_t> windows = config.integers({"attention_window"}, {512});
        if (windows.size() == 1)
            windows.resize(static_cast<std::size_t>(std::min<std::int64_t>(sizes.layers, 1 << 16)),
                           windows[0]);
        if (static_cast<std::int64_t>(windows.size()) != sizes.layers)
            throw config.error("attention_window", "which is neither one window nor one for each layer");
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const std::int64_t window = windows[static_cast<std::size_t>(i)];
            if (window < 2 || window % 2 != 0 || window > (std::int64_t{1} << 30))
                throw config.error("attention_window", "where windows are even and at least 2");
            m_window = std::max(m_window, window);
            const Weights scope = weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layer.{}", i));
            m_attentions.emplace_back(scope, sizes, window);
            m_blocks.emplace_back(scope, config, sizes.hiddenSize, sizes.feedForward, PostNormTail::Names{});
        }
        TextHead::Names names;
        names.dense = "lm_head.dense";
        names.norm = "lm_head.layer_norm";
        names.bias = "lm_head.bias";
        names.decoder = "lm_head.decoder";
        names.gelu = true;
        m_head = TextHead(all, weights, config, sizes, m_embeddings.words(), names);
        m_globalStart = isArchitecture(sizes, "ForSequenceClassification");
    }
    [[nodiscard]] std::string task() const override { return m_head.task(); }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        std::vector<NetworkInput> inputs = m_embeddings.inputs(true);
        inputs.push_back(idsInput("global_attention_mask",
                                  "1 for tokens that look at all and are seen by all",
                                  m_embeddings.maxPositions()));
        return inputs;
    }
    [[nodiscard]] bool canUnembed() const override { return m_head.givesWords(); }
    [[nodiscard]] Tensor unembed(const Tensor& rows, NetworkRun& run) const override {
        return m_head.words(run, rows);
    }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_embeddings.words(); }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Shape shape = inputs.at("input_ids").shape();
        Tensor globalMask = inputOf(inputs, "global_attention_mask");
        if (!globalMask.defined() && m_globalStart) { // the token that is classified
            globalMask = Tensor::zeros(shape, DType::I64);
            globalMask.slice(1, 0, 1).fill(1);
        }
        const Tokens tokens(shape, maskInput(inputs, shape), globalMask, m_window);
        Tensor x = m_embeddings.run(run, inputs);
        for (std::size_t i = 0; i < m_blocks.size(); ++i) {
            const std::string name = fmt::format("blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            const NetworkRun::AttentionSite site{name + ".attn", attentions(index), static_cast<int>(i)};
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index));
            Tensor out = run.mixer(site, x, tokens.mask);
            if (!out.defined())
                out = m_attentions[i].run(run, x, tokens, site, attentions(index, "global_"));
            x = m_blocks[i].run(run, x, out, name, i + 1 == m_blocks.size() ? hiddenStates(index + 1) : "");
        }
        return m_head.run(run, x);
    }

private:
    TextEmbeddings m_embeddings;
    std::vector<LongformerAttention> m_attentions;
    std::vector<PostNormTail> m_blocks;
    TextHead m_head;
    std::int64_t m_window = 2; ///< the widest
    bool m_globalStart = false;
};

} // namespace

std::shared_ptr<const Network> buildLongformer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = textConfig(config);
    stack.maxPositions =
        config.positive({"max_position_embeddings"}, 512) - config.integer({"pad_token_id"}, 1) - 1;
    return std::make_shared<const Longformer>(std::move(stack), config, weights);
}

} // namespace orrery::model
