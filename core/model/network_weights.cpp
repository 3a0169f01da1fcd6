// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/network_weights.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <set>
#include <utility>

namespace orrery::model {
namespace {

std::string joined(const std::string& prefix, std::string_view name) {
    if (prefix.empty())
        return std::string(name);
    return name.empty() ? prefix : fmt::format("{}.{}", prefix, name);
}

} // namespace

struct Weights::State {
    const checkpoint::Checkpoint& checkpoint;
    const checkpoint::ModelConfig& config;
    const OpenOptions& options;
    std::vector<nn::Linear> linears;
    std::deque<LoadedModule> modules; ///< a deque: references stay valid
    std::set<std::string, std::less<>> taken;

    [[nodiscard]] std::string described() const {
        const auto names = config.architectures();
        return names.empty() ? fmt::format("a {} model", config.modelType()) : names.front();
    }
};

ConvolutionSpec ConvolutionSpec::square(std::int64_t inputs, std::int64_t outputs, std::int64_t size,
                                        std::int64_t stride, std::int64_t padding) {
    ConvolutionSpec spec;
    spec.inputs = inputs;
    spec.outputs = outputs;
    spec.kernel = {size, size};
    spec.window = {.stride = {stride, stride},
                   .before = {padding, padding},
                   .after = {padding, padding},
                   .dilation = {1, 1}};
    return spec;
}

Weights::Weights(const checkpoint::Checkpoint& checkpoint, const checkpoint::ModelConfig& config,
                 const OpenOptions& options)
    : m_state(std::make_shared<State>(State{checkpoint, config, options, {}, {}, {}})) {}

Weights Weights::in(std::string_view module, std::string_view path) const {
    Weights result = *this;
    result.m_module = joined(m_module, module);
    result.m_path = joined(m_path, path);
    return result;
}

Weights Weights::under(std::initializer_list<std::string_view> paths, std::string_view tensor) const {
    for (const std::string_view path : paths) {
        Weights scope = in({}, path);
        if (scope.has(tensor))
            return scope;
    }
    return in({}, *paths.begin());
}

bool Weights::has(std::string_view tensor) const {
    return m_state->checkpoint.contains(tensorPath(tensor));
}

Shape Weights::shapeOf(std::string_view tensor) const {
    const std::string name = tensorPath(tensor);
    const checkpoint::TensorInfo* info = m_state->checkpoint.find(name);
    if (info == nullptr)
        throw InputError(fmt::format("{}: the tensor \"{}\" is missing; {} needs it.",
                                     m_state->checkpoint.path().string(), name, m_state->described()));
    return info->shape;
}

std::string Weights::modulePath(std::string_view name) const {
    return joined(m_module, name);
}

std::string Weights::tensorPath(std::string_view name) const {
    return joined(m_path, name);
}

LoadedModule& Weights::module(std::string_view name, std::string_view kind) const {
    return m_state->modules.emplace_back(LoadedModule{modulePath(name), std::string(kind), {}});
}

Tensor Weights::take(std::string_view tensor, const Shape& shape, LoadedModule& module) const {
    const std::string name = tensorPath(tensor);
    const checkpoint::TensorInfo* info = m_state->checkpoint.find(name);
    if (info == nullptr)
        throw InputError(fmt::format("{}: the tensor \"{}\" is missing; {} needs it with shape {}.",
                                     m_state->checkpoint.path().string(), name, m_state->described(),
                                     shape.toText()));
    if (!(info->shape == shape))
        throw InputError(fmt::format("{}: the tensor \"{}\" has shape {}, but config.json calls for {}.",
                                     info->file.string(), name, info->shape.toText(), shape.toText()));
    if (!info->dtype || !isFloating(*info->dtype))
        throw InputError(
            fmt::format("{}: the tensor \"{}\" holds {}, where floating-point numbers are needed.",
                        info->file.string(), name, info->storedDtype));
    m_state->taken.insert(name);
    module.parameters.push_back({name, *info->dtype, info->shape, static_cast<std::size_t>(info->bytes)});
    return m_state->checkpoint.tensor(name);
}

Tensor Weights::biasOf(std::string_view path, std::int64_t size, Bias bias, LoadedModule& place) const {
    const std::string name = fmt::format("{}.bias", path);
    if (bias == Bias::No || (bias == Bias::IfStored && !has(name)))
        return {};
    return take(name, {size}, place).to(DType::F32);
}

LinearId Weights::add(const std::string& name, std::shared_ptr<const nn::WeightFormat> format,
                      Tensor bias) const {
    m_state->linears.emplace_back(name, std::move(format), std::move(bias));
    return {static_cast<int>(m_state->linears.size()) - 1};
}

std::shared_ptr<const nn::WeightFormat> Weights::stored(const std::string& name, std::int64_t outputs,
                                                        std::int64_t inputs) const {
    if (!m_state->options.storedFormat)
        return nullptr;
    auto format = m_state->options.storedFormat(name, outputs, inputs);
    if (format && (format->outputs() != outputs || format->inputs() != inputs))
        throw InputError(fmt::format("{}: {} is stored as {} x {}, but config.json calls for {} x {}.",
                                     m_state->checkpoint.path().string(), name, format->outputs(),
                                     format->inputs(), outputs, inputs));
    return format;
}

Tensor Weights::table(std::string_view name, std::string_view tensor, const Shape& shape) const {
    return take(tensor, shape, module(name, "embedding"));
}

Tensor Weights::parameter(std::string_view name, std::string_view tensor, const Shape& shape) const {
    return take(tensor, shape, module(name, "parameter")).to(DType::F32);
}

nn::Norm Weights::layerNorm(std::string_view name, std::string_view path, std::int64_t width,
                            double epsilon) const {
    LoadedModule& place = module(name, "layer norm");
    const Tensor weight = take(fmt::format("{}.weight", path), {width}, place).to(DType::F32);
    return {nn::Norm::Kind::LayerNorm, weight, biasOf(path, width, Bias::IfStored, place), epsilon};
}

nn::Norm Weights::rmsNorm(std::string_view name, std::string_view path, std::int64_t width,
                          double epsilon) const {
    LoadedModule& place = module(name, "RMS norm");
    return {nn::Norm::Kind::RmsNorm,
            take(fmt::format("{}.weight", path), {width}, place).to(DType::F32),
            {},
            epsilon};
}

GroupNorm Weights::groupNorm(std::string_view name, std::string_view path, std::int64_t channels,
                             std::int64_t groups, double epsilon) const {
    LoadedModule& place = module(name, "group norm");
    return {take(fmt::format("{}.weight", path), {channels}, place).to(DType::F32),
            biasOf(path, channels, Bias::Yes, place), groups, epsilon};
}

LinearId Weights::linear(std::string_view name, std::string_view path, std::int64_t inputs,
                         std::int64_t outputs, Bias bias, bool transposed) const {
    LoadedModule& place = module(name, "linear");
    auto format = stored(place.name, outputs, inputs);
    if (!format)
        format = nn::denseFormat(take(fmt::format("{}.weight", path),
                                      transposed ? Shape{inputs, outputs} : Shape{outputs, inputs}, place),
                                 transposed, m_state->options.dtype);
    return add(place.name, std::move(format), biasOf(path, outputs, bias, place));
}

LinearId Weights::stacked(std::string_view name, std::span<const std::string> paths, std::int64_t inputs,
                          std::int64_t outputsEach, Bias bias, std::span<const std::string> biases) const {
    const bool apart =
        std::any_of(biases.begin(), biases.end(), [](const auto& each) { return !each.empty(); });
    LoadedModule& place = module(name, "linear");
    const auto count = static_cast<std::int64_t>(paths.size());
    auto format = stored(place.name, count * outputsEach, inputs);
    std::vector<Tensor> weights;
    Tensor all;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::string& path = paths[static_cast<std::size_t>(i)];
        if (!format)
            weights.push_back(take(fmt::format("{}.weight", path), {outputsEach, inputs}, place));
        Tensor own;
        if (!apart)
            own = biasOf(path, outputsEach, bias, place);
        else if (const std::string& tensor = biases[static_cast<std::size_t>(i)]; !tensor.empty())
            own = take(tensor, {outputsEach}, place).to(DType::F32);
        if (!own.defined())
            continue; // BEiT's keys have none: the same as zeros
        if (!all.defined())
            all = Tensor::zeros({count * outputsEach});
        all.slice(0, i * outputsEach, (i + 1) * outputsEach).copyFrom(own);
    }
    if (!format)
        format = nn::stackedFormat(std::move(weights), m_state->options.dtype);
    return add(place.name, std::move(format), all);
}

LinearId Weights::patches(std::string_view name, std::string_view path, const Shape& weight,
                          Bias bias) const {
    LoadedModule& place = module(name, "linear");
    const std::int64_t inputs = weight.elements() / std::max<std::int64_t>(1, weight[0]);
    auto format = stored(place.name, weight[0], inputs);
    if (!format)
        format = nn::denseFormat(
            take(fmt::format("{}.weight", path), weight, place).contiguous().reshape({weight[0], inputs}),
            false, m_state->options.dtype);
    return add(place.name, std::move(format), biasOf(path, weight[0], bias, place));
}

LinearId Weights::tied(std::string_view name, const Tensor& weight, const Tensor& bias) const {
    LoadedModule& place = module(name, "linear");
    auto format = stored(place.name, weight.size(0), weight.size(1));
    if (!format)
        format = nn::denseFormat(weight, false, m_state->options.dtype);
    return add(place.name, std::move(format), bias);
}

nn::Convolution Weights::convolution(std::string_view name, std::string_view path,
                                     const ConvolutionSpec& spec) const {
    return convolutionOf(name, path, spec,
                         {spec.outputs, spec.inputs / spec.groups, spec.kernel[0], spec.kernel[1]});
}

nn::Convolution Weights::convolution1d(std::string_view name, std::string_view path,
                                       const ConvolutionSpec& spec) const {
    return convolutionOf(name, path, spec, {spec.outputs, spec.inputs / spec.groups, spec.kernel[1]});
}

nn::Convolution Weights::convolutionOf(std::string_view name, std::string_view path,
                                       const ConvolutionSpec& spec, const Shape& shape) const {
    // Checked before any size is computed of them.
    constexpr std::int64_t most = 1 << 16;
    for (const std::size_t side : {0U, 1U}) {
        const std::int64_t size = spec.kernel[side];
        const std::int64_t dilation = spec.window.dilation[side];
        const std::int64_t padding = std::max(spec.window.before[side], spec.window.after[side]);
        const bool fits = size >= 1 && size <= most && dilation >= 1 && dilation <= most &&
                          spec.window.stride[side] >= 1 && spec.window.stride[side] <= most &&
                          std::min(spec.window.before[side], spec.window.after[side]) >= 0 &&
                          padding <= dilation * size;
        if (!fits)
            throw InputError(
                fmt::format("{}: the convolution \"{}\" would have a kernel of {}, a stride of {}, a "
                            "dilation of {} and a padding of {}, which no convolution has.",
                            m_state->config.fileName(), tensorPath(path), size, spec.window.stride[side],
                            dilation, padding));
    }
    if (spec.groups < 1 || spec.inputs % spec.groups != 0 || spec.outputs % spec.groups != 0)
        throw InputError(fmt::format("{}: the convolution \"{}\" of {} to {} channels cannot have {} groups.",
                                     m_state->config.fileName(), tensorPath(path), spec.inputs, spec.outputs,
                                     spec.groups));
    LoadedModule& place =
        module(name, spec.batchNorm.empty() ? "convolution" : "convolution with batch norm");
    Tensor weight = take(fmt::format("{}.weight", path), shape, place);
    if (weight.rank() == 3)
        weight = weight.unsqueeze(2);
    Tensor bias = biasOf(path, spec.outputs, spec.bias, place);
    Tensor scale;
    if (!spec.batchNorm.empty()) {
        const auto read = [&](std::string_view part) {
            return take(fmt::format("{}.{}", spec.batchNorm, part), {spec.outputs}, place).to(DType::F32);
        };
        const Tensor gain = read("weight");
        const Tensor shift = read("bias");
        const Tensor mean = read("running_mean");
        const Tensor variance = read("running_var");
        ignore(fmt::format("{}.num_batches_tracked", spec.batchNorm));
        scale = Tensor::empty({spec.outputs});
        const Tensor folded = Tensor::empty({spec.outputs});
        for (std::int64_t i = 0; i < spec.outputs; ++i) {
            const double factor = gain.at({i}) / std::sqrt(variance.at({i}) + spec.batchNormEpsilon);
            const double before = bias.defined() ? bias.at({i}) : 0;
            scale.mutablePointer<float>()[i] = static_cast<float>(factor);
            folded.mutablePointer<float>()[i] =
                static_cast<float>(shift.at({i}) + (before - mean.at({i})) * factor);
        }
        bias = folded;
    }
    return {place.name, onednn::ConvolutionWeight(weight, spec.groups, scale), spec.window, bias};
}

void Weights::ignore(std::string_view tensor) const {
    m_state->taken.insert(tensorPath(tensor));
}

std::vector<nn::Linear> Weights::takeLinears() const {
    return std::move(m_state->linears);
}

std::vector<LoadedModule> Weights::takeModules() const {
    return {m_state->modules.begin(), m_state->modules.end()};
}

std::vector<std::string> Weights::unused() const {
    std::vector<std::string> result;
    for (const std::string& name : m_state->checkpoint.names())
        if (!m_state->taken.contains(name))
            result.push_back(name);
    return result;
}

} // namespace orrery::model
