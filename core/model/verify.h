// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "base/progress.h"
#include "model/named_tensors.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace orrery::model {

/// One tensor compared with its expected value.
struct VerifiedTensor {
    std::string name;     ///< "hidden_states.2"
    double worst = 0;     ///< largest |a - b| over the compared positions; number of differing ids
    double tolerance = 0; ///< what it may be
    bool ok = false;
};

/// One expected*.safetensors of a case.
struct VerifiedSet {
    std::string file; ///< "expected-nomask.safetensors"
    std::vector<VerifiedTensor> tensors;
    bool ok = false;
    std::string problem; ///< a sentence when the set could not be run or understood; else empty
    /// The tensor nearest to (or furthest beyond) its tolerance; null when there is none.
    [[nodiscard]] const VerifiedTensor* worst() const;
};

struct VerifiedCase {
    std::string name; ///< of the folder
    std::vector<VerifiedSet> sets;
    bool ok = false;
    std::string problem; ///< when the model itself could not be opened
};

/// Whether a folder is a model case: config.json and at least one expected*.safetensors.
[[nodiscard]] bool isModelCase(const std::filesystem::path& folder);

class Model;

/// Continues prompts as a case's generation arguments say (those of case.json, in Hugging Face's names; an
/// empty object: greedily, without ends) by newTokens at most: the best continuation of each prompt, new
/// tokens only. The prompts are input_ids, or decoder_input_ids where an encoder reads the other inputs. See
/// generate/verification.h.
using Continuation = std::function<std::vector<std::vector<std::int64_t>>(
    const Model& model, const NamedTensors& prompts, const Json& arguments, std::int64_t newTokens,
    const Progress& progress)>;

/// Runs the model of a folder on its recorded inputs and compares every recorded output by its name: tensors
/// as comparison.h says, over positions that are not padding; generated ids exactly. An output that is not
/// understood fails the set. Never throws but Cancelled. Without a continuation generated ids are left out:
/// this room cannot generate.
[[nodiscard]] VerifiedCase verifyModelCase(const std::filesystem::path& folder, const Progress& progress = {},
                                           const Continuation& continuation = {});

} // namespace orrery::model
