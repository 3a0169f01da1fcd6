// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/options.h"

#include <string>
#include <vector>

namespace orrery {

/// What a person is told of a part before using it.
struct PartInfo {
    std::string id;      ///< snake_case, unique within its kind: "attention_rollout"
    std::string title;   ///< "Attention rollout"
    std::string summary; ///< one or two sentences: what it does, what to look at
    std::string paper;   ///< authors, title, year; empty when it has none
    std::string url;     ///< of the paper; shown, never fetched
    /// Where it can be used, in words for `orrery parts show` ("any model with attention", "causal models").
    std::string usableIn;
};

/// Whatever varies between papers: analyzers, token mixers, attention kernels, compressors, decoding
/// strategies ... The command line, the window and reports know a part only through this and the interface of
/// its kind. Parts are immutable and shared between threads; what one use of a part needs is passed to its
/// calls.
class Part {
public:
    virtual ~Part() = default;
    [[nodiscard]] virtual PartInfo info() const = 0;
    /// The one declaration of its options (--set, form, recipe, record, help).
    [[nodiscard]] virtual OptionSchema options() const { return {}; }

protected:
    Part() = default;
    Part(const Part&) = default;
    Part& operator=(const Part&) = default;
};

} // namespace orrery
