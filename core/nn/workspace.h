// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/tensor.h"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace orrery::nn {

/// The intermediate buffers of one run, reused from layer to layer and from run to run, so that no run pays
/// for fresh pages. A buffer that someone still looks at (a captured site, a returned output) is left to them
/// and replaced.
class Workspace {
public:
    enum class Slot {
        Residual,
        Normed,
        SecondNormed, ///< of blocks whose attention and feed-forward run side by side
        Qkv,
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

    /// Uninitialised, contiguous; valid until the slot is taken again.
    [[nodiscard]] Tensor take(Slot slot, const Shape& shape, DType dtype = DType::F32);
    /// A buffer for as long as someone holds it, and then for the next who asks: what networks compute in,
    /// whose intermediate results have no fixed places.
    [[nodiscard]] Tensor borrow(const Shape& shape, DType dtype = DType::F32);
    /// Leaves to their holders what is still held (outputs, captured sites).
    void letGo();
    [[nodiscard]] std::size_t bytes() const;

private:
    std::array<std::shared_ptr<Storage>, slots> m_storage;
    std::vector<std::shared_ptr<Storage>> m_loose;
};

/// Workspaces of finished runs, handed to the next ones. Thread safe.
class WorkspacePool {
public:
    /// A workspace for the time of a run; goes back to the pool when it ends.
    class Lease {
    public:
        explicit Lease(WorkspacePool& pool);
        ~Lease();
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Workspace& operator*() const { return *m_workspace; }

    private:
        WorkspacePool& m_pool;
        std::unique_ptr<Workspace> m_workspace;
    };

private:
    static constexpr std::size_t keptBytes = std::size_t{512} << 20U; ///< larger ones are given back
    static constexpr std::size_t keptCount = 2;
    std::mutex m_mutex;
    std::vector<std::unique_ptr<Workspace>> m_free;
};

} // namespace orrery::nn
