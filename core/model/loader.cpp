// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/loader.h"

#include "base/error.h"
#include "nn/block_weights.h"

#include <fmt/format.h>

#include <cmath>
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
        // Models with a head are stored under the family's prefix, base models without.
        const std::string probe = names.tokenEmbedding + ".weight";
        m_prefix = names.prefix;
        if (!checkpoint.contains(m_prefix + probe) && checkpoint.contains(probe))
            m_prefix.clear();
    }

    LoadedStack load() {
        Stack& stack = m_result.stack;
        stack.config = m_config;
        embeddings();
        for (int layer = 0; layer < m_config.layers; ++layer)
            block(layer);
        if (m_config.finalNorm)
            stack.finalNorm = norm("ln_final", m_prefix + m_names.finalNorm, m_config.hiddenSize);
        head();
        for (const std::string& name : m_checkpoint.names())
            if (!m_taken.contains(name))
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

    Tensor embedding(const std::string& moduleName, const std::string& base, std::int64_t rows) {
        return take(m_prefix + base + ".weight", {rows, m_config.hiddenSize},
                    module(moduleName, "embedding"));
    }

    nn::Norm norm(const std::string& moduleName, const std::string& base, std::int64_t width) {
        const bool rms = m_config.normKind == NormKind::RmsNorm;
        LoadedModule& place = module(moduleName, rms ? "RMS norm" : "layer norm");
        const Tensor weight = take(base + ".weight", {width}, place).to(DType::F32);
        const Tensor bias = rms ? Tensor{} : take(base + ".bias", {width}, place).to(DType::F32);
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
        stack.tokenEmbedding = embedding("embed.tokens", m_names.tokenEmbedding, m_config.vocabulary);
        if (m_config.positions == PositionKind::Learned) {
            // Rows that are never a position (RoBERTa's first) are in the table all the same.
            const std::int64_t reserved =
                m_config.positionsSkipPadding ? m_config.padToken.value_or(-1) + 1 : 0;
            stack.positionEmbedding =
                embedding("embed.positions", m_names.positionEmbedding, m_config.maxPositions + reserved);
        }
        if (!m_names.typeEmbedding.empty())
            stack.typeEmbedding = embedding("embed.types", m_names.typeEmbedding, m_config.typeVocabulary);
        if (m_config.embeddingNorm)
            stack.embeddingNorm = norm("embed.ln", m_prefix + m_names.embeddingNorm, m_config.hiddenSize);
    }

    nn::Linear stackedQkv(const std::string& moduleName, int layer) {
        LoadedModule& place = module(moduleName, "linear");
        std::vector<std::string> weights;
        const std::int64_t width = m_config.hiddenSize;
        const std::int64_t total = (m_config.heads + 2 * m_config.keyValueHeads) * m_config.headSize;
        const Tensor bias = Tensor::empty({total});
        std::shared_ptr<const nn::WeightFormat> format = stored(moduleName, total, width);
        std::int64_t row = 0;
        for (const std::string* name : {&m_names.query, &m_names.key, &m_names.value}) {
            const std::string base = m_prefix + fmt::format(fmt::runtime(*name), layer);
            const std::int64_t outputs =
                (name == &m_names.query ? m_config.heads : m_config.keyValueHeads) * m_config.headSize;
            if (!format)
                weights.push_back(claim(base + ".weight", {outputs, width}, place));
            bias.slice(0, row, row + outputs).copyFrom(take(base + ".bias", {outputs}, place));
            row += outputs;
        }
        if (!format)
            format = matrices(weights, false);
        return {moduleName, std::move(format), bias};
    }

    void block(int layer) {
        const auto path = [&](const std::string& name) {
            return m_prefix + fmt::format(fmt::runtime(name), layer);
        };
        const auto called = [&](std::string_view name) { return fmt::format("blocks.{}.{}", layer, name); };
        const bool post = m_config.normPlacement == NormPlacement::After;
        const std::int64_t width = m_config.hiddenSize;
        const std::int64_t mixed = m_config.heads * m_config.headSize;
        Block block;
        block.scale = m_config.scaleScores ? 1.0 / std::sqrt(static_cast<double>(m_config.headSize)) : 1.0;
        if (m_config.scaleByLayer)
            block.scale /= layer + 1;
        if (!post)
            block.norm1 = norm(called("ln1"), path(m_names.norm1), width);
        if (m_names.fusedQkv.empty())
            block.qkv = stackedQkv(called("attn.qkv"), layer);
        else
            block.qkv =
                linear(called("attn.qkv"), path(m_names.fusedQkv), width,
                       mixed + 2 * m_config.keyValueHeads * m_config.headSize, m_names.transposedLinear);
        block.attentionOut =
            linear(called("attn.out"), path(m_names.attentionOut), mixed, width, m_names.transposedLinear);
        if (post)
            block.norm1 = norm(called("ln1"), path(m_names.norm1), width);
        else
            block.norm2 = norm(called("ln2"), path(m_names.norm2), width);
        block.mlpIn = linear(called("mlp.in"), path(m_names.mlpIn), width, m_config.feedForward,
                             m_names.transposedLinear);
        block.mlpOut = linear(called("mlp.out"), path(m_names.mlpOut), m_config.feedForward, width,
                              m_names.transposedLinear);
        if (post)
            block.norm2 = norm(called("ln2"), path(m_names.norm2), width);
        m_result.stack.blocks.push_back(std::move(block));
    }

    void vocabularyHead() {
        Head& head = m_result.stack.head;
        const std::int64_t width = m_config.hiddenSize;
        if (!m_names.headTransform.empty()) {
            head.transform = linear("head.transform", m_names.headTransform, width, width, false);
            head.norm = norm("head.ln", m_names.headNorm, width);
        }
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
        if (!m_names.headBias.empty()) {
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
        const std::int64_t width = m_config.hiddenSize;
        const auto labels = static_cast<std::int64_t>(m_config.labels.size());
        // Base models saved from a model without pooler lack it; that is no damage.
        const std::string pooler = m_prefix + m_names.pooler;
        if (m_config.pooler && (m_config.head != HeadKind::None || m_checkpoint.contains(pooler + ".weight")))
            head.pooler = linear("pooler", pooler, width, width, false);
        m_result.stack.config.pooler = head.pooler.defined();
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

probe::SiteLayout layoutOf(const Stack& stack) {
    const StackConfig& config = stack.config;
    probe::SiteLayout layout;
    layout.layers = static_cast<int>(config.layers);
    layout.heads = config.heads;
    layout.keyValueHeads = config.keyValueHeads;
    layout.headSize = config.headSize;
    layout.hiddenSize = config.hiddenSize;
    layout.feedForward = config.feedForward;
    layout.positionEmbedding = stack.positionEmbedding.defined();
    layout.typeEmbedding = stack.typeEmbedding.defined();
    layout.postNorm = config.normPlacement == NormPlacement::After;
    layout.finalNorm = stack.finalNorm.defined();
    layout.pooler = stack.head.pooler.defined();
    const nn::Linear& last = stack.head.decoder.defined() ? stack.head.decoder : stack.head.classifier;
    layout.hasLogits = last.defined();
    layout.logitsWidth = last.defined() ? last.outputs() : 0;
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

} // namespace orrery::model
