// SPDX-License-Identifier: GPL-3.0-or-later
// PyTorch files: the zip archive, the old format, and bare pickles.
// Seeds: tests/golden/checkpoint/*.bin tests/golden/checkpoint/*.pkl
// Rooms: base tensor checkpoint
#include "checkpoint/pickle.h"
#include "checkpoint/state_dict.h"
#include "reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace orrery::checkpoint;
    if (size == 0)
        return 0;
    orrery::fuzz::refusingIsFine(
        [&] { orrery::fuzz::readEverything(openSource(orrery::fuzz::mapped(data, size), "input.bin")); });
    orrery::fuzz::refusingIsFine([&] {
        const auto bytes = orrery::fuzz::mapped(data, size);
        Unpickler unpickler({reinterpret_cast<const char*>(bytes->data()), bytes->bytes()}, "input");
        const auto root = unpickler.run();
        (void)stateDict(unpickler.arena(), root, "input");
    });
    return 0;
}
