// SPDX-License-Identifier: GPL-3.0-or-later
// Recipes are files from others: any bytes give a recipe or a sentence.
// Rooms: base
// Sources: core/measure/expectation.cpp
// Seeds: resources/recipes/bench-docs-bert.json resources/recipes/lens-docs-gpt.json
#include "base/error.h"
#include "base/json.h"
#include "measure/expectation.h"

#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) { // NOLINT(readability-identifier-naming)
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const orrery::Json json = orrery::parseJson(text, "recipe", {std::size_t{1} << 20U, 64});
        if (json.is_object() && json.contains("expect") && json["expect"].is_array())
            for (const auto& entry : json["expect"])
                if (entry.is_string())
                    (void)orrery::measure::Expectation(entry.get<std::string>());
    } catch (const orrery::Error&) {
    }
    try {
        (void)orrery::measure::Expectation(std::string(text.substr(0, 4096)))
            .check([](const auto&, const auto&) { return 1.0; });
    } catch (const orrery::Error&) {
    }
    return 0;
}
