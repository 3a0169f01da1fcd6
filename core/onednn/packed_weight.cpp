// SPDX-License-Identifier: GPL-3.0-or-later
#include "onednn/packed_weight.h"

#include "base/error.h"
#include "kernels/cpu.h"
#include "kernels/panel_product.h"
#include "kernels/threads.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace orrery::onednn {
namespace {

using kernels::PanelSource;
using kernels::PanelType;

constexpr std::size_t smallPage = 4096;
constexpr std::size_t largePage = std::size_t{2} << 20U;

PanelSource::Type sourceType(DType dtype) {
    switch (dtype) {
    case DType::F32:
        return PanelSource::Type::F32;
    case DType::BF16:
        return PanelSource::Type::BF16;
    case DType::F16:
        return PanelSource::Type::F16;
    case DType::F8E4M3:
        return PanelSource::Type::F8E4M3;
    case DType::F8E5M2:
        return PanelSource::Type::F8E5M2;
    case DType::I8:
        return PanelSource::Type::S8;
    default:
        throw UsageError(fmt::format("Weights must be f32, bf16, f16, f8 or i8, not {}.", name(dtype)));
    }
}

int outputDimension(WeightLayout layout) {
    return layout == WeightLayout::OutIn ? 0 : 1;
}

PanelSource sourceOf(const Tensor& weight, WeightLayout layout) {
    const int out = outputDimension(layout);
    return {weight.rawData(), sourceType(weight.dtype()), weight.strides()[out], weight.strides()[1 - out]};
}

PanelType panelType(DType compute) {
    return compute == DType::F32 ? PanelType::F32 : PanelType::BF16;
}

} // namespace

WeightMemory::WeightMemory(std::size_t bytes) {
    // Microkernels read ahead a little: keep what they prefetch, and a whole line, inside.
    m_bytes = (bytes + 64 + smallPage - 1) / smallPage * smallPage;
    accountMemory(m_bytes);
    // A weight of several large pages starts on one; what is too much before and behind it goes back.
    const std::size_t extra = m_bytes >= 2 * largePage ? largePage : 0;
    void* memory =
        ::mmap(nullptr, m_bytes + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        discountMemory(m_bytes);
        throw Error(fmt::format("There is not enough memory for {} of packed weights; use bf16 weights or a "
                                "smaller model.",
                                memoryText(m_bytes)));
    }
    m_data = static_cast<std::byte*>(memory);
    if (extra == 0)
        return;
    const std::size_t before = (largePage - reinterpret_cast<std::uintptr_t>(memory) % largePage) % largePage;
    if (before > 0)
        ::munmap(m_data, before);
    m_data += before;
    if (before < extra)
        ::munmap(m_data + m_bytes, extra - before);
#if defined(MADV_HUGEPAGE)
    // A wish: small pages do as well, more slowly. The last piece stays in small ones, as it would waste most
    // of a large one.
    ::madvise(m_data, m_bytes / largePage * largePage, MADV_HUGEPAGE);
#endif
}

WeightMemory::~WeightMemory() {
    ::munmap(m_data, m_bytes);
    discountMemory(m_bytes);
}

PackedWeight::PackedWeight(Tensor weight, WeightLayout layout, DType compute, Backend backend)
    : PackedWeight(std::vector<Tensor>{std::move(weight)}, layout, compute, backend) {}

PackedWeight::PackedWeight(std::vector<Tensor> weights, WeightLayout layout, DType compute, Backend backend)
    : m_state(std::make_shared<State>()) {
    ORRERY_CHECK(!weights.empty(), "at least one weight matrix");
    ORRERY_CHECK(compute == DType::F32 || compute == DType::BF16, "weights are multiplied in f32 or bf16");
    const int out = outputDimension(layout);
    for (const Tensor& weight : weights) {
        ORRERY_CHECK(weight.defined() && weight.rank() == 2, "weights are matrices");
        (void)sourceType(weight.dtype());
        ORRERY_CHECK(weight.size(1 - out) == weights.front().size(1 - out),
                     "weights side by side have as many inputs");
        m_state->outputs += weight.size(out);
    }
    m_state->inputs = weights.front().size(1 - out);
    ORRERY_CHECK(m_state->inputs > 0 && m_state->outputs > 0, "weights are not empty");
    m_state->originals = std::move(weights);
    m_state->layout = layout;
    m_state->compute = compute;
    m_state->backend = backend;
}

std::int64_t PackedWeight::inputs() const {
    return m_state->inputs;
}
std::int64_t PackedWeight::outputs() const {
    return m_state->outputs;
}
DType PackedWeight::compute() const {
    return m_state->compute;
}
const std::vector<Tensor>& PackedWeight::originals() const {
    return m_state->originals;
}
WeightLayout PackedWeight::layout() const {
    return m_state->layout;
}
bool PackedWeight::packed() const {
    return m_state->ready.load(std::memory_order_acquire);
}
void PackedWeight::pack() const {
    m_state->pack();
}

std::size_t PackedWeight::bytes() const {
    return kernels::panelBytes(panelType(m_state->compute), m_state->outputs, m_state->inputs);
}

Tensor PackedWeight::toDense() const {
    const State& state = *m_state;
    const Tensor dense = Tensor::empty({state.outputs, state.inputs});
    std::int64_t first = 0;
    for (const Tensor& weight : state.originals) {
        const Tensor rows = state.layout == WeightLayout::OutIn ? weight : weight.transpose(0, 1);
        const Tensor target = dense.slice(0, first, first + rows.size(0));
        target.copyFrom(state.compute == DType::BF16 ? rows.to(DType::BF16) : rows);
        first += rows.size(0);
    }
    return dense;
}

/// The mapped file is not needed again soon: its pages need not count as this process's memory.
void PackedWeight::State::forgetOriginals() const {
    for (const Tensor& weight : originals)
        if (weight.isContiguous())
            weight.storage()->forget(weight.byteOffset(), weight.bytes());
}

void PackedWeight::State::pack() const {
    std::call_once(once, [this] {
        // Our panels win where AVX-512 is (tests/bench/README.md); elsewhere oneDNN's generated code does.
        const bool wantLibrary = backend == Backend::OneDnn ||
                                 (backend == Backend::Automatic && kernels::isa() < kernels::Isa::Avx512);
        if (wantLibrary) {
            const Tensor dense = Tensor::empty({outputs, inputs}, compute);
            std::int64_t first = 0;
            for (const Tensor& weight : originals) {
                const Tensor rows = layout == WeightLayout::OutIn ? weight : weight.transpose(0, 1);
                dense.slice(0, first, first + rows.size(0)).copyFrom(rows);
                first += rows.size(0);
            }
            library = packForLibrary(dense);
        }
        if (!library)
            packPanels();
        forgetOriginals();
        ready.store(true, std::memory_order_release);
    });
}

void PackedWeight::State::packPanels() const {
    std::call_once(panelsOnce, [this] {
        const PanelType type = panelType(compute);
        panels = std::make_unique<WeightMemory>(kernels::panelBytes(type, outputs, inputs));
        std::int64_t first = 0;
        for (const Tensor& weight : originals) {
            const std::int64_t count = weight.size(outputDimension(layout));
            if (count > 0)
                kernels::packPanels(type, sourceOf(weight, layout), first, count, outputs, inputs,
                                    panels->data());
            first += count;
        }
    });
}

Int8Weight Int8Weight::quantise(const Tensor& weight, WeightLayout layout) {
    ORRERY_CHECK(weight.defined() && weight.rank() == 2, "weights are matrices");
    const Tensor rows = (layout == WeightLayout::OutIn ? weight : weight.transpose(0, 1)).to(DType::F32);
    const std::int64_t outputs = rows.size(0);
    const std::int64_t inputs = rows.size(1);
    const Tensor values = Tensor::empty({outputs, inputs}, DType::I8);
    const Tensor scales = Tensor::empty({outputs});
    const float* source = rows.data<float>().data();
    auto* target = values.mutableData<std::int8_t>().data();
    float* factors = scales.mutableData<float>().data();
    kernels::parallelFor(outputs, 64, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o) {
            const float* row = source + o * inputs;
            float peak = 0;
            for (std::int64_t k = 0; k < inputs; ++k)
                peak = std::max(peak, std::fabs(row[k]));
            factors[o] = peak / 127.0F;
            const float factor = peak > 0 ? 127.0F / peak : 0.0F;
            for (std::int64_t k = 0; k < inputs; ++k)
                target[o * inputs + k] =
                    static_cast<std::int8_t>(std::clamp(std::nearbyint(row[k] * factor), -127.0F, 127.0F));
        }
    });
    return fromParts(values, scales);
}

Int8Weight Int8Weight::fromParts(const Tensor& values, const Tensor& scales) {
    if (values.dtype() != DType::I8 || values.rank() != 2 || scales.dtype() != DType::F32 ||
        scales.rank() != 1 || scales.size(0) != values.size(0) || values.elements() == 0)
        throw InputError(fmt::format(
            "An int8 weight needs i8 values [out, in] and f32 scales [out], not {} {} and "
            "{} {}.",
            name(values.dtype()), values.shape().toText(), name(scales.dtype()), scales.shape().toText()));
    auto state = std::make_shared<State>();
    state->outputs = values.size(0);
    state->inputs = values.size(1);
    state->scales = scales.contiguous();
    state->panels =
        std::make_unique<WeightMemory>(kernels::panelBytes(PanelType::S8, state->outputs, state->inputs));
    kernels::packPanels(PanelType::S8, sourceOf(values, WeightLayout::OutIn), 0, state->outputs,
                        state->outputs, state->inputs, state->panels->data());
    state->sums.resize(static_cast<std::size_t>(state->outputs));
    const auto* source = values.pointer<std::int8_t>();
    for (std::int64_t o = 0; o < state->outputs; ++o) {
        std::int32_t total = 0;
        for (std::int64_t k = 0; k < state->inputs; ++k)
            total += source[o * values.strides()[0] + k * values.strides()[1]];
        state->sums[static_cast<std::size_t>(o)] = total;
    }
    Int8Weight weight;
    weight.m_state = std::move(state);
    return weight;
}

std::int64_t Int8Weight::inputs() const {
    return m_state->inputs;
}
std::int64_t Int8Weight::outputs() const {
    return m_state->outputs;
}
const Tensor& Int8Weight::scales() const {
    return m_state->scales;
}

std::size_t Int8Weight::bytes() const {
    return kernels::panelBytes(PanelType::S8, m_state->outputs, m_state->inputs) +
           static_cast<std::size_t>(m_state->outputs) * 8;
}

Tensor Int8Weight::values() const {
    const Tensor values = Tensor::empty({m_state->outputs, m_state->inputs}, DType::I8);
    auto* target = values.mutableData<std::int8_t>().data();
    const auto* panels = reinterpret_cast<const std::int8_t*>(m_state->panels->data());
    const std::int64_t depth = (m_state->inputs + 3) / 4 * 4;
    for (std::int64_t o = 0; o < m_state->outputs; ++o)
        for (std::int64_t k = 0; k < m_state->inputs; ++k)
            target[o * m_state->inputs + k] = panels[o / 32 * 32 * depth + k / 4 * 128 + o % 32 * 4 + k % 4];
    return values;
}

Tensor Int8Weight::toDense() const {
    const Tensor dense = values().to(DType::F32);
    float* numbers = dense.mutableData<float>().data();
    const float* factors = m_state->scales.data<float>().data();
    for (std::int64_t o = 0; o < m_state->outputs; ++o)
        for (std::int64_t k = 0; k < m_state->inputs; ++k)
            numbers[o * m_state->inputs + k] *= factors[o];
    return dense;
}

} // namespace orrery::onednn
