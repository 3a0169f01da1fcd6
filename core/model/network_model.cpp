// SPDX-License-Identifier: GPL-3.0-or-later
// Networks as models: opening, named inputs, sites, cost.
#include "base/error.h"
#include "base/options.h"
#include "model/state.h"
#include "tensor/memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace orrery::model {
namespace {

std::vector<std::string> namesOf(const std::vector<NetworkInput>& inputs) {
    std::vector<std::string> names;
    names.reserve(inputs.size());
    for (const NetworkInput& input : inputs)
        names.push_back(input.name);
    return names;
}

std::vector<NetworkInput> stackInputs(const StackConfig& config) {
    const auto ids = [&](std::string name, std::string meaning, bool required) {
        return NetworkInput{.name = std::move(name),
                            .meaning = std::move(meaning),
                            .example = {1, std::min<std::int64_t>(16, config.maxPositions)},
                            .sizes = {-1, -1},
                            .dtype = DType::I64,
                            .required = required};
    };
    std::vector<NetworkInput> inputs{ids("input_ids", "token ids", true),
                                     ids("attention_mask", "1 for tokens, 0 for padding", false),
                                     ids("position_ids", "positions, where they are not counted", false)};
    if (config.typeVocabulary > 0)
        inputs.push_back(ids("token_type_ids", "segments", false));
    return inputs;
}

NamedTensors examplesOf(const std::vector<NetworkInput>& inputs, const StackConfig& config,
                        std::int64_t batch, std::int64_t length) {
    NamedTensors result;
    for (const NetworkInput& input : inputs) {
        if (!input.required && !input.exemplary)
            continue;
        Shape shape = input.example;
        shape[0] = std::max<std::int64_t>(1, batch);
        if (input.dtype == DType::I64 && shape.rank() == 2 && length > 0 && input.sizes[1] < 0)
            shape[1] = config.maxPositions > 0 ? std::min(length, config.maxPositions) : length;
        result[input.name] = Tensor::full(shape, input.name.ends_with("mask") ? 1 : 0, input.dtype);
    }
    return result;
}

Tensor at(const NamedTensors& tensors, std::string_view name) {
    const auto found = tensors.find(name);
    return found == tensors.end() ? Tensor{} : found->second;
}

/// Rows of per-token logits that were asked for.
void chooseLogits(const ModelInput& input, ModelOutput& output) {
    if (!output.logits.defined() || output.logits.rank() != 3 || input.logits == LogitRows::All)
        return;
    const std::int64_t length = output.logits.size(1);
    if (input.logits == LogitRows::None) {
        output.logits = {};
        return;
    }
    std::vector<std::int64_t> rows = input.logitPositions;
    if (input.logits == LogitRows::Last)
        rows = {length - 1};
    const Tensor chosen =
        Tensor::empty({output.logits.size(0), static_cast<std::int64_t>(rows.size()), output.logits.size(2)});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::int64_t row = rows[i] < 0 ? rows[i] + length : rows[i];
        if (row < 0 || row >= length)
            throw UsageError(fmt::format("There is no position {} in an input of {}.", rows[i], length));
        chosen.select(1, static_cast<std::int64_t>(i)).copyFrom(output.logits.select(1, row));
    }
    output.logits = chosen;
    output.logitPositions = rows;
}

} // namespace

void Model::State::openNetwork(const NetworkFamily& family, const OpenOptions& options) {
    checkpoint = checkpoint::Checkpoint::open(folder);
    Weights weights(*checkpoint, fileConfig, options);
    network = family.build(fileConfig, weights);
    stack.config = network->config();
    table.linears = weights.takeLinears();
    modules = weights.takeModules();
    unused = weights.unused();
}

const Network& Model::State::asNetwork() const {
    ORRERY_CHECK(network != nullptr, "a network");
    return *network;
}

NamedTensors Model::State::checkedInputs(const NamedTensors& inputs) const {
    const std::vector<NetworkInput> known = asNetwork().inputs();
    NamedTensors result;
    for (const auto& [given, tensor] : inputs) {
        const auto input =
            std::find_if(known.begin(), known.end(),
                         [&, &wanted = given](const NetworkInput& each) { return each.name == wanted; });
        if (input == known.end()) {
            if (given.starts_with("rng.")) { // recorded random numbers, for those who draw some
                result[given] = tensor;
                continue;
            }
            throw UsageError(fmt::format("{} does not take the input \"{}\"; it takes {}.", name, given,
                                         fmt::join(namesOf(known), ", ")));
        }
        if (!tensor.defined())
            continue;
        bool fits = tensor.rank() == input->sizes.rank() && tensor.elements() > 0;
        for (int i = 0; fits && i < tensor.rank(); ++i)
            fits = input->sizes[i] < 0 || input->sizes[i] == tensor.size(i);
        if (!fits)
            throw UsageError(fmt::format("The input \"{}\" of {} has the shape {} (-1: any size), not {}.",
                                         given, name, input->sizes.toText(), tensor.shape().toText()));
        if (input->dtype == DType::I64 && isFloating(tensor.dtype()))
            throw UsageError(fmt::format("The input \"{}\" holds whole numbers, not {}.", given,
                                         orrery::name(tensor.dtype())));
        result[given] = tensor.to(input->dtype);
    }
    for (const NetworkInput& input : known)
        if (input.required && !result.contains(input.name))
            throw UsageError(fmt::format("{} needs the input \"{}\" ({}, shape {}).", name, input.name,
                                         input.meaning, input.sizes.toText()));
    return result;
}

NamedTensors Model::State::runNetwork(const NamedTensors& inputs, const Context& context) const {
    const NamedTensors checked = checkedInputs(inputs);
    checkMemory(checked, context);
    if (context.trace != nullptr)
        context.trace->beginNamed(layoutOf(stack));
    NetworkRun run(context, table);
    NamedTensors outputs = asNetwork().run(checked, run);
    run.finish(outputs);
    return outputs;
}

ModelOutput Model::State::runNetwork(const ModelInput& input, const Context& context) const {
    const std::vector<std::string> known = namesOf(asNetwork().inputs());
    if (std::find(known.begin(), known.end(), "input_ids") == known.end())
        throw UsageError(fmt::format("{} takes no text: give it {}.", name, fmt::join(known, ", ")));
    NamedTensors inputs{{"input_ids", input.inputIds}};
    const auto give = [&](const char* as, const Tensor& tensor) {
        if (tensor.defined() && std::find(known.begin(), known.end(), as) != known.end())
            inputs[as] = tensor;
    };
    give("attention_mask", input.attentionMask);
    give("token_type_ids", input.typeIds);
    give("position_ids", input.positionIds);
    const NamedTensors outputs = runNetwork(inputs, context);
    ModelOutput result{.logits = at(outputs, "logits"),
                       .startLogits = at(outputs, "start_logits"),
                       .endLogits = at(outputs, "end_logits"),
                       .lastHidden = at(outputs, "last_hidden_state"),
                       .pooled = at(outputs, "pooler_output")};
    chooseLogits(input, result);
    return result;
}

Model::State::Sizes Model::State::sizes(std::int64_t batch, std::int64_t length) const {
    const NamedTensors inputs = examplesOf(asNetwork().inputs(), stack.config, batch, length);
    const SizingScope scope;
    const Context context;
    NetworkRun run(context, table, NetworkRun::Purpose::Sizes);
    NamedTensors outputs = asNetwork().run(inputs, run);
    run.finish(outputs);
    RunCost cost = run.cost();
    cost.peakBytes = memoryNeed(inputs, {}).activationBytes;
    return {cost, run.seen()};
}

NamedTensors Model::run(const NamedTensors& inputs, const Context& context) const {
    if (isNetwork())
        return m_state->runNetwork(inputs, context);
    ModelInput input;
    for (const auto& [inputName, tensor] : inputs) {
        const Tensor ids = tensor.defined() ? tensor.to(DType::I64) : tensor;
        if (inputName == "input_ids")
            input.inputIds = ids;
        else if (inputName == "attention_mask")
            input.attentionMask = ids;
        else if (inputName == "token_type_ids")
            input.typeIds = ids;
        else if (inputName == "position_ids")
            input.positionIds = ids;
        else
            throw UsageError(fmt::format("{} does not take the input \"{}\"; it takes {}.", name(), inputName,
                                         fmt::join(namesOf(this->inputs()), ", ")));
    }
    const ModelOutput output = run(input, context);
    NamedTensors result;
    for (const auto& [outputName, tensor] : {std::pair<const char*, const Tensor&>{"logits", output.logits},
                                             {"start_logits", output.startLogits},
                                             {"end_logits", output.endLogits},
                                             {"last_hidden_state", output.lastHidden},
                                             {"pooler_output", output.pooled}})
        if (tensor.defined())
            result[outputName] = tensor;
    return result;
}

std::vector<NetworkInput> Model::inputs() const {
    return isNetwork() ? m_state->network->inputs() : stackInputs(config());
}

NamedTensors Model::exampleInputs(std::int64_t batch, std::int64_t length) const {
    return examplesOf(inputs(), config(), batch, length);
}

std::vector<probe::SiteInfo> Model::networkSites(std::int64_t batch, std::int64_t length) const {
    std::vector<probe::SiteInfo> result;
    for (const SeenSite& seen : m_state->sizes(batch, length).sites) {
        probe::SiteInfo site;
        site.name = seen.name;
        if (!seen.alias.empty())
            site.aliases.push_back(seen.alias);
        site.shape = seen.shape;
        site.bytes = static_cast<std::size_t>(seen.shape.elements()) * itemSize(site.dtype);
        site.lazyBytes = seen.lazyBytes;
        site.meaning = probe::meaningOfNamed(seen.name);
        result.push_back(std::move(site));
    }
    return result;
}

std::size_t Model::traceBytes(const std::vector<std::string>& globs, std::int64_t batch, std::int64_t length,
                              bool fullPatterns) const {
    if (!isNetwork())
        return probe::Trace::predictedBytes(globs, layout(), batch, length, fullPatterns);
    std::vector<bool> matched(globs.size(), false);
    std::vector<std::string> names;
    std::size_t total = 0;
    for (const probe::SiteInfo& site : networkSites(batch, length)) {
        const std::string alias = site.aliases.empty() ? std::string() : site.aliases.front();
        names.push_back(site.name);
        if (!alias.empty())
            names.push_back(alias);
        bool wanted = false;
        for (std::size_t i = 0; i < globs.size(); ++i)
            if (probe::meansSite(globs[i], site.name, alias))
                matched[i] = wanted = true;
        if (wanted)
            total += fullPatterns ? site.bytes : site.lazyBytes;
    }
    for (std::size_t i = 0; i < globs.size(); ++i)
        if (!matched[i])
            probe::throwNoSuchSite(globs[i], names);
    return total;
}

} // namespace orrery::model
