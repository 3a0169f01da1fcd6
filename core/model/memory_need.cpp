// SPDX-License-Identifier: GPL-3.0-or-later
// What a run will take of memory, and whether the machine has it.
#include "base/error.h"
#include "model/state.h"
#include "nn/key_value_cache.h"
#include "nn/workspace.h"
#include "tensor/memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace orrery::model {
namespace {

std::size_t floats(std::int64_t count) {
    return static_cast<std::size_t>(std::max<std::int64_t>(count, 0)) * sizeof(float);
}

/// Runs that need less are not worth asking the system about.
constexpr std::size_t negligible = std::size_t{32} << 20U;
/// Left to others.
constexpr std::size_t reserve = std::size_t{32} << 20U;

DType inputType(const nn::Linear& linear) {
    return linear.defined() ? linear.format()->inputType() : DType::F32;
}

std::size_t bytesToPack(const Model& model) {
    std::size_t total = 0;
    model.forEachLinear([&](const nn::Linear& linear) {
        if (linear.defined())
            total += linear.format()->bytesToPack();
    });
    return total;
}

/// What a layer takes beside the residual stream: see nn/workspace.h and the runner.
std::size_t layerBytes(const Stack& stack, const Block& block, const RunShape& shape) {
    const StackConfig& config = stack.config;
    const std::int64_t rows = shape.batch * shape.length;
    const std::int64_t keys = shape.past + shape.length;
    const std::size_t stream = floats(rows * config.hiddenSize);
    std::size_t always = 0; // of both halves
    const bool experts = !block.experts.empty();
    const nn::Linear& hiddenIn = experts ? block.experts.front().in : block.mlpIn;
    const nn::Linear& hiddenOut = experts ? block.experts.front().out : block.mlpOut;
    if (block.norm1.defined() && config.normPlacement != NormPlacement::After) {
        const bool narrow = inputType(block.qkv) == DType::BF16 && inputType(hiddenIn) == DType::BF16;
        always += narrow ? stream / 2 : stream;
        if (config.parallelBranches && !config.oneNorm)
            always += narrow ? stream / 2 : stream;
    }
    if (block.attentionNorm.defined() || block.mlpNorm.defined() || experts)
        always += stream; // of the branch
    const std::int64_t wide = config.heads * config.headSize;
    std::size_t first = 0;  // half
    std::size_t beside = 0; // what the first half makes for itself alone
    if (block.mixer) {
        const nn::Cost cost = block.mixer->cost(shape.batch, shape.length, config.hiddenSize);
        beside = stream + static_cast<std::size_t>(cost.memory);
    } else if (block.qkv.defined()) {
        const bool narrow =
            inputType(block.qkv) == DType::BF16 && inputType(block.attentionOut) == DType::BF16 &&
            config.relative == RelativeKind::None && config.scoreCap == 0 && !block.kernel && shape.past == 0;
        const std::size_t item = narrow ? 2 : 4;
        first = nn::Workspace::rounded(static_cast<std::size_t>(rows * block.qkv.outputs()) * item) +
                static_cast<std::size_t>(rows * wide) * item;
        if (block.kernel)
            beside = static_cast<std::size_t>(
                block.kernel
                    ->cost(shape.batch, shape.length, keys, config.heads, config.headSize, config.causal)
                    .memory);
        // Relative and capped scores are dense in the length, the former with what they are gathered from.
        if (config.relative == RelativeKind::Disentangled) {
            const std::int64_t distances = std::min(2 * shape.length - 1, 2 * config.relativeSpan);
            const std::int64_t meetings =
                (config.contentToPosition ? 1 : 0) + (config.positionToContent ? 1 : 0);
            beside += floats(rows * config.heads * (keys + meetings * distances) +
                             (config.sharedRelative ? 3 : meetings) * distances * wide);
        } else if (config.relative != RelativeKind::None) {
            const std::int64_t distances = 2 * shape.length - 1;
            beside += floats(rows * config.heads * (keys + distances) + rows * wide +
                             distances * (config.hiddenSize + wide));
        } else if (config.scoreCap > 0) {
            beside += floats(rows * config.heads * keys);
        }
    }
    std::size_t second = 0;
    if (hiddenIn.defined()) {
        const std::int64_t share =
            experts ? std::min(rows, 2 * rows * config.expertsPerToken / config.experts + 1) : rows;
        second = static_cast<std::size_t>(share * (hiddenIn.outputs() + 32)) * itemSize(inputType(hiddenOut));
        if (experts)
            second += floats(rows * config.experts + 2 * share * config.hiddenSize);
    }
    // The halves share their memory (reserveBlock), the mixture of experts has its own.
    return always + (experts ? first + std::max(beside, second) : std::max(first + beside, second));
}

std::size_t headBytes(const Stack& stack, const RunShape& shape) {
    const StackConfig& config = stack.config;
    const Head& head = stack.head;
    const std::int64_t rows = shape.batch * shape.length;
    std::size_t bytes = stack.finalNorm.defined() ? floats(rows * config.hiddenSize) : 0;
    if (stack.outputProjection.defined())
        bytes += floats(rows * config.embeddingSize);
    const bool whole = config.head == HeadKind::SequenceClassification;
    const std::int64_t answers = whole                 ? shape.batch
                                 : shape.logitRows < 0 ? rows
                                                       : shape.batch * shape.logitRows;
    const auto add = [&](const nn::Linear& linear, std::int64_t count) {
        if (linear.defined())
            bytes += floats(count * linear.outputs());
    };
    add(head.pooler, shape.batch);
    if (shape.logitRows == 0)
        return bytes;
    if (head.decoder.defined() && shape.logitRows > 0)
        bytes += floats(answers * config.hiddenSize); // picked
    add(head.transform, answers);
    add(head.classifierDense, answers);
    add(head.decoder, answers);
    add(head.classifier, answers);
    return bytes;
}

std::string shapesKey(const NamedTensors& inputs) {
    std::string key;
    for (const auto& [name, tensor] : inputs)
        key += fmt::format("{}{};", name, tensor.defined() ? tensor.shape().toText() : std::string());
    return key;
}

/// A bound below which no network's need is worth finding out: rows of the widths that they work in.
std::size_t roughBytes(const NamedTensors& inputs, const StackConfig& config) {
    double bytes = 0;
    for (const auto& [name, tensor] : inputs)
        if (tensor.defined())
            bytes += static_cast<double>(tensor.elements()) * 4 *
                     (tensor.dtype() == DType::I64 ? 32.0 * static_cast<double>(config.hiddenSize) +
                                                         static_cast<double>(config.vocabulary)
                                                   : 64.0);
    return bytes < 1e18 ? static_cast<std::size_t>(bytes) : std::size_t{1} << 60U;
}

/// A bound of what a trace keeps of a stack's run.
double mostOfTrace(const StackConfig& config, const RunShape& shape) {
    const double width = static_cast<double>(std::max(
        {config.hiddenSize, 2 * config.feedForward, std::int64_t{3} * config.heads * config.headSize}));
    const double heads = static_cast<double>(config.heads) *
                         (static_cast<double>(config.hiddenSize) + 2.0 * static_cast<double>(shape.length));
    return 4.0 * static_cast<double>(shape.batch * shape.length) *
           (static_cast<double>(config.layers + 2) * (24 * width + heads) +
            static_cast<double>(config.vocabulary));
}

} // namespace

std::size_t activationBytes(const Stack& stack, const RunShape& shape) {
    const StackConfig& config = stack.config;
    const std::int64_t rows = shape.batch * shape.length;
    std::size_t layers = 0;
    for (const Block& block : stack.blocks)
        layers = std::max(layers, layerBytes(stack, block, shape));
    for (const auto& rotary : config.rotaries)
        layers += floats(shape.length * rotary.dimensions);
    const std::size_t embedding =
        stack.embeddingProjection.defined() ? floats(rows * config.embeddingSize) : 0;
    return floats(rows * config.hiddenSize) + std::max({layers, embedding, headBytes(stack, shape)});
}

MemoryNeed Model::memoryNeed(const ModelInput& input, const Context& context) const {
    if (isNetwork())
        return memoryNeed(NamedTensors{{"input_ids", input.inputIds},
                                       {"attention_mask", input.attentionMask},
                                       {"token_type_ids", input.typeIds},
                                       {"position_ids", input.positionIds}},
                          context);
    MemoryNeed need;
    if (!input.inputIds.defined() || input.inputIds.rank() != 2)
        return need; // the run says what is wrong with it
    RunShape shape{.batch = input.inputIds.size(0), .length = input.inputIds.size(1)};
    if (context.cache != nullptr)
        shape.past = context.cache->length();
    if (input.logits == LogitRows::None)
        shape.logitRows = 0;
    else if (input.logits == LogitRows::Last)
        shape.logitRows = 1;
    else if (input.logits == LogitRows::Chosen)
        shape.logitRows = static_cast<std::int64_t>(input.logitPositions.size());
    need.weightBytes = bytesToPack(*this);
    need.activationBytes = activationBytes(m_state->stack, shape);
    if (context.trace != nullptr && !context.trace->globs().empty() &&
        mostOfTrace(config(), shape) > static_cast<double>(negligible))
        need.traceBytes =
            probe::Trace::predictedBytes(context.trace->globs(), layoutOf(m_state->stack, context),
                                         shape.batch, shape.length, context.trace->fullPatterns());
    return need;
}

MemoryNeed Model::memoryNeed(const NamedTensors& inputs, const Context& context) const {
    if (isNetwork()) {
        NamedTensors given = inputs;
        const std::vector<NetworkInput> known = this->inputs();
        std::erase_if(given, [&](const auto& entry) {
            return !entry.second.defined() ||
                   std::none_of(known.begin(), known.end(),
                                [&](const NetworkInput& each) { return each.name == entry.first; });
        });
        return m_state->memoryNeed(m_state->checkedInputs(given), context);
    }
    const auto ids = inputs.find("input_ids");
    ModelInput input;
    if (ids != inputs.end())
        input.inputIds = ids->second;
    return memoryNeed(input, context);
}

void Model::State::checkMemory(const NamedTensors& checked, const Context& context) const {
    if (roughBytes(checked, stack.config) < negligible)
        return;
    MemoryNeed need = memoryNeed(checked, context);
    std::string shapes;
    for (const auto& [input, tensor] : checked)
        shapes += fmt::format("{}{} {}", shapes.empty() ? "" : ", ", input, tensor.shape().toText());
    checkMemory(need, shapes);
}

MemoryNeed Model::State::memoryNeed(const NamedTensors& checked, const Context& context) const {
    MemoryNeed need;
    for (const nn::Linear& linear : table.linears)
        need.weightBytes += linear.format()->bytesToPack();
    // Parts that a run chooses for itself, or that look at it, need what they say: found out anew.
    const bool plain = context.mixers.empty() && context.attentionKernels.empty();
    const std::string key = shapesKey(checked);
    KnownNeeds::Need found;
    {
        const std::lock_guard lock(needs->mutex);
        if (const auto known = needs->byShapes.find(key); plain && known != needs->byShapes.end())
            found = known->second;
    }
    if (found.activationBytes == 0) {
        Context quiet;
        quiet.progress = context.progress;
        quiet.mixers = context.mixers;
        quiet.attentionKernels = context.attentionKernels;
        const SizingScope scope;
        NetworkRun run(quiet, table, NetworkRun::Purpose::Memory);
        (void)asNetwork().run(checked, run);
        found = {scope.peakBytes(), run.convolutions()};
        const std::lock_guard lock(needs->mutex);
        if (needs->byShapes.size() >= KnownNeeds::most)
            needs->byShapes.clear();
        if (plain)
            needs->byShapes[key] = found;
    }
    need.activationBytes = found.activationBytes;
    for (const nn::Convolution* convolution : found.convolutions)
        need.weightBytes += convolution->bytesToPack();
    return need;
}

void Model::State::checkMemory(const MemoryNeed& need, const std::string& input) const {
    if (need.total() < negligible)
        return;
    const MemoryRoom room = memoryRoom();
    const std::size_t kept = cachedBytes(); // is used again, or given back
    if (room.bytes == MemoryRoom::unknown || room.bytes + kept >= need.total() + reserve)
        return;
    std::vector<std::string> parts;
    const auto part = [&](std::size_t bytes, std::string_view of) {
        if (bytes > 0)
            parts.push_back(fmt::format("{} for {}", memoryText(bytes), of));
    };
    part(need.weightBytes, "weights that are still to be packed");
    part(need.activationBytes, "activations");
    part(need.traceBytes, "traced sites");
    std::vector<std::string_view> remedies{"a shorter input", "a smaller batch"};
    if (need.traceBytes > 0)
        remedies.emplace_back("fewer traced sites");
    if (dtype == DType::F32)
        remedies.emplace_back("bf16 (--dtype bf16)");
    throw Error(fmt::format("Running {} on an input of {} needs about {} ({}), but {} leaves {}; use {}.",
                            name, input, memoryText(need.total()), fmt::join(parts, ", "), room.limit,
                            memoryText(room.bytes + kept), fmt::join(remedies, ", ")));
}

} // namespace orrery::model
