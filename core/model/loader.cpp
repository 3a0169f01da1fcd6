// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/loader.h"

#include "base/error.h"
#include "nn/block_weights.h"
#include "nn/fourier_mixer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

namespace orrery::model {
namespace {

class Loader {
public:
    Loader(const checkpoint::Checkpoint& checkpoint, const StackConfig& config, const WeightNames& names,
           const OpenOptions& options)
        : m_checkpoint(checkpoint), m_config(config), m_names(names), m_options(options),
          m_compute(options.dtype) {
        // Models with a head are stored under the family's prefix, base models without; some heads have
        // prefixes of their own.
        const std::string probe = names.tokenEmbedding + ".weight";
        m_prefix = names.prefix;
        for (const char* other : {"", "model.", "transformer."})
            if (!checkpoint.contains(m_prefix + probe) && checkpoint.contains(other + probe))
                m_prefix = other;
    }

    LoadedStack load() {
        Stack& stack = m_result.stack;
        stack.config = m_config;
        embeddings();
        relativeTable();
        for (int layer = 0; layer < m_config.layers; ++layer)
            block(layer);
        if (m_config.finalNorm)
            stack.finalNorm = norm("ln_final", m_prefix + m_names.finalNorm, m_config.hiddenSize);
        if (m_config.outputProjection)
            stack.outputProjection =
                linear("project_out", m_prefix + m_names.outputProjection, m_config.hiddenSize,
                       m_config.embeddingSize, false, m_config.projectionBias);
        head();
        for (const std::string& name : m_checkpoint.names())
            if (!m_taken.contains(name) && !isBuffer(name))
                m_result.unused.push_back(name);
        return std::move(m_result);
    }

private:
    /// The tensor of a name, its shape and dtype checked. BERT's first checkpoints call the weight and bias
    /// of norms gamma and beta.
    Tensor take(const std::string& name, const Shape& expected, LoadedModule& module) {
        return m_checkpoint.tensor(claim(name, expected, module));
    }

    /// The same without its numbers: the name under which it is stored.
    std::string claim(const std::string& name, const Shape& expected, LoadedModule& module) {
        const checkpoint::TensorInfo* info = m_checkpoint.find(name);
        std::string found = name;
        const auto renamed = [&](std::string_view now, std::string_view before) {
            if (info == nullptr && name.ends_with(now)) {
                found = name.substr(0, name.size() - now.size()).append(before);
                info = m_checkpoint.find(found);
            }
        };
        renamed("LayerNorm.weight", "LayerNorm.gamma");
        renamed("LayerNorm.bias", "LayerNorm.beta");
        if (info == nullptr)
            throw InputError(fmt::format("{}: the tensor \"{}\" is missing; {} needs it with shape {}.",
                                         m_checkpoint.path().string(), name, described(), expected.toText()));
        if (!(info->shape == expected))
            throw InputError(fmt::format("{}: the tensor \"{}\" has shape {}, but config.json calls for {}.",
                                         info->file.string(), found, info->shape.toText(),
                                         expected.toText()));
        if (!info->dtype || !isFloating(*info->dtype))
            throw InputError(
                fmt::format("{}: the tensor \"{}\" holds {}, where floating-point numbers are needed.",
                            info->file.string(), found, info->storedDtype));
        m_taken.insert(found);
        module.parameters.push_back(
            {found, *info->dtype, info->shape, static_cast<std::size_t>(info->bytes)});
        return found;
    }

    /// Matrices over one another as they are stored: quantised blocks where all of them are, else dense.
    std::shared_ptr<const nn::WeightFormat> matrices(const std::vector<std::string>& stored,
                                                     bool transposed) const {
        std::vector<BlockMatrix> blocks;
        std::vector<Tensor> dense;
        for (const std::string& name : stored)
            if (m_checkpoint.info(name).blocks)
                blocks.push_back(m_checkpoint.blocks(name));
        if (blocks.size() == stored.size())
            return nn::blockWeights(std::move(blocks), m_compute);
        dense.reserve(stored.size());
        for (const std::string& name : stored)
            dense.push_back(m_checkpoint.tensor(name));
        return dense.size() == 1 ? nn::denseFormat(dense.front(), transposed, m_compute)
                                 : nn::stackedFormat(std::move(dense), m_compute);
    }

    std::string described() const {
        return m_config.architecture.empty() ? fmt::format("a {} model", m_config.family)
                                             : m_config.architecture;
    }

    LoadedModule& module(std::string name, std::string kind) {
        return m_result.modules.emplace_back(LoadedModule{std::move(name), std::move(kind), {}});
    }

    Tensor embedding(const std::string& moduleName, const std::string& base, std::int64_t rows,
                     std::int64_t width) {
        return take(m_prefix + base + ".weight", {rows, width}, module(moduleName, "embedding"));
    }

    nn::Norm norm(const std::string& moduleName, const std::string& base, std::int64_t width) {
        const bool rms = m_config.normKind == NormKind::RmsNorm;
        return norm(moduleName, base, width, rms, !rms && m_config.normBias);
    }

    nn::Norm norm(const std::string& moduleName, const std::string& base, std::int64_t width, bool rms,
                  bool hasBias) {
        LoadedModule& place = module(moduleName, rms ? "RMS norm" : "layer norm");
        Tensor weight = take(base + ".weight", {width}, place).to(DType::F32);
        if (m_config.normPlusOne) {
            weight = weight.clone();
            for (float& value : weight.mutableData<float>())
                value += 1;
        }
        const Tensor bias = hasBias ? take(base + ".bias", {width}, place).to(DType::F32) : Tensor{};
        return {rms ? nn::Norm::Kind::RmsNorm : nn::Norm::Kind::LayerNorm, weight, bias,
                m_config.normEpsilon};
    }

    nn::Linear linear(const std::string& moduleName, const std::string& base, std::int64_t inputs,
                      std::int64_t outputs, bool transposed, bool bias = true) {
        LoadedModule& place = module(moduleName, "linear");
        std::shared_ptr<const nn::WeightFormat> format = stored(moduleName, outputs, inputs);
        if (!format)
            format = matrices({claim(base + ".weight",
                                     transposed ? Shape{inputs, outputs} : Shape{outputs, inputs}, place)},
                              transposed);
        const Tensor shift = bias ? take(base + ".bias", {outputs}, place).to(DType::F32) : Tensor{};
        return {moduleName, std::move(format), shift};
    }

    /// The format in which a compressed checkpoint holds a linear; null for a dense one.
    std::shared_ptr<const nn::WeightFormat> stored(const std::string& name, std::int64_t outputs,
                                                   std::int64_t inputs) const {
        if (!m_options.storedFormat)
            return nullptr;
        auto format = m_options.storedFormat(name, outputs, inputs);
        if (format && (format->outputs() != outputs || format->inputs() != inputs))
            throw InputError(fmt::format("{}: {} is stored as {} x {}, but config.json calls for {} x {}.",
                                         m_checkpoint.path().string(), name, format->outputs(),
                                         format->inputs(), outputs, inputs));
        return format;
    }

    void embeddings() {
        Stack& stack = m_result.stack;
        const std::int64_t width = m_config.embeddingSize;
        stack.tokenEmbedding = embedding("embed.tokens", m_names.tokenEmbedding, m_config.vocabulary, width);
        if (m_config.positions == PositionKind::Learned)
            stack.positionEmbedding = embedding("embed.positions", m_names.positionEmbedding,
                                                m_config.maxPositions + m_config.reservedPositions,
                                                m_config.projectFirst ? m_config.hiddenSize : width);
        if (!m_names.typeEmbedding.empty() && m_config.typeVocabulary > 0)
            stack.typeEmbedding =
                embedding("embed.types", m_names.typeEmbedding, m_config.typeVocabulary, width);
        if (m_config.embeddingNorm)
            stack.embeddingNorm = norm("embed.ln", m_prefix + m_names.embeddingNorm, width);
        if (width != m_config.hiddenSize || m_config.alwaysProject)
            stack.embeddingProjection = linear("embed.project", m_prefix + m_names.embeddingProjection, width,
                                               m_config.hiddenSize, false, m_config.projectionBias);
    }

    void relativeTable() {
        if (m_config.relative != RelativeKind::Disentangled)
            return;
        Stack& stack = m_result.stack;
        stack.relativeTable =
            embedding("embed.relative", m_names.relativeTable, 2 * m_config.relativeSpan, m_config.hiddenSize)
                .to(DType::F32);
        if (m_config.relativeNorm) {
            const nn::Norm module =
                norm("embed.relative_ln", m_prefix + m_names.relativeNorm, m_config.hiddenSize);
            const Tensor normed = Tensor::empty(stack.relativeTable.shape());
            module.run(stack.relativeTable, normed);
            stack.relativeTable = normed;
        }
    }

    /// One of several matrices that are multiplied as one.
    struct Part {
        std::string base; ///< name without ".weight"
        std::int64_t outputs = 0;
    };

    nn::Linear stacked(const std::string& moduleName, const std::vector<Part>& parts, std::int64_t inputs,
                       bool hasBias) {
        LoadedModule& place = module(moduleName, "linear");
        std::int64_t total = 0;
        for (const Part& part : parts)
            total += part.outputs;
        std::vector<std::string> weights;
        const Tensor bias = hasBias ? Tensor::empty({total}) : Tensor{};
        std::shared_ptr<const nn::WeightFormat> format = stored(moduleName, total, inputs);
        std::int64_t row = 0;
        for (const Part& part : parts) {
            if (!format)
                weights.push_back(claim(part.base + ".weight", {part.outputs, inputs}, place));
            if (hasBias)
                bias.slice(0, row, row + part.outputs)
                    .copyFrom(take(part.base + ".bias", {part.outputs}, place));
            row += part.outputs;
        }
        if (!format)
            format = matrices(weights, false);
        return {moduleName, std::move(format), bias};
    }

    void block(int layer) {
        const int owner = ownerOf(m_config, layer);
        if (owner != layer) {
            m_result.stack.blocks.push_back(m_result.stack.blocks[static_cast<std::size_t>(owner)]);
            return;
        }
        const LayerSettings& settings = m_config.layer(layer);
        const auto path = [&](const std::string& name) {
            return m_prefix + fmt::format(fmt::runtime(name), settings.group);
        };
        const auto called = [&](std::string_view name) { return fmt::format("blocks.{}.{}", layer, name); };
        const std::int64_t width = m_config.hiddenSize;
        Block block;
        block.scale = m_config.scaleScores ? 1.0 / std::sqrt(static_cast<double>(m_config.headSize)) : 1.0;
        block.scale = m_config.scoreScale.value_or(block.scale);
        if (m_config.scaleByLayer)
            block.scale /= layer + 1;
        const bool post = m_config.normPlacement == NormPlacement::After;
        if (!post && settings.norm1)
            block.norm1 = norm(called("ln1"), path(m_names.norm1), width);
        attention(block, path, called);
        if (post)
            block.norm1 = norm(called("ln1"), path(m_names.norm1), width);
        if (!m_names.attentionNorm.empty())
            block.attentionNorm = norm(called("ln1_post"), path(m_names.attentionNorm), width);
        if (!post && !m_config.oneNorm)
            block.norm2 = norm(called("ln2"), path(m_names.norm2), width);
        if (m_config.experts > 0)
            experts(block, settings.group, called);
        else
            feedForward(block, path, called);
        if (post)
            block.norm2 = norm(called("ln2"), path(m_names.norm2), width);
        if (!m_names.mlpNorm.empty())
            block.mlpNorm = norm(called("ln2_post"), path(m_names.mlpNorm), width);
        m_result.stack.blocks.push_back(std::move(block));
    }

    /// A matrix that is stored as [D, H, d], for outputs H * d (or, of the attention's output, for inputs).
    Tensor headed(const std::string& name, LoadedModule& place) {
        const Tensor kept = take(name, {m_config.hiddenSize, m_config.heads, m_config.headSize}, place);
        return kept.contiguous().reshape({m_config.hiddenSize, m_config.heads * m_config.headSize});
    }

    /// XLNet's attention: matrices with a dimension for the heads, biases of what queries meet.
    template <typename Path, typename Called>
    void headedAttention(Block& block, const Path& path, const Called& called) {
        const std::int64_t width = m_config.hiddenSize;
        const std::int64_t mixed = m_config.heads * m_config.headSize;
        const std::string qkv = called("attn.qkv");
        LoadedModule& place = module(qkv, "linear");
        std::vector<Tensor> weights;
        for (const std::string* name : {&m_names.headedQuery, &m_names.headedKey, &m_names.headedValue})
            weights.push_back(headed(path(*name), place).transpose(0, 1).contiguous());
        auto format = stored(qkv, 3 * mixed, width);
        block.qkv = {qkv, format ? format : nn::stackedFormat(std::move(weights), m_compute), {}};
        const auto single = [&](const std::string& name, const std::string& tensor, bool inOut) {
            const Tensor weight = headed(path(tensor), module(name, "linear"));
            format = stored(name, inOut ? mixed : width, inOut ? width : mixed);
            return nn::Linear(name, format ? format : nn::denseFormat(weight, inOut, m_compute), {});
        };
        block.relative.key = single(called("attn.position_key"), m_names.headedPosition, true);
        block.attentionOut = single(called("attn.out"), m_names.headedOut, false);
        LoadedModule& biases = module(called("attn.biases"), "biases");
        const Shape perHead{m_config.heads, m_config.headSize};
        block.relative.contentBias = take(path(m_names.contentBias), perHead, biases).to(DType::F32);
        block.relative.positionBias = take(path(m_names.positionBias), perHead, biases).to(DType::F32);
        block.relative.segmentBias = take(path(m_names.segmentBias), perHead, biases).to(DType::F32);
        block.relative.segments =
            take(path(m_names.segments), {2, m_config.heads, m_config.headSize}, biases).to(DType::F32);
    }

    /// The bias of a fused matrix by heads that has one for queries and values only.
    Tensor biasByHead(const std::string& query, const std::string& value, LoadedModule& place) {
        const Shape perHead{m_config.heads, m_config.headSize};
        const Tensor bias = Tensor::zeros({m_config.heads, 3, m_config.headSize});
        const Shape flat{m_config.heads * m_config.headSize};
        bias.select(1, 0).copyFrom(take(query, flat, place).contiguous().reshape(perHead));
        bias.select(1, 2).copyFrom(take(value, flat, place).contiguous().reshape(perHead));
        return bias.reshape({3 * m_config.heads * m_config.headSize});
    }

    template <typename Path, typename Called>
    void attention(Block& block, const Path& path, const Called& called) {
        if (m_config.mixing == MixingKind::Fourier) {
            block.mixer = nn::fourierMixer();
            return;
        }
        if (!m_names.headedQuery.empty()) {
            headedAttention(block, path, called);
            return;
        }
        const std::int64_t width = m_config.hiddenSize;
        const std::int64_t mixed = m_config.heads * m_config.headSize;
        const std::int64_t shared = m_config.keyValueHeads * m_config.headSize;
        if (m_names.fusedQkv.empty())
            block.qkv = stacked(
                called("attn.qkv"),
                {{path(m_names.query), mixed}, {path(m_names.key), shared}, {path(m_names.value), shared}},
                width, m_config.qkvBias);
        else
            block.qkv = linear(called("attn.qkv"), path(m_names.fusedQkv), width, mixed + 2 * shared,
                               m_names.transposedLinear, m_config.qkvBias);
        if (!m_names.queryBias.empty())
            block.qkv = {
                block.qkv.name(), block.qkv.format(),
                biasByHead(path(m_names.queryBias), path(m_names.valueBias), m_result.modules.back())};
        if (m_config.relative == RelativeKind::Disentangled && !m_config.sharedRelative) {
            if (m_config.contentToPosition)
                block.relative.key = linear(called("attn.position_key"), path(m_names.positionKey), width,
                                            mixed, false, m_config.positionKeyBias);
            if (m_config.positionToContent)
                block.relative.query =
                    linear(called("attn.position_query"), path(m_names.positionQuery), width, mixed, false);
        }
        if (m_config.headNorms) {
            block.queryNorm =
                norm(called("attn.q_norm"), path(m_names.queryNorm), m_config.headSize, true, false);
            block.keyNorm =
                norm(called("attn.k_norm"), path(m_names.keyNorm), m_config.headSize, true, false);
        }
        block.attentionOut = linear(called("attn.out"), path(m_names.attentionOut), mixed, width,
                                    m_names.transposedLinear, m_config.attentionOutBias);
    }

    template <typename Path, typename Called>
    void feedForward(Block& block, const Path& path, const Called& called) {
        const std::int64_t width = m_config.hiddenSize;
        const std::int64_t units = m_config.feedForward;
        if (m_config.gated && !m_names.mlpGate.empty())
            block.mlpIn =
                stacked(called("mlp.in"), {{path(m_names.mlpGate), units}, {path(m_names.mlpIn), units}},
                        width, m_config.mlpBias);
        else
            block.mlpIn =
                linear(called("mlp.in"), path(m_names.mlpIn), width, (m_config.gated ? 2 : 1) * units,
                       m_names.transposedLinear, m_config.mlpBias);
        block.mlpOut = linear(called("mlp.out"), path(m_names.mlpOut), units, width, m_names.transposedLinear,
                              m_config.mlpBias);
    }

    template <typename Called>
    void experts(Block& block, int group, const Called& called) {
        const std::int64_t width = m_config.hiddenSize;
        const std::int64_t units = m_config.feedForward;
        block.router =
            linear(called("mlp.router"), m_prefix + fmt::format(fmt::runtime(m_names.router), group), width,
                   m_config.experts, false, false);
        for (int i = 0; i < m_config.experts; ++i) {
            const auto path = [&](const std::string& name) {
                return m_prefix + fmt::format(fmt::runtime(name), group, i);
            };
            const std::string name = called(fmt::format("mlp.experts.{}", i));
            block.experts.push_back(
                {stacked(name + ".in", {{path(m_names.expertGate), units}, {path(m_names.expertIn), units}},
                         width, m_config.mlpBias),
                 linear(name + ".out", path(m_names.expertOut), units, width, false, m_config.mlpBias)});
        }
    }

    void transform() {
        Head& head = m_result.stack.head;
        const std::int64_t width = m_config.embeddingSize;
        head.transform = linear("head.transform", m_names.headTransform, m_config.hiddenSize, width, false,
                                m_config.headBias);
        head.norm = norm("head.ln", m_names.headNorm, width);
    }

    void vocabularyHead() {
        Head& head = m_result.stack.head;
        const std::int64_t width = m_config.headWidth();
        if (!m_names.headTransform.empty())
            transform();
        const std::string own = m_names.headDecoder + ".weight";
        LoadedModule& place = module("unembed", "linear");
        std::shared_ptr<const nn::WeightFormat> format = stored("unembed", m_config.vocabulary, width);
        if (!format)
            format = matrices({m_config.tiedEmbeddings ? m_prefix + m_names.tokenEmbedding + ".weight"
                                                       : claim(own, {m_config.vocabulary, width}, place)},
                              false);
        if (m_config.tiedEmbeddings && m_checkpoint.contains(own))
            m_taken.insert(own); // stored twice
        Tensor bias;
        if (!m_names.headBias.empty() && m_config.vocabularyBias) {
            const std::string twin = m_names.headDecoder + ".bias";
            const bool moved = !m_checkpoint.contains(m_names.headBias) && m_checkpoint.contains(twin);
            bias = take(moved ? twin : m_names.headBias, {m_config.vocabulary}, place).to(DType::F32);
            if (m_checkpoint.contains(twin))
                m_taken.insert(twin);
        }
        head.decoder = {"unembed", std::move(format), bias};
    }

    void head() {
        Head& head = m_result.stack.head;
        const std::int64_t width = m_config.outputProjection ? m_config.embeddingSize : m_config.hiddenSize;
        const auto labels = static_cast<std::int64_t>(m_config.labels.size());
        // Base models saved from a model without pooler lack it; that is no damage.
        const std::string pooler = (m_names.poolerUnderPrefix ? m_prefix : "") + m_names.pooler;
        if (m_config.pooler && (m_config.head != HeadKind::None || m_checkpoint.contains(pooler + ".weight")))
            head.pooler = linear("pooler", pooler, width, width, false);
        m_result.stack.config.pooler = head.pooler.defined();
        if (m_names.transformEverywhere &&
            (m_config.head == HeadKind::SequenceClassification ||
             m_config.head == HeadKind::TokenClassification || m_config.head == HeadKind::QuestionAnswering))
            transform();
        switch (m_config.head) {
        case HeadKind::None:
            break;
        case HeadKind::MaskedLM:
        case HeadKind::CausalLM:
            vocabularyHead();
            break;
        case HeadKind::SequenceClassification:
            if (!m_names.classifierDense.empty()) {
                head.classifierDense =
                    linear("classifier.dense", m_names.classifierDense, width, width, false);
                head.classifier = linear("classifier.out", m_names.classifierOut, width, labels, false);
            } else if (!m_names.lastTokenScore.empty()) {
                head.classifier = linear("classifier", m_names.lastTokenScore, width, labels, false, false);
            } else {
                head.classifier = linear("classifier", m_names.classifier, width, labels, false);
            }
            break;
        case HeadKind::TokenClassification:
            head.classifier = linear("classifier", m_names.classifier, width, labels, false);
            break;
        case HeadKind::QuestionAnswering:
            head.classifier = linear("classifier", m_names.questionAnswering, width, 2, false);
            break;
        case HeadKind::ReplacedTokens:
            head.classifierDense = linear("classifier.dense", m_names.tokenDense, width, width, false);
            head.classifier = linear("classifier.out", m_names.tokenOut, width, 1, false);
            break;
        }
    }

    const checkpoint::Checkpoint& m_checkpoint;
    const StackConfig& m_config;
    const WeightNames& m_names;
    const OpenOptions& m_options;
    DType m_compute;
    std::string m_prefix;
    LoadedStack m_result;
    std::set<std::string, std::less<>> m_taken;
};

} // namespace

LoadedStack loadStack(const checkpoint::Checkpoint& checkpoint, const StackConfig& config,
                      const WeightNames& names, const OpenOptions& options) {
    return Loader(checkpoint, config, names, options).load();
}

int ownerOf(const StackConfig& config, int layer) {
    const int group = config.layer(layer).group;
    for (int i = 0; i < layer; ++i)
        if (config.layer(i).group == group)
            return i;
    return layer;
}

probe::SiteLayout layoutOf(const Stack& stack) {
    const StackConfig& config = stack.config;
    probe::SiteLayout layout;
    layout.layers = static_cast<int>(config.layers);
    layout.heads = config.heads;
    layout.keyValueHeads = config.keyValueHeads;
    layout.headSize = config.headSize;
    layout.hiddenSize = config.hiddenSize;
    layout.feedForward = config.feedForward;
    layout.embeddingSize = config.embeddingSize;
    layout.positionSize = config.projectFirst ? config.hiddenSize : config.embeddingSize;
    layout.outputSize = stack.outputProjection.defined() ? config.embeddingSize : 0;
    layout.experts = config.experts;
    layout.rotary = !config.rotaries.empty();
    layout.gated = config.gated;
    layout.parallel = config.parallelBranches;
    layout.secondNorm = !config.oneNorm;
    layout.positionEmbedding = stack.positionEmbedding.defined();
    layout.typeEmbedding = stack.typeEmbedding.defined();
    layout.postNorm = config.normPlacement == NormPlacement::After;
    layout.finalNorm = stack.finalNorm.defined();
    layout.pooler = stack.head.pooler.defined();
    const nn::Linear& last = stack.head.decoder.defined() ? stack.head.decoder : stack.head.classifier;
    layout.hasLogits = last.defined();
    layout.logitsWidth = last.defined() && config.head != HeadKind::ReplacedTokens ? last.outputs() : 0;
    layout.logitsPerPosition = config.head != HeadKind::SequenceClassification;
    for (const Block& block : stack.blocks)
        layout.mixerWithoutHeads.push_back(block.mixer != nullptr);
    return layout;
}

probe::SiteLayout layoutOf(const Stack& stack, const Context& context) {
    probe::SiteLayout layout = layoutOf(stack);
    for (int layer = 0; layer < layout.layers; ++layer) {
        auto found = context.mixers.find(layer);
        if (found == context.mixers.end())
            found = context.mixers.find(-1);
        if (found != context.mixers.end() && found->second)
            layout.mixerWithoutHeads[static_cast<std::size_t>(layer)] = true;
    }
    return layout;
}

bool isBuffer(std::string_view name) noexcept {
    constexpr std::string_view ends[] = {".attn.bias",          ".attn.masked_bias", "position_ids",
                                         "rotary_emb.inv_freq", "token_type_ids",    "rope_freqs.weight"};
    return std::any_of(std::begin(ends), std::end(ends),
                       [&](std::string_view end) { return name.ends_with(end); });
}

} // namespace orrery::model
