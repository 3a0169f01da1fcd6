// SPDX-License-Identifier: GPL-3.0-or-later
// Seeds: tests/golden/checkpoint/*.safetensors tests/golden/hf/*/*.safetensors
// Rooms: base tensor checkpoint
#include "reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orrery::checkpoint;
    orrery::fuzz::refusingIsFine([&] {
        orrery::fuzz::readEverything(
            std::make_shared<SafetensorsFile>(orrery::fuzz::mapped(data, size), "input.safetensors"));
    });
    return 0;
}
