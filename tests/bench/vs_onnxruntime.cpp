// SPDX-License-Identifier: GPL-3.0-or-later
// BERT-base shape, the same weights and inputs, Orrery and ONNX Runtime in turns: what disturbs the machine
// disturbs both. vs_onnxruntime PEER.js FOLDER PAIRS
#include "base/error.h"
#include "base/random.h"
#include "measure/statistics.h"
#include "model/model.h"
#include "onednn/engine.h"
#include "peak.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace orrery;

constexpr int threadCount = 2;
constexpr std::int64_t vocabulary = 30522;

/// The other process, asked by a line and answering by one.
class Peer {
public:
    Peer(const char* script, const char* folder) {
        int to[2];
        int from[2];
        if (pipe(to) != 0 || pipe(from) != 0)
            throw Error("No pipes left.");
        m_child = fork();
        if (m_child == 0) {
            dup2(to[0], 0);
            dup2(from[1], 1);
            for (const int end : {to[0], to[1], from[0], from[1]})
                close(end);
            const std::string threads = std::to_string(threadCount);
            execlp("node", "node", script, "serve", folder, threads.c_str(), nullptr);
            _exit(127);
        }
        close(to[0]);
        close(from[1]);
        m_in = fdopen(to[1], "w");
        m_out = fdopen(from[0], "r");
    }
    ~Peer() {
        fclose(m_in);
        fclose(m_out);
        waitpid(m_child, nullptr, 0);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    std::string line() {
        std::string text;
        for (int c = std::fgetc(m_out); c != '\n'; c = std::fgetc(m_out)) {
            if (c == EOF)
                throw Error("The peer has ended; run it by hand to see why.");
            text += static_cast<char>(c);
        }
        return text;
    }
    std::string ask(const std::string& question) {
        std::fputs((question + "\n").c_str(), m_in);
        std::fflush(m_in);
        return line();
    }

private:
    pid_t m_child = 0;
    FILE* m_in = nullptr;
    FILE* m_out = nullptr;
};

/// Threads of either side spin for a while after their work: let them fall asleep.
void rest() {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
}

model::ModelInput inputOf(std::int64_t batch, std::int64_t length) {
    model::ModelInput input;
    input.inputIds = Tensor::empty({batch, length}, DType::I64);
    std::int64_t i = 0;
    for (auto& id : input.inputIds.mutableData<std::int64_t>())
        id = (i++ * 7919 + 13) % vocabulary;
    return input;
}

double milliseconds(const model::Model& model, const model::ModelInput& input, Tensor& hidden) {
    const auto start = std::chrono::steady_clock::now();
    hidden = model.run(input).lastHidden;
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// A passing neighbour takes a core from either side: a machine that is not quiet shows here.
double disturbance(const std::vector<double>& times) {
    return measure::median(times) / *std::min_element(times.begin(), times.end());
}

void compare(Peer& peer, const model::Model& full, const model::Model& half, std::int64_t batch,
             std::int64_t length, int pairs, double peak) {
    const model::ModelInput input = inputOf(batch, length);
    const std::string question = fmt::format("{} {}", batch, length);
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> narrow;
    double difference = 0;
    Tensor hidden;
    for (int pair = -2; pair < pairs; ++pair) {
        rest();
        const double own = milliseconds(full, input, hidden);
        const Tensor exact = hidden;
        rest();
        std::istringstream answer(peer.ask(question));
        double other = 0;
        answer >> other;
        const auto values = exact.data<float>();
        double sample = 0;
        for (std::size_t i = 0; answer >> sample; ++i)
            difference = std::max(
                difference, std::fabs(sample - static_cast<double>(values[(i * 104729) % values.size()])));
        rest();
        const double bf16 = milliseconds(half, input, hidden);
        if (pair >= 0) {
            ours.push_back(own);
            theirs.push_back(other);
            narrow.push_back(bf16);
        }
    }
    Generator generator(1);
    const auto ratio = measure::bootstrapRatioOfMedians(theirs, ours, generator);
    const auto gain = measure::bootstrapRatioOfMedians(ours, narrow, generator);
    const double flops =
        full.cost(batch, length).matmulOperations + full.cost(batch, length).attentionOperations;
    fmt::print("{}x{:<4} orrery {:7.2f} ms (best {:7.2f})  onnxruntime {:7.2f} ms (best {:7.2f})  ratio "
               "{:.3f} [{:.3f}, {:.3f}]  "
               "best/best {:.3f}  {:.0f} GFLOP/s at best, {:.1f} % of peak  bf16 {:.2f} ms, ratio {:.2f} "
               "[{:.2f}, {:.2f}] best/best {:.2f}  "
               "difference {:.1e}  disturbance {:.2f} / {:.2f}\n",
               batch, length, measure::median(ours), *std::min_element(ours.begin(), ours.end()),
               measure::median(theirs), *std::min_element(theirs.begin(), theirs.end()),
               measure::median(theirs) / measure::median(ours), ratio.low, ratio.high,
               *std::min_element(theirs.begin(), theirs.end()) / *std::min_element(ours.begin(), ours.end()),
               flops / *std::min_element(ours.begin(), ours.end()) / 1e6,
               100 * flops / *std::min_element(ours.begin(), ours.end()) / 1e6 / peak,
               measure::median(narrow), measure::median(ours) / measure::median(narrow), gain.low, gain.high,
               *std::min_element(ours.begin(), ours.end()) / *std::min_element(narrow.begin(), narrow.end()),
               difference, disturbance(ours), disturbance(theirs));
    std::fflush(stdout);
    if (difference > 2e-3)
        throw Error(fmt::format("The outputs differ by {}: not the same model.", difference));
}

int run(int argc, char** argv) {
    if (argc != 4)
        throw UsageError("usage: vs_onnxruntime PEER.js FOLDER PAIRS");
    std::signal(SIGPIPE, SIG_IGN);
    Peer peer(argv[1], argv[2]);
    const std::string greeting = peer.line();
    onednn::setThreads(threadCount);
    const auto start = std::chrono::steady_clock::now();
    const auto full = model::Model::open(argv[2]);
    const double opening =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    const auto half = model::Model::open(argv[2], {.dtype = DType::BF16});
    const double peak = bench::peakF32(threadCount);
    fmt::print(
        "onnxruntime-node {}; opening took {:.1f} ms; {} threads, {}, measured f32 peak {:.1f} GFLOP/s\n",
        greeting, opening, threadCount, onednn::kernelIsa(), peak);
    const int pairs = std::stoi(argv[3]);
    for (const auto& [batch, length] : {std::pair{1, 32}, {1, 128}, {1, 512}, {8, 128}})
        compare(peer, *full, *half, batch, length, pairs, peak);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const orrery::Error& error) {
        fmt::print(stderr, "{}\n", error.what());
        return error.exitStatus();
    }
}
