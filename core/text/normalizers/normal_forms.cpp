// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "text/normalizers/normalizer.h"
#include "text/unicode.h"

#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>

namespace orrery::text {
namespace {

/// The version of Unicode whose tables the reference normalizes with: later characters have no decomposition,
/// composition or combining class there.
constexpr int tableVersion = 9;

const UNormalizer2* tables(bool compatibility) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* instance =
        compatibility ? unorm2_getNFKCInstance(&status) : unorm2_getNFCInstance(&status);
    ORRERY_CHECK(U_SUCCESS(status) != 0, "ICU has no data for normalization");
    return instance;
}

struct Ordered {
    Change change;
    std::uint8_t combiningClass;
};

/// Decomposes in canonical order (Unicode 9, section 3.11). Of the characters that one decomposes into, the
/// first stands for it and the others are inserted.
std::vector<Ordered> decomposed(std::string_view text, bool compatibility) {
    const UNormalizer2* table = tables(compatibility);
    std::vector<Ordered> result;
    result.reserve(text.size());
    std::size_t unordered = 0; // start of the run of combining marks that is still to be sorted
    const auto put = [&](char32_t c, std::int32_t change) {
        const std::uint8_t combining = combiningClass(c);
        if (combining == 0) {
            std::stable_sort(
                result.begin() + static_cast<std::ptrdiff_t>(unordered), result.end(),
                [](const Ordered& a, const Ordered& b) { return a.combiningClass < b.combiningClass; });
            unordered = result.size() + 1;
        }
        result.push_back({{c, change}, combining});
    };
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = nextCharacter(text, i);
        if (c < 0xA0) {
            put(c, 0);
            continue;
        }
        UChar buffer[32];
        UErrorCode status = U_ZERO_ERROR;
        const std::int32_t length =
            unorm2_getDecomposition(table, static_cast<UChar32>(c), buffer, 32, &status);
        if (length < 0 || U_FAILURE(status) != 0 || !isAssignedIn(c, tableVersion)) {
            put(c, 0);
            continue;
        }
        for (std::int32_t k = 0; k < length;) {
            const bool first = k == 0;
            UChar32 part = 0;
            U16_NEXT(buffer, k, length, part);
            put(static_cast<char32_t>(part), first ? 0 : 1);
        }
    }
    std::stable_sort(result.begin() + static_cast<std::ptrdiff_t>(std::min(unordered, result.size())),
                     result.end(),
                     [](const Ordered& a, const Ordered& b) { return a.combiningClass < b.combiningClass; });
    return result;
}

char32_t compose(char32_t a, char32_t b) {
    const UChar32 c = unorm2_composePair(tables(false), static_cast<UChar32>(a), static_cast<UChar32>(b));
    return c < 0 || !isAssignedIn(static_cast<char32_t>(c), tableVersion) ? U'\0' : static_cast<char32_t>(c);
}

/// Canonical composition. A character takes the place of the two that it is made of.
std::vector<Change> composed(const std::vector<Ordered>& parts) {
    std::vector<Change> result;
    result.reserve(parts.size());
    std::size_t starter = parts.size(); // index in result; none yet
    std::uint8_t last = 0;              // class of the last mark that stayed between the starter and here
    bool between = false;
    for (const Ordered& part : parts) {
        const bool hasStarter = starter < result.size();
        const bool blocked = between && (last >= part.combiningClass);
        if (hasStarter && !blocked) {
            const char32_t c = compose(result[starter].character, part.change.character);
            if (c != 0) {
                result[starter] = {c, result[starter].change + part.change.change - 1};
                continue;
            }
        }
        result.push_back(part.change);
        if (part.combiningClass == 0) {
            starter = result.size() - 1;
            between = false;
        } else if (hasStarter) {
            last = part.combiningClass;
            between = true;
        }
    }
    return result;
}

class Form final : public Normalizer {
public:
    explicit Form(NormalForm form) : m_form(form) {}

    void apply(AlignedText& text) const override {
        if (isAscii(text.text()))
            return;
        const bool compatibility = m_form == NormalForm::Nfkc || m_form == NormalForm::Nfkd;
        if (m_form == NormalForm::Nfd || m_form == NormalForm::Nfkd)
            decompose(text, compatibility);
        else
            text.transform(composed(decomposed(text.text(), compatibility)), 0);
    }
    [[nodiscard]] std::string description() const override {
        switch (m_form) {
        case NormalForm::Nfc:
            return "NFC";
        case NormalForm::Nfd:
            return "NFD";
        case NormalForm::Nfkc:
            return "NFKC";
        case NormalForm::Nfkd:
            break;
        }
        return "NFKD";
    }

private:
    NormalForm m_form;
};

} // namespace

void decompose(AlignedText& text, bool compatibility) {
    if (isAscii(text.text()))
        return;
    const std::vector<Ordered> parts = decomposed(text.text(), compatibility);
    std::vector<Change> changes;
    changes.reserve(parts.size());
    for (const Ordered& part : parts)
        changes.push_back(part.change);
    text.transform(changes, 0);
}

std::unique_ptr<const Normalizer> makeNormalForm(NormalForm form) {
    return std::make_unique<Form>(form);
}

} // namespace orrery::text
