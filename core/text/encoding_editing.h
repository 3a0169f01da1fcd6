// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/encoding.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orrery::text {

/// Appends one token.
void appendToken(Encoding& encoding, std::int64_t id, std::string token, std::int64_t typeId, bool special);
/// Puts the tokens of one encoding behind those of another. Overflowing parts are combined each with each.
/// UsageError when that would be more than a million parts.
void appendEncoding(Encoding& encoding, Encoding&& behind);
[[nodiscard]] Encoding joinEncodings(std::vector<Encoding>&& encodings);

void setTypeIds(Encoding& encoding, std::int64_t typeId);
void setSequenceIds(Encoding& encoding, std::int64_t sequenceId);

/// Cuts the two to at most `maxLength` tokens together. UsageError when the strategy or the stride do not
/// allow it.
void truncateEncodings(Encoding& text, Encoding* pair, const Truncation& truncation, std::int64_t maxLength);

/// Pads all to one length.
void padEncodings(std::span<Encoding> encodings, const Padding& padding, std::int64_t padId,
                  const std::string& padToken);

} // namespace orrery::text
