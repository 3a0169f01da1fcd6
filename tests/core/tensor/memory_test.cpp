// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "tensor/memory.h"
#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mega = std::size_t{1} << 20U;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool keepsBlocks = false; // the sanitizer does that itself
#else
constexpr bool keepsBlocks = true;
#endif

class Cache : public ::testing::Test {
protected:
    Cache() : m_limit(cacheLimit()) { releaseCachedBytes(); }
    ~Cache() override {
        setCacheLimit(m_limit);
        releaseCachedBytes();
    }

private:
    std::size_t m_limit;
};

TEST_F(Cache, ABlockThatIsGivenBackIsUsedAgain) {
    if (!keepsBlocks)
        GTEST_SKIP();
    const std::size_t before = ownedBytes();
    const MemoryBlock first = takeMemory(3 * mega);
    EXPECT_EQ(ownedBytes(), before + 3 * mega);
    giveMemory(first);
    EXPECT_EQ(ownedBytes(), before);
    EXPECT_EQ(cachedBytes(), 3 * mega);
    const MemoryBlock second = takeMemory(3 * mega - 100'000); // wastes less than an eighth
    EXPECT_EQ(second.data, first.data);
    EXPECT_EQ(cachedBytes(), 0U);
    const MemoryBlock third = takeMemory(mega);
    giveMemory(second);
    const MemoryBlock fourth = takeMemory(mega); // would waste two thirds
    EXPECT_NE(fourth.data, second.data);
    giveMemory(third);
    giveMemory(fourth);
}

TEST_F(Cache, WhatIsKeptIsBounded) {
    setCacheLimit(4 * mega);
    std::vector<MemoryBlock> blocks;
    blocks.reserve(10);
    for (std::size_t i = 0; i < 10; ++i)
        blocks.push_back(takeMemory(mega + i * 4096));
    for (const MemoryBlock& block : blocks) {
        giveMemory(block);
        EXPECT_LE(cachedBytes(), 4 * mega);
    }
    setCacheLimit(0);
    EXPECT_EQ(cachedBytes(), 0U);
    giveMemory(takeMemory(mega));
    EXPECT_EQ(cachedBytes(), 0U);
}

TEST_F(Cache, KeptBlocksDoNotAddToWhatIsNeeded) {
    // Blocks of ever new sizes fit nobody: they must not pile up beside those in use.
    resetPeakBytes();
    const std::size_t before = ownedBytes();
    for (std::size_t i = 1; i <= 40; ++i) {
        const MemoryBlock block = takeMemory((20 + 5 * i) * mega);
        giveMemory(block);
    }
    const std::size_t most = 220 * mega;
    EXPECT_EQ(peakOwnedBytes() - before, most);
    EXPECT_LE(peakHeldBytes() - before, most + std::max(32 * mega, (before + most) / 16));
}

TEST_F(Cache, MoreThanThereIsGivesASentence) {
    const std::size_t before = ownedBytes();
    const MemoryRoom room = memoryRoom();
    if (room.bytes == MemoryRoom::unknown)
        GTEST_SKIP() << "nothing is known of this machine's memory";
    try {
        giveMemory(takeMemory(room.bytes + (std::size_t{1} << 30U)));
        FAIL() << "taken";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("not enough memory for another"), std::string::npos)
            << error.what();
        EXPECT_NE(std::string(error.what()).find(room.limit), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("smaller batch"), std::string::npos) << error.what();
    }
    EXPECT_EQ(ownedBytes(), before);
    EXPECT_THROW((void)takeMemory(SIZE_MAX - 10), Error);
}

TEST_F(Cache, ManyThreadsTakeAndGive) {
    setCacheLimit(16 * mega);
    const std::size_t before = ownedBytes();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (unsigned seed = 0; seed < 4; ++seed)
        threads.emplace_back([&wrong, seed] {
            std::mt19937 random(seed);
            std::vector<std::pair<MemoryBlock, unsigned char>> mine;
            for (int step = 0; step < 400; ++step) {
                if (mine.size() < 6 && random() % 2 == 0) {
                    const MemoryBlock block = takeMemory(1000 + random() % mega);
                    const auto mark = static_cast<unsigned char>(random());
                    std::memset(block.data, mark, 1000);
                    mine.emplace_back(block, mark);
                } else if (!mine.empty()) {
                    const auto [block, mark] = mine.back();
                    for (std::size_t i = 0; i < 1000; ++i)
                        wrong += static_cast<unsigned char>(block.data[i]) != mark ? 1 : 0;
                    giveMemory(block);
                    mine.pop_back();
                }
            }
            for (const auto& [block, mark] : mine)
                giveMemory(block);
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(ownedBytes(), before);
}

TEST(Sizing, CountsWithoutTaking) {
    const std::size_t before = ownedBytes();
    Tensor outlives;
    {
        const SizingScope scope;
        const Tensor huge = Tensor::empty({std::int64_t{1} << 36}); // 256 GB
        EXPECT_EQ(huge.pointer<float>()[12345], 0.0F);
        outlives = Tensor::empty({1000});
        EXPECT_EQ(scope.bytes(), (std::size_t{4} << 36U) + 4000);
        {
            const SizingScope inner;
            const Tensor other = Tensor::zeros({8});
            EXPECT_EQ(inner.peakBytes(), 32U);
        }
        EXPECT_EQ(scope.peakBytes(), (std::size_t{4} << 36U) + 4000);
    }
    EXPECT_EQ(ownedBytes(), before);
    const Tensor real = Tensor::empty({1000});
    EXPECT_EQ(ownedBytes(), before + 4000);
}

/// A little /proc and /sys/fs/cgroup.
class FakeSystem {
public:
    FakeSystem() : m_root(fs::temp_directory_path() / "orrery_fake_system") { fs::remove_all(m_root); }
    ~FakeSystem() { fs::remove_all(m_root); }
    FakeSystem(const FakeSystem&) = delete;
    FakeSystem& operator=(const FakeSystem&) = delete;
    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((m_root / file).parent_path());
        std::ofstream(m_root / file) << text;
    }
    [[nodiscard]] MemoryRoom room() const { return memoryRoom(m_root / "proc", m_root / "cgroup"); }

private:
    fs::path m_root;
};

TEST(MemoryRoomTest, IsTheLeastOfTheLimits) {
    const FakeSystem system;
    EXPECT_EQ(system.room().bytes, MemoryRoom::unknown);
    EXPECT_EQ(system.room().limit, "");
    system.write("proc/meminfo", "MemTotal:       8000 kB\nMemFree: 100 kB\nMemAvailable:    5000 kB\n");
    EXPECT_EQ(system.room().bytes, 5000U * 1024);
    EXPECT_EQ(system.room().total, 8000U * 1024);
    EXPECT_EQ(system.room().limit, "the machine's free memory");
    // Version 2: the limit of an outer group counts as well; the page cache is given back.
    system.write("proc/self/cgroup", "0::/a/b\n");
    system.write("cgroup/a/b/memory.max", "max\n");
    system.write("cgroup/a/b/memory.current", "1000000\n");
    system.write("cgroup/a/memory.max", "3000000\n");
    system.write("cgroup/a/memory.current", "2500000\n");
    system.write("cgroup/a/memory.stat", "anon 5\nfile 400000\nfile_mapped 7\n");
    EXPECT_EQ(system.room().bytes, 900'000U);
    EXPECT_EQ(system.room().total, 3'000'000U);
    EXPECT_EQ(system.room().limit, "the memory limit of the control group");
    // Version 1, of which "no limit" is a huge number.
    system.write("proc/self/cgroup", "5:cpu:/x\n4:memory:/m\n0::/\n");
    system.write("cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    system.write("cgroup/memory/m/memory.usage_in_bytes", "70000\n");
    EXPECT_EQ(system.room().bytes, 5000U * 1024);
    system.write("cgroup/memory/m/memory.limit_in_bytes", "100000\n");
    EXPECT_EQ(system.room().bytes, 30'000U);
    system.write("cgroup/memory/m/memory.usage_in_bytes", "170000\n");
    EXPECT_EQ(system.room().bytes, 0U);
}

TEST(MemoryRoomTest, BrokenFilesAreNoLimits) {
    const FakeSystem system;
    system.write("proc/meminfo", "MemAvailable: lots\nMemTotal: 99999999999999999999999999999999 kB\n");
    system.write("proc/self/cgroup", "nonsense\n:\n0::../../..\n");
    EXPECT_EQ(system.room().bytes, MemoryRoom::unknown);
    EXPECT_EQ(system.room().total, MemoryRoom::unknown);
}

TEST(MemoryRoomTest, OfThisMachine) {
    const MemoryRoom room = memoryRoom();
    EXPECT_GT(room.bytes, 0U);
    EXPECT_LE(room.bytes, room.total);
}

} // namespace
} // namespace orrery
