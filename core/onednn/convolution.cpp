// SPDX-License-Identifier: GPL-3.0-or-later
#include "onednn/convolution.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "onednn/library_state.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery::onednn {

/// The original and every form that oneDNN asked for (usually one).
struct ConvolutionWeight::State {
    Tensor original;
    Tensor scale;
    std::int64_t groups = 1;
    mutable std::mutex mutex;
    mutable std::vector<memory> packed;

    [[nodiscard]] memory::dims dims() const {
        const Shape& shape = original.shape();
        if (groups == 1)
            return dimsOf(shape);
        return {groups, shape[0] / groups, shape[1], shape[2], shape[3]};
    }
    [[nodiscard]] memory form(const memory::desc& wanted) const {
        const std::lock_guard lock(mutex);
        for (const memory& known : packed)
            if (known.get_desc() == wanted)
                return known;
        Tensor dense = original.to(DType::F32).contiguous();
        if (scale.defined()) {
            if (dense.rawData() == original.rawData())
                dense = dense.clone();
            const std::int64_t each = dense.elements() / dense.size(0);
            float* values = dense.mutablePointer<float>();
            for (std::int64_t o = 0; o < dense.size(0); ++o)
                for (std::int64_t i = 0; i < each; ++i)
                    values[o * each + i] *= scale.pointer<float>()[o];
        }
        memory source(memory::desc(dims(), memory::data_type::f32,
                                   groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw),
                      library().engine, const_cast<std::byte*>(dense.rawData()));
        memory target(wanted, library().engine);
        dnnl::reorder(source, target).execute(stream(), source, target);
        stream().wait();
        return packed.emplace_back(std::move(target));
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

namespace {

std::string runConvolution(const Tensor& x, const ConvolutionWeight& weight, const Window2d& window,
                           const Tensor& bias, kernels::Activation activation, const Tensor& out) {
    return guarded("a convolution", [&] {
        dnnl::stream& queue = stream();
        const ConvolutionWeight::State& state = weight.state();
        const memory::dims weightDims = state.dims();
        Key key{3,
                state.groups,
                static_cast<std::int64_t>(activation),
                bias.defined() ? 1 : 0,
                threads(),
                window.stride[0],
                window.stride[1],
                window.before[0],
                window.before[1],
                window.after[0],
                window.after[1],
                window.dilation[0],
                window.dilation[1]};
        append(key, x.shape());
        append(key, state.original.shape());
        const memory::desc biasForm({out.size(3)}, memory::data_type::f32, memory::format_tag::a);
        const auto prepared = library().primitives.get(key, [&] {
            const auto map = [](const Tensor& tensor) {
                return memory::desc({tensor.size(0), tensor.size(3), tensor.size(1), tensor.size(2)},
                                    memory::data_type::f32, memory::format_tag::nhwc);
            };
            const memory::desc any(weightDims, memory::data_type::f32, memory::format_tag::any);
            const memory::dims strides{window.stride[0], window.stride[1]};
            const memory::dims dilates{window.dilation[0] - 1, window.dilation[1] - 1};
            const memory::dims before{window.before[0], window.before[1]};
            // What lies beyond the last position is not read; oneDNN wants sizes that come out even.
            memory::dims after(2);
            for (int side = 0; side < 2; ++side) {
                const auto i = static_cast<std::size_t>(side);
                const std::int64_t kernel = state.original.size(2 + side);
                after[i] = (out.size(1 + side) - 1) * window.stride[i] + window.dilation[i] * (kernel - 1) +
                           1 - x.size(1 + side) - window.before[i];
            }
            dnnl::primitive_attr attributes;
            if (activation != kernels::Activation::None) {
                dnnl::post_ops posts;
                posts.append_eltwise(1.0F, algorithmOf(activation), alphaOf(activation), 0.0F);
                attributes.set_post_ops(posts);
            }
            constexpr auto kind = dnnl::prop_kind::forward_inference;
            constexpr auto direct = dnnl::algorithm::convolution_direct;
            using Forward = dnnl::convolution_forward;
            const Forward::desc desc =
                bias.defined()
                    ? Forward::desc(kind, direct, map(x), any, biasForm, map(out), strides, dilates, before,
                                    after)
                    : Forward::desc(kind, direct, map(x), any, map(out), strides, dilates, before, after);
            const Forward::primitive_desc found(desc, attributes, library().engine);
            auto made = std::make_shared<Prepared>();
            made->primitive = Forward(found);
            made->a = found.src_desc();
            made->b = found.weights_desc();
            made->c = found.dst_desc();
            made->implementation = fmt::format("onednn:{}", found.impl_info_str());
            return made;
        });
        const dnnl::engine& engine = library().engine;
        std::unordered_map<int, memory> arguments{
            {DNNL_ARG_SRC, memory(prepared->a, engine, const_cast<std::byte*>(x.rawData()))},
            {DNNL_ARG_WEIGHTS, state.form(prepared->b)},
            {DNNL_ARG_DST, memory(prepared->c, engine, out.mutableRawData())}};
        if (bias.defined())
            arguments.emplace(DNNL_ARG_BIAS,
                              memory(biasForm, engine, const_cast<std::byte*>(bias.rawData())));
        prepared->primitive.execute(queue, arguments);
        queue.wait();
        return prepared->implementation;
    });
}

} // namespace

void convolution(const Tensor& x, const ConvolutionWeight& weight, const Window2d& window, const Tensor& bias,
                 kernels::Activation activation, const Tensor& out) {
    const Tensor& kernel = weight.original();
    ORRERY_CHECK(x.rank() == 4 && out.rank() == 4 && x.isContiguous() && out.isContiguous() &&
                     x.dtype() == DType::F32 && out.dtype() == DType::F32,
                 "maps are dense f32 [B, H, W, C]");
    ORRERY_CHECK(x.size(3) == kernel.size(1) * weight.groups() && out.size(0) == x.size(0) &&
                     out.size(3) == kernel.size(0) &&
                     out.size(1) == window.positions(0, x.size(1), kernel.size(2)) &&
                     out.size(2) == window.positions(1, x.size(2), kernel.size(3)),
                 "the result of a convolution has its sizes");
    ORRERY_CHECK(!bias.defined() ||
                     (bias.elements() == out.size(3) && bias.dtype() == DType::F32 && bias.isContiguous()),
                 "one bias for each output");
    if (out.elements() == 0)
        return;
    std::string implementation;
    observed([&] { implementation = runConvolution(x, weight, window, bias, activation, out); },
             [&] {
                 Operation done;
                 done.kind = "convolution";
                 done.description =
                     fmt::format("{} k{} g{}", x.shape().toText(), kernel.shape().toText(), weight.groups());
                 done.implementation = implementation;
                 done.flops = 2.0 * static_cast<double>(out.elements()) *
                              static_cast<double>(kernel.elements() / kernel.size(0));
                 done.bytes = static_cast<double>(x.bytes() + out.bytes() + weight.bytes());
                 return done;
             });
}

} // namespace orrery::onednn
