// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/model.h"

#include "base/error.h"
#include "base/hash.h"
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
    if (!std::filesystem::is_directory(folder, ignored))
        throw InputError(fmt::format("{} is not a folder; give the folder that holds a model's config.json.",
                                     folder.string()));
    options.progress.report("Opening " + folderName(folder), 0, 1);
    auto state = std::make_unique<State>();
    state->name = folderName(folder);
    state->folder = folder;
    state->dtype = options.dtype;
    state->fileConfig = checkpoint::ModelConfig::read(folder);
    const ModelFamily& family = familyFor(state->fileConfig);
    const StackConfig config = family.read(state->fileConfig);
    state->checkpoint = checkpoint::Checkpoint::open(folder);
    LoadedStack loaded = loadStack(*state->checkpoint, config, family.names(), options);
    state->stack = std::move(loaded.stack);
    state->modules = std::move(loaded.modules);
    state->unused = std::move(loaded.unused);
    options.progress.report("Opening " + state->name, 1, 1);
    return std::shared_ptr<Model>(new Model(std::move(state)));
}

std::shared_ptr<Model> Model::copy() const {
    return std::shared_ptr<Model>(new Model(std::make_unique<State>(*m_state)));
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
const Stack& Model::stack() const {
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
    return probe::enumerateSites(layout(), batch, length);
}

ModelOutput Model::run(const ModelInput& input, const Context& context) const {
    const nn::WorkspacePool::Lease workspace(*m_state->workspaces);
    std::vector<probe::BoundEdits> variants;
    if (context.edits != nullptr && !context.edits->empty())
        variants.emplace_back(*context.edits, layoutOf(m_state->stack, context));
    Runner runner(m_state->stack, context, *workspace, std::move(variants));
    runner.setInput(input);
    const Tensor x = runner.embed();
    runner.layers(x, 0, static_cast<int>(layers()));
    return runner.finish(x);
}

bool Model::canUnembed() const {
    return m_state->stack.head.decoder.defined();
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
    const nn::WorkspacePool::Lease workspace(*m_state->workspaces);
    Runner runner(m_state->stack, quiet, *workspace, {});
    const Tensor rows = residual.to(DType::F32).contiguous().reshape({-1, hiddenSize()});
    Shape shape = residual.shape();
    shape[-1] = vocabulary();
    return runner.unembed(rows).reshape(shape);
}

Tensor Model::embeddingRows(std::span<const std::int64_t> ids) const {
    Tensor rows = Tensor::empty({static_cast<std::int64_t>(ids.size()), config().embeddingSize});
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] < 0 || ids[i] >= vocabulary())
            throw UsageError(
                fmt::format("The token id {} is not in the vocabulary of {} tokens.", ids[i], vocabulary()));
        rows.select(0, static_cast<std::int64_t>(i))
            .copyFrom(m_state->stack.tokenEmbedding.select(0, ids[i]));
    }
    return rows;
}

void Model::forEachLinear(const std::function<void(nn::Linear&)>& visit) {
    visitLinears(m_state->stack, visit);
}

void Model::forEachLinear(const std::function<void(const nn::Linear&)>& visit) const {
    visitLinears(std::as_const(m_state->stack), visit);
}

namespace {
Block& blockAt(Stack& stack, int layer) {
    if (layer < 0 || layer >= static_cast<int>(stack.blocks.size()))
        throw UsageError(
            fmt::format("The model has layers 0 to {}, not {}.", stack.blocks.size() - 1, layer));
    return stack.blocks[static_cast<std::size_t>(layer)];
}
} // namespace

void Model::setMixer(int layer, std::shared_ptr<const nn::TokenMixer> mixer) {
    Block& block = blockAt(m_state->stack, layer);
    if (mixer == nullptr && m_state->stack.config.mixing == MixingKind::Fourier)
        mixer = nn::fourierMixer(); // the layer's own
    block.mixer = std::move(mixer);
}

std::shared_ptr<const nn::TokenMixer> Model::mixer(int layer) const {
    return blockAt(m_state->stack, layer).mixer;
}

void Model::setAttentionKernel(int layer, std::shared_ptr<const nn::AttentionKernel> kernel) {
    blockAt(m_state->stack, layer).kernel = std::move(kernel);
}

nn::MixerPlace Model::mixerPlace(int layer) const {
    static_cast<void>(blockAt(m_state->stack, layer));
    return {.layer = layer,
            .width = hiddenSize(),
            .heads = headsPerLayer(),
            .maxPositions = maxPositions(),
            .causal = causal()};
}

} // namespace orrery::model
