// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace orrery {

/// Whose fault an error is; the command line turns it into the exit status.
enum class ErrorKind {
    Failed,    ///< the job failed or a check fell short (exit 1)
    Usage,     ///< wrong options or arguments (exit 2)
    BadInput,  ///< an input file is missing or broken (exit 3)
    Cancelled, ///< interrupted by the user (exit 130)
};

/// The one family of exceptions in core. what() is a whole sentence: what happened, where, what to do.
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& sentence) : std::runtime_error(sentence), m_kind(kind) {}
    explicit Error(const std::string& sentence) : Error(ErrorKind::Failed, sentence) {}
    [[nodiscard]] ErrorKind kind() const noexcept { return m_kind; }
    /// 1, 2, 3 or 130, see ErrorKind.
    [[nodiscard]] int exitStatus() const noexcept;

private:
    ErrorKind m_kind;
};

/// Wrong options, arguments or combinations of them.
class UsageError : public Error {
public:
    explicit UsageError(const std::string& sentence) : Error(ErrorKind::Usage, sentence) {}
};

/// A file or value from outside is missing, broken or not what it claims to be.
class InputError : public Error {
public:
    explicit InputError(const std::string& sentence) : Error(ErrorKind::BadInput, sentence) {}
};

/// Thrown by CancelToken::check() when the user has asked a job to stop.
class Cancelled : public Error {
public:
    Cancelled() : Error(ErrorKind::Cancelled, "Cancelled.") {}
};

/// A broken promise between our own functions (shapes of internal calls, say): a defect of Orrery, not of the
/// input.
[[noreturn]] void failedCheck(const char* condition, const char* file, int line, const std::string& message);

} // namespace orrery

/// Checked in every build: internal contracts that are cheap next to what they guard.
#define ORRERY_CHECK(condition, message)                                                                     \
    do {                                                                                                     \
        if (!(condition)) [[unlikely]]                                                                       \
            ::orrery::failedCheck(#condition, __FILE__, __LINE__, (message));                                \
    } while (false)
