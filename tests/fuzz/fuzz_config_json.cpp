// SPDX-License-Identifier: GPL-3.0-or-later
// config.json, and the index of a sharded checkpoint as far as it is JSON.
// Seeds: tests/golden/hf/*/config.json tests/golden/hf/*/*.index.json
// Rooms: base tensor checkpoint
#include "checkpoint/config.h"
#include "reading.h"

#include <functional>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using orrery::checkpoint::ModelConfig;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    orrery::fuzz::refusingIsFine([&] {
        const ModelConfig config = ModelConfig::parse(text, "config.json");
        const auto attempt = [](const auto& read) { orrery::fuzz::refusingIsFine([&] { (void)read(); }); };
        attempt([&] { return config.modelType(); });
        attempt([&] { return config.architectures(); });
        attempt([&] { return config.labels(); });
        attempt([&] {
            return config.quotient({"hidden_size", "n_embd"}, {"num_attention_heads", "n_head"});
        });
        for (const auto& [key, value] : config.json().items()) {
            const std::string_view name = key;
            attempt([&] { return config.integer({name}); });
            attempt([&] { return config.integerIn({name}, {-10, 10}, 0); });
            attempt([&] { return config.real({name}); });
            attempt([&] { return config.boolean({name}); });
            attempt([&] { return config.text({name}); });
            attempt([&] { return config.integers({name}); });
            attempt([&] { return config.reals({name}); });
            attempt([&] { return config.texts({name}); });
            attempt([&] { return config.section(name).integer({"hidden_size"}, 1); });
            attempt([&] { return config.sections(name).size(); });
        }
    });
    return 0;
}
