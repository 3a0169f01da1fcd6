// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <array>
#include <cstddef>
#include <memory>

namespace orrery::nn {

/// The intermediate buffers of one run, reused from layer to layer; from run to run they are kept by the
/// allocator (tensor/memory.h). A buffer that someone still looks at (a captured site, a returned output) is
/// left to them and replaced.
class Workspace {
public:
    enum class Slot {
        Residual,
        Normed,
        SecondNormed, ///< of blocks whose attention and feed-forward run side by side
        Qkv,          ///< with Mixed in the memory of Hidden, which is needed when these no longer are
        Mixed,
        Hidden,
        Branch,
        ExpertRows,
        ExpertResults,
        Final,
        HeadRows,
        HeadHidden,
        Logits
    };
    static constexpr std::size_t slots = static_cast<std::size_t>(Slot::Logits) + 1;

    /// Takes the memory that Qkv and Mixed, and then Hidden, of every layer fit in; what does not fit in it
    /// has a buffer of its own.
    void reserveBlock(std::size_t bytes);
    /// Uninitialised, contiguous; valid until the slot is taken again: Qkv also until Hidden is taken, Mixed
    /// until Qkv or Hidden is.
    [[nodiscard]] Tensor take(Slot slot, const Shape& shape, DType dtype = DType::F32);
    /// Gives back all but the residual stream: what the layers needed, before the head takes its own.
    void endBlocks();
    [[nodiscard]] static std::size_t rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

private:
    [[nodiscard]] Tensor takeOfBlock(Slot slot, std::size_t bytes, const Shape& shape, DType dtype);
    std::array<std::shared_ptr<Storage>, slots> m_storage;
    std::shared_ptr<Storage> m_block;
    std::size_t m_blockBytes = 0;
    std::size_t m_mixedBegin = 0; ///< in m_block
};

} // namespace orrery::nn
