// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>
#include <QStringList>

namespace orrery::ui {

/// How one token relates to the text before the edit.
struct TokenChange {
    enum class Kind { Same, Added, Removed, Changed };
    Kind kind = Kind::Same;
    int position = -1; ///< in the new tokens; -1 for removed ones
    QString token;
    QString before; ///< of changed ones
};

/// The new tokens in order with removed ones where they were (longest common subsequence; a removal met by an
/// addition at the same place is a change).
QList<TokenChange> tokenDiff(const QStringList& before, const QStringList& after);

} // namespace orrery::ui
