// SPDX-License-Identifier: GPL-3.0-or-later
// Runs with edits, started from the clean state before what they change.
#include "base/error.h"
#include "model/runner.h"
#include "model/state.h"
#include "nn/key_value_cache.h"

#include <algorithm>
#include <numeric>

namespace orrery::model {
namespace {

Tensor joined(const Tensor& head, const Tensor& tail) {
    Shape shape = head.shape();
    shape[1] = head.size(1) + tail.size(1);
    Tensor result = Tensor::empty(shape);
    result.slice(1, 0, head.size(1)).copyFrom(head);
    result.slice(1, head.size(1), shape[1]).copyFrom(tail);
    return result;
}

ModelOutput rowsOf(const ModelOutput& all, std::int64_t first, std::int64_t last) {
    const auto cut = [&](const Tensor& tensor) {
        return tensor.defined() ? tensor.slice(0, first, last) : tensor;
    };
    return {.logits = cut(all.logits),
            .startLogits = cut(all.startLogits),
            .endLogits = cut(all.endLogits),
            .lastHidden = cut(all.lastHidden),
            .pooled = cut(all.pooled),
            .logitPositions = all.logitPositions};
}

void checkPrefix(const PrefixCache& prefix, const Model& model) {
    if (static_cast<std::int64_t>(prefix.residual.size()) != (model.isNetwork() ? 0 : model.layers() + 1))
        throw UsageError("The prefix of this edited run was made by another model; run it clean first.");
}

/// Edits that look at nothing but their own positions, so that earlier ones stay as they were.
bool keepsEarlierPositions(const probe::Edits& edits) {
    return std::all_of(edits.all().begin(), edits.all().end(), [](const probe::Edit& edit) {
        return edit.kind == probe::EditKind::Zero || edit.kind == probe::EditKind::Scale ||
               edit.kind == probe::EditKind::Patch;
    });
}

} // namespace

std::size_t PrefixCache::bytes() const {
    std::size_t total = 0;
    for (const auto* list : {&residual, &key, &value})
        for (const Tensor& tensor : *list)
            total += tensor.bytes();
    return total;
}

PrefixCache Model::runForEditing(const ModelInput& input, const Context& context) const {
    Context clean = context;
    clean.edits = nullptr;
    clean.cache = nullptr;
    PrefixCache prefix;
    if (isNetwork()) { // has no layers that every run passes in turn: edited runs are whole runs
        prefix.output = run(input, clean);
        prefix.input = input;
        return prefix;
    }
    MemoryNeed need = memoryNeed(input, clean);
    // A residual stream of every layer, and its keys and values where they are kept.
    const std::size_t stream = static_cast<std::size_t>(input.inputIds.elements()) * sizeof(float);
    need.activationBytes += stream * static_cast<std::size_t>((layers() + 1) * hiddenSize());
    if (causal())
        need.activationBytes +=
            2 * stream * static_cast<std::size_t>(layers() * config().keyValueHeads * config().headSize);
    m_state->checkMemory(need, input.inputIds.shape().toText());
    nn::Workspace workspace;
    Runner runner(m_state->stack, clean, workspace, {});
    runner.setInput(input);
    runner.setRecord(&prefix);
    const Tensor x = runner.embed();
    runner.layers(x, 0, static_cast<int>(layers()));
    prefix.output = runner.finish(x);
    prefix.input = input;
    return prefix;
}

ModelOutput Model::runEdited(const probe::Edits& edits, const PrefixCache& prefix,
                             const Context& context) const {
    checkPrefix(prefix, *this);
    if (isNetwork()) {
        Context whole = context;
        whole.edits = &edits;
        whole.cache = nullptr;
        return run(prefix.input, whole);
    }
    const probe::SiteLayout sites = layoutOf(m_state->stack, context);
    const int last = static_cast<int>(layers());
    const int first = edits.firstLayer(sites);
    const bool embeddings = edits.beforeBlocks(sites);
    Context edited = context;
    edited.edits = nullptr;
    edited.cache = nullptr;

    const std::int64_t length = prefix.input.length();
    std::int64_t skipped = 0;
    const bool plainLayers = std::none_of(m_state->stack.blocks.begin(), m_state->stack.blocks.end(),
                                          [](const Block& block) { return block.mixer != nullptr; });
    // Causal models: what comes before the first edited position is as in the clean run.
    if (causal() && !embeddings && context.trace == nullptr && context.mixers.empty() && plainLayers &&
        keepsEarlierPositions(edits) && prefix.input.logits == LogitRows::All &&
        prefix.key.size() == static_cast<std::size_t>(last) &&
        config().head != HeadKind::SequenceClassification)
        skipped = std::min(edits.firstPosition(length), length - 1);

    nn::KeyValueCache cache;
    ModelInput input = prefix.input;
    Tensor residual = prefix.residual[static_cast<std::size_t>(first)];
    if (skipped > 0) {
        cache.prepare(last, input.batch(), skipped);
        for (int layer = 0; layer < last; ++layer)
            cache.append(layer, prefix.key[static_cast<std::size_t>(layer)].slice(1, 0, skipped),
                         prefix.value[static_cast<std::size_t>(layer)].slice(1, 0, skipped));
        cache.commit(skipped, {});
        input.inputIds = input.inputIds.slice(1, skipped, length).contiguous();
        const auto rest = [&](Tensor& tensor) {
            if (tensor.defined())
                tensor = tensor.slice(1, skipped, length).contiguous();
        };
        rest(input.positionIds);
        rest(input.typeIds);
        residual = residual.slice(1, skipped, length);
        edited.cache = &cache;
    }
    std::vector<probe::BoundEdits> variants;
    if (!edits.empty())
        variants.emplace_back(edits, sites);
    nn::Workspace workspace;
    Runner runner(m_state->stack, edited, workspace, std::move(variants));
    runner.setInput(input);
    const Tensor x = embeddings ? runner.embed() : runner.start(residual);
    runner.layers(x, first, last);
    ModelOutput output = runner.finish(x);
    if (skipped > 0) {
        const auto restore = [&](Tensor& tensor, const Tensor& clean) {
            if (tensor.defined() && clean.defined())
                tensor = joined(clean.slice(1, 0, skipped), tensor);
        };
        restore(output.lastHidden, prefix.output.lastHidden);
        restore(output.logits, prefix.output.logits);
        restore(output.startLogits, prefix.output.startLogits);
        restore(output.endLogits, prefix.output.endLogits);
        output.logitPositions = prefix.output.logitPositions;
    }
    return output;
}

std::vector<ModelOutput> Model::runEditedBatch(std::span<const probe::Edits> variants,
                                               const PrefixCache& prefix, const Context& context,
                                               std::int64_t chunk) const {
    checkPrefix(prefix, *this);
    if (isNetwork()) {
        std::vector<ModelOutput> whole;
        for (const probe::Edits& edits : variants) {
            context.progress.report("Edited runs", static_cast<double>(whole.size()),
                                    static_cast<double>(variants.size()));
            whole.push_back(runEdited(edits, prefix, context));
        }
        return whole;
    }
    const probe::SiteLayout sites = layoutOf(m_state->stack, context);
    const std::int64_t rows = prefix.input.batch();
    if (chunk <= 0) {
        constexpr std::size_t budget = std::size_t{256} << 20U;
        const std::size_t each = std::max<std::size_t>(cost(rows, prefix.input.length()).peakBytes, 1);
        chunk = std::clamp<std::int64_t>(static_cast<std::int64_t>(budget / each), 1, 256);
    }
    // Variants that start in the same layer run together; edits of the embeddings run on their own.
    std::vector<std::size_t> order(variants.size());
    std::vector<int> first(variants.size());
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = 0; i < variants.size(); ++i)
        first[i] = variants[i].beforeBlocks(sites) ? -1 : variants[i].firstLayer(sites);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return first[a] < first[b]; });

    std::vector<ModelOutput> outputs(variants.size());
    Context edited = context;
    edited.edits = nullptr;
    edited.cache = nullptr;
    std::size_t done = 0;
    while (done < order.size()) {
        context.progress.report("Edited runs", static_cast<double>(done), static_cast<double>(order.size()));
        if (first[order[done]] < 0) {
            outputs[order[done]] = runEdited(variants[order[done]], prefix, context);
            ++done;
            continue;
        }
        const std::size_t count = std::min(order.size() - done, static_cast<std::size_t>(chunk));
        std::vector<probe::BoundEdits> bound;
        for (std::size_t i = 0; i < count; ++i)
            bound.emplace_back(variants[order[done + i]], sites);
        nn::Workspace workspace;
        Runner runner(m_state->stack, edited, workspace, std::move(bound));
        runner.setInput(prefix.input, static_cast<std::int64_t>(count));
        const int start = first[order[done]];
        const Tensor x = runner.start(prefix.residual[static_cast<std::size_t>(start)]);
        runner.layers(x, start, static_cast<int>(layers()));
        const ModelOutput all = runner.finish(x);
        for (std::size_t i = 0; i < count; ++i) {
            const auto row = static_cast<std::int64_t>(i) * rows;
            outputs[order[done + i]] = rowsOf(all, row, row + rows);
        }
        done += count;
    }
    context.progress.report("Edited runs", static_cast<double>(done), static_cast<double>(order.size()));
    return outputs;
}

} // namespace orrery::model
