// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/networks/encoder_decoder.h"

#include "base/error.h"
#include "model/networks/transformer.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::model {
namespace {

Tensor given(const NamedTensors& inputs, std::string_view name) {
    const auto found = inputs.find(name);
    return found == inputs.end() ? Tensor{} : found->second;
}

} // namespace

std::vector<NetworkInput> EncoderDecoder::decoderInputs() const {
    const std::int64_t length = m_decoderPositions > 0 ? std::min<std::int64_t>(8, m_decoderPositions) : 8;
    NetworkInput ids{.name = "decoder_input_ids",
                     .meaning = "token ids of what is being written, the start token first",
                     .example = {1, length},
                     .sizes = {-1, -1},
                     .dtype = DType::I64,
                     .required = false,
                     .exemplary = true};
    NetworkInput mask = ids;
    mask.name = "decoder_attention_mask";
    mask.meaning = "1 for tokens of the decoder, 0 for padding";
    mask.exemplary = false;
    NetworkInput memory{.name = "encoder_last_hidden_state",
                        .meaning = "what the encoder gave for the same inputs, in their place",
                        .example = {1, 16, config().hiddenSize},
                        .sizes = {-1, -1, config().hiddenSize},
                        .required = false};
    return {ids, mask, memory};
}

std::vector<NetworkInput> EncoderDecoder::textInputs() const {
    const std::int64_t length =
        config().maxPositions > 0 ? std::min<std::int64_t>(16, config().maxPositions) : 16;
    NetworkInput ids{.name = "input_ids",
                     .meaning = "token ids of what is read",
                     .example = {1, length},
                     .sizes = {-1, -1},
                     .dtype = DType::I64,
                     .required = false,
                     .exemplary = true};
    NetworkInput mask = ids;
    mask.name = "attention_mask";
    mask.meaning = "1 for tokens, 0 for padding";
    mask.exemplary = false;
    std::vector<NetworkInput> inputs{ids, mask};
    for (NetworkInput& input : decoderInputs())
        inputs.push_back(std::move(input));
    return inputs;
}

Tensor EncoderDecoder::shiftedRight(const Tensor& ids, std::int64_t start) {
    const Tensor shifted = Tensor::full(ids.shape(), static_cast<double>(start), DType::I64);
    if (ids.size(1) > 1)
        shifted.slice(1, 1, ids.size(1)).copyFrom(ids.slice(1, 0, ids.size(1) - 1));
    return shifted;
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
    Tensor ids = given(inputs, "decoder_input_ids");
    if (!ids.defined()) {
        if (held > 0)
            throw UsageError("A decoding that goes on needs the new decoder_input_ids.");
        ids = defaultDecoderIds(inputs);
    }
    const std::int64_t batch = ids.size(0);
    const std::int64_t length = ids.size(1);
    if (memory.hidden.defined() && memory.hidden.size(0) != batch)
        throw UsageError(
            fmt::format("The decoder is given {} items and the encoder {}; give the same number.", batch,
                        memory.hidden.size(0)));
    if (m_decoderPositions > 0 && held + length > m_decoderPositions)
        throw UsageError(
            fmt::format("This model writes up to {} tokens, not {}.", m_decoderPositions, held + length));
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
        cache->prepare(m_decoderLayers, batch, length);
    const Tensor decoded = decode(decoder, run);
    if (cache != nullptr)
        cache->commit(length, decoder.place.keyMask);
    outputs["last_hidden_state"] = decoded;
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

} // namespace orrery::model
