// SPDX-License-Identifier: GPL-3.0-or-later
// Reformer (Kitaev et al. 2020, "Reformer: The Efficient Transformer"): attention within chunks, of
// neighbours in the text (local) or of vectors that locality-sensitive hashing sorts next to each other
// (LSH), in a reversible residual stack of two streams.
#include "base/error.h"
#include "kernels/threads.h"
#include "model/networks/sequence_families.h"
#include "model/networks/text.h"
#include "model/networks/time_series.h"
#include "model/networks/transformer.h"
#include "model/networks/vision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace orrery::model {
namespace {

/// Sizes of one of the two kinds of attention.
struct ChunkSpec {
    std::int64_t length = 64;
    std::int64_t before = 1;
    std::int64_t after = 0;
    [[nodiscard]] std::int64_t width() const { return length * (1 + before + after); }

    ChunkSpec(const checkpoint::ModelConfig& config, const std::string& kind)
        : length(config.positive({kind + "_attn_chunk_length"}, 64)),
          before(config.integer({kind + "_num_chunks_before"}, 1)),
          after(config.integer({kind + "_num_chunks_after"}, 0)) {
        constexpr std::int64_t most = 1 << 20;
        if (length > most || before > most || after > most || width() > most)
            throw config.error(kind + "_attn_chunk_length", "which with the chunks around it is too long");
    }
};

/// Rows of one head in the order in which chunks are cut.
struct ChunkedHead {
    const float* query = nullptr; ///< [L, step]
    const float* key = nullptr;
    const float* value = nullptr;
    std::int64_t step = 0;
    const std::uint8_t* mask = nullptr; ///< [L] or null
    std::vector<std::int64_t> order;    ///< positions, all rounds of hashing one after the other
    bool shunSelf = false;              ///< a position attends to itself only where there is no other
};

class ReformerAttention {
public:
    ReformerAttention(const Weights& scope, const checkpoint::ModelConfig& config, bool hashed)
        : m_hashed(hashed), m_causal(config.boolean({"is_decoder"}, false)),
          m_heads(config.positive({"num_attention_heads"}, 12)),
          m_size(config.positive({"attention_head_size"}, 64)), m_chunk(config, hashed ? "lsh" : "local"),
          m_longest(config.positive({"max_position_embeddings"}, 4096)) {
        const std::int64_t width = config.positive({"hidden_size"}, 256);
        const std::int64_t inner = m_heads * m_size;
        const auto linear = [&](const char* module, const char* path) {
            return scope.linear(module, fmt::format("attention.self_attention.{}", path), width, inner,
                                Bias::No);
        };
        if (m_hashed) {
            m_query = linear("attn.qk", "query_key");
            m_rounds = config.positive({"num_hashes"}, 1);
            if (m_rounds > 1 << 10)
                throw config.error("num_hashes", "which is more rounds than anyone hashes");
            if (config.has("num_buckets"))
                m_buckets = config.integers({"num_buckets"});
            for (const std::int64_t buckets : m_buckets)
                if (buckets < 2 || buckets % 2 != 0 || buckets > 1 << 20)
                    throw config.error("num_buckets", "where even numbers of buckets are needed");
        } else {
            m_query = linear("attn.q", "query");
            m_key = linear("attn.k", "key");
        }
        m_value = linear("attn.v", "value");
        m_out = scope.linear("attn.out", "attention.output.dense", inner, width, Bias::No);
    }

    [[nodiscard]] Tensor run(NetworkRun& run, const Tensor& x, const Tensor& mask,
                             const NetworkRun::AttentionSite& site, RecordedDraws& draws) const {
        const std::int64_t batch = x.size(0);
        const std::int64_t length = x.size(1);
        const auto byHead = [&](const Tensor& rows) {
            return rows.reshape({batch, length, m_heads, m_size});
        };
        const Tensor query = byHead(run.linear(m_query, x));
        const Tensor value = byHead(run.linear(m_value, x));
        run.visit(site.name + ".hook_q", query);
        const Tensor key = m_hashed ? normed(run, query) : scaled(run, byHead(run.linear(m_key, x)));
        run.visit(site.name + ".hook_k", key);
        run.visit(site.name + ".hook_v", value);
        const bool whole = length <= m_chunk.length;
        const std::int64_t rounds = m_hashed && !whole ? m_rounds : 1;
        const Tensor rotations = m_hashed && !whole ? rotationsOf(length, draws) : Tensor{};
        const std::int64_t chunk = whole ? length : m_chunk.length;
        const std::int64_t chunks = rounds * length / chunk;
        const std::int64_t width = whole ? length : m_chunk.width();

        const bool shown = run.touches(site.name + ".hook_pattern", site.alias);
        const Tensor pattern = shown ? run.empty({batch, m_heads, chunks, chunk, width}) : Tensor{};
        const Tensor masses = run.empty({batch, m_heads, chunks * chunk}); // log-sum-exp of every row
        const Tensor mixed = run.empty({batch, length, m_heads, m_size});
        std::vector<ChunkedHead> heads(static_cast<std::size_t>(batch * m_heads));
        kernels::parallelFor(batch * m_heads, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                ChunkedHead& head = heads[static_cast<std::size_t>(i)];
                const std::int64_t offset = (i / m_heads * length * m_heads + i % m_heads) * m_size;
                head.query = query.pointer<float>() + offset;
                head.key = key.pointer<float>() + offset;
                head.value = value.pointer<float>() + offset;
                head.step = m_heads * m_size;
                head.mask = mask.defined() ? mask.pointer<std::uint8_t>() + i / m_heads * length : nullptr;
                head.shunSelf = m_hashed;
                if (rotations.defined())
                    head.order = sortedByHash(head, length, i % m_heads, rotations);
                else {
                    head.order.resize(static_cast<std::size_t>(length));
                    std::iota(head.order.begin(), head.order.end(), std::int64_t{0});
                }
                if (!shown)
                    continue;
                for (std::int64_t c = 0; c < chunks; ++c)
                    weigh(head, c, chunks, chunk, width, rowsAt(pattern, i, c, chunk),
                          masses.mutablePointer<float>() + (i * chunks + c) * chunk);
            }
        });
        if (shown) // shown before it is used, so that it can be changed
            run.visit(site.name + ".hook_pattern",
                      pattern.rank() == 5 && whole ? pattern.reshape({batch, m_heads, chunk, width})
                                                   : pattern,
                      site.alias);
        run.context().progress.check();
        kernels::parallelFor(batch * m_heads, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i)
                mix(heads[static_cast<std::size_t>(i)], i, rounds, chunks, chunk, width, length, pattern,
                    masses, mixed);
        });
        run.visit(site.name + ".hook_z", mixed);
        return run.linear(m_out, mixed.reshape({batch, length, m_heads * m_size}));
    }

private:
    [[nodiscard]] static float* rowsAt(const Tensor& pattern, std::int64_t head, std::int64_t chunkIndex,
                                       std::int64_t chunk) {
        const std::int64_t each = chunk * pattern.size(4);
        return pattern.mutablePointer<float>() + (head * pattern.size(2) + chunkIndex) * each;
    }

    [[nodiscard]] Tensor scaled(NetworkRun& run, const Tensor& key) const {
        const Tensor result = run.empty(key.shape());
        const auto factor = static_cast<float>(1 / std::sqrt(static_cast<double>(m_size)));
        std::transform(key.pointer<float>(), key.pointer<float>() + key.elements(),
                       result.mutablePointer<float>(), [&](float value) { return value * factor; });
        return result;
    }

    /// Keys out of queries: of mean square 1, over the square root of their size.
    [[nodiscard]] Tensor normed(NetworkRun& run, const Tensor& query) const {
        const Tensor result = run.empty(query.shape());
        for (std::int64_t row = 0; row < query.elements() / m_size; ++row) {
            const float* from = query.pointer<float>() + row * m_size;
            double squares = 0;
            for (std::int64_t j = 0; j < m_size; ++j)
                squares += static_cast<double>(from[j]) * static_cast<double>(from[j]);
            const double size = static_cast<double>(m_size);
            const auto factor = static_cast<float>(1 / std::sqrt(squares / size + 1e-6) / std::sqrt(size));
            for (std::int64_t j = 0; j < m_size; ++j)
                result.mutablePointer<float>()[row * m_size + j] = from[j] * factor;
        }
        return result;
    }

    /// Numbers of buckets, as factors; where none are set, as the reference sets them (section 2 of the paper
    /// asks for twice as many as there are chunks).
    [[nodiscard]] std::vector<std::int64_t> bucketsFor(std::int64_t length) const {
        if (!m_buckets.empty())
            return m_buckets;
        int power = 0;
        while ((std::int64_t{2} << power) <= 2 * (length / m_chunk.length))
            ++power;
        const std::int64_t chunks = m_longest / m_chunk.length;
        const auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(chunks)));
        if ((std::int64_t{1} << power) > 2 * std::max(root, m_chunk.length))
            return {std::int64_t{1} << (power / 2), std::int64_t{1} << (power - power / 2)};
        return {std::int64_t{1} << power};
    }

    /// [H, d, rounds, buckets / 2]
    [[nodiscard]] Tensor rotationsOf(std::int64_t length, RecordedDraws& draws) const {
        const auto buckets = bucketsFor(length);
        const std::int64_t sum = std::accumulate(buckets.begin(), buckets.end(), std::int64_t{0});
        return draws.normals({m_heads, m_size, m_rounds, sum / 2});
    }

    /// Positions sorted by bucket, round after round; padding has a bucket of its own, the last.
    [[nodiscard]] std::vector<std::int64_t> sortedByHash(const ChunkedHead& head, std::int64_t length,
                                                         std::int64_t number, const Tensor& rotations) const {
        const std::vector<std::int64_t> buckets = bucketsFor(length);
        const std::int64_t half = rotations.size(3);
        std::int64_t last = 1;
        for (const std::int64_t factor : buckets)
            last *= factor;
        std::vector<std::int64_t> order;
        std::vector<std::int64_t> bucket(static_cast<std::size_t>(length));
        std::vector<double> rotated(static_cast<std::size_t>(half));
        for (std::int64_t round = 0; round < m_rounds; ++round) {
            for (std::int64_t t = 0; t < length; ++t) {
                for (std::int64_t r = 0; r < half; ++r) {
                    double sum = 0;
                    for (std::int64_t j = 0; j < m_size; ++j)
                        sum +=
                            static_cast<double>(head.query[t * head.step + j]) *
                            static_cast<double>(
                                rotations
                                    .pointer<float>()[((number * m_size + j) * m_rounds + round) * half + r]);
                    rotated[static_cast<std::size_t>(r)] = sum;
                }
                std::int64_t found = 0;
                std::int64_t product = 1;
                std::int64_t first = 0;
                for (const std::int64_t factor : buckets) { // the largest of r and -r
                    std::int64_t best = 0;
                    double most = -std::numeric_limits<double>::infinity();
                    for (std::int64_t k = 0; k < factor; ++k) {
                        const double value = rotated[static_cast<std::size_t>(first + k % (factor / 2))];
                        const double signedValue = k < factor / 2 ? value : -value;
                        if (signedValue > most) {
                            most = signedValue;
                            best = k;
                        }
                    }
                    found += product * best;
                    product *= factor;
                    first += factor / 2;
                }
                bucket[static_cast<std::size_t>(t)] =
                    head.mask != nullptr && head.mask[t] == 0 ? last : found;
            }
            std::vector<std::int64_t> own(static_cast<std::size_t>(length));
            std::iota(own.begin(), own.end(), std::int64_t{0});
            std::stable_sort(own.begin(), own.end(), [&](std::int64_t a, std::int64_t b) {
                return bucket[static_cast<std::size_t>(a)] < bucket[static_cast<std::size_t>(b)];
            });
            order.insert(order.end(), own.begin(), own.end());
        }
        return order;
    }

    /// Position of a chunk's key in the order; chunks lie in a ring.
    [[nodiscard]] std::int64_t keyAt(std::int64_t chunkIndex, std::int64_t chunks, std::int64_t chunk,
                                     std::int64_t column) const {
        const std::int64_t before = chunks == 1 && chunk != m_chunk.length ? 0 : m_chunk.before;
        const std::int64_t from = ((chunkIndex + column / chunk - before) % chunks + chunks) % chunks;
        return from * chunk + column % chunk;
    }

    /// Weights of a chunk's rows [chunk, width] and the log-sum-exp of their scores. What is masked scores
    /// -1e9 and a position itself -1e5, as in the reference, so that there is always something to look at.
    void weigh(const ChunkedHead& head, std::int64_t chunkIndex, std::int64_t chunks, std::int64_t chunk,
               std::int64_t width, float* rows, float* masses) const {
        for (std::int64_t i = 0; i < chunk; ++i) {
            const std::int64_t at = head.order[static_cast<std::size_t>(chunkIndex * chunk + i)];
            float* row = rows + i * width;
            float most = -std::numeric_limits<float>::infinity();
            for (std::int64_t column = 0; column < width; ++column) {
                const std::int64_t key =
                    head.order[static_cast<std::size_t>(keyAt(chunkIndex, chunks, chunk, column))];
                const bool hidden = (m_causal && key > at) || (head.mask != nullptr && head.mask[key] == 0);
                float score = -1e9F;
                if (head.shunSelf && key == at) {
                    score = -1e5F;
                } else if (!hidden) {
                    score = 0;
                    for (std::int64_t j = 0; j < m_size; ++j)
                        score += head.query[at * head.step + j] * head.key[key * head.step + j];
                }
                row[column] = score;
                most = std::max(most, score);
            }
            double total = 0;
            for (std::int64_t column = 0; column < width; ++column)
                total += std::exp(static_cast<double>(row[column] - most));
            masses[i] = most + static_cast<float>(std::log(total));
            // From the rounded mass, as the reference has it: it matters beside scores of -1e5.
            for (std::int64_t column = 0; column < width; ++column)
                row[column] = std::exp(row[column] - masses[i]);
        }
    }

    /// The values weighted, sorted back, and the rounds put together by their masses.
    void mix(const ChunkedHead& head, std::int64_t number, std::int64_t rounds, std::int64_t chunks,
             std::int64_t chunk, std::int64_t width, std::int64_t length, const Tensor& pattern,
             const Tensor& masses, const Tensor& mixed) const {
        std::vector<float> scratch(static_cast<std::size_t>(chunk * width));
        std::vector<float> results(head.order.size() * static_cast<std::size_t>(m_size), 0);
        float* own = masses.mutablePointer<float>() + number * chunks * chunk;
        for (std::int64_t c = 0; c < chunks; ++c) {
            float* rows = scratch.data();
            if (pattern.defined())
                rows = rowsAt(pattern, number, c, chunk);
            else
                weigh(head, c, chunks, chunk, width, rows, own + c * chunk);
            for (std::int64_t i = 0; i < chunk; ++i) {
                float* to = results.data() + (c * chunk + i) * m_size;
                for (std::int64_t column = 0; column < width; ++column) {
                    const std::int64_t key =
                        head.order[static_cast<std::size_t>(keyAt(c, chunks, chunk, column))];
                    for (std::int64_t j = 0; j < m_size; ++j)
                        to[j] += rows[i * width + column] * head.value[key * head.step + j];
                }
            }
        }
        // Rounds weigh exp(mass - log sum exp of masses), the latter rounded as in the reference.
        const auto rowsOfAll = static_cast<std::int64_t>(head.order.size());
        const auto placeOf = [&](std::int64_t row) {
            return static_cast<std::size_t>(head.order[static_cast<std::size_t>(row)]);
        };
        std::vector<float> most(static_cast<std::size_t>(length), -std::numeric_limits<float>::infinity());
        std::vector<float> totals(static_cast<std::size_t>(length), 0);
        for (std::int64_t row = 0; row < rowsOfAll; ++row)
            most[placeOf(row)] = std::max(most[placeOf(row)], own[row]);
        for (std::int64_t row = 0; row < rowsOfAll; ++row)
            totals[placeOf(row)] += std::exp(own[row] - most[placeOf(row)]);
        for (std::size_t t = 0; t < totals.size(); ++t)
            totals[t] = most[t] + std::log(totals[t]);
        std::vector<float> sums(static_cast<std::size_t>(length * m_size), 0);
        for (std::int64_t row = 0; row < rowsOfAll; ++row) {
            const std::size_t at = placeOf(row);
            const float weight = rounds == 1 ? 1 : std::exp(own[row] - totals[at]);
            for (std::int64_t j = 0; j < m_size; ++j)
                sums[at * static_cast<std::size_t>(m_size) + static_cast<std::size_t>(j)] +=
                    weight * results[static_cast<std::size_t>(row * m_size + j)];
        }
        const std::int64_t item = number / m_heads;
        for (std::int64_t t = 0; t < length; ++t)
            for (std::int64_t j = 0; j < m_size; ++j)
                mixed.mutablePointer<float>()[((item * length + t) * m_heads + number % m_heads) * m_size +
                                              j] = sums[static_cast<std::size_t>(t * m_size + j)];
    }

    bool m_hashed;
    bool m_causal;
    std::int64_t m_heads;
    std::int64_t m_size;
    ChunkSpec m_chunk;
    std::int64_t m_longest;
    std::int64_t m_rounds = 1;
    std::vector<std::int64_t> m_buckets;
    LinearId m_query; ///< of LSH: queries and keys in one
    LinearId m_key;
    LinearId m_value;
    LinearId m_out;
};

class Reformer final : public Network {
public:
    Reformer(StackConfig stack, const checkpoint::ModelConfig& config, const Weights& all)
        : Network(std::move(stack)), m_seed(static_cast<std::uint64_t>(config.integer({"hash_seed"}, 0))),
          m_padding(config.integer({"pad_token_id"}, 0)) {
        const StackConfig& sizes = this->config();
        const std::int64_t width = sizes.hiddenSize;
        const double epsilon = config.real({"layer_norm_eps"}, 1e-12);
        const Weights weights = all.under({"reformer", ""}, "embeddings.word_embeddings.weight");
        m_words =
            weights.table("embed.words", "embeddings.word_embeddings.weight", {sizes.vocabulary, width});
        readPositions(config, weights.in("embed", "embeddings.position_embeddings"), width);
        m_activation = nn::activationFromName(config.text({"hidden_act"}, "relu"), config.fileName());
        const std::vector<std::string> kinds = config.texts({"attn_layers"});
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            if (kinds[i] != "lsh" && kinds[i] != "local")
                throw config.error("attn_layers", "where layers are \"lsh\" or \"local\"");
            const bool hashed = kinds[i] == "lsh";
            const ChunkSpec chunk(config, hashed ? "lsh" : "local");
            m_multiple = std::lcm(m_multiple, chunk.length);
            m_shortest = std::min(m_shortest, chunk.length);
            const Weights scope =
                weights.in(fmt::format("blocks.{}", i), fmt::format("encoder.layers.{}", i));
            m_blocks.push_back(
                {ReformerAttention(scope, config, hashed),
                 scope.layerNorm("ln1", "attention.layer_norm", width, epsilon),
                 scope.layerNorm("ln2", "feed_forward.layer_norm", width, epsilon),
                 scope.linear("mlp.in", "feed_forward.dense.dense", width, sizes.feedForward),
                 scope.linear("mlp.out", "feed_forward.output.dense", sizes.feedForward, width)});
        }
        m_norm = weights.layerNorm("ln_final", "encoder.layer_norm", 2 * width, epsilon);
        if (isArchitecture(sizes, "WithLMHead") || isArchitecture(sizes, "ForMaskedLM")) {
            const Tensor table =
                all.table("unembed.table", "lm_head.decoder.weight", {sizes.vocabulary, 2 * width});
            m_head = all.tied("unembed", table);
            // Stored, but transformers 5 no longer adds it.
            if (all.has("lm_head.bias"))
                static_cast<void>(all.parameter("unembed.bias", "lm_head.bias", {sizes.vocabulary}));
            all.ignore("lm_head.decoder.bias");
        }
    }
    [[nodiscard]] std::string task() const override {
        if (!m_head.defined())
            return "base model";
        return config().causal ? "text generation" : "masked language model";
    }
    [[nodiscard]] std::vector<NetworkInput> inputs() const override {
        std::vector<NetworkInput> inputs = textInputs(config().maxPositions);
        inputs.push_back(
            idsInput("position_ids", "positions, where they are not counted", config().maxPositions));
        return inputs;
    }
    [[nodiscard]] Tensor tokenEmbedding() const override { return m_words; }

    [[nodiscard]] NamedTensors run(const NamedTensors& inputs, NetworkRun& run) const override {
        const Tensor given = inputs.at("input_ids");
        checkLength(given.size(1), config().maxPositions);
        Padded text = padded(inputs, given);
        RecordedDraws draws(inputs, run.context(), m_seed);
        const Tensor embedded = run.embed(m_words, text.ids);
        run.visit("hook_embed", embedded);
        Tensor x = run.add(embedded, positionsOf(run, text.positions));
        Tensor mixed = x; // the other stream
        for (std::size_t i = 0; i < m_blocks.size(); ++i) {
            const Block& block = m_blocks[i];
            const std::string name = fmt::format("blocks.{}", i);
            const auto index = static_cast<std::int64_t>(i);
            const NetworkRun::AttentionSite site{name + ".attn", attentions(index), static_cast<int>(i)};
            run.visit(name + ".hook_resid_pre", x, hiddenStates(index));
            const Tensor normed = run.norm(block.norm1, x);
            Tensor out = run.mixer(site, normed, text.mask, config().causal);
            if (!out.defined())
                out = block.attention.run(run, normed, text.mask, site, draws);
            run.visit(name + ".hook_attn_out", out);
            mixed = run.add(mixed, out);
            run.visit(name + ".hook_resid_mid", mixed);
            const Tensor hidden = run.linear(block.in, run.norm(block.norm2, mixed), m_activation);
            run.visit(name + ".mlp.hook_post", hidden);
            const Tensor fed = run.linear(block.out, hidden);
            run.visit(name + ".hook_mlp_out", fed);
            x = run.add(x, fed);
            run.visit(name + ".hook_resid_post", x, i + 1 == m_blocks.size() ? hiddenStates(index + 1) : "");
        }
        x = run.norm(m_norm, run.concat({mixed, x}, 2));
        run.visit("ln_final.hook_normalized", x);
        if (x.size(1) > given.size(1))
            x = run.dense(x.slice(1, 0, given.size(1)));
        NamedTensors outputs{{"last_hidden_state", x}};
        if (m_head.defined())
            outputs["logits"] = run.linear(m_head, x);
        return outputs;
    }

private:
    struct Block {
        ReformerAttention attention;
        nn::Norm norm1;
        nn::Norm norm2;
        LinearId in;
        LinearId out;
    };
    struct Padded {
        Tensor ids;
        Tensor positions;
        Tensor mask; ///< u8 or undefined
    };

    void readPositions(const checkpoint::ModelConfig& config, const Weights& scope, std::int64_t width) {
        const std::int64_t longest = config.positive({"max_position_embeddings"}, 4096);
        if (!config.boolean({"axial_pos_embds"}, true)) {
            m_positions.push_back(scope.parameter("positions", "embedding.weight", {longest, width}));
            m_sides = {longest};
            return;
        }
        m_sides = config.integers({"axial_pos_shape"}, {64, 64});
        const auto widths = config.integers({"axial_pos_embds_dim"}, {64, 192});
        if (m_sides.empty() || m_sides.size() != widths.size() || m_sides.size() > 6 ||
            *std::min_element(widths.begin(), widths.end()) < 1 ||
            std::accumulate(widths.begin(), widths.end(), std::int64_t{0}) != width)
            throw config.error("axial_pos_embds_dim",
                               "whose sizes must add up to hidden_size, one for each of "
                               "\"axial_pos_shape\"");
        double places = 1;
        for (std::size_t i = 0; i < m_sides.size(); ++i) {
            places *= static_cast<double>(m_sides[i]);
            Shape shape;
            for (std::size_t k = 0; k < m_sides.size(); ++k)
                shape.append(k == i ? m_sides[k] : 1);
            shape.append(widths[i]);
            m_positions.push_back(
                scope.parameter(fmt::format("positions.{}", i), fmt::format("weights.{}", i), shape)
                    .reshape({m_sides[i], widths[i]}));
        }
        if (places < static_cast<double>(longest))
            throw config.error("axial_pos_shape", "which has fewer places than max_position_embeddings");
    }

    /// Rows of positions [B, L, D]: the row of each side's coordinate, one after the other.
    [[nodiscard]] Tensor positionsOf(NetworkRun& run, const Tensor& positions) const {
        std::int64_t places = 1;
        for (const std::int64_t side : m_sides)
            places *= side;
        const Tensor result = run.empty({positions.size(0), positions.size(1), config().hiddenSize});
        const auto ids = positions.toIntegers();
        std::int64_t row = 0;
        for (const std::int64_t id : ids) {
            if (id < 0 || id >= places)
                throw InputError(
                    fmt::format("The position {} is not among the {} of this model.", id, places));
            float* to = result.mutablePointer<float>() + row++ * config().hiddenSize;
            std::int64_t below = places;
            for (std::size_t i = 0; i < m_sides.size(); ++i) {
                below /= m_sides[i];
                const std::int64_t width = m_positions[i].size(1);
                to =
                    std::copy_n(m_positions[i].pointer<float>() + id / below % m_sides[i] * width, width, to);
            }
        }
        return result;
    }

    /// Filled up to whole chunks of every kind, as the reference does it.
    [[nodiscard]] Padded padded(const NamedTensors& inputs, const Tensor& ids) const {
        const std::int64_t length = ids.size(1);
        const std::int64_t whole =
            length > m_shortest ? (length + m_multiple - 1) / m_multiple * m_multiple : length;
        checkLength(whole, config().maxPositions);
        Padded text{Tensor::full({ids.size(0), whole}, static_cast<double>(m_padding), DType::I64),
                    Tensor::empty({ids.size(0), whole}, DType::I64),
                    {}};
        text.ids.slice(1, 0, length).copyFrom(ids);
        for (std::int64_t i = 0; i < text.positions.elements(); ++i)
            text.positions.mutablePointer<std::int64_t>()[i] = i % whole;
        if (const Tensor positions = inputOf(inputs, "position_ids"); positions.defined()) {
            if (!(positions.shape() == ids.shape()))
                throw UsageError(
                    fmt::format("\"position_ids\" has shape {} where {} is needed, as the ids have.",
                                positions.shape().toText(), ids.shape().toText()));
            text.positions.slice(1, 0, length).copyFrom(positions);
        }
        const Tensor mask = maskInput(inputs, ids.shape());
        if (mask.defined() || whole > length) {
            text.mask = Tensor::zeros({ids.size(0), whole}, DType::U8);
            const Tensor inner = text.mask.slice(1, 0, length);
            if (mask.defined())
                inner.copyFrom(mask);
            else
                inner.fill(1);
        }
        return text;
    }

    std::uint64_t m_seed;
    std::int64_t m_padding;
    Tensor m_words;
    std::vector<std::int64_t> m_sides; ///< of the box of positions
    std::vector<Tensor> m_positions;
    nn::Activation m_activation = nn::Activation::Relu;
    std::vector<Block> m_blocks;
    std::int64_t m_multiple = 1;
    std::int64_t m_shortest = std::numeric_limits<std::int64_t>::max();
    nn::Norm m_norm;
    LinearId m_head;
};

} // namespace

std::shared_ptr<const Network> buildReformer(const checkpoint::ModelConfig& config, Weights& weights) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"hidden_size"}, 256);
    stack.vocabulary = config.positive({"vocab_size"}, 320);
    stack.layers = static_cast<std::int64_t>(config.texts({"attn_layers"}).size());
    stack.heads = static_cast<int>(config.positive({"num_attention_heads"}, 12));
    stack.keyValueHeads = stack.heads;
    stack.headSize = config.positive({"attention_head_size"}, 64);
    stack.feedForward = config.positive({"feed_forward_size"}, 512);
    stack.maxPositions = config.positive({"max_position_embeddings"}, 4096);
    stack.causal = config.boolean({"is_decoder"}, false);
    return std::make_shared<const Reformer>(std::move(stack), config, weights);
}

} // namespace orrery::model
