// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/differentiable.h"

#include "autograd/segment.h"
#include "autograd/tape.h"
#include "base/error.h"
#include "model/runner.h"
#include "model/stack.h"
#include "nn/workspace.h"
#include "ops/attention.h"
#include "ops/cast.h"
#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/shaping.h"
#include "ops/softmax.h"

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace orrery::model {
namespace {

using probe::SiteKind;

Tensor activate(nn::Activation activation, const Tensor& x) {
    switch (activation) {
    case nn::Activation::None:
        return x;
    case nn::Activation::Gelu:
        return ops::gelu(x);
    case nn::Activation::GeluTanh:
        return ops::geluTanh(x);
    case nn::Activation::Relu:
        return ops::relu(x);
    case nn::Activation::Silu:
        return ops::silu(x);
    case nn::Activation::QuickGelu:
        return ops::quickGelu(x);
    case nn::Activation::Tanh:
        return ops::tanh(x);
    }
    return x;
}

/// One run: the same walk as Runner's, in ops. Recomputed blocks hold on to it until backward has run.
class Pass : public std::enable_shared_from_this<Pass> {
public:
    Pass(const Stack& stack, const ModelInput& input, const Parameters& own, const Parameters& given,
         const DifferentiableOptions& options, DType dtype)
        : m_stack(stack), m_config(stack.config), m_input(input), m_own(own), m_given(given),
          m_options(options), m_dtype(dtype), m_runner(stack, m_context, m_workspace, {}) {
        m_runner.setInput(input); // checks it
        m_batch = input.batch();
        m_length = input.length();
    }

    ModelOutput run() {
        Tensor x = embed();
        for (int layer = 0; layer < m_config.layers; ++layer)
            x = m_options.recompute ? autograd::recomputed(
                                          [pass = shared_from_this(), layer](std::span<const Tensor> in) {
                                              return pass->block(layer, in[0]);
                                          },
                                          {x})
                                    : block(layer, x);
        return finish(x);
    }

private:
    [[nodiscard]] Tensor parameter(const std::string& name) const {
        const auto given = m_given.find(name);
        if (given != m_given.end())
            return given->second;
        const auto own = m_own.find(name);
        return own == m_own.end() ? Tensor() : own->second;
    }

    [[nodiscard]] Tensor site(SiteKind kind, int layer, const Tensor& x) const {
        if (!m_options.atSite)
            return x;
        Tensor seen = m_options.atSite({kind, layer}, x);
        ORRERY_CHECK(seen.shape() == x.shape(),
                     fmt::format("{} keeps its shape", probe::siteName({kind, layer})));
        return seen;
    }

    [[nodiscard]] Tensor linear(const nn::Linear& module, const Tensor& x) const {
        const std::string weight = module.name() == "unembed" && m_config.tiedEmbeddings
                                       ? "embed.tokens"
                                       : module.name() + ".weight";
        return ops::linear(x, parameter(weight), parameter(module.name() + ".bias"));
    }

    [[nodiscard]] Tensor norm(const nn::Norm& module, const std::string& name, const Tensor& x) const {
        const Tensor weight = parameter(name + ".weight");
        if (module.kind() == nn::Norm::Kind::RmsNorm)
            return ops::rmsNorm(x, weight, module.epsilon());
        return ops::layerNorm(x, weight, parameter(name + ".bias"), module.epsilon());
    }

    [[nodiscard]] Tensor embed() const {
        Tensor x = m_options.tokenEmbeddings;
        if (!x.defined())
            x = ops::embedding(parameter("embed.tokens"), m_input.inputIds);
        else if (!(x.shape() == Shape{m_batch, m_length, m_config.embeddingSize}))
            throw UsageError(fmt::format("The token embeddings have shape {} where [{}, {}, {}] is needed.",
                                         x.shape().toText(), m_batch, m_length, m_config.embeddingSize));
        x = ops::cast(x, m_dtype);
        if (m_config.embeddingScale != 1)
            x = ops::scale(x, m_config.embeddingScale);
        x = site(SiteKind::Embed, -1, x);
        const nn::Linear& projection = m_stack.embeddingProjection;
        if (projection.defined() && m_config.projectFirst)
            x = linear(projection, x);
        if (const Tensor table = parameter("embed.positions"); table.defined())
            x = ops::add(x,
                         site(SiteKind::PositionEmbed, -1, ops::embedding(table, m_runner.positionRows())));
        if (const Tensor table = parameter("embed.types"); table.defined()) {
            const Tensor ids = m_input.typeIds.defined()
                                   ? m_input.typeIds
                                   : Tensor::zeros(m_input.inputIds.shape(), DType::I64);
            x = ops::add(x, site(SiteKind::TypeEmbed, -1, ops::embedding(table, ids)));
        }
        if (m_stack.embeddingNorm.defined())
            x = norm(m_stack.embeddingNorm, "embed.ln", x);
        return projection.defined() && !m_config.projectFirst ? linear(projection, x) : x;
    }

    [[nodiscard]] Tensor block(int layer, Tensor x) const {
        m_options.progress.check();
        const Block& modules = m_stack.blocks[static_cast<std::size_t>(layer)];
        const bool post = m_config.normPlacement == NormPlacement::After;
        const int owner = ownerOf(m_config, layer);
        const auto normed = [&](const nn::Norm& module, const char* name, const Tensor& in) {
            return module.defined() ? norm(module, fmt::format("blocks.{}.{}", owner, name), in) : in;
        };
        x = site(SiteKind::ResidualPre, layer, x);
        Tensor input = x;
        if (!post)
            input = site(SiteKind::Norm1, layer, normed(modules.norm1, "ln1", x));
        const Tensor attended =
            site(SiteKind::AttentionOut, layer,
                 normed(modules.attentionNorm, "ln1_post", attention(layer, modules, input)));
        if (m_config.parallelBranches) {
            const Tensor second =
                m_config.oneNorm ? input : site(SiteKind::Norm2, layer, normed(modules.norm2, "ln2", x));
            x = ops::add(ops::add(x, attended),
                         site(SiteKind::MlpOut, layer, feedForward(layer, modules, second)));
            return site(SiteKind::ResidualPost, layer, x);
        }
        x = site(SiteKind::ResidualMid, layer, ops::add(x, attended));
        if (post)
            x = input = site(SiteKind::Norm1, layer, normed(modules.norm1, "ln1", x));
        else
            input = site(SiteKind::Norm2, layer, normed(modules.norm2, "ln2", x));
        x = ops::add(x, site(SiteKind::MlpOut, layer,
                             normed(modules.mlpNorm, "ln2_post", feedForward(layer, modules, input))));
        x = site(SiteKind::ResidualPost, layer, x);
        if (!post)
            return x;
        x = site(SiteKind::Norm2, layer, normed(modules.norm2, "ln2", x));
        return site(SiteKind::NormalizedResidual, layer, x);
    }

    [[nodiscard]] Tensor feedForward(int layer, const Block& modules, const Tensor& input) const {
        Tensor units = linear(modules.mlpIn, input);
        if (m_config.gated) {
            const std::int64_t width = m_config.feedForward;
            const std::vector<Tensor> halves = ops::split(units, {width, width}, 2);
            const Tensor gate = site(SiteKind::MlpPre, layer, halves[0]);
            units =
                ops::mul(activate(m_config.activation, gate), site(SiteKind::MlpPreLinear, layer, halves[1]));
        } else {
            units = activate(m_config.activation, site(SiteKind::MlpPre, layer, units));
        }
        return linear(modules.mlpOut, site(SiteKind::MlpPost, layer, units));
    }

    [[nodiscard]] Tensor attention(int layer, const Block& modules, const Tensor& input) const {
        const std::int64_t heads = m_config.heads;
        const std::int64_t groups = m_config.keyValueHeads;
        const std::int64_t size = m_config.headSize;
        const Tensor all = linear(modules.qkv, input);
        std::vector<Tensor> parts;
        if (m_config.qkvOrder == QkvOrder::ByHead) {
            const Tensor byHead = ops::reshape(all, {m_batch, m_length, heads, 3, size});
            for (int i = 0; i < 3; ++i)
                parts.push_back(ops::select(byHead, 3, i));
        } else {
            parts = ops::split(ops::reshape(all, {m_batch, m_length, heads + 2 * groups, size}),
                               {heads, groups, groups}, 2);
        }
        if (modules.queryNorm.defined()) {
            const int owner = ownerOf(m_config, layer);
            parts[0] = norm(modules.queryNorm, fmt::format("blocks.{}.attn.q_norm", owner), parts[0]);
            parts[1] = norm(modules.keyNorm, fmt::format("blocks.{}.attn.k_norm", owner), parts[1]);
        }
        parts[0] = site(SiteKind::Query, layer, parts[0]);
        parts[1] = site(SiteKind::Key, layer, parts[1]);
        parts[2] = site(SiteKind::Value, layer, parts[2]);
        if (const int rotary = m_config.layer(layer).rotary; rotary >= 0) {
            parts[0] = site(SiteKind::RotatedQuery, layer, rotated(parts[0], rotary));
            parts[1] = site(SiteKind::RotatedKey, layer, rotated(parts[1], rotary));
            if (m_config.rotaryValues)
                parts[2] = rotated(parts[2], rotary);
        }
        const Tensor q = ops::transpose(parts[0], 1, 2);
        const Tensor k = ops::transpose(parts[1], 1, 2);
        const Tensor v = ops::transpose(parts[2], 1, 2);
        const Tensor mixed = m_options.densePatterns || m_config.scoreCap > 0
                                 ? denseMix(layer, q, k, v, modules.scale)
                                 : fusedMix(layer, q, k, v, modules.scale);
        const Tensor z = site(SiteKind::Z, layer, ops::transpose(mixed, 1, 2));
        return linear(modules.attentionOut, ops::reshape(z, {m_batch, m_length, heads * size}));
    }

    /// Heads [B, L, H, d] turned by their positions: y_a = a cos - b sin, y_b = b cos + a sin.
    [[nodiscard]] Tensor rotated(const Tensor& x, int rotary) const {
        const nn::RotarySettings& settings = m_config.rotaries[static_cast<std::size_t>(rotary)];
        const nn::RotaryAngles angles = nn::rotaryAngles(settings, m_runner.positionIds());
        const std::int64_t turning = settings.dimensions;
        const std::int64_t heads = x.size(2);
        const auto wide = [&](const Tensor& table) {
            return table.to(m_dtype).reshape({table.size(0), m_length, 1, turning / 2});
        };
        const Tensor cosine = wide(angles.cosine);
        const Tensor sine = wide(angles.sine);
        const Tensor turned = ops::slice(x, 3, 0, turning);
        const bool adjacent = settings.layout == nn::RotaryLayout::Adjacent;
        // The pairs' members along a dimension of their own: the last one, or the one before it.
        const int along = adjacent ? 4 : 3;
        const Tensor pairs = ops::reshape(turned, adjacent ? Shape{m_batch, m_length, heads, turning / 2, 2}
                                                           : Shape{m_batch, m_length, heads, 2, turning / 2});
        const Tensor a = ops::select(pairs, along, 0);
        const Tensor b = ops::select(pairs, along, 1);
        const Tensor both = ops::stack({ops::sub(ops::mul(a, cosine), ops::mul(b, sine)),
                                        ops::add(ops::mul(b, cosine), ops::mul(a, sine))},
                                       along);
        const Tensor result = ops::reshape(both, {m_batch, m_length, heads, turning});
        if (turning == x.size(3))
            return result;
        return ops::concat({result, ops::slice(x, 3, turning, x.size(3))}, 3);
    }

    [[nodiscard]] Tensor fusedMix(int layer, const Tensor& q, const Tensor& k, const Tensor& v,
                                  double scale) const {
        ops::AttentionMask mask;
        mask.causal = m_config.causal;
        mask.keys = m_runner.keyMask();
        mask.window = m_config.layer(layer).window;
        if (m_runner.scoreBias().defined())
            mask.bias = m_runner.scoreBias().to(m_dtype);
        return ops::attention(q, k, v, mask, scale).output;
    }

    [[nodiscard]] Tensor denseMix(int layer, const Tensor& q, const Tensor& k, const Tensor& v,
                                  double scale) const {
        const std::int64_t group = m_config.heads / m_config.keyValueHeads;
        const Tensor keys = ops::repeatInterleave(k, 1, group);
        const Tensor values = ops::repeatInterleave(v, 1, group);
        const Tensor forbidden = Tensor::zeros({m_batch, 1, m_length, m_length}, m_dtype);
        const std::int64_t window = m_config.layer(layer).window;
        for (std::int64_t b = 0; b < m_batch; ++b)
            for (std::int64_t i = 0; i < m_length; ++i)
                for (std::int64_t j = 0; j < m_length; ++j)
                    if ((m_config.causal && j > i) || std::abs(i - j) >= window ||
                        (m_runner.keyMask().defined() &&
                         m_runner.keyMask().pointer<std::uint8_t>()[b * m_length + j] == 0))
                        forbidden.select(0, b).select(0, 0).select(0, i).select(0, j).fill(
                            -std::numeric_limits<double>::infinity());
        Tensor products = ops::scale(ops::matmul(q, keys, false, true), scale);
        if (m_config.scoreCap > 0)
            products = softCapped(products, m_config.scoreCap);
        if (m_runner.scoreBias().defined())
            products = ops::add(products, m_runner.scoreBias().to(m_dtype));
        const Tensor scores = site(SiteKind::Scores, layer, ops::add(products, forbidden));
        return ops::matmul(site(SiteKind::Pattern, layer, ops::softmax(scores)), values);
    }

    [[nodiscard]] ModelOutput finish(const Tensor& x) const {
        ModelOutput output;
        output.lastHidden = x;
        if (m_stack.finalNorm.defined())
            output.lastHidden = site(SiteKind::FinalNorm, -1, norm(m_stack.finalNorm, "ln_final", x));
        if (m_stack.outputProjection.defined())
            output.lastHidden =
                site(SiteKind::OutputProjection, -1, linear(m_stack.outputProjection, output.lastHidden));
        const Head& head = m_stack.head;
        if (head.pooler.defined())
            output.pooled = site(SiteKind::Pooled, -1,
                                 activate(m_config.poolerActivation,
                                          linear(head.pooler, ops::select(output.lastHidden, 1, 0))));
        if (m_input.logits == LogitRows::None)
            return output;
        if (head.decoder.defined()) {
            vocabularyLogits(output);
        } else if (head.classifier.defined() && m_config.head == HeadKind::SequenceClassification) {
            output.logits = linear(head.classifier, transformed(pooledRows(output)));
        } else if (head.classifier.defined()) {
            Tensor rows = output.lastHidden;
            if (m_config.head == HeadKind::ReplacedTokens)
                rows = activate(m_config.classifierActivation, linear(head.classifierDense, rows));
            output.logits = linear(head.classifier, transformed(rows));
            if (m_config.head == HeadKind::ReplacedTokens)
                output.logits = ops::select(output.logits, 2, 0);
        }
        if (output.logits.defined())
            output.logits = site(SiteKind::Logits, -1, output.logits);
        if (m_config.head == HeadKind::QuestionAnswering && output.logits.defined()) {
            output.startLogits = ops::select(output.logits, 2, 0);
            output.endLogits = ops::select(output.logits, 2, 1);
        }
        return output;
    }

    [[nodiscard]] Tensor pooledRows(const ModelOutput& output) const {
        const Head& head = m_stack.head;
        const Tensor rows = output.pooled.defined() ? output.pooled : pooledByPlace(output.lastHidden);
        if (!head.classifierDense.defined())
            return rows;
        return activate(m_config.classifierActivation, linear(head.classifierDense, rows));
    }

    [[nodiscard]] Tensor pooledByPlace(const Tensor& hidden) const {
        if (m_config.pooling == Pooling::First)
            return ops::select(hidden, 1, 0);
        if (m_config.pooling == Pooling::Last)
            return lastTokens(hidden);
        const Tensor weights = Tensor::empty({m_batch, 1, m_length}, m_dtype);
        const Tensor& mask = m_runner.keyMask();
        for (std::int64_t b = 0; b < m_batch; ++b) {
            const auto real = [&](std::int64_t i) {
                return !mask.defined() || mask.pointer<std::uint8_t>()[b * m_length + i] != 0;
            };
            double count = 0;
            for (std::int64_t i = 0; i < m_length; ++i)
                count += real(i) ? 1 : 0;
            for (std::int64_t i = 0; i < m_length; ++i)
                weights.select(0, b).select(0, 0).select(0, i).fill(real(i) ? 1 / count : 0);
        }
        return ops::select(ops::matmul(weights, hidden), 1, 0);
    }

    [[nodiscard]] Tensor transformed(const Tensor& rows) const {
        const Head& head = m_stack.head;
        if (!head.transform.defined())
            return rows;
        return norm(head.norm, "head.ln", activate(m_config.headActivation, linear(head.transform, rows)));
    }

    [[nodiscard]] static Tensor softCapped(const Tensor& x, double cap) {
        return ops::scale(ops::tanh(ops::scale(x, 1 / cap)), cap);
    }

    void vocabularyLogits(ModelOutput& output) const {
        Tensor rows = output.lastHidden;
        if (m_input.logits != LogitRows::All) {
            std::vector<std::int64_t> wanted = m_input.logitPositions;
            if (m_input.logits == LogitRows::Last)
                wanted = {-1};
            for (std::int64_t& position : wanted)
                position += position < 0 ? m_length : 0;
            const auto count = static_cast<std::int64_t>(wanted.size());
            rows = ops::indexSelect(rows, 1, Tensor::of<std::int64_t>({count}, wanted));
            output.logitPositions = std::move(wanted);
        } else {
            for (std::int64_t i = 0; i < m_length; ++i)
                output.logitPositions.push_back(i);
        }
        output.logits = linear(m_stack.head.decoder, transformed(rows));
        if (m_config.logitCap > 0)
            output.logits = softCapped(output.logits, m_config.logitCap);
    }

    [[nodiscard]] Tensor lastTokens(const Tensor& hidden) const {
        std::vector<std::int64_t> rows = m_runner.lastPositions();
        for (std::size_t i = 0; i < rows.size(); ++i)
            rows[i] += static_cast<std::int64_t>(i) * m_length;
        return ops::indexSelect(ops::reshape(hidden, {m_batch * m_length, hidden.size(2)}), 0,
                                Tensor::of<std::int64_t>({m_batch}, rows));
    }

    const Stack& m_stack;
    const StackConfig& m_config;
    const ModelInput m_input;
    const Parameters m_own;
    const Parameters m_given;
    const DifferentiableOptions m_options;
    DType m_dtype;
    Context m_context;
    nn::Workspace m_workspace;
    Runner m_runner; ///< only asked what it makes of the input
    std::int64_t m_batch = 0;
    std::int64_t m_length = 0;
};

} // namespace

DifferentiableModel::DifferentiableModel(const Model& model, DType dtype) : m_model(model), m_dtype(dtype) {
    ORRERY_CHECK(dtype == DType::F32 || dtype == DType::F64, "differentiable runs are in f32 or f64");
    const Stack& stack = model.stack();
    const auto add = [&](const std::string& name, const Tensor& tensor) {
        if (tensor.defined())
            m_parameters.emplace(name, tensor.to(dtype).clone());
    };
    const auto addNorm = [&](const std::string& name, const nn::Norm& norm) {
        add(name + ".weight", norm.weight());
        add(name + ".bias", norm.bias());
    };
    add("embed.tokens", stack.tokenEmbedding);
    add("embed.positions", stack.positionEmbedding);
    add("embed.types", stack.typeEmbedding);
    addNorm("embed.ln", stack.embeddingNorm);
    for (std::size_t i = 0; i < stack.blocks.size(); ++i) {
        const Block& block = stack.blocks[i];
        if (stack.config.relative != RelativeKind::None || stack.config.mixing != MixingKind::Attention)
            throw UsageError(
                fmt::format("Gradients of {} are not computed yet: its layers mix tokens in a way of "
                            "their own.",
                            stack.config.family));
        if (block.mixer || block.kernel)
            throw UsageError(
                fmt::format("The attention of layer {} has been exchanged for one that has no backward; "
                            "give the layer its own attention back.",
                            i));
        if (!block.experts.empty())
            throw UsageError(fmt::format("Layer {} is a mixture of experts, through which gradients are not "
                                         "computed yet; use a model with a plain feed-forward.",
                                         i));
        if (ownerOf(stack.config, static_cast<int>(i)) != static_cast<int>(i))
            continue; // the weights of an earlier layer
        addNorm(fmt::format("blocks.{}.ln1", i), block.norm1);
        addNorm(fmt::format("blocks.{}.ln2", i), block.norm2);
        addNorm(fmt::format("blocks.{}.ln1_post", i), block.attentionNorm);
        addNorm(fmt::format("blocks.{}.ln2_post", i), block.mlpNorm);
        addNorm(fmt::format("blocks.{}.attn.q_norm", i), block.queryNorm);
        addNorm(fmt::format("blocks.{}.attn.k_norm", i), block.keyNorm);
    }
    addNorm("ln_final", stack.finalNorm);
    addNorm("head.ln", stack.head.norm);
    model.forEachLinear([&](const nn::Linear& linear) {
        if (linear.name() != "unembed" || !stack.config.tiedEmbeddings)
            add(linear.name() + ".weight", linear.format()->toDense());
        add(linear.name() + ".bias", linear.bias());
    });
}

Parameters DifferentiableModel::watched() const {
    Parameters leaves;
    for (const auto& [name, tensor] : m_parameters)
        leaves.emplace(name, autograd::watch(tensor, name));
    return leaves;
}

ModelOutput DifferentiableModel::run(const ModelInput& input, const Parameters& parameters,
                                     const DifferentiableOptions& options) const {
    for (const auto& [name, tensor] : parameters) {
        const auto own = m_parameters.find(name);
        if (own == m_parameters.end() || !(own->second.shape() == tensor.shape()))
            throw UsageError(fmt::format("{} has no parameter \"{}\" of shape {}.", m_model.name(), name,
                                         tensor.shape().toText()));
    }
    if (options.recompute && options.atSite)
        throw UsageError("Recomputed blocks cannot be looked into; switch one of the two off.");
    return std::make_shared<Pass>(m_model.stack(), input, m_parameters, parameters, options, m_dtype)->run();
}

} // namespace orrery::model
