// SPDX-License-Identifier: GPL-3.0-or-later
// BERT-base and ViT-base shapes, the same weights and inputs, Orrery and ONNX Runtime in turns, in f32 and in
// 8 bits: what disturbs the machine disturbs both. vs_onnxruntime PEER.js BERT_FOLDER VIT_FOLDER PAIRS
#include "base/error.h"
#include "base/random.h"
#include "compress/compressed_model.h"
#include "int8_linear.h"
#include "measure/statistics.h"
#include "model/model.h"
#include "onednn/engine.h"
#include "peak.h"
#include "peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace orrery;
using bench::Peer;

constexpr int threadCount = 2;
constexpr std::int64_t vocabulary = 30522;

/// Threads of either side spin for a while after their work: let them fall asleep.
void rest() {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
}

using Run = std::function<Tensor(const model::Model&)>;

Run textRun(std::int64_t batch, std::int64_t length) {
    model::ModelInput input;
    input.inputIds = Tensor::empty({batch, length}, DType::I64);
    std::int64_t i = 0;
    for (auto& id : input.inputIds.mutableData<std::int64_t>())
        id = (i++ * 7919 + 13) % vocabulary;
    return [input](const model::Model& model) { return model.run(input).lastHidden; };
}

Run imageRun() {
    const Tensor pixels = Tensor::empty({1, 3, 224, 224});
    std::int64_t i = 0;
    for (float& value : pixels.mutableData<float>())
        value = static_cast<float>((i++ * 7919 + 13) % 1000) / 500.0F - 1;
    return [pixels](const model::Model& model) {
        return model.run(model::NamedTensors{{"pixel_values", pixels}}).at("last_hidden_state");
    };
}

/// One program's times, and how far its numbers are from those of the other.
struct Series {
    std::vector<double> times;

    [[nodiscard]] double median() const { return measure::median(times); }
    [[nodiscard]] double best() const { return *std::min_element(times.begin(), times.end()); }
    /// A passing neighbour takes a core from either side: a machine that is not quiet shows here.
    [[nodiscard]] double disturbance() const { return median() / best(); }
};

std::string ratioText(const Series& slow, const Series& fast) {
    Generator generator(1);
    const auto interval = measure::bootstrapRatioOfMedians(slow.times, fast.times, generator);
    return fmt::format("{:.2f} [{:.2f}, {:.2f}] best/best {:.2f}", slow.median() / fast.median(),
                       interval.low, interval.high, slow.best() / fast.best());
}

class Comparison {
public:
    Comparison(const char* peer, const std::filesystem::path& folder)
        : m_full(model::Model::open(folder)), m_half(model::Model::open(folder, {.dtype = DType::BF16})),
          m_peer({"node", peer, "serve", (folder / "model.onnx").string(), std::to_string(threadCount)}),
          m_bytePeer(
              {"node", peer, "serve", (folder / "model_int8.onnx").string(), std::to_string(threadCount)}) {
        auto bytes = model::Model::open(folder);
        const compressors::Int8Linear compressor;
        compress::compressModel(*bytes, compressor, OptionValues(compressor.options()), {"blocks.*"});
        m_bytes = std::move(bytes);
        m_greeting = m_peer.line();
        (void)m_bytePeer.line();
    }
    [[nodiscard]] const std::string& greeting() const { return m_greeting; }

    void run(const std::string& name, const Run& run, std::int64_t batch, std::int64_t length, int pairs,
             double peak) {
        const std::string question = fmt::format("{} {}", batch, length);
        Series ours;
        Series theirs;
        Series half;
        Series bytes;
        Series theirBytes;
        double difference = 0;
        double byteDifference = 0;
        for (int pair = -2; pair < pairs; ++pair) {
            Tensor hidden;
            const bool counts = pair >= 0;
            timeOurs(*m_full, run, hidden, counts ? &ours : nullptr);
            timeTheirs(m_peer, question, hidden, counts ? &theirs : nullptr, difference);
            timeOurs(*m_half, run, hidden, counts ? &half : nullptr);
            timeOurs(*m_bytes, run, hidden, counts ? &bytes : nullptr);
            timeTheirs(m_bytePeer, question, hidden, counts ? &theirBytes : nullptr, byteDifference);
        }
        const auto cost = m_full->cost(batch, length);
        const double flops = cost.matmulOperations + cost.attentionOperations;
        fmt::print("{:10} f32: orrery {:.2f} ms (best {:.2f})  onnxruntime {:.2f} ms (best {:.2f})  ratio {} "
                   " {:.1f} % "
                   "of peak at best  disturbance {:.2f} / {:.2f}  difference {:.1e}\n",
                   name, ours.median(), ours.best(), theirs.median(), theirs.best(), ratioText(theirs, ours),
                   100 * flops / ours.best() / 1e6 / peak, ours.disturbance(), theirs.disturbance(),
                   difference);
        fmt::print("{:10} bf16: orrery {:.2f} ms  f32 / bf16 {}\n", name, half.median(),
                   ratioText(ours, half));
        fmt::print("{:10} int8: orrery {:.2f} ms (best {:.2f})  onnxruntime {:.2f} ms (best {:.2f})  ratio "
                   "{}  f32 / int8 "
                   "{}  difference {:.1e}\n",
                   name, bytes.median(), bytes.best(), theirBytes.median(), theirBytes.best(),
                   ratioText(theirBytes, bytes), ratioText(ours, bytes), byteDifference);
        std::fflush(stdout);
        if (difference > 2e-3)
            throw Error(fmt::format("The outputs differ by {}: not the same model.", difference));
        // Both round to 8 bits, in their own ways; numbers of the last norm are near one.
        if (byteDifference > 1.5)
            throw Error(fmt::format("The 8-bit outputs differ by {}: not the same model.", byteDifference));
    }

private:
    static void timeOurs(const model::Model& model, const Run& run, Tensor& hidden, Series* series) {
        rest();
        const auto start = std::chrono::steady_clock::now();
        hidden = run(model);
        if (series != nullptr)
            series->times.push_back(
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    static void timeTheirs(Peer& peer, const std::string& question, const Tensor& hidden, Series* series,
                           double& difference) {
        rest();
        std::istringstream answer(peer.ask(question));
        double time = 0;
        answer >> time;
        if (series != nullptr)
            series->times.push_back(time);
        const auto values = hidden.data<float>();
        double sample = 0;
        for (std::size_t i = 0; answer >> sample; ++i)
            difference = std::max(
                difference, std::fabs(sample - static_cast<double>(values[(i * 104729) % values.size()])));
    }

    std::shared_ptr<const model::Model> m_full;
    std::shared_ptr<const model::Model> m_half;
    std::shared_ptr<const model::Model> m_bytes;
    Peer m_peer;
    Peer m_bytePeer;
    std::string m_greeting;
};

int run(int argc, char** argv) {
    if (argc != 5)
        throw UsageError("usage: vs_onnxruntime PEER.js BERT_FOLDER VIT_FOLDER PAIRS");
    onednn::setThreads(threadCount);
    const auto start = std::chrono::steady_clock::now();
    (void)model::Model::open(argv[2]);
    const double opening =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    const double peak = bench::peakF32(threadCount);
    const int pairs = std::stoi(argv[4]);
    {
        Comparison bert(argv[1], argv[2]);
        fmt::print(
            "onnxruntime-node {}; opening took {:.1f} ms; {} threads, {}, measured f32 peak {:.1f} GFLOP/s\n",
            bert.greeting(), opening, threadCount, onednn::kernelIsa(), peak);
        for (const auto& [batch, length] : {std::pair{1, 32}, {1, 128}, {1, 512}, {8, 128}})
            bert.run(fmt::format("BERT {}x{}", batch, length), textRun(batch, length), batch, length, pairs,
                     peak);
    }
    Comparison(argv[1], argv[3]).run("ViT 224", imageRun(), 1, 1, pairs, peak);
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
