// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/encoder_decoder.h"

#include "base/error.h"
#include "model/networks/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace orrery::model {
namespace {

Tensor given(const NamedTensors& inputs, std::string_view name) {
    const auto found = inputs.find(name);
    return found == inputs.end() ? Tensor{} : found->second;
}

/// Token ids of a text, with an example of up to `length` where there are so many positions.
NetworkInput tokenIds(std::string name, std::string meaning, std::int64_t length, std::int64_t positions) {
    return {.name = std::move(name),
            .meaning = std::move(meaning),
            .example = {1, positions > 0 ? std::min(length, positions) : length},
            .sizes = {-1, -1},
            .dtype = DType::I64,
            .required = false,
            .exemplary = true};
}

NetworkInput maskOf(NetworkInput ids, std::string name, std::string meaning) {
    ids.name = std::move(name);
    ids.meaning = std::move(meaning);
    ids.exemplary = false;
    return ids;
}

} // namespace

std::vector<NetworkInput> EncoderDecoder::decoderInputs() const {
    const NetworkInput ids =
        tokenIds("decoder_input_ids", "token ids of what is being written, the start token first", 8,
                 m_decoder.positions);
    const NetworkInput mask =
        maskOf(ids, "decoder_attention_mask", "1 for tokens of the decoder, 0 for padding");
    NetworkInput memory{.name = "encoder_last_hidden_state",
                        .meaning = "what the encoder gave for the same inputs, in their place",
                        .example = {1, 16, config().hiddenSize},
                        .sizes = {-1, -1, config().hiddenSize},
                        .required = false};
    return {ids, mask, memory};
}

std::vector<NetworkInput> EncoderDecoder::textInputs() const {
    const NetworkInput ids = tokenIds("input_ids", "token ids of what is read", 16, config().maxPositions);
    std::vector<NetworkInput> inputs{ids, maskOf(ids, "attention_mask", "1 for tokens, 0 for padding")};
    for (NetworkInput& input : decoderInputs())
        inputs.push_back(std::move(input));
    return inputs;
}

void EncoderDecoder::setWords(LinearId words, Tensor bias, double scale) {
    m_words = words;
    m_wordBias = std::move(bias);
    m_scale = scale;
}

Tensor EncoderDecoder::words(const Tensor& rows, NetworkRun& run) const {
    const Tensor scaled =
        m_scale == 1 ? rows : run.scaleChannels(rows, Tensor::full({rows.size(-1)}, m_scale));
    const Tensor logits = run.linear(m_words, scaled);
    return m_wordBias.defined() ? run.addRepeated(logits, m_wordBias) : logits;
}

Tensor EncoderDecoder::unembed(const Tensor& rows, NetworkRun& run) const {
    if (!m_words.defined())
        return Network::unembed(rows, run);
    return words(decoderNorm().defined() ? run.norm(decoderNorm(), rows) : rows, run);
}

void EncoderDecoder::finish(const NamedTensors&, const Tensor&, NetworkRun&, NamedTensors&) const {}

Tensor EncoderDecoder::defaultDecoderIds(const Tensor& read) const {
    // Moved by one to the right behind the start token: what an output is trained to be read from.
    const Tensor shifted = Tensor::full(read.shape(), static_cast<double>(m_decoder.start), DType::I64);
    if (read.size(1) > 1)
        shifted.slice(1, 1, read.size(1)).copyFrom(read.slice(1, 0, read.size(1) - 1));
    return shifted;
}

Tensor EncoderDecoder::decoderIds(const NamedTensors& inputs, std::int64_t held) const {
    if (Tensor ids = given(inputs, "decoder_input_ids"); ids.defined())
        return ids;
    if (held > 0)
        throw UsageError("A decoding that goes on needs the new decoder_input_ids.");
    if (const Tensor read = given(inputs, "input_ids"); read.defined())
        return defaultDecoderIds(read);
    const Tensor read = given(inputs, encoderInput());
    const Tensor& items = read.defined() ? read : given(inputs, "encoder_last_hidden_state");
    return Tensor::full({items.size(0), 1}, static_cast<double>(m_decoder.start), DType::I64);
}

Memory EncoderDecoder::memoryOf(const NamedTensors& inputs, NetworkRun& run) const {
    const Tensor read = given(inputs, encoderInput());
    Memory memory;
    memory.hidden = given(inputs, "encoder_last_hidden_state");
    if (!read.defined() && !memory.hidden.defined())
        throw UsageError(fmt::format("This model needs {} or encoder_last_hidden_state.", encoderInput()));
    if (const Tensor mask = given(inputs, "attention_mask"); mask.defined())
        memory.keyMask =
            keyMaskOf(mask, memory.hidden.defined() ? Shape{memory.hidden.size(0), memory.hidden.size(1)}
                                                    : read.shape());
    if (memory.hidden.defined())
        memory.hidden = memory.hidden.clone(); // an output is a tensor of the run's own
    else
        memory.hidden = encode(inputs, memory.keyMask, run);
    return memory;
}

NamedTensors EncoderDecoder::run(const NamedTensors& inputs, NetworkRun& run) const {
    nn::KeyValueCache* cache = run.context().cache;
    const std::int64_t held = cache == nullptr ? 0 : cache->length();
    NamedTensors outputs;
    Memory memory;
    if (held == 0) {
        memory = memoryOf(inputs, run);
        outputs["encoder_last_hidden_state"] = memory.hidden;
    }
    const Tensor ids = decoderIds(inputs, held);
    const std::int64_t batch = ids.size(0);
    const std::int64_t length = ids.size(1);
    if (memory.hidden.defined() && memory.hidden.size(0) != batch)
        throw UsageError(
            fmt::format("The decoder is given {} items and the encoder {}; give the same number.", batch,
                        memory.hidden.size(0)));
    if (m_decoder.positions > 0 && held + length > m_decoder.positions)
        throw UsageError(
            fmt::format("This model writes up to {} tokens, not {}.", m_decoder.positions, held + length));
    DecoderRun decoder{.ids = ids, .held = held};
    decoder.place.name = "decoder";
    decoder.place.aliases = "decoder_";
    decoder.place.causal = true;
    decoder.place.memory = memory;
    decoder.place.cache = cache;
    if (const Tensor mask = given(inputs, "decoder_attention_mask"); mask.defined()) {
        decoder.place.keyMask = keyMaskOf(mask, {batch, held + length});
    } else if (cache != nullptr && cache->keyMask().defined()) {
        decoder.place.keyMask = Tensor::full({batch, held + length}, 1, DType::U8);
        if (cache->batch() == batch)
            decoder.place.keyMask.slice(1, 0, held).copyFrom(cache->keyMask());
    }
    if (cache != nullptr)
        cache->prepare(m_decoder.layers, batch, length);
    const Tensor decoded = decode(decoder, run);
    if (cache != nullptr)
        cache->commit(length, decoder.place.keyMask);
    outputs["last_hidden_state"] = decoded;
    if (m_words.defined())
        outputs["logits"] = words(decoded, run);
    else
        finish(inputs, decoded, run, outputs);
    return outputs;
}

Tensor sharedTokens(const Weights& weights, std::initializer_list<std::string_view> names,
                    const Shape& shape) {
    std::string_view found = *names.begin();
    for (auto name = std::rbegin(names); name != std::rend(names); ++name)
        if (weights.has(*name))
            found = *name;
    for (const std::string_view name : names)
        if (name != found && weights.has(name))
            weights.ignore(name);
    return weights.table("embed.tokens", found, shape);
}

StackConfig twoTowerConfig(const checkpoint::ModelConfig& config, const TowerDefaults& defaults,
                           std::int64_t vocabulary) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"d_model"}, defaults.width);
    stack.layers = config.positive({"encoder_layers"}, defaults.layers) +
                   2 * config.positive({"decoder_layers"}, defaults.layers);
    stack.heads = static_cast<int>(config.positive({"encoder_attention_heads"}, defaults.heads));
    stack.keyValueHeads = stack.heads;
    stack.headSize = stack.hiddenSize / stack.heads;
    stack.feedForward = config.positive({"encoder_ffn_dim"}, defaults.feedForward);
    stack.vocabulary = vocabulary;
    return stack;
}

std::vector<SequenceBlock> towerBlocks(const checkpoint::ModelConfig& config, const Weights& scope,
                                       const std::string& tower, const TowerDefaults& defaults,
                                       bool postNorm) {
    const auto attention = [](const std::string& path) {
        return SequenceNames::Attention{.query = path + ".q_proj",
                                        .key = path + ".k_proj", // Whisper's has no bias
                                        .value = path + ".v_proj",
                                        .out = path + ".out_proj",
                                        .norm = path + "_layer_norm"};
    };
    SequenceNames names;
    names.self = attention("self_attn");
    if (tower == "decoder")
        names.cross = attention("encoder_attn");
    names.mlpIn = {"fc1"};
    names.mlpOut = "fc2";
    names.mlpNorm = "final_layer_norm";
    SequenceSpec spec;
    spec.width = config.positive({"d_model"}, defaults.width);
    spec.feedForward = config.positive({tower + "_ffn_dim"}, defaults.feedForward);
    const std::string heads = tower + "_attention_heads";
    spec.takeHeads(config, heads, config.positive({heads}, defaults.heads));
    spec.epsilon = 1e-5;
    spec.activation = nn::activationFromName(config.text({"activation_function"}, "gelu"), config.fileName());
    spec.postNorm = postNorm;
    std::vector<SequenceBlock> blocks;
    const std::int64_t layers = config.positive({tower + "_layers"}, defaults.layers);
    for (std::int64_t i = 0; i < layers; ++i)
        blocks.emplace_back(scope.in(fmt::format("blocks.{}", i), fmt::format("layers.{}", i)), spec, names);
    return blocks;
}

Tensor runTower(NetworkRun& run, const std::vector<SequenceBlock>& blocks, const nn::Norm& norm,
                const Tensor& x, SequencePlace place) {
    place.finalNorm = norm.defined();
    const Tensor out = runSequence(run, blocks, x, place);
    if (!norm.defined())
        return out;
    const Tensor normed = run.norm(norm, out);
    run.visit(place.name + ".ln_final.hook_normalized", normed,
              fmt::format("{}hidden_states.{}", place.aliases, blocks.size()));
    return normed;
}

} // namespace orrery::model
