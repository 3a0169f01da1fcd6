// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions of one model that run at once, and one that is stopped from outside.
#include "base/error.h"
#include "generate/generate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace orrery::generate {
namespace {

std::vector<std::int64_t> continued(Session& session, const TokenIds& prompt, const Progress& progress = {}) {
    GenerateOptions options;
    options.maxNewTokens = 12;
    return session.generate(prompt, greedy(), {}, options, progress).ids.toIntegers();
}

TEST(Sessions, OfOneModelRunAtOnce) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    const std::vector<TokenIds> prompts{{5, 6, 7}, {80, 3, 3, 9, 12}, {1}};
    std::vector<std::vector<std::int64_t>> alone;
    for (const TokenIds& prompt : prompts) {
        Session session(model);
        alone.push_back(continued(session, prompt));
    }
    const auto fresh = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2"); // packs while all run
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    threads.reserve(prompts.size());
    for (std::size_t i = 0; i < prompts.size(); ++i)
        threads.emplace_back([&, i] {
            Session session(fresh);
            for (int round = 0; round < 3; ++round)
                wrong += continued(session, prompts[i]) == alone[i] ? 0 : 1;
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong.load(), 0);
}

TEST(Sessions, AreStoppedFromAnotherThread) {
    const auto model = model::Model::open(ORRERY_GOLDEN_DIR "/hf/gpt2");
    const CancelToken token;
    std::atomic<int> reports{0};
    const Progress progress([&](const ProgressState&) { ++reports; }, token);
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        token.cancel();
    });
    bool stopped = false;
    const auto begin = std::chrono::steady_clock::now();
    while (!stopped && std::chrono::steady_clock::now() - begin < std::chrono::seconds(60))
        try {
            Session session(model);
            (void)continued(session, {5, 6, 7}, progress);
        } catch (const Cancelled&) {
            stopped = true;
        }
    later.join();
    EXPECT_TRUE(stopped);
}

} // namespace
} // namespace orrery::generate
