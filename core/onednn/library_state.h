// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the files that speak with oneDNN share; no part of the room's interface.

#include "base/error.h"
#include "kernels/activation.h"
#include "kernels/threads.h"
#include "onednn/engine.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

#include <dnnl.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::onednn {

using dnnl::memory;
using Key = std::vector<std::int64_t>;

/// A primitive with what it needs to run.
struct Prepared {
    dnnl::primitive primitive;
    memory::desc a;
    memory::desc b;
    memory::desc c;
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

[[nodiscard]] Library& library();
/// The calling thread's stream. oneDNN takes its number of threads from OpenMP's count for the calling
/// thread.
[[nodiscard]] dnnl::stream& stream();

[[nodiscard]] memory::data_type typeOf(DType dtype);
[[nodiscard]] dnnl::algorithm algorithmOf(kernels::Activation activation);
/// The algorithm's first parameter.
[[nodiscard]] inline float alphaOf(kernels::Activation activation) {
    return activation == kernels::Activation::Silu        ? 1.0F
           : activation == kernels::Activation::QuickGelu ? 1.702F
                                                          : 0.0F;
}

inline memory::dims dimsOf(const Shape& shape) {
    return {shape.sizes().begin(), shape.sizes().end()};
}

inline void append(Key& key, const Shape& shape) {
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

} // namespace orrery::onednn
