// SPDX-License-Identifier: GPL-3.0-or-later
#include "onednn/library.h"

#include "base/error.h"
#include "onednn/engine.h"
#include "onednn/packed_weight.h"

#include <dnnl.hpp>
#include <fmt/format.h>
#include <omp.h>

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace orrery::onednn {
namespace {

using dnnl::memory;
using Key = std::vector<std::int64_t>;

/// A primitive with what it needs to run.
struct Prepared {
    dnnl::primitive primitive;
    memory::desc a;
    memory::desc b;
    memory::desc c;
    memory::desc scratchpad;
    std::string implementation;
};

/// Least recently used primitives leave first. oneDNN has a cache of its own, but finding anything in it
/// needs a whole primitive descriptor, which takes longer than a small product.
class PrimitiveCache {
public:
    template <typename Make>
    std::shared_ptr<const Prepared> get(const Key& key, const Make& make) {
        {
            const std::lock_guard lock(m_mutex);
            if (const auto found = m_index.find(key); found != m_index.end()) {
                ++m_hits;
                m_order.splice(m_order.begin(), m_order, found->second);
                return found->second->second;
            }
            ++m_misses;
        }
        std::shared_ptr<const Prepared> made = make();
        const std::lock_guard lock(m_mutex);
        if (const auto found = m_index.find(key); found != m_index.end())
            return found->second->second; // another thread was faster
        m_order.emplace_front(key, made);
        m_index.emplace(key, m_order.begin());
        trim();
        return made;
    }
    void setCapacity(std::size_t entries) {
        const std::lock_guard lock(m_mutex);
        m_capacity = std::max<std::size_t>(entries, 1);
        trim();
    }
    CacheState state() {
        const std::lock_guard lock(m_mutex);
        return {m_order.size(), m_capacity, m_hits, m_misses};
    }

private:
    void trim() {
        while (m_order.size() > m_capacity) {
            m_index.erase(m_order.back().first);
            m_order.pop_back();
        }
    }

    std::mutex m_mutex;
    std::list<std::pair<Key, std::shared_ptr<const Prepared>>> m_order;
    std::map<Key, decltype(m_order)::iterator> m_index;
    std::size_t m_capacity = 512;
    std::size_t m_hits = 0;
    std::size_t m_misses = 0;
};

/// The engine: one of the two process-wide things that core allows itself.
struct Library {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    PrimitiveCache primitives;
};

Library& library() {
    static Library instance;
    return instance;
}

/// The calling thread's stream. oneDNN takes its number of threads from OpenMP's count for the calling
/// thread.
dnnl::stream& stream() {
    thread_local dnnl::stream own(library().engine);
    if (omp_get_max_threads() != threads())
        omp_set_num_threads(threads());
    return own;
}

/// Working memory of a primitive that runs now, the calling thread's own. oneDNN's is bound to the thread
/// that made the primitive, and ours are run by any.
void addScratchpad(const Prepared& prepared, std::unordered_map<int, memory>& arguments) {
    thread_local std::vector<std::byte> buffer;
    constexpr std::size_t alignment = 64;
    const std::size_t size = prepared.scratchpad.get_size();
    if (size == 0)
        return;
    if (buffer.size() < size + alignment)
        buffer.resize(size + alignment);
    void* place = buffer.data();
    std::size_t room = buffer.size();
    arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(prepared.scratchpad, library().engine,
                                                  std::align(alignment, size, place, room)));
}

memory::data_type typeOf(DType dtype) {
    ORRERY_CHECK(dtype == DType::F32 || dtype == DType::BF16, "oneDNN multiplies f32 and bf16");
    return dtype == DType::F32 ? memory::data_type::f32 : memory::data_type::bf16;
}

memory::dims dimsOf(const Shape& shape) {
    return {shape.sizes().begin(), shape.sizes().end()};
}

void append(Key& key, const Shape& shape) {
    key.insert(key.end(), shape.sizes().begin(), shape.sizes().end());
}

template <typename Work>
auto guarded(std::string_view what, const Work& work) {
    try {
        return work();
    } catch (const dnnl::error& error) {
        throw Error(fmt::format("oneDNN could not do {}: {} (status {}).", what, error.what(),
                                static_cast<int>(error.status)));
    }
}

class DnnlWeight final : public LibraryWeight {
public:
    explicit DnnlWeight(const memory::desc& form)
        : m_bytes(form.get_size()), m_memory(form, library().engine, m_bytes.data()) {}
    [[nodiscard]] std::size_t bytes() const override { return m_memory.get_desc().get_size(); }
    [[nodiscard]] const memory& packed() const { return m_memory; }

private:
    WeightMemory m_bytes;
    memory m_memory;
};

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

void appendActivation(dnnl::post_ops& posts, kernels::Activation activation) {
    if (activation == kernels::Activation::None)
        return;
    const float slope = activation == kernels::Activation::Silu        ? 1.0F
                        : activation == kernels::Activation::QuickGelu ? 1.702F
                                                                       : 0.0F;
    posts.append_eltwise(1.0F, algorithmOf(activation), slope, 0.0F);
}

std::shared_ptr<const Prepared> prepare(const dnnl::matmul::desc& desc, dnnl::primitive_attr attributes) {
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::matmul::primitive_desc found(desc, attributes, library().engine);
    auto prepared = std::make_shared<Prepared>();
    prepared->primitive = dnnl::matmul(found);
    prepared->a = found.src_desc();
    prepared->b = found.weights_desc();
    prepared->c = found.dst_desc();
    prepared->scratchpad = found.scratchpad_desc();
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
        std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, memory(prepared->a, engine, a.data)},
                                                  {DNNL_ARG_WEIGHTS, memory(prepared->b, engine, b.data)},
                                                  {DNNL_ARG_DST, memory(prepared->c, engine, c.data)}};
        addScratchpad(*prepared, arguments);
        prepared->primitive.execute(queue, arguments);
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
        auto weight = std::make_shared<DnnlWeight>(chosen.weights_desc());
        memory packed = weight->packed();
        memory source(
            memory::desc({inputs, outputs}, type, memory::dims{dense.strides()[1], dense.strides()[0]}),
            library().engine, const_cast<std::byte*>(dense.rawData()));
        dnnl::reorder(source, packed).execute(queue, source, packed);
        queue.wait();
        return weight;
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
            appendActivation(posts, product.activation);
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
        addScratchpad(*prepared, arguments);
        prepared->primitive.execute(queue, arguments);
        queue.wait();
        return prepared->implementation;
    });
}

namespace {

class DnnlKernelForms final : public LibraryKernelForms {
public:
    /// The kernel in the form that is asked for, made when it is not there yet.
    memory get(const memory::desc& wanted, const LibraryConvolution& convolution,
               const std::function<Tensor()>& dense) {
        const std::lock_guard lock(m_mutex);
        for (const Form& known : m_forms)
            if (known.packed.get_desc() == wanted)
                return known.packed;
        const Tensor kernel = dense();
        memory source(memory::desc(dimsOf(convolution.kernel), memory::data_type::f32,
                                   convolution.kernel.rank() == 4 ? memory::format_tag::oihw
                                                                  : memory::format_tag::goihw),
                      library().engine, const_cast<std::byte*>(kernel.rawData()));
        auto bytes = std::make_unique<WeightMemory>(wanted.get_size());
        memory target(wanted, library().engine, bytes->data());
        dnnl::reorder(source, target).execute(stream(), source, target);
        stream().wait();
        m_forms.push_back({std::move(bytes), target});
        return target;
    }
    [[nodiscard]] bool any() const override {
        const std::lock_guard lock(m_mutex);
        return !m_forms.empty();
    }

private:
    struct Form {
        std::unique_ptr<WeightMemory> bytes;
        memory packed;
    };
    mutable std::mutex m_mutex;
    std::vector<Form> m_forms;
};

std::shared_ptr<const Prepared> prepareConvolution(const LibraryConvolution& convolution) {
    const auto map = [](const Shape& shape) { // [B, H, W, C]
        return memory::desc({shape[0], shape[3], shape[1], shape[2]}, memory::data_type::f32,
                            memory::format_tag::nhwc);
    };
    const memory::desc kernel(dimsOf(convolution.kernel), memory::data_type::f32, memory::format_tag::any);
    const memory::desc bias({convolution.outShape[3]}, memory::data_type::f32, memory::format_tag::a);
    memory::dims dilation(2);
    memory::dims after(2);
    for (int side = 0; side < 2; ++side) {
        const auto i = static_cast<std::size_t>(side);
        const std::int64_t size = convolution.kernel[side - 2];
        dilation[i] = convolution.dilation[i] - 1;
        // What lies beyond the last position is not read; oneDNN wants sizes that come out even.
        after[i] = (convolution.outShape[1 + side] - 1) * convolution.stride[i] +
                   convolution.dilation[i] * (size - 1) + 1 - convolution.xShape[1 + side] -
                   convolution.before[i];
    }
    const memory::dims stride(convolution.stride.begin(), convolution.stride.end());
    const memory::dims before(convolution.before.begin(), convolution.before.end());
    dnnl::post_ops posts;
    appendActivation(posts, convolution.activation);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(posts);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    constexpr auto direct = dnnl::algorithm::convolution_direct;
    using Forward = dnnl::convolution_forward;
    const Forward::desc desc =
        convolution.bias != nullptr
            ? Forward::desc(kind, direct, map(convolution.xShape), kernel, bias, map(convolution.outShape),
                            stride, dilation, before, after)
            : Forward::desc(kind, direct, map(convolution.xShape), kernel, map(convolution.outShape), stride,
                            dilation, before, after);
    const Forward::primitive_desc found(desc, attributes, library().engine);
    auto prepared = std::make_shared<Prepared>();
    prepared->primitive = Forward(found);
    prepared->a = found.src_desc();
    prepared->b = found.weights_desc();
    prepared->c = found.dst_desc();
    prepared->scratchpad = found.scratchpad_desc();
    prepared->implementation = fmt::format("onednn:{}", found.impl_info_str());
    return prepared;
}

} // namespace

std::shared_ptr<LibraryKernelForms> makeKernelForms() {
    return std::make_shared<DnnlKernelForms>();
}

std::string libraryConvolution(const LibraryConvolution& convolution, LibraryKernelForms& forms,
                               const std::function<Tensor()>& dense) {
    return guarded("a convolution", [&] {
        dnnl::stream& queue = stream();
        Key key{3, static_cast<std::int64_t>(convolution.activation), convolution.bias != nullptr ? 1 : 0,
                threads()};
        for (const auto* pair : {&convolution.stride, &convolution.before, &convolution.dilation})
            key.insert(key.end(), pair->begin(), pair->end());
        append(key, convolution.xShape);
        append(key, convolution.outShape);
        append(key, convolution.kernel);
        const auto prepared = library().primitives.get(key, [&] { return prepareConvolution(convolution); });
        const dnnl::engine& engine = library().engine;
        std::unordered_map<int, memory> arguments{
            {DNNL_ARG_SRC, memory(prepared->a, engine, const_cast<float*>(convolution.x))},
            {DNNL_ARG_WEIGHTS, dynamic_cast<DnnlKernelForms&>(forms).get(prepared->b, convolution, dense)},
            {DNNL_ARG_DST, memory(prepared->c, engine, convolution.out)}};
        if (convolution.bias != nullptr)
            arguments.emplace(
                DNNL_ARG_BIAS,
                memory({{convolution.outShape[3]}, memory::data_type::f32, memory::format_tag::a}, engine,
                       const_cast<float*>(convolution.bias)));
        addScratchpad(*prepared, arguments);
        prepared->primitive.execute(queue, arguments);
        queue.wait();
        return prepared->implementation;
    });
}

} // namespace orrery::onednn
