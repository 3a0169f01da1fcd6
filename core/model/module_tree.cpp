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
        leaf.parameters = loaded.parameters;
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
    for (const Block& block : m_state->stack.blocks) {
        if (block.mixer) {
            cost.attentionOperations += block.mixer->cost(batch, length, hiddenSize()).operations;
        } else {
            cost.matmulOperations +=
                block.qkv.format()->operations(rows) + block.attentionOut.format()->operations(rows);
            cost.weightBytes +=
                static_cast<double>(block.qkv.format()->bytes() + block.attentionOut.format()->bytes());
            const auto kernel = block.kernel ? block.kernel : nn::fusedAttention();
            cost.attentionOperations +=
                kernel->cost(batch, length, length, stack.heads, stack.headSize, stack.causal).operations;
        }
        cost.matmulOperations +=
            block.mlpIn.format()->operations(rows) + block.mlpOut.format()->operations(rows);
        cost.weightBytes +=
            static_cast<double>(block.mlpIn.format()->bytes() + block.mlpOut.format()->bytes());
    }
    const Head& head = m_state->stack.head;
    std::int64_t logits = 0;
    const auto add = [&](const nn::Linear& linear, std::int64_t count) {
        if (!linear.defined())
            return;
        cost.matmulOperations += linear.format()->operations(count);
        cost.weightBytes += static_cast<double>(linear.format()->bytes());
        logits = std::max(logits, count * linear.outputs());
    };
    const std::int64_t answers = stack.head == HeadKind::SequenceClassification ? batch : rows;
    add(head.pooler, batch);
    add(head.transform, rows);
    add(head.decoder, rows);
    add(head.classifierDense, batch);
    add(head.classifier, answers);
    cost.operations = cost.matmulOperations + cost.attentionOperations;
    // Residual stream, normed copy, q k v, mixed values, hidden units, head: see nn/workspace.h.
    const std::int64_t wide = stack.heads * stack.headSize;
    const std::int64_t qkv = wide + 2 * stack.keyValueHeads * stack.headSize;
    const std::int64_t floats = rows * (3 * stack.hiddenSize + qkv + wide + stack.feedForward) + logits;
    cost.peakBytes = static_cast<std::size_t>(floats) * sizeof(float);
    return cost;
}

} // namespace orrery::model
