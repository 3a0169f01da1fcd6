// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/zip_archive.h"

#include "base/error.h"
#include "checkpoint/shown_text.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

namespace orrery::checkpoint {
namespace {

constexpr std::uint32_t localSignature = 0x04034b50;
constexpr std::uint32_t centralSignature = 0x02014b50;
constexpr std::uint32_t endSignature = 0x06054b50;
constexpr std::uint32_t end64Signature = 0x06064b50;
constexpr std::uint32_t end64LocatorSignature = 0x07064b50;
constexpr std::uint64_t localBytes = 30;
constexpr std::uint64_t centralBytes = 46;
constexpr std::uint64_t endBytes = 22;
constexpr std::uint64_t end64Bytes = 56;
constexpr std::uint64_t end64LocatorBytes = 20;
constexpr std::uint64_t maxCommentBytes = 65535;
/// A byte of deflated data never unpacks to more than this (RFC 1951: 258 bytes from two bits).
constexpr std::uint64_t maxDeflateGain = 1032;

template <typename T>
T load(const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// Where the end record begins, searched backwards over a possible comment.
std::optional<std::uint64_t> findEnd(const std::byte* data, std::uint64_t size) {
    if (size < endBytes)
        return {};
    const std::uint64_t last = size - endBytes;
    const std::uint64_t first = last - std::min(last, maxCommentBytes);
    for (std::uint64_t at = last + 1; at-- > first;)
        if (load<std::uint32_t>(data + at) == endSignature &&
            at + endBytes + load<std::uint16_t>(data + at + 20) == size)
            return at;
    return {};
}

/// Sizes that do not fit 32 bits stand in an extra field, in this order, each only if its 32 bits are full.
struct Zip64Reader {
    const std::byte* field = nullptr;
    std::uint64_t bytes = 0;

    bool replace(std::uint64_t& value) {
        if (value != std::numeric_limits<std::uint32_t>::max())
            return true;
        if (bytes < 8)
            return false;
        value = load<std::uint64_t>(field);
        field += 8;
        bytes -= 8;
        return true;
    }
};

Zip64Reader findZip64(const std::byte* extra, std::uint64_t bytes) {
    while (bytes >= 4) {
        const std::uint64_t length = load<std::uint16_t>(extra + 2);
        if (length > bytes - 4)
            break;
        if (load<std::uint16_t>(extra) == 1)
            return {extra + 4, length};
        extra += 4 + length;
        bytes -= 4 + length;
    }
    return {};
}

} // namespace

void ZipArchive::refuse(const std::string& what) const {
    throw InputError(
        fmt::format("{} {}; the archive is damaged, download or write it again.", m_fileName, what));
}

ZipArchive::ZipArchive(std::shared_ptr<Storage> bytes, std::string fileName)
    : m_bytes(std::move(bytes)), m_fileName(std::move(fileName)) {
    const std::byte* data = m_bytes->data();
    const std::uint64_t size = m_bytes->bytes();
    const auto end = findEnd(data, size);
    if (!end)
        throw InputError(
            fmt::format("{} is cut short: a zip archive ends with its directory, and this one does "
                        "not; download it again.",
                        m_fileName));
    std::uint64_t count = load<std::uint16_t>(data + *end + 10);
    std::uint64_t directoryBytes = load<std::uint32_t>(data + *end + 12);
    std::uint64_t directory = load<std::uint32_t>(data + *end + 16);
    std::uint64_t limit = *end; // the directory lies before this
    if (*end >= end64LocatorBytes &&
        load<std::uint32_t>(data + *end - end64LocatorBytes) == end64LocatorSignature) {
        const auto record = load<std::uint64_t>(data + *end - end64LocatorBytes + 8);
        limit = *end - end64LocatorBytes;
        if (record > limit || limit - record < end64Bytes ||
            load<std::uint32_t>(data + record) != end64Signature)
            refuse("has a zip64 directory record that is not where it should be");
        count = load<std::uint64_t>(data + record + 32);
        directoryBytes = load<std::uint64_t>(data + record + 40);
        directory = load<std::uint64_t>(data + record + 48);
        limit = record;
    }
    if (directory > limit || directoryBytes > limit - directory)
        refuse("has a directory that reaches beyond the file");
    if (count > directoryBytes / centralBytes)
        refuse(fmt::format("announces {} entries, more than its directory has room for", count));
    m_directory = directory;
    readDirectory(directory, directoryBytes, count);
}

void ZipArchive::readDirectory(std::uint64_t offset, std::uint64_t bytes, std::uint64_t count) {
    const std::byte* at = m_bytes->data() + offset;
    std::uint64_t left = bytes;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (left < centralBytes || load<std::uint32_t>(at) != centralSignature)
            refuse(fmt::format("has a directory that breaks off at entry {}", i));
        const auto flags = load<std::uint16_t>(at + 8);
        const auto method = load<std::uint16_t>(at + 10);
        const std::uint64_t nameBytes = load<std::uint16_t>(at + 28);
        const std::uint64_t extraBytes = load<std::uint16_t>(at + 30);
        const std::uint64_t commentBytes = load<std::uint16_t>(at + 32);
        const std::uint64_t whole = centralBytes + nameBytes + extraBytes + commentBytes;
        if (left < whole)
            refuse(fmt::format("has a directory that breaks off at entry {}", i));
        std::string name(reinterpret_cast<const char*>(at + centralBytes), nameBytes);
        Entry entry;
        entry.storedBytes = load<std::uint32_t>(at + 20);
        entry.bytes = load<std::uint32_t>(at + 24);
        entry.localHeader = load<std::uint32_t>(at + 42);
        Zip64Reader zip64 = findZip64(at + centralBytes + nameBytes, extraBytes);
        if (!zip64.replace(entry.bytes) || !zip64.replace(entry.storedBytes) ||
            !zip64.replace(entry.localHeader))
            refuse(fmt::format("does not tell the size of its entry \"{}\"", shownText(name)));
        if ((flags & 1U) != 0U)
            throw InputError(
                fmt::format("The entry \"{}\" of {} is encrypted; unpack and save the checkpoint without a "
                            "password.",
                            shownText(name), m_fileName));
        if (method != 0 && method != 8)
            throw InputError(fmt::format("The entry \"{}\" of {} is packed with method {}, which Orrery does "
                                         "not read; save the checkpoint with torch.save.",
                                         shownText(name), m_fileName, method));
        entry.deflated = method == 8;
        if (entry.localHeader > m_directory || m_directory - entry.localHeader < localBytes ||
            entry.storedBytes > m_directory - entry.localHeader - localBytes)
            refuse(fmt::format("has an entry \"{}\" that reaches beyond the file", shownText(name)));
        if (!entry.deflated && entry.bytes != entry.storedBytes)
            refuse(fmt::format("tells two sizes for its entry \"{}\"", shownText(name)));
        if (entry.deflated && entry.bytes / maxDeflateGain > entry.storedBytes)
            refuse(fmt::format("claims that the {} bytes of its entry \"{}\" unpack to {}", entry.storedBytes,
                               shownText(name), entry.bytes));
        if (!m_entries.emplace(name, entry).second)
            refuse(fmt::format("has two entries called \"{}\"", shownText(name)));
        at += whole;
        left -= whole;
    }
}

const ZipArchive::Entry* ZipArchive::find(std::string_view name) const {
    const auto found = m_entries.find(name);
    return found == m_entries.end() ? nullptr : &found->second;
}

ZipArchive::Content ZipArchive::read(std::string_view name, const Entry& entry) const {
    const std::byte* local = m_bytes->data() + entry.localHeader;
    if (load<std::uint32_t>(local) != localSignature)
        refuse(fmt::format("has no entry \"{}\" where its directory says", shownText(name)));
    const std::uint64_t headerBytes =
        localBytes + load<std::uint16_t>(local + 26) + load<std::uint16_t>(local + 28);
    const std::uint64_t room = m_directory - entry.localHeader;
    if (headerBytes > room || entry.storedBytes > room - headerBytes)
        refuse(fmt::format("has an entry \"{}\" that reaches beyond the file", shownText(name)));
    const std::uint64_t begin = entry.localHeader + headerBytes;
    if (!entry.deflated)
        return {m_bytes, begin, entry.bytes};

    auto unpacked = Storage::allocate(entry.bytes);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        throw Error("There is not enough memory to unpack a compressed checkpoint.");
    const struct Closer {
        z_stream& stream;
        ~Closer() { inflateEnd(&stream); }
    } closer{stream};
    constexpr std::uint64_t piece = std::uint64_t{1} << 30U; // zlib counts in 32 bits
    std::uint64_t read = 0;
    std::uint64_t written = 0;
    int status = Z_OK;
    while (status == Z_OK) {
        const auto in = std::min(piece, entry.storedBytes - read);
        const auto out = std::min(piece, entry.bytes - written);
        // zlib's interface predates const; it does not write to its input.
        stream.next_in = reinterpret_cast<Bytef*>(m_bytes->data() + begin + read);
        stream.avail_in = static_cast<uInt>(in);
        stream.next_out = reinterpret_cast<Bytef*>(unpacked->data() + written);
        stream.avail_out = static_cast<uInt>(out);
        status = inflate(&stream, Z_NO_FLUSH);
        read += in - stream.avail_in;
        written += out - stream.avail_out;
    }
    if (status != Z_STREAM_END || written != entry.bytes)
        refuse(fmt::format("has an entry \"{}\" that does not unpack to its {} bytes", shownText(name),
                           entry.bytes));
    return {std::move(unpacked), 0, entry.bytes};
}

} // namespace orrery::checkpoint
