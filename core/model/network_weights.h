// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/config.h"
#include "model/loader.h"
#include "model/model.h"
#include "nn/convolution.h"
#include "nn/linear.h"
#include "nn/norm.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

/// A linear of a network: its place in the model's table, where formats are exchanged.
struct LinearId {
    int index = -1;
    [[nodiscard]] bool defined() const { return index >= 0; }
};

enum class Bias { Yes, No, IfStored };

/// Group norm's parameters.
struct GroupNorm {
    Tensor weight; ///< [C] f32
    Tensor bias;
    std::int64_t groups = 1;
    double epsilon = 1e-5;
};

struct ConvolutionSpec {
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
    nn::Pair kernel{1, 1};
    nn::Window2d window{};
    std::int64_t groups = 1;
    Bias bias = Bias::Yes;
    /// A batch norm that follows, folded into weights and bias; empty: none. Relative to the same scope.
    std::string batchNorm{};
    double batchNormEpsilon = 1e-5;

    /// size x size, the same padding on all sides.
    static ConvolutionSpec square(std::int64_t inputs, std::int64_t outputs, std::int64_t size,
                                  std::int64_t stride = 1, std::int64_t padding = 0);
};

/// The tensors of a checkpoint as modules, by name, without reading or copying what can stay mapped. A scope
/// is a pair of prefixes: what modules are called here ("blocks.3") and where the checkpoint keeps them
/// ("encoder.layer.3"); names given to its functions come after these and a dot. Every function throws
/// InputError naming the file, the tensor and both shapes when something is missing or does not fit. Scopes
/// are cheap copies of one loader.
class Weights {
public:
    Weights(const checkpoint::Checkpoint& checkpoint, const checkpoint::ModelConfig& config,
            const OpenOptions& options);

    /// The scope below this one; either name may be empty.
    [[nodiscard]] Weights in(std::string_view module, std::string_view path) const;
    /// The first of the paths under which this tensor is found ("vit", or "" for a base model's own file);
    /// the first of all when under none.
    [[nodiscard]] Weights under(std::initializer_list<std::string_view> paths, std::string_view tensor) const;
    [[nodiscard]] bool has(std::string_view tensor) const;
    /// Sizes of a stored tensor, for what config.json does not say.
    [[nodiscard]] Shape shapeOf(std::string_view tensor) const;

    /// A tensor as stored, mapped: tables of embeddings, whose rows are converted when looked up.
    [[nodiscard]] Tensor table(std::string_view module, std::string_view tensor, const Shape& shape) const;
    /// A tensor as dense f32: small parameters.
    [[nodiscard]] Tensor parameter(std::string_view module, std::string_view tensor,
                                   const Shape& shape) const;
    [[nodiscard]] nn::Norm layerNorm(std::string_view module, std::string_view path, std::int64_t width,
                                     double epsilon) const;
    [[nodiscard]] nn::Norm rmsNorm(std::string_view module, std::string_view path, std::int64_t width,
                                   double epsilon) const;
    [[nodiscard]] GroupNorm groupNorm(std::string_view module, std::string_view path, std::int64_t channels,
                                      std::int64_t groups, double epsilon) const;
    /// path.weight [outputs, inputs] ([inputs, outputs] when transposed) and path.bias.
    [[nodiscard]] LinearId linear(std::string_view module, std::string_view path, std::int64_t inputs,
                                  std::int64_t outputs, Bias bias = Bias::Yes, bool transposed = false) const;
    /// Several matrices of the same inputs as one product whose outputs follow each other (q, k, v). biases:
    /// tensors that are their biases, where some are named ("": none of this part); else each path's own.
    [[nodiscard]] LinearId stacked(std::string_view module, std::span<const std::string> paths,
                                   std::int64_t inputs, std::int64_t outputsEach, Bias bias = Bias::Yes,
                                   std::span<const std::string> biases = {}) const;
    /// The linear of a convolution whose kernels do not overlap: path.weight of this shape [out, ..] read as
    /// [out, everything else]; what it multiplies is cut out by NetworkRun::patches.
    [[nodiscard]] LinearId patches(std::string_view module, std::string_view path, const Shape& weight,
                                   Bias bias = Bias::Yes) const;
    /// A linear with a weight made elsewhere (tied embeddings).
    [[nodiscard]] LinearId tied(std::string_view module, const Tensor& weight, const Tensor& bias = {}) const;
    [[nodiscard]] nn::Convolution convolution(std::string_view module, std::string_view path,
                                              const ConvolutionSpec& spec) const;
    /// A 1-D convolution, [out, in / groups, size], over sequences [B, L, C].
    [[nodiscard]] nn::Convolution convolution1d(std::string_view module, std::string_view path,
                                                const ConvolutionSpec& spec) const;
    /// Marks a stored tensor as known though not needed (a buffer, a twin).
    void ignore(std::string_view tensor) const;

    /// What loading left behind.
    [[nodiscard]] std::vector<nn::Linear> takeLinears() const;
    [[nodiscard]] std::vector<LoadedModule> takeModules() const;
    [[nodiscard]] std::vector<std::string> unused() const;

private:
    struct State;
    [[nodiscard]] std::string modulePath(std::string_view name) const;
    [[nodiscard]] std::string tensorPath(std::string_view name) const;
    [[nodiscard]] LoadedModule& module(std::string_view name, std::string_view kind) const;
    [[nodiscard]] Tensor take(std::string_view name, const Shape& shape, LoadedModule& module) const;
    [[nodiscard]] Tensor biasOf(std::string_view path, std::int64_t size, Bias bias,
                                LoadedModule& module) const;
    [[nodiscard]] LinearId add(const std::string& name, std::shared_ptr<const nn::WeightFormat> format,
                               Tensor bias) const;
    [[nodiscard]] std::shared_ptr<const nn::WeightFormat>
    stored(const std::string& name, std::int64_t outputs, std::int64_t inputs) const;
    [[nodiscard]] nn::Convolution convolutionOf(std::string_view module, std::string_view path,
                                                const ConvolutionSpec& spec, const Shape& shape) const;

    std::shared_ptr<State> m_state;
    std::string m_module;
    std::string m_path;
};

} // namespace orrery::model
