// SPDX-License-Identifier: GPL-3.0-or-later
// Damaged files: whatever is flipped, cut or repeated, the answer is an Error or a checkpoint whose tensors
// can be read, never a crash. Meant to be run under the sanitizers too.
#include "base/random.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/scan.h"
#include "sample_files.h"

#include <gtest/gtest.h>

namespace orrery::checkpoint {
namespace {

/// Where damage goes: near the directory of the file more often than into its numbers.
std::size_t position(const std::string& bytes, Generator& generator) {
    const std::size_t size = bytes.size();
    switch (generator.below(4)) {
    case 0:
        return generator.below(std::min<std::size_t>(size, 32));
    case 1:
        return size - 1 - generator.below(std::min<std::size_t>(size, 512));
    case 2:
        return generator.below(std::min<std::size_t>(size, 4096));
    default:
        return generator.below(size);
    }
}

std::string damaged(std::string bytes, Generator& generator) {
    for (auto count = 1 + generator.below(4); count > 0 && !bytes.empty(); --count) {
        const auto at = position(bytes, generator);
        switch (generator.below(7)) {
        case 0:
        case 1:
            bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << generator.below(8)));
            break;
        case 2:
            bytes[at] = static_cast<char>(generator.below(256));
            break;
        case 3: { // a number that is about to overflow
            constexpr std::uint64_t numbers[] = {0,          1,          0x7f,  0xff,       0xffff,
                                                 0x7fffffff, 0xffffffff, ~0ULL, 1ULL << 63U};
            const auto number = littleEndian(numbers[generator.below(std::size(numbers))]);
            const auto width = std::min<std::size_t>(std::size_t{1} << generator.below(4), bytes.size() - at);
            bytes.replace(at, width, number.substr(0, width));
            break;
        }
        case 4:
            bytes.resize(at);
            break;
        case 5:
            bytes.erase(at, 1 + generator.below(16));
            break;
        default:
            bytes.insert(position(bytes, generator), bytes.substr(at, 1 + generator.below(64)));
            break;
        }
    }
    return bytes;
}

/// Opens, looks at every number; true when the file was accepted.
bool readAll(const std::string& bytes) {
    try {
        const auto checkpoint = openBytes(bytes, "FILE");
        for (const auto& name : checkpoint->names()) {
            const auto& info = checkpoint->info(name);
            if (!info.dtype)
                continue;
            const Tensor tensor = checkpoint->tensor(name);
            EXPECT_EQ(tensor.bytes(), info.bytes);
            EXPECT_EQ(tensor.shape(), info.shape);
            (void)scanTensor(name, tensor);
            (void)bytesOf(tensor);
        }
        return true;
    } catch (const InputError& error) {
        // Whole sentences that name the file; anything else (a failed check, say) is a defect of ours.
        EXPECT_NE(std::string(error.what()).find("FILE"), std::string::npos) << error.what();
        return false;
    }
}

class Mutation : public testing::TestWithParam<const char*> {};

TEST_P(Mutation, DamagedFilesAreRefusedOrRead) {
    const std::string sound = readBytes(golden / GetParam());
    ASSERT_TRUE(readAll(sound));
    Generator generator(std::hash<std::string>{}(GetParam()));
    int refused = 0;
    constexpr int rounds = 4000;
    for (int i = 0; i < rounds; ++i)
        refused += readAll(damaged(sound, generator)) ? 0 : 1;
    EXPECT_GT(refused, rounds / 10);
}

TEST_P(Mutation, FilesCutShortAreRefused) {
    const std::string sound = readBytes(golden / GetParam());
    for (std::size_t length = 0; length < sound.size(); length += 1 + sound.size() / 2000)
        EXPECT_FALSE(readAll(sound.substr(0, length))) << length;
}

INSTANTIATE_TEST_SUITE_P(Files, Mutation,
                         testing::Values("checkpoint/mixed.safetensors", "checkpoint/mixed-zip.bin",
                                         "checkpoint/mixed-deflated.bin",
                                         "checkpoint/mixed-legacy-protocol1.bin",
                                         "checkpoint/mixed-legacy-protocol2.bin",
                                         "checkpoint/mixed-legacy-protocol4.bin",
                                         "checkpoint/module-training.bin"));

} // namespace
} // namespace orrery::checkpoint
