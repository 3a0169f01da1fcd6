// SPDX-License-Identifier: GPL-3.0-or-later
// Views of a pattern that is never held: tiles, means over cells, and row statistics.
#include "base/error.h"
#include "base/operation_observer.h"
#include "kernels/attention.h"
#include "kernels/attention_job.h"
#include "kernels/cpu.h"
#include "kernels/rows.h"
#include "kernels/simd/row_table.h"
#include "kernels/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace orrery::kernels {
namespace {

constexpr std::int64_t tileFloats = queryTile * keyTile;

void checkBlock(const AttentionJob& job, const PatternBlock& block, std::size_t room) {
    ORRERY_CHECK(block.batch >= 0 && block.batch < job.batch && block.head >= 0 && block.head < job.heads,
                 "the block is of an existing head");
    ORRERY_CHECK(block.row >= 0 && block.rows >= 0 && block.row <= job.queries - block.rows &&
                     block.column >= 0 && block.columns >= 0 && block.column <= job.keys - block.columns,
                 fmt::format("rows {}+{} x keys {}+{} lie inside {} x {}", block.row, block.rows,
                             block.column, block.columns, job.queries, job.keys));
    ORRERY_CHECK(room >= static_cast<std::size_t>(block.rows * block.columns), "room for the block");
}

const float* lseOf(const Tensor& lse, const AttentionJob& job) {
    ORRERY_CHECK(lse.defined() && lse.elements() == job.batch * job.heads * job.queries,
                 "one log-sum-exp for each row");
    return lse.data<float>().data();
}

/// scores - lse, then exp; rows that see nothing are -infinity throughout and must stay zero.
void toWeights(float* scores, float lse, std::int64_t n) {
    if (lse == -std::numeric_limits<float>::infinity()) {
        std::fill(scores, scores + n, 0.0F);
        return;
    }
    for (std::int64_t j = 0; j < n; ++j)
        scores[j] -= lse;
    rowKernels().exponential(scores, scores, n);
}

/// Calls the kernel for every tile of a block, on all threads; weights when lse is given, else scores.
void fillBlock(const AttentionJob& job, const float* lse, const PatternBlock& block, float* out) {
    const AttentionTable& kernels = attentionKernels();
    const auto floats = static_cast<std::size_t>(kernels.workFloats(job));
    const std::int64_t bands = (block.rows + queryTile - 1) / queryTile;
    const std::int64_t strips = (block.columns + keyTile - 1) / keyTile;
    const std::int64_t grain = std::max<std::int64_t>(1, 100000 / (queryTile * keyTile));
    parallelFor(bands * strips, grain, [&](std::int64_t begin, std::int64_t end) {
        float* memory = scratch(5, floats);
        for (std::int64_t unit = begin; unit < end; ++unit) {
            const std::int64_t row = unit / strips * queryTile;
            const std::int64_t column = unit % strips * keyTile;
            const std::int64_t rows = std::min(queryTile, block.rows - row);
            const std::int64_t columns = std::min(keyTile, block.columns - column);
            float* to = out + row * block.columns + column;
            kernels.scores(job, block.batch, block.head, block.row + row, rows, block.column + column,
                           columns, to, block.columns, memory);
            if (lse)
                for (std::int64_t i = 0; i < rows; ++i)
                    toWeights(to + i * block.columns,
                              lse[(block.batch * job.heads + block.head) * job.queries + block.row + row + i],
                              columns);
        }
    });
}

Operation described(std::string_view kind, const AttentionJob& job, double pairs) {
    Operation operation;
    operation.kind = kind;
    operation.description =
        fmt::format("b{} h{} l{} s{} d{}", job.batch, job.heads, job.queries, job.keys, job.size);
    operation.implementation = name(isa());
    operation.flops = pairs * 2 * static_cast<double>(job.size);
    return operation;
}

} // namespace

void attentionTile(const AttentionProblem& problem, const Tensor& lse, const PatternBlock& block,
                   std::span<float> out) {
    PreparedAttention prepared;
    prepareAttention(problem, prepared);
    checkBlock(prepared.job, block, out.size());
    const float* levels = lseOf(lse, prepared.job);
    observed([&] { fillBlock(prepared.job, levels, block, out.data()); },
             [&] {
                 return described("attention_tile", prepared.job,
                                  static_cast<double>(block.rows * block.columns));
             });
}

void attentionScoreTile(const AttentionProblem& problem, const PatternBlock& block, std::span<float> out) {
    PreparedAttention prepared;
    prepareAttention(problem, prepared);
    checkBlock(prepared.job, block, out.size());
    observed([&] { fillBlock(prepared.job, nullptr, block, out.data()); },
             [&] {
                 return described("attention_tile", prepared.job,
                                  static_cast<double>(block.rows * block.columns));
             });
}

void attentionPooled(const AttentionProblem& problem, const Tensor& lse, std::int64_t batch,
                     std::int64_t head, std::int64_t factor, std::span<float> out) {
    PreparedAttention prepared;
    prepareAttention(problem, prepared);
    const AttentionJob& job = prepared.job;
    ORRERY_CHECK(factor >= 1, "cells are at least one key wide");
    const std::int64_t cellRows = (job.queries + factor - 1) / factor;
    const std::int64_t cellColumns = (job.keys + factor - 1) / factor;
    ORRERY_CHECK(out.size() >= static_cast<std::size_t>(cellRows * cellColumns), "room for all cells");
    ORRERY_CHECK(batch >= 0 && batch < job.batch && head >= 0 && head < job.heads, "an existing head");
    const float* levels = lseOf(lse, job) + (batch * job.heads + head) * job.queries;
    observed(
        [&] {
            const AttentionTable& kernels = attentionKernels();
            const auto floats = static_cast<std::size_t>(kernels.workFloats(job));
            parallelFor(cellRows,
                        std::max<std::int64_t>(1, 100000 / std::max<std::int64_t>(1, factor * job.keys)),
                        [&](std::int64_t begin, std::int64_t end) {
                            float* memory = scratch(5, floats);
                            float* tile = scratch(6, static_cast<std::size_t>(tileFloats));
                            std::vector<double> sums(static_cast<std::size_t>(cellColumns));
                            for (std::int64_t cell = begin; cell < end; ++cell) {
                                std::fill(sums.begin(), sums.end(), 0.0);
                                const std::int64_t last = std::min(job.queries, (cell + 1) * factor);
                                for (std::int64_t row = cell * factor; row < last; row += queryTile)
                                    for (std::int64_t column = 0; column < job.keys; column += keyTile) {
                                        const std::int64_t rows = std::min(queryTile, last - row);
                                        const std::int64_t columns = std::min(keyTile, job.keys - column);
                                        kernels.scores(job, batch, head, row, rows, column, columns, tile,
                                                       keyTile, memory);
                                        for (std::int64_t i = 0; i < rows; ++i) {
                                            float* weights = tile + i * keyTile;
                                            toWeights(weights, levels[row + i], columns);
                                            for (std::int64_t j = 0; j < columns; ++j)
                                                sums[static_cast<std::size_t>((column + j) / factor)] +=
                                                    static_cast<double>(weights[j]);
                                        }
                                    }
                                const std::int64_t height = last - cell * factor;
                                for (std::int64_t c = 0; c < cellColumns; ++c) {
                                    const std::int64_t width = std::min(factor, job.keys - c * factor);
                                    out[static_cast<std::size_t>(cell * cellColumns + c)] =
                                        static_cast<float>(sums[static_cast<std::size_t>(c)] /
                                                           static_cast<double>(height * width));
                                }
                            }
                        });
        },
        [&] { return described("attention_pooled", job, static_cast<double>(job.queries * job.keys)); });
}

void attentionRowStatistics(const AttentionProblem& problem, const Tensor& lse,
                            const AttentionRowStatistics& statistics) {
    PreparedAttention prepared;
    prepareAttention(problem, prepared);
    const AttentionJob& job = prepared.job;
    const float* levels = lseOf(lse, job);
    const std::int64_t rowCount = job.batch * job.heads * job.queries;
    const auto target = [&](const Tensor& tensor) -> float* {
        if (!tensor.defined())
            return nullptr;
        ORRERY_CHECK(tensor.elements() == rowCount, "one number for each row");
        return tensor.mutableData<float>().data();
    };
    float* entropy = target(statistics.entropy);
    float* maximum = target(statistics.maximum);
    float* sink = target(statistics.sink);
    float* distance = target(statistics.distance);
    float* squares = target(statistics.squares);
    std::int64_t* argmax = nullptr;
    if (statistics.argmax.defined()) {
        ORRERY_CHECK(statistics.argmax.elements() == rowCount, "one number for each row");
        argmax = statistics.argmax.mutableData<std::int64_t>().data();
    }
    observed(
        [&] {
            const AttentionTable& kernels = attentionKernels();
            const auto floats = static_cast<std::size_t>(kernels.workFloats(job));
            const std::int64_t tiles = (job.queries + queryTile - 1) / queryTile;
            parallelFor(job.batch * job.heads * tiles, 1, [&](std::int64_t begin, std::int64_t end) {
                float* memory = scratch(5, floats);
                float* tile = scratch(6, static_cast<std::size_t>(tileFloats));
                std::vector<RowSums> sums;
                for (std::int64_t unit = begin; unit < end; ++unit) {
                    if (job.stop && job.stop(job.context))
                        return;
                    const std::int64_t head = unit / tiles % job.heads;
                    const std::int64_t batch = unit / tiles / job.heads;
                    const std::int64_t row = job.queries * (unit % tiles) / tiles;
                    const std::int64_t rows = job.queries * (unit % tiles + 1) / tiles - row;
                    const std::int64_t at = (batch * job.heads + head) * job.queries + row;
                    sums.assign(static_cast<std::size_t>(rows), RowSums{});
                    for (std::int64_t column = 0; column < job.keys; column += keyTile) {
                        const std::int64_t columns = std::min(keyTile, job.keys - column);
                        if (job.causal && column > row + rows - 1 + job.queryOffset)
                            break;
                        kernels.scores(job, batch, head, row, rows, column, columns, tile, keyTile, memory);
                        for (std::int64_t i = 0; i < rows; ++i)
                            kernels.rowSums(tile + i * keyTile, levels[at + i], columns,
                                            row + i + job.queryOffset, column, statistics.sinkKeys,
                                            sums[static_cast<std::size_t>(i)]);
                    }
                    for (std::int64_t i = 0; i < rows; ++i) {
                        const RowSums& found = sums[static_cast<std::size_t>(i)];
                        if (entropy)
                            entropy[at + i] = found.entropy;
                        if (maximum)
                            maximum[at + i] = found.maximum;
                        if (sink)
                            sink[at + i] = found.sink;
                        if (distance)
                            distance[at + i] = found.distance;
                        if (squares)
                            squares[at + i] = found.squares;
                        if (argmax)
                            argmax[at + i] = found.argmax;
                    }
                }
            });
        },
        [&] { return described("attention_statistics", job, static_cast<double>(rowCount * job.keys)); });
    if (problem.progress)
        problem.progress->check();
}

} // namespace orrery::kernels
