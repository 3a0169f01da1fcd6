// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/model.h"

#include "base/error.h"
#include "base/hash.h"
#include "checkpoint/gguf_model.h"
#include "kernels/threads.h"
#include "model/runner.h"
#include "model/state.h"
#include "nn/fourier_mixer.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

namespace orrery::model {
namespace {

void shareLinears(const Block& from, Block& to) {
    to.qkv = from.qkv;
    to.attentionOut = from.attentionOut;
    to.mlpIn = from.mlpIn;
    to.mlpOut = from.mlpOut;
    to.router = from.router;
    to.experts = from.experts;
}

template <typename StackType, typename Visit>
void visitLinears(StackType& stack, const Visit& visit) {
    const auto each = [&](auto& linear) {
        if (linear.defined())
            visit(linear);
    };
    each(stack.embeddingProjection);
    for (std::size_t i = 0; i < stack.blocks.size(); ++i) {
        auto& block = stack.blocks[i];
        const auto owner = static_cast<std::size_t>(ownerOf(stack.config, static_cast<int>(i)));
        if (owner != i) { // shares what has been visited
            if constexpr (!std::is_const_v<StackType>)
                shareLinears(stack.blocks[owner], block);
            continue;
        }
        each(block.qkv);
        each(block.attentionOut);
        each(block.mlpIn);
        each(block.mlpOut);
        each(block.relative.key);
        each(block.relative.query);
        each(block.router);
        for (auto& expert : block.experts) {
            each(expert.in);
            each(expert.out);
        }
    }
    each(stack.outputProjection);
    each(stack.head.pooler);
    each(stack.head.transform);
    each(stack.head.decoder);
    each(stack.head.classifierDense);
    each(stack.head.classifier);
}

std::string folderName(const std::filesystem::path& folder) {
    std::error_code ignored;
    const std::filesystem::path full = std::filesystem::weakly_canonical(folder, ignored);
    return (full.empty() ? folder : full).filename().string();
}

} // namespace

Model::Model(std::unique_ptr<State> state) : m_state(std::move(state)) {}
Model::~Model() = default;

void setThreads(int count) {
    kernels::setThreads(count);
}

std::shared_ptr<Model> Model::open(const std::filesystem::path& folder, const OpenOptions& options) {
    if (options.dtype != DType::F32 && options.dtype != DType::BF16)
        throw UsageError(
            fmt::format("Models compute in f32 or bf16, not in {}.", orrery::name(options.dtype)));
    std::error_code ignored;
    const bool isFile = std::filesystem::is_regular_file(folder, ignored);
    if (!isFile && !std::filesystem::is_directory(folder, ignored))
        throw InputError(
            fmt::format("{} is not a folder; give the folder that holds a model's config.json, or "
                        "a .gguf file.",
                        folder.string()));
    options.progress.report("Opening " + folderName(folder), 0, 1);
    auto state = std::make_unique<State>();
    state->name = folderName(folder);
    state->folder = folder;
    state->dtype = options.dtype;
    auto gguf = checkpoint::ggufModel(folder);
    if (isFile && !gguf)
        throw InputError(
            fmt::format("{} is a file; give the folder that holds a model's config.json, or a .gguf "
                        "file.",
                        folder.string()));
    if (gguf) {
        state->fileConfig = gguf->config;
        state->gguf = gguf->file;
    } else {
        state->fileConfig = checkpoint::ModelConfig::read(folder);
        if (const NetworkFamily* network = networkFamilyFor(state->fileConfig.modelType())) {
            state->openNetwork(*network, options);
            options.progress.report("Opening " + state->name, 1, 1);
            return std::shared_ptr<Model>(new Model(std::move(state)));
        }
    }
    const ModelFamily& family = familyFor(state->fileConfig);
    const StackConfig config = family.read(state->fileConfig);
    state->checkpoint = gguf ? gguf->weights : checkpoint::Checkpoint::open(folder);
    LoadedStack loaded = loadStack(*state->checkpoint, config, family.names(), options);
    state->stack = std::move(loaded.stack);
    state->modules = std::move(loaded.modules);
    state->unused = std::move(loaded.unused);
    options.progress.report("Opening " + state->name, 1, 1);
    return std::shared_ptr<Model>(new Model(std::move(state)));
}

std::shared_ptr<Model> Model::copy() const {
    auto state = std::make_unique<State>(*m_state);
    state->needs = std::make_shared<KnownNeeds>(); // its parts may be exchanged
    return std::shared_ptr<Model>(new Model(std::move(state)));
}

const std::string& Model::name() const {
    return m_state->name;
}
const std::filesystem::path& Model::folder() const {
    return m_state->folder;
}
const std::string& Model::family() const {
    return m_state->stack.config.family;
}
const StackConfig& Model::config() const {
    return m_state->stack.config;
}
bool Model::isNetwork() const {
    return m_state->network != nullptr;
}
std::string Model::task() const {
    return isNetwork() ? m_state->network->task() : std::string(orrery::model::name(config().head));
}
const Stack& Model::stack() const {
    if (isNetwork())
        throw UsageError(fmt::format("{} is no plain stack of layers, which this needs.", name()));
    return m_state->stack;
}
const checkpoint::ModelConfig& Model::fileConfig() const {
    return m_state->fileConfig;
}
DType Model::dtype() const {
    return m_state->dtype;
}
const std::vector<std::string>& Model::unusedTensors() const {
    return m_state->unused;
}

std::string Model::fingerprint() const {
    std::call_once(m_state->lazy->fingerprintMade, [&] {
        Sha256 hash;
        hash.add(m_state->checkpoint->fingerprint());
        hash.add(m_state->fileConfig.json().dump());
        m_state->lazy->fingerprint = hash.hex();
    });
    return m_state->lazy->fingerprint;
}

probe::SiteLayout Model::layout() const {
    return layoutOf(m_state->stack);
}

std::vector<probe::SiteInfo> Model::sites(std::int64_t batch, std::int64_t length) const {
    return isNetwork() ? networkSites(batch, length) : probe::enumerateSites(layout(), batch, length);
}

ModelOutput Model::run(const ModelInput& input, const Context& context) const {
    if (isNetwork())
        return m_state->runNetwork(input, context);
    m_state->checkMemory(memoryNeed(input, context), input.inputIds.shape().toText());
    nn::Workspace workspace;
    std::vector<probe::BoundEdits> variants;
    if (context.edits != nullptr && !context.edits->empty())
        variants.emplace_back(*context.edits, layoutOf(m_state->stack, context));
    Runner runner(m_state->stack, context, workspace, std::move(variants));
    runner.setInput(input);
    const Tensor x = runner.embed();
    runner.layers(x, 0, static_cast<int>(layers()));
    return runner.finish(x);
}

bool Model::canUnembed() const {
    return isNetwork() ? m_state->network->canUnembed() : m_state->stack.head.decoder.defined();
}

Tensor Model::unembed(const Tensor& residual, const Context& context) const {
    if (!canUnembed())
        throw UsageError(fmt::format("{} has no head that gives words ({}), so its residual stream cannot be "
                                     "unembedded; use a masked or causal language model.",
                                     name(), orrery::model::name(config().head)));
    if (residual.rank() < 1 || residual.size(-1) != hiddenSize())
        throw UsageError(fmt::format("A residual stream of {} ends in {}, not in {}.", name(), hiddenSize(),
                                     residual.shape().toText()));
    Context quiet;
    quiet.progress = context.progress;
    const Tensor rows = residual.to(DType::F32).contiguous().reshape({-1, hiddenSize()});
    if (isNetwork()) {
        NetworkRun run(quiet, m_state->table);
        return m_state->network->unembed(rows, run).reshape(
            residual.shape().with(residual.rank() - 1, vocabulary()));
    }
    nn::Workspace workspace;
    Runner runner(m_state->stack, quiet, workspace, {});
    Shape shape = residual.shape();
    shape[-1] = vocabulary();
    return runner.unembed(rows).reshape(shape);
}

Tensor Model::embeddingRows(std::span<const std::int64_t> ids) const {
    const Tensor table = isNetwork() ? m_state->network->tokenEmbedding() : m_state->stack.tokenEmbedding;
    if (!table.defined())
        throw UsageError(fmt::format("{} has no token embedding.", name()));
    Tensor rows = Tensor::empty({static_cast<std::int64_t>(ids.size()), table.size(1)});
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] < 0 || ids[i] >= vocabulary())
            throw UsageError(
                fmt::format("The token id {} is not in the vocabulary of {} tokens.", ids[i], vocabulary()));
        rows.select(0, static_cast<std::int64_t>(i)).copyFrom(table.select(0, ids[i]));
    }
    return rows;
}

void Model::forEachLinear(const std::function<void(nn::Linear&)>& visit) {
    visitLinears(m_state->stack, visit);
    for (nn::Linear& linear : m_state->table.linears)
        visit(linear);
}

void Model::forEachLinear(const std::function<void(const nn::Linear&)>& visit) const {
    for (const nn::Linear& linear : m_state->table.linears)
        visit(linear);
    visitLinears(std::as_const(m_state->stack), visit);
}

namespace {
void checkLayer(const StackConfig& config, int layer) {
    if (layer < 0 || layer >= config.layers)
        throw UsageError(config.layers == 0 ? "The model has no layers of attention."
                                            : fmt::format("The model has layers 0 to {}, not {}.",
                                                          config.layers - 1, layer));
}

Block& blockAt(Stack& stack, int layer) {
    checkLayer(stack.config, layer);
    return stack.blocks[static_cast<std::size_t>(layer)];
}

/// The part of a network's layer, or null.
template <typename PartType>
std::shared_ptr<const PartType> partAt(const std::map<int, std::shared_ptr<const PartType>>& parts,
                                       int layer) {
    const auto found = parts.find(layer);
    return found == parts.end() ? nullptr : found->second;
}

/// Puts a part in its place; null takes it away.
template <typename PartType>
void setPart(std::map<int, std::shared_ptr<const PartType>>& parts, int layer,
             std::shared_ptr<const PartType> part) {
    if (part)
        parts[layer] = std::move(part);
    else
        parts.erase(layer);
}
} // namespace

void Model::setMixer(int layer, std::shared_ptr<const nn::TokenMixer> mixer) {
    checkLayer(config(), layer);
    if (isNetwork()) {
        m_state->needs = std::make_shared<KnownNeeds>();
        setPart(m_state->table.mixers, layer, std::move(mixer));
        return;
    }
    Block& block = blockAt(m_state->stack, layer);
    if (mixer == nullptr && m_state->stack.config.mixing == MixingKind::Fourier)
        mixer = nn::fourierMixer(); // the layer's own
    block.mixer = std::move(mixer);
}

std::shared_ptr<const nn::TokenMixer> Model::mixer(int layer) const {
    checkLayer(config(), layer);
    return isNetwork() ? partAt(m_state->table.mixers, layer) : blockAt(m_state->stack, layer).mixer;
}

void Model::setAttentionKernel(int layer, std::shared_ptr<const nn::AttentionKernel> kernel) {
    checkLayer(config(), layer);
    if (isNetwork())
        setPart(m_state->table.kernels, layer, std::move(kernel));
    else
        blockAt(m_state->stack, layer).kernel = std::move(kernel);
}

nn::MixerPlace Model::mixerPlace(int layer) const {
    checkLayer(config(), layer);
    return {.layer = layer,
            .width = hiddenSize(),
            .heads = headsPerLayer(),
            .maxPositions = maxPositions(),
            .causal = causal()};
}

} // namespace orrery::model
