// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/pre_tokenizers/pre_tokenizer.h"

#include <unicode/uscript.h>

namespace orrery::text {
namespace {

/// Cuts where the script changes; Japanese scripts count as one, and a space has the script of its
/// surroundings.
class UnicodeScripts final : public PreTokenizer {
public:
    void apply(PreTokenized& text) const override {
        text.cut([](std::string_view piece, const auto& emit) {
            constexpr int any = -2;
            int last = -1;
            std::size_t begin = piece.size();
            for (std::size_t i = 0; i < piece.size();) {
                const std::size_t start = i;
                const int script = scriptOf(nextCharacter(piece, i), any);
                if (script == any)
                    continue;
                if (script != last) {
                    if (begin < start)
                        emit(begin, start);
                    begin = start;
                    last = script;
                }
            }
            emit(begin, piece.size());
        });
    }
    [[nodiscard]] std::string description() const override { return "scripts"; }

private:
    static int scriptOf(char32_t c, int any) {
        if (c == ' ')
            return any;
        UErrorCode status = U_ZERO_ERROR;
        const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &status);
        if (script == USCRIPT_UNKNOWN)
            return any;
        const bool japanese = c == 0x30FC || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA;
        return japanese ? static_cast<int>(USCRIPT_HAN) : static_cast<int>(script);
    }
};

} // namespace

std::unique_ptr<const PreTokenizer> makeUnicodeScripts() {
    return std::make_unique<UnicodeScripts>();
}

} // namespace orrery::text
