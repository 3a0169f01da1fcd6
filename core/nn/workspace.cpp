// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/workspace.h"

namespace orrery::nn {

void Workspace::reserveBlock(std::size_t bytes) {
    m_blockBytes = bytes;
    m_block = nullptr;
}

Tensor Workspace::takeOfBlock(Slot slot, std::size_t bytes, const Shape& shape, DType dtype) {
    const std::size_t begin = slot == Slot::Mixed ? m_mixedBegin : 0;
    if (bytes > m_blockBytes || begin > m_blockBytes - bytes)
        return {};
    // Nobody looks at the block when Qkv or Hidden is taken, unless someone kept a part of it.
    if (!m_block || (slot != Slot::Mixed && m_block.use_count() > 1))
        m_block = Storage::allocate(m_blockBytes);
    if (slot == Slot::Qkv)
        m_mixedBegin = rounded(bytes);
    return Tensor::view(m_block, begin, shape, dtype);
}

Tensor Workspace::take(Slot slot, const Shape& shape, DType dtype) {
    const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * itemSize(dtype);
    if (slot == Slot::Qkv || slot == Slot::Mixed || slot == Slot::Hidden)
        if (Tensor inBlock = takeOfBlock(slot, bytes, shape, dtype); inBlock.defined())
            return inBlock;
    std::shared_ptr<Storage>& storage = m_storage[static_cast<std::size_t>(slot)];
    if (!storage || storage->bytes() < bytes || storage.use_count() > 1) {
        storage = nullptr; // before, not after: the peak is the new one alone
        storage = Storage::allocate(bytes);
    }
    return Tensor::view(storage, 0, shape, dtype);
}

void Workspace::endBlocks() {
    m_block = nullptr;
    for (std::size_t slot = 0; slot < slots; ++slot)
        if (slot != static_cast<std::size_t>(Slot::Residual))
            m_storage[slot] = nullptr;
}

} // namespace orrery::nn
