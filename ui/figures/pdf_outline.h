// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QByteArray>
#include <QString>

#include <vector>

namespace orrery::ui {

/// A bookmark: where it leads to and how deep it hangs below the one before it.
struct Bookmark {
    QString title;
    int level = 0;  ///< 0: top; at most one deeper than the bookmark before it, else it is raised
    int page = 0;   ///< zero-based
    double top = 0; ///< distance from the top edge of the page, in points
};

/// Adds bookmarks to a PDF written by Qt, which has no interface for them: an incremental update with the
/// catalog rewritten and the outline's objects after it (PDF 1.4, 3.4.5 and 8.2.2). Throws Error when the
/// file is not laid out as Qt does it (cross-reference table, one page tree).
QByteArray addBookmarks(const QByteArray& pdf, const std::vector<Bookmark>& bookmarks);

} // namespace orrery::ui
