// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace orrery::store {

/// An open workspace file: made, checked and migrated. Failures of SQLite become sentences.
class Connection {
public:
    Connection(std::filesystem::path file, bool readOnly);

    [[nodiscard]] const std::filesystem::path& file() const { return m_file; }
    [[nodiscard]] bool readOnly() const { return m_readOnly; }
    [[nodiscard]] SQLite::Database& database() const { return *m_database; }

    /// work(database) with SQLite's exceptions turned into sentences.
    template <typename Work>
    auto read(Work&& work) const {
        try {
            return std::forward<Work>(work)(*m_database);
        } catch (const SQLite::Exception& failure) {
            fail(failure);
        }
    }
    /// The same inside one transaction that takes the write lock at once; rolled back when work throws.
    template <typename Work>
    auto write(Work&& work) const {
        return read([&](SQLite::Database& database) {
            requireWritable();
            SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
            if constexpr (std::is_void_v<decltype(work(database))>) {
                work(database);
                transaction.commit();
            } else {
                auto result = work(database);
                transaction.commit();
                return result;
            }
        });
    }

    [[noreturn]] void fail(const SQLite::Exception& failure) const;

private:
    void open();
    void check();
    void prepare();
    void requireWritable() const;

    std::filesystem::path m_file;
    bool m_readOnly;
    std::unique_ptr<SQLite::Database> m_database;
};

/// "file:" URI of a path for SQLite, with the characters that mean something there escaped.
[[nodiscard]] std::string fileUri(const std::filesystem::path& file, const std::string& query);

/// 32 hexadecimal digits that nobody else has.
[[nodiscard]] std::string newUid();
[[nodiscard]] double secondsSinceEpoch();

} // namespace orrery::store
