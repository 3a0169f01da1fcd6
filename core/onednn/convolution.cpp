// SPDX-License-Identifier: GPL-3.0-or-later
#include "onednn/convolution.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "onednn/library.h"

#include <fmt/format.h>

#include <utility>

namespace orrery::onednn {

struct ConvolutionWeight::State {
    Tensor original;
    Tensor scale;
    std::int64_t groups = 1;
    std::shared_ptr<LibraryKernelForms> forms = makeKernelForms();

    [[nodiscard]] Shape kernel() const {
        const Shape& shape = original.shape();
        return groups == 1 ? shape : Shape{groups, shape[0] / groups, shape[1], shape[2], shape[3]};
    }
    /// f32, every output times its scale.
    [[nodiscard]] Tensor dense() const {
        Tensor result = original.to(DType::F32).contiguous();
        if (!scale.defined())
            return result;
        if (result.rawData() == original.rawData())
            result = result.clone();
        const std::int64_t each = result.elements() / result.size(0);
        float* values = result.mutablePointer<float>();
        for (std::int64_t o = 0; o < result.size(0); ++o)
            for (std::int64_t i = 0; i < each; ++i)
                values[o * each + i] *= scale.pointer<float>()[o];
        return result;
    }
};

ConvolutionWeight::ConvolutionWeight(Tensor weight, std::int64_t groups, Tensor scale)
    : m_state(std::make_shared<State>()) {
    ORRERY_CHECK(weight.rank() == 4 && groups >= 1 && weight.size(0) % groups == 0 && weight.elements() > 0,
                 "a convolution's weight is [out, in / groups, height, width]");
    ORRERY_CHECK(!scale.defined() || (scale.elements() == weight.size(0) && scale.dtype() == DType::F32),
                 "one scale for each output");
    m_state->original = std::move(weight);
    m_state->scale = std::move(scale);
    m_state->groups = groups;
}

const Tensor& ConvolutionWeight::original() const {
    return m_state->original;
}

std::int64_t ConvolutionWeight::groups() const {
    return m_state->groups;
}

std::size_t ConvolutionWeight::bytes() const {
    return static_cast<std::size_t>(m_state->original.elements()) * sizeof(float);
}

bool ConvolutionWeight::packed() const {
    return m_state->forms->any();
}

void convolution(const Tensor& x, const ConvolutionWeight& weight, const Window2d& window, const Tensor& bias,
                 kernels::Activation activation, const Tensor& out) {
    const Tensor& kernel = weight.original();
    ORRERY_CHECK(x.rank() == 4 && out.rank() == 4 && x.isContiguous() && out.isContiguous(),
                 "maps are dense [B, H, W, C]");
    ORRERY_CHECK(x.size(3) == kernel.size(1) * weight.groups() && out.size(0) == x.size(0) &&
                     out.size(3) == kernel.size(0) &&
                     out.size(1) == window.positions(0, x.size(1), kernel.size(2)) &&
                     out.size(2) == window.positions(1, x.size(2), kernel.size(3)),
                 "the result of a convolution has its sizes");
    ORRERY_CHECK(!bias.defined() || (bias.elements() == out.size(3) && bias.isContiguous()),
                 "one bias for each output");
    if (out.elements() == 0)
        return;
    const ConvolutionWeight::State& state = weight.state();
    const LibraryConvolution task{.x = x.pointer<float>(),
                                  .xShape = x.shape(),
                                  .out = out.mutablePointer<float>(),
                                  .outShape = out.shape(),
                                  .kernel = state.kernel(),
                                  .bias = bias.defined() ? bias.pointer<float>() : nullptr,
                                  .activation = activation,
                                  .stride = window.stride,
                                  .before = window.before,
                                  .dilation = window.dilation};
    std::string implementation;
    bool packs = false;
    const auto dense = [&] {
        packs = true;
        return state.dense();
    };
    observed([&] { implementation = libraryConvolution(task, *state.forms, dense); },
             [&] {
                 Operation done;
                 done.kind = "convolution";
                 done.description =
                     fmt::format("{} k{} g{}", x.shape().toText(), kernel.shape().toText(), weight.groups());
                 done.implementation = implementation;
                 const std::int64_t perOutput = kernel.elements() / kernel.size(0);
                 done.flops = 2.0 * static_cast<double>(out.elements()) * static_cast<double>(perOutput);
                 done.bytes = static_cast<double>(x.bytes() + out.bytes() + weight.bytes());
                 return done;
             });
    if (packs && kernel.isContiguous()) // the mapped file is not needed again soon
        kernel.storage()->forget(kernel.byteOffset(), kernel.bytes());
}

} // namespace orrery::onednn
