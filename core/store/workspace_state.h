// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "store/connection.h"
#include "store/workspace.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace orrery::store {

struct Workspace::State {
    Connection connection;
};

/// JSON kept in the file; it may have been made by anything, so faults are sentences.
[[nodiscard]] inline OrderedJson storedJson(const SQLite::Column& column, const std::string& what) {
    const std::string text = column.getString();
    parseJson(text, what); // depth and form
    return OrderedJson::parse(text);
}

/// Text of JSON for the file: what is not UTF-8 (a file name may be anything) is replaced.
[[nodiscard]] inline std::string toStored(const OrderedJson& json) {
    return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

/// What LIKE takes for "contains text", with \ as the escape.
[[nodiscard]] inline std::string likePattern(const std::string& text) {
    std::string pattern = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\')
            pattern += '\\';
        pattern += c;
    }
    return pattern + "%";
}

inline void requireFinite(double value, const std::string& what) {
    if (!std::isfinite(value))
        throw Error(fmt::format(
            "{} is not a finite number and cannot be stored; this is a fault of what measured it.", what));
}

/// UsageError unless the run exists.
inline void requireRun(SQLite::Database& database, RunId run, const std::filesystem::path& file) {
    SQLite::Statement found(database, "SELECT 1 FROM run WHERE id = ?");
    found.bind(1, run);
    if (!found.executeStep())
        throw UsageError(fmt::format("There is no run {} in {}; `orrery runs list` shows those there are.",
                                     run, file.string()));
}

/// Notes that a run was worked on now: an interrupted run's duration ends here.
inline void touchRun(SQLite::Database& database, RunId run) {
    SQLite::Statement touch(database, "UPDATE run SET touched = ? WHERE id = ?");
    touch.bind(1, secondsSinceEpoch());
    touch.bind(2, run);
    touch.exec();
}

} // namespace orrery::store
