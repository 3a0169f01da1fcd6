// SPDX-License-Identifier: GPL-3.0-or-later
#include "models/token_diff.h"

#include <algorithm>
#include <vector>

namespace orrery::ui {

namespace {

constexpr qsizetype largestTable = 4'000'000; // cells; beyond, the differing middle counts as changed

using Kind = TokenChange::Kind;

/// Whether each token of the middle parts belongs to the longest common subsequence.
struct Common {
    std::vector<bool> before;
    std::vector<bool> after;
};

Common longestCommon(const QStringList& before, const QStringList& after) {
    const auto rows = static_cast<std::size_t>(before.size());
    const auto columns = static_cast<std::size_t>(after.size());
    Common common{std::vector<bool>(rows), std::vector<bool>(columns)};
    if (before.size() * after.size() > largestTable)
        return common;
    std::vector<std::vector<int>> length(rows + 1, std::vector<int>(columns + 1, 0));
    const auto same = [&](std::size_t i, std::size_t j) {
        return before[static_cast<qsizetype>(i)] == after[static_cast<qsizetype>(j)];
    };
    for (std::size_t i = rows; i-- > 0;)
        for (std::size_t j = columns; j-- > 0;)
            length[i][j] =
                same(i, j) ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
    for (std::size_t i = 0, j = 0; i < rows && j < columns;) {
        if (same(i, j)) {
            common.before[i++] = true;
            common.after[j++] = true;
        } else if (length[i + 1][j] >= length[i][j + 1]) {
            ++i;
        } else {
            ++j;
        }
    }
    return common;
}

} // namespace

QList<TokenChange> tokenDiff(const QStringList& before, const QStringList& after) {
    qsizetype head = 0;
    while (head < before.size() && head < after.size() && before[head] == after[head])
        ++head;
    qsizetype tail = 0;
    while (tail < before.size() - head && tail < after.size() - head &&
           before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
        ++tail;
    QList<TokenChange> changes;
    const auto keep = [&](qsizetype position) {
        changes.push_back({Kind::Same, static_cast<int>(position), after[position], {}});
    };
    for (qsizetype i = 0; i < head; ++i)
        keep(i);
    const QStringList oldPart = before.mid(head, before.size() - head - tail);
    const QStringList newPart = after.mid(head, after.size() - head - tail);
    const Common common = longestCommon(oldPart, newPart);
    qsizetype i = 0;
    qsizetype j = 0;
    while (i < oldPart.size() || j < newPart.size()) {
        const bool gone = i < oldPart.size() && !common.before[static_cast<std::size_t>(i)];
        const bool come = j < newPart.size() && !common.after[static_cast<std::size_t>(j)];
        const auto position = static_cast<int>(head + j);
        if (gone && come) {
            changes.push_back({Kind::Changed, position, newPart[j++], oldPart[i++]});
        } else if (gone) {
            changes.push_back({Kind::Removed, -1, oldPart[i++], {}});
        } else if (come) {
            changes.push_back({Kind::Added, position, newPart[j++], {}});
        } else {
            keep(position);
            ++i;
            ++j;
        }
    }
    for (qsizetype k = after.size() - tail; k < after.size(); ++k)
        keep(k);
    return changes;
}

} // namespace orrery::ui
