// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention.h"

#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/attention_job.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>

namespace orrery::kernels {
namespace {

std::int64_t integerAt(const Tensor& mask, std::int64_t batch, std::int64_t key) {
    const std::int64_t at = batch * mask.strides()[0] + key * mask.strides()[1];
    switch (mask.dtype()) {
    case DType::Bool:
    case DType::U8:
        return static_cast<std::int64_t>(mask.rawData()[at]);
    case DType::I64:
        return mask.pointer<std::int64_t>()[at];
    default:
        ORRERY_CHECK(false, fmt::format("a key mask is u8, bool or i64, not {}", name(mask.dtype())));
    }
    return 0;
}

void prepareMask(const AttentionProblem& problem, PreparedAttention& prepared) {
    AttentionJob& job = prepared.job;
    if (!problem.keyMask.defined())
        return;
    ORRERY_CHECK(problem.keyMask.rank() == 2 && problem.keyMask.size(0) == job.batch &&
                     problem.keyMask.size(1) == job.keys,
                 "a key mask is [batch, keys]");
    prepared.keyAdd.assign(static_cast<std::size_t>(job.batch * job.keys), 0.0F);
    prepared.keyEnd.assign(static_cast<std::size_t>(job.batch), 0);
    bool holes = false;
    for (std::int64_t b = 0; b < job.batch; ++b) {
        std::int64_t& end = prepared.keyEnd[static_cast<std::size_t>(b)];
        for (std::int64_t s = 0; s < job.keys; ++s) {
            if (integerAt(problem.keyMask, b, s) != 0) {
                holes = holes || end < s;
                end = s + 1;
            } else {
                prepared.keyAdd[static_cast<std::size_t>(b * job.keys + s)] =
                    -std::numeric_limits<float>::infinity();
            }
        }
    }
    job.keyEnd = prepared.keyEnd.data();
    // Padding at the end alone needs no addends: rows simply stop there.
    if (holes)
        job.keyAdd = prepared.keyAdd.data();
}

bool shouldStop(const void* context) {
    return static_cast<const Progress*>(context)->token().cancelled();
}

void checkOutput(const Tensor& out, const AttentionJob& job, std::string_view what) {
    ORRERY_CHECK(out.defined() && out.rank() == 4 && out.size(0) == job.batch && out.size(1) == job.heads &&
                     out.size(2) == job.queries && out.size(3) == job.valueSize,
                 fmt::format("{} is [batch, heads, queries, value size]", what));
    ORRERY_CHECK(out.dtype() == DType::F32 || out.dtype() == DType::BF16,
                 fmt::format("{} is f32 or bf16", what));
    ORRERY_CHECK(out.strides()[3] == 1 || out.size(3) == 1,
                 fmt::format("{} has a dense last dimension", what));
}

float* lsePointer(const Tensor& lse, const AttentionJob& job) {
    if (!lse.defined())
        return nullptr;
    ORRERY_CHECK(lse.elements() == job.batch * job.heads * job.queries, "one log-sum-exp for each row");
    return lse.mutableData<float>().data();
}

/// Splits tiles among threads so that each has about as many visible pairs: causal rows at the end cost more.
std::vector<std::int64_t> shares(const AttentionJob& job, std::int64_t tiles, int pieces) {
    std::vector<double> cost(static_cast<std::size_t>(tiles));
    double head = 0;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
        const std::int64_t first = job.queries * tile / tiles;
        const std::int64_t next = job.queries * (tile + 1) / tiles;
        cost[static_cast<std::size_t>(tile)] =
            static_cast<double>(next - first) * static_cast<double>(visibleKeys(job, (first + next) / 2) + 8);
        head += cost[static_cast<std::size_t>(tile)];
    }
    const std::int64_t heads = job.batch * job.heads;
    const double total = head * static_cast<double>(heads);
    std::vector<std::int64_t> bounds{0};
    for (int piece = 1; piece < pieces; ++piece) {
        const double wanted = total * piece / pieces;
        auto whole = static_cast<std::int64_t>(wanted / head);
        double rest = wanted - static_cast<double>(whole) * head;
        std::int64_t tile = 0;
        while (tile < tiles && rest > cost[static_cast<std::size_t>(tile)] / 2)
            rest -= cost[static_cast<std::size_t>(tile++)];
        bounds.push_back(std::max(bounds.back(), whole * tiles + tile));
    }
    bounds.push_back(heads * tiles);
    return bounds;
}

double visiblePairs(const AttentionJob& job) {
    double pairs = 0;
    for (std::int64_t row = 0; row < job.queries; ++row)
        pairs += static_cast<double>(visibleKeys(job, row));
    return pairs * static_cast<double>(job.batch * job.heads);
}

Operation described(std::string_view kind, const AttentionProblem& problem, const AttentionJob& job,
                    double products) {
    Operation operation;
    operation.kind = kind;
    operation.description =
        fmt::format("b{} h{}/{} l{} s{} d{} {}{}", job.batch, job.heads, job.heads / job.group, job.queries,
                    job.keys, job.size, name(problem.query.dtype()), job.causal ? " causal" : "");
    operation.implementation = name(isa());
    operation.flops = visiblePairs(job) * products * static_cast<double>(job.size + job.valueSize);
    operation.bytes =
        static_cast<double>(2 * problem.query.bytes() + problem.key.bytes() + problem.value.bytes());
    return operation;
}

} // namespace

const AttentionTable& attentionKernels() noexcept {
    switch (isa()) {
    case Isa::Portable:
        return attentionPortable;
    case Isa::Avx2:
        return attentionAvx2;
    case Isa::Avx512:
    case Isa::Avx512Vnni:
        return attentionAvx512;
    case Isa::Avx512Bf16:
        break;
    }
    return attentionAvx512Bf16;
}

HeadView headView(const Tensor& tensor) {
    HeadView view;
    if (!tensor.defined())
        return view;
    view.data = tensor.rawData();
    view.bf16 = tensor.dtype() == DType::BF16;
    view.batchStride = tensor.strides()[0];
    view.headStride = tensor.strides()[1];
    view.stride = tensor.strides()[2];
    return view;
}

std::int64_t visibleKeys(const AttentionJob& job, std::int64_t row) {
    const std::int64_t position = row + job.queryOffset;
    std::int64_t begin = 0;
    std::int64_t end = job.keys;
    if (job.causal)
        end = std::min(end, position + 1);
    if (job.window > 0) {
        begin = std::max<std::int64_t>(0, position - job.window + 1);
        if (!job.causal)
            end = std::min(end, position + job.window);
    }
    return std::max<std::int64_t>(0, end - begin);
}

void prepareAttention(const AttentionProblem& problem, PreparedAttention& prepared) {
    const Tensor& q = problem.query;
    const Tensor& k = problem.key;
    ORRERY_CHECK(q.defined() && k.defined() && q.rank() == 4 && k.rank() == 4,
                 "queries and keys have rank 4");
    ORRERY_CHECK(q.dtype() == k.dtype() && (q.dtype() == DType::F32 || q.dtype() == DType::BF16),
                 "queries and keys are both f32 or both bf16");
    AttentionJob& job = prepared.job;
    job.batch = q.size(0);
    job.heads = q.size(1);
    job.queries = q.size(2);
    job.size = q.size(3);
    job.keys = k.size(2);
    ORRERY_CHECK(k.size(0) == job.batch && k.size(3) == job.size && job.size > 0,
                 fmt::format("queries {} and keys {} do not fit", q.shape().toText(), k.shape().toText()));
    ORRERY_CHECK(k.size(1) > 0 && job.heads % k.size(1) == 0, "heads are a multiple of key heads");
    job.group = job.heads / k.size(1);
    ORRERY_CHECK((q.strides()[3] == 1 || job.size == 1) && (k.strides()[3] == 1 || job.size == 1),
                 "queries and keys have a dense last dimension");
    job.query = headView(q);
    job.key = headView(k);
    if (problem.value.defined()) {
        const Tensor& v = problem.value;
        ORRERY_CHECK(v.rank() == 4 && v.dtype() == q.dtype() && v.size(0) == job.batch &&
                         v.size(1) == k.size(1) && v.size(2) == job.keys && v.size(3) > 0 &&
                         (v.strides()[3] == 1 || v.size(3) == 1),
                     fmt::format("values {} do not fit keys {}", v.shape().toText(), k.shape().toText()));
        job.value = headView(v);
        job.valueSize = v.size(3);
    } else {
        job.valueSize = 1;
    }
    job.scale = static_cast<float>(problem.scale);
    job.causal = problem.causal;
    job.queryOffset = problem.queryOffset;
    ORRERY_CHECK(problem.window >= 1, "a window holds at least the query's own position");
    // A window that reaches everything is none; this also keeps sums of positions from overflowing.
    const std::int64_t reach = job.keys + job.queries + std::abs(problem.queryOffset) + 1;
    job.window = problem.window >= reach ? 0 : problem.window;
    prepareMask(problem, prepared);
    if (problem.bias.defined()) {
        ORRERY_CHECK(problem.bias.rank() == 4, "a bias has rank 4");
        prepared.bias = problem.bias.expand({job.batch, job.heads, job.queries, job.keys});
        job.bias = prepared.bias.pointer<float>();
        for (int i = 0; i < 4; ++i)
            job.biasStrides[i] = prepared.bias.strides()[i];
    }
    if (problem.progress) {
        job.stop = &shouldStop;
        job.context = problem.progress;
    }
}

void attention(const AttentionProblem& problem, const Tensor& out, const Tensor& lse) {
    if (problem.query.defined() && problem.query.dtype() == DType::F64) {
        exactAttention(problem, out, lse);
        return;
    }
    PreparedAttention prepared;
    prepareAttention(problem, prepared);
    AttentionJob& job = prepared.job;
    ORRERY_CHECK(problem.value.defined(), "attention has values");
    checkOutput(out, job, "the output of attention");
    (void)out.mutableRawData();
    job.out = headView(out);
    job.lse = lsePointer(lse, job);
    if (out.elements() == 0)
        return;
    observed(
        [&] {
            const AttentionTable& kernels = attentionKernels();
            const std::int64_t tiles = (job.queries + queryTile - 1) / queryTile;
            const std::int64_t units = job.batch * job.heads * tiles;
            const double work = visiblePairs(job) * static_cast<double>(job.size + job.valueSize);
            const int pieces = work < 200000 ? 1 : static_cast<int>(std::min<std::int64_t>(threads(), units));
            const std::vector<std::int64_t> bounds = shares(job, tiles, pieces);
            const auto floats = static_cast<std::size_t>(kernels.workFloats(job));
            parallelFor(pieces, 1, [&](std::int64_t first, std::int64_t last) {
                float* memory = scratch(5, floats);
                for (std::int64_t i = first; i < last; ++i)
                    kernels.forward(job, bounds[static_cast<std::size_t>(i)],
                                    bounds[static_cast<std::size_t>(i + 1)], memory);
            });
        },
        [&] { return described("attention", problem, job, 2); });
    if (problem.progress)
        problem.progress->check();
}

void attentionBackward(const AttentionProblem& problem, const Tensor& out, const Tensor& lse,
                       const Tensor& dOut, const AttentionGradients& gradients) {
    if (problem.query.defined() && problem.query.dtype() == DType::F64) {
        exactAttentionBackward(problem, out, lse, dOut, gradients);
        return;
    }
    PreparedAttention prepared;
    prepareAttention(problem, prepared);
    AttentionJob& job = prepared.job;
    ORRERY_CHECK(problem.value.defined(), "attention has values");
    checkOutput(out, job, "the output of attention");
    checkOutput(dOut, job, "the gradient of the output");
    job.out = headView(out);
    job.dOut = headView(dOut);
    job.lse = lsePointer(lse, job);
    ORRERY_CHECK(job.lse != nullptr, "the backward pass needs the log-sum-exp");
    const auto target = [](const Tensor& gradient, const Tensor& like) {
        if (!gradient.defined())
            return HeadView{};
        ORRERY_CHECK(gradient.shape() == like.shape() && gradient.dtype() == DType::F32,
                     "gradients are f32 and have the shapes of their tensors");
        ORRERY_CHECK(gradient.strides()[3] == 1 || gradient.size(3) == 1,
                     "gradients have a dense last dimension");
        (void)gradient.mutableRawData();
        return headView(gradient);
    };
    job.dQuery = target(gradients.dQuery, problem.query);
    job.dKey = target(gradients.dKey, problem.key);
    job.dValue = target(gradients.dValue, problem.value);
    bool sharedBias = false;
    if (gradients.dBias.defined()) {
        const Tensor& d = gradients.dBias;
        ORRERY_CHECK(problem.bias.defined() && d.shape() == problem.bias.shape(),
                     "dBias has the shape of bias");
        const auto numbers = d.mutableData<float>();
        std::fill(numbers.begin(), numbers.end(), 0.0F);
        job.dBias = numbers.data();
        for (int i = 0; i < 4; ++i)
            job.dBiasStrides[i] = d.size(i) == 1 ? 0 : d.strides()[i];
        sharedBias = (d.size(0) == 1 && job.batch > 1) || (d.size(1) == 1 && job.heads > 1);
    }
    if (out.elements() == 0)
        return;
    observed(
        [&] {
            const AttentionTable& kernels = attentionKernels();
            const auto floats = static_cast<std::size_t>(kernels.workFloats(job));
            const std::int64_t owners = job.batch * (job.heads / job.group);
            // Heads that add to the same bias take turns, for the sake of a fixed order.
            const std::int64_t grain = sharedBias || visiblePairs(job) < 2000 ? owners : 1;
            parallelFor(owners, grain, [&](std::int64_t begin, std::int64_t end) {
                kernels.backward(job, begin, end, scratch(5, floats));
            });
        },
        [&] { return described("attention_backward", problem, job, 5); });
    if (problem.progress)
        problem.progress->check();
}

} // namespace orrery::kernels
