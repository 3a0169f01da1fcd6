// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/text.h"

#include "base/error.h"
#include "model/networks/transformer.h"
#include "ops/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery::model {

NetworkInput idsInput(std::string name, std::string meaning, std::int64_t maxPositions) {
    return {.name = std::move(name),
            .meaning = std::move(meaning),
            .example = {1, maxPositions > 0 ? std::min<std::int64_t>(16, maxPositions) : 16},
            .sizes = {-1, -1},
            .dtype = DType::I64,
            .required = false};
}

std::vector<NetworkInput> textInputs(std::int64_t maxPositions) {
    std::vector<NetworkInput> inputs{idsInput("input_ids", "token ids", maxPositions),
                                     idsInput("attention_mask", "1 for tokens, 0 for padding", maxPositions)};
    inputs.front().required = true;
    return inputs;
}

Tensor inputOf(const NamedTensors& inputs, std::string_view name) {
    const auto found = inputs.find(name);
    return found == inputs.end() ? Tensor{} : found->second;
}

Tensor maskInput(const NamedTensors& inputs, const Shape& ids) {
    const Tensor given = inputOf(inputs, "attention_mask");
    if (!given.defined())
        return {};
    const Tensor mask = keyMaskOf(given, ids);
    const auto values = mask.data<std::uint8_t>();
    return std::all_of(values.begin(), values.end(), [](std::uint8_t value) { return value != 0; }) ? Tensor{}
                                                                                                    : mask;
}

Tensor masked(NetworkRun& run, const Tensor& x, const Tensor& mask) {
    if (!mask.defined())
        return x;
    const Tensor out = run.dense(x);
    const std::int64_t rows = mask.elements();
    const std::int64_t each = out.elements() / rows;
    const std::uint8_t* keep = mask.pointer<std::uint8_t>();
    for (std::int64_t row = 0; row < rows; ++row)
        if (keep[row] == 0)
            std::fill_n(out.mutablePointer<float>() + row * each, each, 0.0F);
    return out;
}

void checkLength(std::int64_t length, std::int64_t maxPositions) {
    if (length > maxPositions)
        throw UsageError(
            fmt::format("This model takes texts of up to {} tokens, not {}.", maxPositions, length));
}

TextEmbeddings::TextEmbeddings(const Weights& weights, const checkpoint::ModelConfig& config,
                               const StackConfig& sizes, const Positions& positions, std::int64_t rows)
    : m_positions(positions) {
    const std::int64_t width = sizes.hiddenSize;
    m_words = weights.table("embed.words", "embeddings.word_embeddings.weight", {sizes.vocabulary, width});
    m_table = weights.table("embed.positions", "embeddings.position_embeddings.weight", {rows, width});
    if (sizes.typeVocabulary > 0)
        m_types = weights.table("embed.types", "embeddings.token_type_embeddings.weight",
                                {sizes.typeVocabulary, width});
    weights.ignore("embeddings.position_ids");
    weights.ignore("embeddings.token_type_ids");
    m_norm = weights.layerNorm("embed.norm", "embeddings.LayerNorm", width,
                               config.real({"layer_norm_eps"}, 1e-12));
    m_maxPositions = rows - (positions.padding >= 0 ? positions.padding + 1 : positions.first);
    if (m_maxPositions < 1)
        throw config.error("max_position_embeddings", "which leaves no positions for tokens");
}

std::vector<NetworkInput> TextEmbeddings::inputs(bool mask) const {
    std::vector<NetworkInput> result = textInputs(m_maxPositions);
    if (!mask)
        result.pop_back();
    if (m_types.defined())
        result.push_back(idsInput("token_type_ids", "segments", m_maxPositions));
    result.push_back(idsInput("position_ids", "positions, where they are not counted", m_maxPositions));
    return result;
}

Tensor TextEmbeddings::positionsOf(const Tensor& ids) const {
    const Tensor result = Tensor::empty(ids.shape(), DType::I64);
    const std::int64_t length = ids.size(1);
    const std::int64_t* from = ids.pointer<std::int64_t>();
    std::int64_t* to = result.mutablePointer<std::int64_t>();
    for (std::int64_t item = 0; item < ids.size(0); ++item) {
        std::int64_t next = m_positions.padding + 1;
        for (std::int64_t i = 0; i < length; ++i) {
            const std::int64_t at = item * length + i;
            if (m_positions.padding < 0)
                to[at] = m_positions.first + i;
            else
                to[at] = from[at] == m_positions.padding ? m_positions.padding : next++;
        }
    }
    return result;
}

Tensor TextEmbeddings::run(NetworkRun& run, const NamedTensors& inputs, double wordScale) const {
    const Tensor ids = inputs.at("input_ids").contiguous();
    checkLength(ids.size(1), m_maxPositions);
    const auto sameShape = [&](std::string_view name) {
        const Tensor given = inputOf(inputs, name);
        if (given.defined() && !(given.shape() == ids.shape()))
            throw UsageError(fmt::format("\"{}\" has shape {} where {} is needed, as the ids have.", name,
                                         given.shape().toText(), ids.shape().toText()));
        return given;
    };
    Tensor x = run.embed(m_words, ids);
    if (wordScale != 1)
        x = ops::scale(x, wordScale);
    run.visit("hook_embed", x);
    if (m_types.defined()) {
        Tensor types = sameShape("token_type_ids");
        if (!types.defined())
            types = Tensor::zeros(ids.shape(), DType::I64);
        x = run.add(x, run.embed(m_types, types));
    }
    const Tensor given = sameShape("position_ids");
    x = run.add(x, run.embed(m_table, given.defined() ? given : positionsOf(ids)));
    return run.norm(m_norm, x);
}

PostNormTail::PostNormTail(const Weights& scope, const checkpoint::ModelConfig& config, std::int64_t width,
                           std::int64_t feedForward, const Names& names)
    : m_activation(nn::activationFromName(config.text({"hidden_act"}, "gelu"), config.fileName())) {
    const double epsilon = config.real({"layer_norm_eps"}, 1e-12);
    m_norm1 = scope.layerNorm("ln1", names.norm1, width, epsilon);
    m_in = scope.linear("mlp.in", names.mlpIn, width, feedForward);
    m_out = scope.linear("mlp.out", names.mlpOut, feedForward, width);
    m_norm2 = scope.layerNorm("ln2", names.norm2, width, epsilon);
}

Tensor PostNormTail::run(NetworkRun& run, const Tensor& x, const Tensor& out, const std::string& name,
                         const std::string& outAlias) const {
    run.visit(name + ".hook_attn_out", out);
    const Tensor mixed = run.norm(m_norm1, run.add(x, out));
    run.visit(name + ".ln1.hook_normalized", mixed);
    const Tensor hidden = run.linear(m_in, mixed, m_activation);
    run.visit(name + ".mlp.hook_post", hidden);
    const Tensor fed = run.linear(m_out, hidden);
    run.visit(name + ".hook_mlp_out", fed);
    const Tensor result = run.norm(m_norm2, run.add(mixed, fed));
    run.visit(name + ".ln2.hook_normalized", result, outAlias);
    return result;
}

StackConfig textConfig(const checkpoint::ModelConfig& config) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"hidden_size"});
    stack.vocabulary = config.positive({"vocab_size"});
    stack.layers = config.positive({"num_hidden_layers"});
    if (config.has("num_attention_heads")) {
        stack.heads = static_cast<int>(config.positive({"num_attention_heads"}));
        stack.headSize = config.quotient({"hidden_size"}, {"num_attention_heads"});
        stack.keyValueHeads = stack.heads;
    }
    stack.feedForward = config.positive({"intermediate_size"});
    stack.typeVocabulary = config.integer({"type_vocab_size"}, 2);
    return stack;
}

} // namespace orrery::model
