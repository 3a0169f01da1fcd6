// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/json.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace orrery {
namespace {

int nestingDepth(std::string_view text) {
    int depth = 0;
    int deepest = 0;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                inString = false;
        } else if (c == '"') {
            inString = true;
        } else if (c == '[' || c == '{') {
            deepest = std::max(deepest, ++depth);
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return deepest;
}

} // namespace

Json parseJson(std::string_view text, const std::string& name, JsonLimits limits) {
    if (text.size() > limits.maxBytes)
        throw InputError(fmt::format("{} is {} bytes long, more than the {} that are accepted for JSON.",
                                     name, text.size(), limits.maxBytes));
    if (nestingDepth(text) > limits.maxDepth)
        throw InputError(
            fmt::format("{} nests deeper than {} levels; no honest file does.", name, limits.maxDepth));
    try {
        return Json::parse(text);
    } catch (const Json::exception& failure) {
        throw InputError(
            fmt::format("{} is not valid JSON ({}); download or write it again.", name, failure.what()));
    }
}

std::string readTextFile(const std::filesystem::path& file, std::size_t maxBytes) {
    std::error_code failure;
    if (!std::filesystem::exists(file, failure))
        throw InputError(fmt::format("The file {} does not exist; check the path.", file.string()));
    if (std::filesystem::is_directory(file, failure))
        throw InputError(fmt::format("{} is a folder where a file is needed.", file.string()));
    const auto size = std::filesystem::file_size(file, failure);
    if (!failure && size > maxBytes)
        throw InputError(fmt::format("The file {} is {} bytes long, more than the {} that are accepted here.",
                                     file.string(), size, maxBytes));
    std::ifstream stream(file, std::ios::binary);
    std::string text;
    char buffer[65536];
    while (stream.read(buffer, sizeof buffer) || stream.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(stream.gcount()));
        if (text.size() > maxBytes)
            throw InputError(fmt::format("The file {} holds more than the {} bytes that are accepted here.",
                                         file.string(), maxBytes));
    }
    if (!stream.eof())
        throw InputError(
            fmt::format("The file {} cannot be read ({}).", file.string(), std::strerror(errno)));
    return text;
}

std::string asUtf8(const std::string& text) {
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::string beginningOf(const std::string& text, std::size_t mostBytes) {
    std::size_t end = std::min(mostBytes, text.size());
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end);
}

Json readJsonFile(const std::filesystem::path& file, JsonLimits limits) {
    return parseJson(readTextFile(file, limits.maxBytes), file.string(), limits);
}

void writeFileAtomically(const std::filesystem::path& file, std::string_view content) {
    const std::string temporary = fmt::format("{}.part-{}", file.string(), ::getpid());
    const auto fail = [&](const char* what) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        throw Error(fmt::format("{} could not be {} ({}); check the folder's permissions and free space.",
                                file.string(), what, std::strerror(reason)));
    };
    const int handle = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (handle < 0)
        fail("created");
    std::size_t written = 0;
    while (written < content.size()) {
        const ssize_t count = ::write(handle, content.data() + written, content.size() - written);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            const int reason = errno;
            ::close(handle);
            errno = reason;
            fail("written");
        }
        written += static_cast<std::size_t>(count);
    }
    if (::fsync(handle) != 0 || ::close(handle) != 0)
        fail("written");
    if (::rename(temporary.c_str(), file.c_str()) != 0)
        fail("put in place");
}

} // namespace orrery
