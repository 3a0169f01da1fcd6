// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a tokenizer.json: either it opens, and then tokenizes and decodes, or it is refused with an
// Error.
#include "base/error.h"
#include "text/tokenizer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view sample =
    "It's  a \xC3\xA9t\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87, [MASK] 12\n<s> \xF0\x9F\x98\x80\xFF";

void use(const orrery::text::Tokenizer& tokenizer, std::string_view text) {
    using namespace orrery::text;
    EncodeOptions options;
    options.truncation.emplace();
    options.truncation->maxLength = 16;
    options.truncation->stride = 2;
    options.padding.emplace();
    options.padding->length = 16;
    options.padding->padId = 0;
    const Encoding encoding = tokenizer.encodePair(text, sample.substr(0, 9), options);
    static_cast<void>(tokenizer.decode(encoding.ids, false));
    static_cast<void>(tokenizer.explain(text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    try {
        const auto tokenizer = orrery::text::Tokenizer::fromJson(json, "fuzz");
        for (const std::string_view text : {sample, json.substr(0, std::min<std::size_t>(size, 200))}) {
            try {
                use(*tokenizer, text);
            } catch (const orrery::Error&) {
                // A text that the tokenizer cannot do is refused, too.
            }
        }
    } catch (const orrery::Error&) {
        // What a broken file is answered with.
    }
    return 0;
}
