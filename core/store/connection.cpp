// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/connection.h"

#include "base/error.h"
#include "base/hash.h"
#include "store/schema.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

namespace orrery::store {
namespace {

constexpr int busyMilliseconds = 5000;

std::int64_t pragma(SQLite::Database& database, const char* name) {
    return database.execAndGet(fmt::format("PRAGMA {}", name)).getInt64();
}

} // namespace

std::string fileUri(const std::filesystem::path& file, const std::string& query) {
    std::string uri = "file:";
    const std::string path = std::filesystem::absolute(file).string();
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#')
            uri += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            uri += c;
    }
    return query.empty() ? uri : uri + "?" + query;
}

std::string newUid() {
    std::array<unsigned char, 16> bytes{};
    if (::getentropy(bytes.data(), bytes.size()) != 0)
        throw Error("The operating system gives no random bytes for the identity of a record.");
    std::string text;
    for (const unsigned char byte : bytes)
        text += fmt::format("{:02x}", byte);
    return text;
}

double secondsSinceEpoch() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Connection::Connection(std::filesystem::path file, bool readOnly)
    : m_file(std::move(file)), m_readOnly(readOnly) {
    std::error_code failure;
    if (std::filesystem::is_directory(m_file, failure))
        throw InputError(fmt::format("{} is a folder; name a workspace file in it.", m_file.string()));
    if (!readOnly && m_file.has_parent_path()) {
        std::filesystem::create_directories(m_file.parent_path(), failure);
        if (failure)
            throw Error(
                fmt::format("The folder {} for the workspace cannot be made ({}); choose another file with "
                            "--workspace.",
                            m_file.parent_path().string(), failure.message()));
    }
    if (readOnly && !std::filesystem::exists(m_file, failure))
        throw InputError(fmt::format("The workspace {} does not exist; check the path.", m_file.string()));
    try {
        open();
        try {
            check();
        } catch (const SQLite::Exception& problem) {
            // Where the folder cannot be written either, the log's shared memory cannot be made: nobody
            // writes then.
            if (!readOnly ||
                (problem.getErrorCode() != SQLITE_CANTOPEN && problem.getErrorCode() != SQLITE_READONLY))
                throw;
            m_database = std::make_unique<SQLite::Database>(
                fileUri(m_file, "immutable=1"), SQLite::OPEN_READONLY | SQLite::OPEN_URI, busyMilliseconds);
            check();
        }
        if (!readOnly)
            prepare();
        m_database->exec(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    } catch (const SQLite::Exception& problem) {
        fail(problem);
    }
}

void Connection::open() {
    m_database = std::make_unique<SQLite::Database>(fileUri(m_file, ""),
                                                    m_readOnly ? SQLite::OPEN_READONLY | SQLite::OPEN_URI
                                                               : SQLite::OPEN_READWRITE |
                                                                     SQLite::OPEN_CREATE | SQLite::OPEN_URI,
                                                    busyMilliseconds);
    // SQLite opens what it may not write for reading, silently.
    if (!m_readOnly && sqlite3_db_readonly(m_database->getHandle(), "main") == 1)
        throw Error(
            fmt::format("The workspace {} is read-only; change its permissions or name another file with "
                        "--workspace.",
                        m_file.string()));
}

void Connection::check() {
    SQLite::Database& database = *m_database;
    const std::int64_t owner = pragma(database, "application_id");
    const std::int64_t version = pragma(database, "user_version");
    const std::int64_t objects = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt64();
    const auto known = static_cast<std::int64_t>(migrations().size());
    if (owner != applicationId && (owner != 0 || objects != 0 || (m_readOnly && objects == 0)))
        throw InputError(fmt::format("{} is not a workspace of Orrery{}; name another file with --workspace.",
                                     m_file.string(), objects ? " but a database of another program" : ""));
    if (version > known)
        throw InputError(
            fmt::format("The workspace {} was written by a newer Orrery (format {}, this one knows up to "
                        "{}); update Orrery, or name another file with --workspace.",
                        m_file.string(), version, known));
    if (m_readOnly && version < known)
        throw InputError(
            fmt::format("The workspace {} was written by an older Orrery (format {}, now {}); open it for "
                        "writing once to bring it up to date.",
                        m_file.string(), version, known));
}

void Connection::prepare() {
    SQLite::Database& database = *m_database;
    // Changing the journal mode does not wait for others by itself.
    for (int attempt = 0;; ++attempt) {
        try {
            if (database.execAndGet("PRAGMA journal_mode = WAL").getString() == "wal")
                break;
            throw Error(fmt::format(
                "The workspace {} lies where SQLite cannot keep a write-ahead log (a network folder?); "
                "name a local file with --workspace.",
                m_file.string()));
        } catch (const SQLite::Exception& problem) {
            if (problem.getErrorCode() != SQLITE_BUSY || attempt >= busyMilliseconds / 10)
                throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    database.exec("PRAGMA synchronous = NORMAL"); // with a write-ahead log: consistent after a power cut
    const auto known = static_cast<std::int64_t>(migrations().size());
    if (pragma(database, "user_version") < known) {
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        // Read again: another process may have migrated while we waited for the lock.
        for (std::int64_t version = pragma(database, "user_version"); version < known; ++version)
            database.exec(std::string(migrations()[static_cast<std::size_t>(version)]));
        database.exec(
            fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", applicationId, known));
        transaction.commit();
    }
}

void Connection::requireWritable() const {
    if (m_readOnly)
        throw Error(fmt::format("The workspace {} is open for reading only.", m_file.string()));
}

void Connection::fail(const SQLite::Exception& failure) const {
    const std::string name = m_file.string();
    switch (failure.getErrorCode() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        throw Error(fmt::format(
            "The workspace {} is being written by another program for more than {} seconds; wait for "
            "it to end, or name another file with --workspace.",
            name, busyMilliseconds / 1000));
    case SQLITE_READONLY:
    case SQLITE_PERM:
        throw Error(
            fmt::format("The workspace {} cannot be written ({}); change the permissions of the file and its "
                        "folder, or name another file with --workspace.",
                        name, failure.what()));
    case SQLITE_FULL:
        throw Error(fmt::format(
            "The disk that holds the workspace {} is full; make room and try again. What was stored "
            "before is kept.",
            name));
    case SQLITE_IOERR:
        throw Error(fmt::format(
            "The workspace {} could not be read or written ({}): the disk is full, at a size limit, or "
            "failing. Make room or name another file with --workspace; what was stored before is "
            "kept.",
            name, failure.what()));
    case SQLITE_CANTOPEN:
        throw InputError(
            fmt::format("The workspace {} cannot be opened ({}); check the path and its permissions.", name,
                        failure.what()));
    case SQLITE_NOTADB:
        throw InputError(
            fmt::format("{} is not a workspace: it is no SQLite database; name another file with "
                        "--workspace.",
                        name));
    case SQLITE_CORRUPT:
        throw InputError(
            fmt::format("The workspace {} is damaged ({}); restore it from a copy, or save what can be read "
                        "with sqlite3's .recover.",
                        name, failure.what()));
    default:
        throw Error(fmt::format("The workspace {} gave an unexpected error: {}.", name, failure.what()));
    }
}

} // namespace orrery::store
