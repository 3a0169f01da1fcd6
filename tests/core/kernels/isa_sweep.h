// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/random.h"
#include "kernels/cpu.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace orrery::kernels::test {

/// Runs a test for every instruction set that this processor has.
template <typename Work>
void forEachIsa(const Work& work) {
    for (const Isa set : {Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni, Isa::Avx512Bf16}) {
        forceIsa(set);
        if (isa() == set)
            work(set);
        forceIsa(std::nullopt);
    }
}

inline Tensor randomTensor(const Shape& shape, Generator& generator, DType dtype = DType::F32,
                           double scale = 1) {
    const Tensor tensor = Tensor::empty(shape);
    for (float& value : tensor.mutableData<float>())
        value = static_cast<float>(generator.normal() * scale);
    return tensor.to(dtype);
}

/// The same numbers behind other strides: rows further apart and an offset.
inline Tensor spread(const Tensor& tensor, std::int64_t extra) {
    Shape wide = tensor.shape();
    wide[-1] = wide[-1] + extra;
    const Tensor room = Tensor::full(wide, 1e30, tensor.dtype());
    Tensor inner = room.slice(tensor.rank() - 1, extra / 2, extra / 2 + tensor.size(-1));
    inner.copyFrom(tensor);
    return inner;
}

} // namespace orrery::kernels::test
