// SPDX-License-Identifier: GPL-3.0-or-later
// Seeds: tests/golden/checkpoint/*.gguf
// Rooms: base tensor checkpoint
#include "checkpoint/gguf.h"
#include "reading.h"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orrery::checkpoint;
    orrery::fuzz::refusingIsFine([&] {
        const auto file = std::make_shared<GgufFile>(orrery::fuzz::mapped(data, size), "input.gguf");
        for (const auto& setting : file->settings().values()) {
            const std::string& key = setting.first;
            orrery::fuzz::refusingIsFine([&] { (void)file->settings().integer(key); });
            orrery::fuzz::refusingIsFine([&] { (void)file->settings().integers(key); });
            orrery::fuzz::refusingIsFine([&] { (void)file->settings().reals(key); });
            orrery::fuzz::refusingIsFine([&] { (void)file->settings().texts(key); });
        }
        orrery::fuzz::readEverything(file);
    });
    return 0;
}
