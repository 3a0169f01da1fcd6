// SPDX-License-Identifier: GPL-3.0-or-later
#include "onednn/library.h"

#include "onednn/library_state.h"

#include <omp.h>

#include <utility>

namespace orrery::onednn {

Library& library() {
    static Library instance;
    return instance;
}

dnnl::stream& stream() {
    thread_local dnnl::stream own(library().engine);
    if (omp_get_max_threads() != threads())
        omp_set_num_threads(threads());
    return own;
}

memory::data_type typeOf(DType dtype) {
    ORRERY_CHECK(dtype == DType::F32 || dtype == DType::BF16, "oneDNN multiplies f32 and bf16");
    return dtype == DType::F32 ? memory::data_type::f32 : memory::data_type::bf16;
}

dnnl::algorithm algorithmOf(kernels::Activation activation) {
    switch (activation) {
    case kernels::Activation::Gelu:
        return dnnl::algorithm::eltwise_gelu_erf;
    case kernels::Activation::GeluTanh:
        return dnnl::algorithm::eltwise_gelu_tanh;
    case kernels::Activation::Relu:
        return dnnl::algorithm::eltwise_relu;
    case kernels::Activation::Silu:
    case kernels::Activation::QuickGelu:
        return dnnl::algorithm::eltwise_swish;
    case kernels::Activation::Tanh:
        return dnnl::algorithm::eltwise_tanh;
    case kernels::Activation::None:
        break;
    }
    return dnnl::algorithm::undef;
}

namespace {

class DnnlWeight final : public LibraryWeight {
public:
    explicit DnnlWeight(memory packed) : m_memory(std::move(packed)) {}
    [[nodiscard]] std::size_t bytes() const override { return m_memory.get_desc().get_size(); }
    [[nodiscard]] const memory& packed() const { return m_memory; }

private:
    memory m_memory;
};

std::shared_ptr<const Prepared> prepare(const dnnl::matmul::desc& desc,
                                        const dnnl::primitive_attr& attributes) {
    const dnnl::matmul::primitive_desc found(desc, attributes, library().engine);
    auto prepared = std::make_shared<Prepared>();
    prepared->primitive = dnnl::matmul(found);
    prepared->a = found.src_desc();
    prepared->b = found.weights_desc();
    prepared->c = found.dst_desc();
    prepared->implementation = fmt::format("onednn:{}", found.impl_info_str());
    return prepared;
}

} // namespace

std::string libraryVersion() {
    const auto* version = dnnl::version();
    return fmt::format("{}.{}.{} ({})", version->major, version->minor, version->patch, version->hash);
}

std::string libraryIsa() {
    switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
        return "sse41";
    case dnnl::cpu_isa::avx:
        return "avx";
    case dnnl::cpu_isa::avx2:
        return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
        return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
        return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
        return "avx512_core_amx";
    default:
        return "other";
    }
}

std::string kernelIsa() {
    return std::string(kernels::name(kernels::isa()));
}

CacheState primitiveCache() {
    return library().primitives.state();
}

void setPrimitiveCacheCapacity(std::size_t entries) {
    library().primitives.setCapacity(entries);
}

std::string libraryMatmul(const Operand& a, const Operand& b, const Operand& c, bool accumulate) {
    return guarded("a matrix product", [&] {
        dnnl::stream& queue = stream();
        Key key{1,
                static_cast<std::int64_t>(a.dtype),
                static_cast<std::int64_t>(c.dtype),
                accumulate ? 1 : 0,
                threads(),
                a.sizes.rank()};
        for (const Operand* operand : {&a, &b, &c}) {
            append(key, operand->sizes);
            append(key, operand->strides);
        }
        const auto prepared = library().primitives.get(key, [&] {
            dnnl::primitive_attr attributes;
            if (accumulate) {
                dnnl::post_ops posts;
                posts.append_sum(1.0F);
                attributes.set_post_ops(posts);
            }
            return prepare({memory::desc(dimsOf(a.sizes), typeOf(a.dtype), dimsOf(a.strides)),
                            memory::desc(dimsOf(b.sizes), typeOf(b.dtype), dimsOf(b.strides)),
                            memory::desc(dimsOf(c.sizes), typeOf(c.dtype), dimsOf(c.strides))},
                           attributes);
        });
        const dnnl::engine& engine = library().engine;
        prepared->primitive.execute(queue, {{DNNL_ARG_SRC, memory(prepared->a, engine, a.data)},
                                            {DNNL_ARG_WEIGHTS, memory(prepared->b, engine, b.data)},
                                            {DNNL_ARG_DST, memory(prepared->c, engine, c.data)}});
        queue.wait();
        return prepared->implementation;
    });
}

std::shared_ptr<const LibraryWeight> packForLibrary(const Tensor& dense) {
    const memory::dim outputs = dense.size(0);
    const memory::dim inputs = dense.size(1);
    const memory::data_type type = typeOf(dense.dtype());
    try {
        dnnl::stream& queue = stream();
        // The form is chosen for a middling number of rows; products of other sizes are told to read it.
        const memory::dim rows = 128;
        const dnnl::matmul::primitive_desc chosen(
            {memory::desc({rows, inputs}, type, memory::format_tag::ab),
             memory::desc({inputs, outputs}, type, memory::format_tag::any),
             memory::desc({rows, outputs}, memory::data_type::f32, memory::format_tag::ab)},
            library().engine);
        memory packed(chosen.weights_desc(), library().engine);
        memory source(
            memory::desc({inputs, outputs}, type, memory::dims{dense.strides()[1], dense.strides()[0]}),
            library().engine, const_cast<std::byte*>(dense.rawData()));
        dnnl::reorder(source, packed).execute(queue, source, packed);
        queue.wait();
        return std::make_shared<DnnlWeight>(std::move(packed));
    } catch (const dnnl::error& error) {
        if (error.status == dnnl_unimplemented)
            return nullptr;
        throw Error(
            fmt::format("oneDNN could not pack a {} x {} weight: {}.", outputs, inputs, error.what()));
    }
}

std::string libraryLinear(const LibraryProduct& product, const LibraryWeight& weight) {
    return guarded("a product with packed weights", [&] {
        dnnl::stream& queue = stream();
        const auto& packed = dynamic_cast<const DnnlWeight&>(weight).packed();
        const memory::desc form = packed.get_desc();
        const memory::dims sizes = form.dims();
        const memory::data_type outType = typeOf(product.outType);
        // Weights of one shape and type always get the same form, so that these tell them apart.
        const Key key{2,
                      sizes[0],
                      sizes[1],
                      static_cast<std::int64_t>(form.data_type()),
                      product.rows,
                      product.xStride,
                      product.outStride,
                      static_cast<std::int64_t>(product.outType),
                      product.bias ? 1 : 0,
                      static_cast<std::int64_t>(product.activation),
                      product.addToOut ? 1 : 0,
                      threads()};
        const memory::desc biasForm({1, sizes[1]}, memory::data_type::f32, memory::format_tag::ab);
        const auto prepared = library().primitives.get(key, [&]() -> std::shared_ptr<const Prepared> {
            dnnl::post_ops posts;
            if (product.activation != kernels::Activation::None)
                posts.append_eltwise(1.0F, algorithmOf(product.activation), alphaOf(product.activation),
                                     0.0F);
            if (product.addToOut)
                posts.append_sum(1.0F);
            dnnl::primitive_attr attributes;
            attributes.set_post_ops(posts);
            const memory::desc x({product.rows, sizes[0]}, form.data_type(),
                                 memory::dims{product.xStride, 1});
            const memory::desc out({product.rows, sizes[1]}, outType, memory::dims{product.outStride, 1});
            try {
                return product.bias ? prepare({x, form, biasForm, out}, attributes)
                                    : prepare({x, form, out}, attributes);
            } catch (const dnnl::error& error) {
                if (error.status == dnnl_unimplemented)
                    return nullptr;
                throw;
            }
        });
        if (!prepared)
            return std::string();
        const dnnl::engine& engine = library().engine;
        std::unordered_map<int, memory> arguments{
            {DNNL_ARG_SRC, memory(prepared->a, engine, const_cast<void*>(product.x))},
            {DNNL_ARG_WEIGHTS, packed},
            {DNNL_ARG_DST, memory(prepared->c, engine, product.out)}};
        if (product.bias)
            arguments.emplace(DNNL_ARG_BIAS, memory(biasForm, engine, const_cast<float*>(product.bias)));
        prepared->primitive.execute(queue, arguments);
        queue.wait();
        return prepared->implementation;
    });
}

} // namespace orrery::onednn
