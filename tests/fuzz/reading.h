// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/scan.h"

#include <cstdint>
#include <cstring>
#include <memory>

namespace orrery::fuzz {

/// The input as a mapped file: a copy of its exact size, so that the sanitizer sees every byte outside.
inline std::shared_ptr<Storage> mapped(const std::uint8_t* data, std::size_t size) {
    std::shared_ptr<std::byte[]> copy(new std::byte[size]);
    if (size > 0)
        std::memcpy(copy.get(), data, size);
    const std::span<std::byte> all(copy.get(), size);
    return Storage::borrow(all, copy);
}

/// Bad input must be answered by InputError: any other exception is a finding.
template <typename Function>
void refusingIsFine(Function&& function) {
    try {
        function();
    } catch (const InputError&) {
        return;
    }
}

/// Looks at every number of a checkpoint that was accepted.
inline void readEverything(std::shared_ptr<const checkpoint::Source> source) {
    const auto opened = checkpoint::Checkpoint::of(std::move(source));
    std::uint64_t elements = 0;
    for (const auto& name : opened->names()) {
        const auto& info = opened->info(name);
        elements += static_cast<std::uint64_t>(info.shape.elements());
        if (info.dtype && elements < (std::uint64_t{1} << 22U)) // views may show a few bytes very often
            (void)checkpoint::scanTensor(name, opened->tensor(name));
    }
}

} // namespace orrery::fuzz
