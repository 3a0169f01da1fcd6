// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"

#include "base/error.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <vector>

namespace orrery {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256() : m_state(std::make_unique<State>()) {
    ORRERY_CHECK(m_state->context && EVP_DigestInit_ex(m_state->context, EVP_sha256(), nullptr) == 1,
                 "SHA-256 could not be started");
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
    ORRERY_CHECK(EVP_DigestUpdate(m_state->context, bytes.data(), bytes.size()) == 1,
                 "SHA-256 update failed");
}

void Sha256::add(std::string_view text) {
    add(std::as_bytes(std::span(text.data(), text.size())));
}

std::string Sha256::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    ORRERY_CHECK(EVP_DigestFinal_ex(m_state->context, digest.data(), &length) == 1,
                 "SHA-256 could not be ended");
    std::string text;
    for (unsigned int i = 0; i < length; ++i)
        text += fmt::format("{:02x}", digest[i]);
    return text;
}

std::string sha256(std::string_view text) {
    Sha256 hash;
    hash.add(text);
    return hash.hex();
}

std::string fingerprintFile(const std::filesystem::path& file) {
    constexpr std::uint64_t pieceBytes = 64 * 1024;
    constexpr std::uint64_t maxPieces = 64;
    std::ifstream stream(file, std::ios::binary);
    std::error_code failure;
    const std::uint64_t size = std::filesystem::file_size(file, failure);
    if (!stream || failure)
        throw InputError(fmt::format(
            "The file {} cannot be read; check that it exists and that you may read it.", file.string()));
    Sha256 hash;
    hash.add(fmt::format("{}:", size));
    const std::uint64_t pieces = std::min(maxPieces, (size + pieceBytes - 1) / pieceBytes);
    const std::uint64_t stride = pieces > 1 ? (size - std::min(size, pieceBytes)) / (pieces - 1) : 0;
    std::vector<char> buffer(pieceBytes);
    for (std::uint64_t i = 0; i < pieces; ++i) {
        stream.clear();
        stream.seekg(static_cast<std::streamoff>(i * stride));
        stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        hash.add(std::string_view(buffer.data(), static_cast<std::size_t>(stream.gcount())));
    }
    return hash.hex();
}

} // namespace orrery
