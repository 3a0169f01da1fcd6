// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/byte_characters.h"
#include "text/decoders/decoder.h"
#include "text/utf8.h"

#include <optional>

namespace orrery::text {
namespace {

/// Characters back to the bytes that they stand for; a token with any other character is taken as it is.
class ByteLevel final : public Decoder {
public:
    void apply(std::vector<std::string>& tokens) const override {
        std::string bytes;
        for (const std::string& token : tokens) {
            const std::size_t before = bytes.size();
            for (std::size_t i = 0; i < token.size();) {
                const auto byte = byteOfCharacter(nextCharacter(token, i));
                if (!byte) {
                    bytes.resize(before);
                    bytes.append(token);
                    break;
                }
                bytes.push_back(*byte);
            }
        }
        tokens.assign(1, repairUtf8(bytes));
    }
};

/// Runs of tokens like <0xE2> become the text of their bytes.
class ByteFallback final : public Decoder {
public:
    void apply(std::vector<std::string>& tokens) const override {
        std::vector<std::string> result;
        std::string bytes;
        const auto flush = [&] {
            if (isValidUtf8(bytes)) {
                if (!bytes.empty())
                    result.push_back(bytes);
            } else {
                result.insert(result.end(), bytes.size(), "\xEF\xBF\xBD");
            }
            bytes.clear();
        };
        for (std::string& token : tokens) {
            if (const auto byte = byteOf(token)) {
                bytes.push_back(*byte);
            } else {
                flush();
                result.push_back(std::move(token));
            }
        }
        flush();
        tokens = std::move(result);
    }

private:
    static std::optional<char> byteOf(const std::string& token) {
        if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>')
            return std::nullopt;
        const auto digit = [](char c) {
            return c >= '0' && c <= '9'   ? c - '0'
                   : c >= 'A' && c <= 'F' ? c - 'A' + 10
                   : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                          : -1;
        };
        const int high = digit(token[3]);
        const int low = digit(token[4]);
        if (high < 0 || low < 0)
            return std::nullopt;
        return static_cast<char>(high * 16 + low);
    }
};

} // namespace

std::unique_ptr<const Decoder> makeByteLevelDecoder() {
    return std::make_unique<ByteLevel>();
}
std::unique_ptr<const Decoder> makeByteFallbackDecoder() {
    return std::make_unique<ByteFallback>();
}

} // namespace orrery::text
