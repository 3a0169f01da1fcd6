// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/workspace.h"

namespace orrery::nn {

Tensor Workspace::take(Slot slot, const Shape& shape, DType dtype) {
    std::shared_ptr<Storage>& storage = m_storage[static_cast<std::size_t>(slot)];
    const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * itemSize(dtype);
    if (!storage || storage->bytes() < bytes || storage.use_count() > 1)
        storage = Storage::allocate(bytes);
    return Tensor::view(storage, 0, shape, dtype);
}

std::size_t Workspace::bytes() const {
    std::size_t total = 0;
    for (const auto& storage : m_storage)
        total += storage ? storage->bytes() : 0;
    return total;
}

WorkspacePool::Lease::Lease(WorkspacePool& pool) : m_pool(pool) {
    const std::lock_guard lock(pool.m_mutex);
    if (pool.m_free.empty()) {
        m_workspace = std::make_unique<Workspace>();
    } else {
        m_workspace = std::move(pool.m_free.back());
        pool.m_free.pop_back();
    }
}

WorkspacePool::Lease::~Lease() {
    if (m_workspace->bytes() > keptBytes)
        return;
    const std::lock_guard lock(m_pool.m_mutex);
    if (m_pool.m_free.size() < keptCount)
        m_pool.m_free.push_back(std::move(m_workspace));
}

} // namespace orrery::nn
