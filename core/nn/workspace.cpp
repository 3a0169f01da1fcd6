// SPDX-License-Identifier: GPL-3.0-or-later
#include "nn/workspace.h"

#include <algorithm>

namespace orrery::nn {

Tensor Workspace::take(Slot slot, const Shape& shape, DType dtype) {
    std::shared_ptr<Storage>& storage = m_storage[static_cast<std::size_t>(slot)];
    const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * itemSize(dtype);
    if (!storage || storage->bytes() < bytes || storage.use_count() > 1)
        storage = Storage::allocate(bytes);
    return Tensor::view(storage, 0, shape, dtype);
}

Tensor Workspace::borrow(const Shape& shape, DType dtype) {
    const std::size_t bytes =
        std::max<std::size_t>(static_cast<std::size_t>(shape.elements()) * itemSize(dtype), 64);
    // The smallest free one that is large enough and does not waste half of itself.
    const std::shared_ptr<Storage>* best = nullptr;
    for (const auto& storage : m_loose)
        if (storage.use_count() == 1 && storage->bytes() >= bytes && storage->bytes() / 2 <= bytes &&
            (best == nullptr || storage->bytes() < (*best)->bytes()))
            best = &storage;
    if (best == nullptr)
        best = &m_loose.emplace_back(Storage::allocate(bytes));
    return Tensor::view(*best, 0, shape, dtype);
}

void Workspace::letGo() {
    std::erase_if(m_loose, [](const auto& storage) { return storage.use_count() > 1; });
}

std::size_t Workspace::bytes() const {
    std::size_t total = 0;
    for (const auto& storage : m_loose)
        total += storage->bytes();
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
    m_workspace->letGo();
    if (m_workspace->bytes() > keptBytes)
        return;
    const std::lock_guard lock(m_pool.m_mutex);
    if (m_pool.m_free.size() < keptCount)
        m_pool.m_free.push_back(std::move(m_workspace));
}

} // namespace orrery::nn
