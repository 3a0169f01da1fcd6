// SPDX-License-Identifier: GPL-3.0-or-later
// What a model is made of and what a run of it costs.
#include "model/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace orrery::model {
namespace {

std::string kindOfGroup(std::string_view name) {
    if (name == "embed")
        return "embeddings";
    if (name == "blocks")
        return "layers";
    if (name.ends_with(".attn"))
        return "attention";
    if (name.ends_with(".mlp"))
        return "feed-forward";
    if (name.starts_with("blocks."))
        return "layer";
    return name == "head" ? "masked language model head" : "head";
}

std::string kindOfNetworkGroup(std::string_view name) {
    const std::string_view last = name.substr(name.rfind('.') + 1);
    if (last == "embed")
        return "embeddings";
    if (last == "attn" || last.ends_with("attention"))
        return "attention";
    if (last == "mlp")
        return "feed-forward";
    if (last.ends_with("s"))
        return "list";
    return last.find_first_not_of("0123456789") == std::string_view::npos ? "layer" : "part";
}

ModuleInfo& childNamed(ModuleInfo& parent, const std::string& name, bool network) {
    for (ModuleInfo& child : parent.children)
        if (child.name == name)
            return child;
    ModuleInfo& child = parent.children.emplace_back();
    child.name = name;
    child.kind = network ? kindOfNetworkGroup(name) : kindOfGroup(name);
    return child;
}

void sumUp(ModuleInfo& module) {
    for (const ParameterInfo& parameter : module.parameters) {
        module.parameterCount += parameter.shape.elements();
        module.bytes += parameter.bytes;
    }
    for (ModuleInfo& child : module.children) {
        sumUp(child);
        module.parameterCount += child.parameterCount;
        module.bytes += child.bytes;
    }
}

} // namespace

ModuleInfo Model::modules() const {
    std::map<std::string, std::string> formats;
    forEachLinear([&](const nn::Linear& linear) { formats[linear.name()] = linear.format()->name(); });
    ModuleInfo root;
    root.name = name();
    root.kind = fmt::format("{}, {}", family(), task());
    for (const LoadedModule& loaded : m_state->modules) {
        ModuleInfo* place = &root;
        for (std::size_t dot = loaded.name.find('.'); dot != std::string::npos;
             dot = loaded.name.find('.', dot + 1))
            place = &childNamed(*place, loaded.name.substr(0, dot), isNetwork());
        ModuleInfo& leaf = childNamed(*place, loaded.name, isNetwork());
        const auto format = formats.find(loaded.name);
        leaf.kind =
            format == formats.end() ? loaded.kind : fmt::format("{} ({})", loaded.kind, format->second);
        leaf.parameters.insert(leaf.parameters.end(), loaded.parameters.begin(), loaded.parameters.end());
    }
    for (int layer = 0; layer < static_cast<int>(layers()); ++layer)
        if (const auto replaced = mixer(layer)) {
            ModuleInfo& block =
                childNamed(childNamed(root, "blocks", false), fmt::format("blocks.{}", layer), false);
            childNamed(block, block.name + ".attn", false).kind =
                fmt::format("token mixer: {}", replaced->name());
        }
    sumUp(root);
    return root;
}

std::int64_t Model::parameterCount() const {
    std::int64_t total = 0;
    for (const LoadedModule& module : m_state->modules)
        for (const ParameterInfo& parameter : module.parameters)
            total += parameter.shape.elements();
    return total;
}

RunCost Model::cost(std::int64_t batch, std::int64_t length) const {
    if (isNetwork())
        return m_state->sizes(batch, length).cost;
    const StackConfig& stack = config();
    const std::int64_t rows = batch * length;
    RunCost cost;
    /// count: rows that the linear multiplies.
    const auto add = [&](const nn::Linear& linear, std::int64_t count) {
        if (!linear.defined())
            return;
        cost.matmulOperations += linear.format()->operations(count);
        cost.weightBytes += static_cast<double>(linear.format()->bytes());
    };
    add(m_state->stack.embeddingProjection, rows);
    // Rows of a table of distances that the queries and keys of relative attention meet.
    const std::int64_t distances = stack.relative == RelativeKind::Disentangled
                                       ? std::min(2 * length - 1, 2 * stack.relativeSpan)
                                       : 2 * length - 1;
    for (int layer = 0; layer < static_cast<int>(layers()); ++layer) {
        const Block& block = m_state->stack.blocks[static_cast<std::size_t>(layer)];
        if (block.mixer) {
            cost.attentionOperations += block.mixer->cost(batch, length, hiddenSize()).operations;
        } else {
            add(block.qkv, rows);
            add(block.attentionOut, rows);
            const auto kernel = block.kernel ? block.kernel : nn::fusedAttention();
            // Of a sliding window that is shorter than the input, queries see that much (on both sides).
            const std::int64_t window = stack.layer(layer).window;
            const bool slides = !block.kernel && window < length;
            const std::int64_t seen =
                slides ? std::min(length, stack.causal ? window : 2 * window - 1) : length;
            cost.attentionOperations +=
                kernel->cost(batch, length, seen, stack.heads, stack.headSize, stack.causal && !slides)
                    .operations;
        }
        if (stack.relative != RelativeKind::None && !block.mixer) {
            add(stack.sharedRelative ? block.qkv : block.relative.key, distances);
            add(block.relative.query, distances);
            cost.attentionOperations +=
                4.0 * static_cast<double>(rows * stack.heads * stack.headSize * distances);
        }
        add(block.mlpIn, rows);
        add(block.mlpOut, rows);
        add(block.router, rows);
        // Every row goes to some of the experts; which ones is not known before it has.
        const auto experts = static_cast<std::int64_t>(block.experts.size());
        for (const Expert& expert : block.experts) {
            const std::int64_t shared = (rows * stack.expertsPerToken + experts - 1) / experts;
            add(expert.in, shared);
            add(expert.out, shared);
        }
    }
    add(m_state->stack.outputProjection, rows);
    const Head& head = m_state->stack.head;
    const std::int64_t answers = stack.head == HeadKind::SequenceClassification ? batch : rows;
    add(head.pooler, batch);
    add(head.transform, head.decoder.defined() ? rows : answers);
    add(head.decoder, rows);
    add(head.classifierDense, answers);
    add(head.classifier, answers);
    cost.operations = cost.matmulOperations + cost.attentionOperations;
    cost.peakBytes = activationBytes(m_state->stack, {.batch = batch, .length = length});
    return cost;
}

} // namespace orrery::model
