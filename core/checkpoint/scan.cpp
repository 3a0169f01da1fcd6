// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/scan.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace orrery::checkpoint {
namespace {

/// Bits of a floating-point dtype: NaN and infinity have all exponent bits set, NaN also some of the
/// mantissa.
template <typename Word>
struct Layout {
    Word exponent;
    Word mantissa;
};

constexpr std::size_t blockElements = 4096; ///< a fixed count, so that the inner loop becomes vector code
constexpr std::size_t checkEvery = 1024;    ///< blocks: about a millisecond

template <typename Word>
bool holdsFlaw(const Word* block, Layout<Word> layout) {
    Word any = 0;
    for (std::size_t i = 0; i < blockElements; ++i)
        any = static_cast<Word>(any | ((block[i] & layout.exponent) == layout.exponent ? 1 : 0));
    return any != 0;
}

template <typename Word>
void countFlaws(const Word* begin, const Word* end, std::uint64_t index, Layout<Word> layout,
                WeightFlaw& flaw) {
    for (; begin != end; ++begin, ++index) {
        if ((*begin & layout.exponent) != layout.exponent)
            continue;
        if (flaw.nans + flaw.infinities == 0)
            flaw.first = index;
        ++((*begin & layout.mantissa) != 0 ? flaw.nans : flaw.infinities);
    }
}

template <typename Word>
void scanWords(const Tensor& tensor, Layout<Word> layout, const Progress& progress, WeightFlaw& flaw) {
    // The numbers are looked at as bits: a signalling NaN need not become a quiet one on the way.
    const auto* words = reinterpret_cast<const Word*>(tensor.rawData());
    const auto count = static_cast<std::size_t>(tensor.elements());
    std::size_t at = 0;
    for (std::size_t block = 0; count - at >= blockElements; ++block, at += blockElements) {
        if (block % checkEvery == 0)
            progress.check();
        if (holdsFlaw(words + at, layout))
            countFlaws(words + at, words + at + blockElements, at, layout, flaw);
    }
    countFlaws(words + at, words + count, at, layout, flaw);
}

} // namespace

WeightFlaw scanTensor(const std::string& name, const Tensor& tensor, const Progress& progress) {
    WeightFlaw flaw;
    flaw.tensor = name;
    if (!isFloating(tensor.dtype()))
        return flaw;
    const Tensor whole = tensor.contiguous();
    switch (whole.dtype()) {
    case DType::F64:
        scanWords<std::uint64_t>(whole, {0x7ff0000000000000U, 0x000fffffffffffffU}, progress, flaw);
        break;
    case DType::F32:
        scanWords<std::uint32_t>(whole, {0x7f800000U, 0x007fffffU}, progress, flaw);
        break;
    case DType::BF16:
        scanWords<std::uint16_t>(whole, {0x7f80U, 0x007fU}, progress, flaw);
        break;
    case DType::F16:
        scanWords<std::uint16_t>(whole, {0x7c00U, 0x03ffU}, progress, flaw);
        break;
    case DType::F8E5M2:
        scanWords<std::uint8_t>(whole, {0x7cU, 0x03U}, progress, flaw);
        break;
    case DType::F8E4M3: // all bits set is its one NaN, and there is no infinity
        scanWords<std::uint8_t>(whole, {0x7fU, 0x7fU}, progress, flaw);
        break;
    default:
        break;
    }
    return flaw;
}

std::vector<WeightFlaw> scanWeights(const Checkpoint& checkpoint, const Progress& progress) {
    std::vector<WeightFlaw> flaws;
    double done = 0;
    const auto total = static_cast<double>(checkpoint.totalBytes());
    for (const auto& name : checkpoint.names()) {
        const auto& info = checkpoint.info(name);
        progress.report("looking for NaN and infinity", done, total);
        if (info.dtype && isFloating(*info.dtype)) {
            auto flaw = scanTensor(name, checkpoint.tensor(name), progress);
            if (flaw.nans + flaw.infinities > 0)
                flaws.push_back(std::move(flaw));
        }
        done += static_cast<double>(info.bytes);
    }
    progress.report("looking for NaN and infinity", total, total);
    return flaws;
}

} // namespace orrery::checkpoint
