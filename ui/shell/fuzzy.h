// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>

#include <optional>

namespace orrery::ui {

/// How well a pattern typed in haste stands for a text: all its letters in order, better when together and at
/// the beginnings of words.
struct FuzzyMatch {
    int score = 0;        ///< larger is better
    QList<int> positions; ///< in the text, of the pattern's letters, to be drawn bold
};

/// Nothing when the letters of the pattern (blanks left out, case ignored) are not in the text in order. An
/// empty pattern matches everything with score 0.
std::optional<FuzzyMatch> fuzzyMatch(const QString& pattern, const QString& text);

} // namespace orrery::ui
