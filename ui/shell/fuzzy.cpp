// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/fuzzy.h"

#include <limits>
#include <vector>

namespace orrery::ui {

namespace {

constexpr int wordStartBonus = 12;
constexpr int togetherBonus = 9;
constexpr int gapCost = 1;
constexpr int impossible = std::numeric_limits<int>::min() / 2;

bool startsWord(const QString& text, qsizetype at) {
    if (at == 0)
        return true;
    const QChar before = text[at - 1];
    return !before.isLetterOrNumber() || (before.isLower() && text[at].isUpper());
}

} // namespace

std::optional<FuzzyMatch> fuzzyMatch(const QString& pattern, const QString& text) {
    QString letters = pattern.toCaseFolded();
    letters.remove(QLatin1Char(' '));
    if (letters.isEmpty())
        return FuzzyMatch{};
    const QString folded = text.toCaseFolded();
    if (folded.size() != text.size() || letters.size() > text.size())
        return std::nullopt;
    const auto rows = static_cast<std::size_t>(letters.size());
    const auto columns = static_cast<std::size_t>(text.size());
    // best[i][j]: best score with letter i placed at j. Quadratic in short texts, so the whole optimum is
    // affordable: no letter is taken too early.
    std::vector<std::vector<int>> best(rows, std::vector<int>(columns, impossible));
    std::vector<std::vector<int>> from(rows, std::vector<int>(columns, -1));
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = i; j < columns; ++j) {
            const auto at = static_cast<qsizetype>(j);
            if (folded[at] != letters[static_cast<qsizetype>(i)])
                continue;
            const int bonus = startsWord(text, at) ? wordStartBonus : 0;
            if (i == 0) {
                best[i][j] = bonus - gapCost * static_cast<int>(std::min<std::size_t>(j, 8));
                continue;
            }
            for (std::size_t k = i - 1; k < j; ++k) {
                if (best[i - 1][k] == impossible)
                    continue;
                const int gap = static_cast<int>(j - k) - 1;
                const int score =
                    best[i - 1][k] + bonus + (gap == 0 ? togetherBonus : -gapCost * std::min(gap, 8));
                if (score > best[i][j]) {
                    best[i][j] = score;
                    from[i][j] = static_cast<int>(k);
                }
            }
        }
    }
    std::size_t end = 0;
    for (std::size_t j = 0; j < columns; ++j)
        if (best[rows - 1][j] > best[rows - 1][end])
            end = j;
    if (best[rows - 1][end] == impossible)
        return std::nullopt;
    FuzzyMatch match;
    match.score = best[rows - 1][end];
    auto at = static_cast<int>(end);
    for (auto i = static_cast<int>(rows) - 1; i >= 0; --i) {
        match.positions.prepend(at);
        at = from[static_cast<std::size_t>(i)][static_cast<std::size_t>(at)];
    }
    return match;
}

} // namespace orrery::ui
