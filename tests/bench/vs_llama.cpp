// SPDX-License-Identifier: GPL-3.0-or-later
// A model of LLaMA's shape in GGUF files of our own writer, Orrery and llama.cpp in turns: prefill and
// decoding in f32, bf16 and q8_0. vs_llama PEER.js FOLDER TOKENIZERS PAIRS
#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "checkpoint/safetensors_writer.h"
#include "generate/causal_step_model.h"
#include "measure/machine.h"
#include "measure/statistics.h"
#include "model/gguf_export.h"
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
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace orrery;

constexpr int threadCount = 2;
constexpr std::int64_t width = 2048;
constexpr std::int64_t inner = 5632;
constexpr std::int64_t heads = 32;
constexpr std::int64_t groups = 4;
constexpr int layers = 8;

/// Random weights of the size that keeps activations near one, in bf16 so that every file holds the same
/// numbers but for Q8_0's rounding.
void makeModel(const fs::path& folder, const fs::path& tokenizer) {
    fs::create_directories(folder);
    fs::copy_file(tokenizer / "tokenizer.json", folder / "tokenizer.json",
                  fs::copy_options::overwrite_existing);
    const auto vocabulary =
        static_cast<std::int64_t>(readJsonFile(folder / "tokenizer.json")["model"]["vocab"].size());
    const Json config{{"architectures", {"LlamaForCausalLM"}},
                      {"model_type", "llama"},
                      {"hidden_size", width},
                      {"intermediate_size", inner},
                      {"num_attention_heads", heads},
                      {"num_key_value_heads", groups},
                      {"num_hidden_layers", layers},
                      {"max_position_embeddings", 2048},
                      {"rms_norm_eps", 1e-5},
                      {"rope_theta", 10000.0},
                      {"hidden_act", "silu"},
                      {"tie_word_embeddings", false},
                      {"vocab_size", vocabulary}};
    Generator generator(7);
    std::vector<std::pair<std::string, Tensor>> tensors;
    const auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
        const Tensor tensor = Tensor::empty({rows, columns});
        const double scale = 1 / std::sqrt(static_cast<double>(columns));
        for (float& value : tensor.mutableData<float>())
            value = static_cast<float>(generator.normal() * scale);
        tensors.emplace_back(name + ".weight", tensor.to(DType::BF16));
    };
    const auto norm = [&](const std::string& name) {
        tensors.emplace_back(name + ".weight", Tensor::full({width}, 1, DType::BF16));
    };
    matrix("model.embed_tokens", vocabulary, width);
    for (int layer = 0; layer < layers; ++layer) {
        const std::string block = fmt::format("model.layers.{}.", layer);
        norm(block + "input_layernorm");
        norm(block + "post_attention_layernorm");
        matrix(block + "self_attn.q_proj", width, width);
        matrix(block + "self_attn.k_proj", width / heads * groups, width);
        matrix(block + "self_attn.v_proj", width / heads * groups, width);
        matrix(block + "self_attn.o_proj", width, width);
        matrix(block + "mlp.gate_proj", inner, width);
        matrix(block + "mlp.up_proj", inner, width);
        matrix(block + "mlp.down_proj", width, inner);
    }
    norm("model.norm");
    matrix("lm_head", vocabulary, width);
    checkpoint::writeSafetensors(folder / "model.safetensors", tensors);
    std::ofstream(folder / "config.json") << config.dump(1);
}

/// Threads of either side spin for a while after their work: let them fall asleep.
void rest() {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
}

generate::TokenIds promptOf(std::int64_t length, std::int64_t vocabulary) {
    generate::TokenIds ids;
    for (std::int64_t i = 0; i < length; ++i)
        ids.push_back((i * 7919 + 13) % (vocabulary - 10) + 5);
    return ids;
}

std::int64_t best(const Tensor& logits) {
    const auto values = logits.data<float>();
    return std::max_element(values.begin(), values.end()) - values.begin();
}

double since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double prefill(const model::Model& model, std::int64_t length) {
    generate::CausalStepModel steps(model, {});
    const generate::TokenIds prompt = promptOf(length, model.vocabulary());
    const auto start = std::chrono::steady_clock::now();
    (void)steps.prefill({&prompt, 1});
    return since(start);
}

double decode(const model::Model& model, std::int64_t length, int count, generate::TokenIds& ids) {
    generate::CausalStepModel steps(model, {});
    generate::TokenIds prompt = promptOf(length, model.vocabulary());
    std::int64_t last = prompt.back();
    prompt.pop_back();
    (void)steps.prefill({&prompt, 1});
    ids.clear();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        last = best(steps.step({&last, 1}));
        ids.push_back(last);
    }
    return since(start);
}

struct Times {
    std::vector<double> ours, theirs;

    [[nodiscard]] std::string summary(double units, const char* unit) const {
        Generator generator(1);
        const auto ratio = measure::bootstrapRatioOfMedians(theirs, ours, generator);
        return fmt::format(
            "orrery {:.1f} (best {:.1f}) {}  llama.cpp {:.1f} (best {:.1f})  ratio {:.2f} [{:.2f}, "
            "{:.2f}]",
            units / measure::median(ours), units / *std::min_element(ours.begin(), ours.end()), unit,
            units / measure::median(theirs), units / *std::min_element(theirs.begin(), theirs.end()),
            measure::median(theirs) / measure::median(ours), ratio.low, ratio.high);
    }
};

struct Side {
    std::string name;
    std::shared_ptr<const model::Model> model;
    double weightBytes = 0; ///< that a step reads
};

void compare(bench::Peer& peer, std::size_t number, const Side& side, int pairs, double peak) {
    constexpr std::int64_t promptLength = 512;
    constexpr std::int64_t shortPrompt = 16;
    constexpr int steps = 24;
    Times prompts;
    Times tokens;
    std::vector<double> shares; // of the bandwidth just before
    std::size_t agreed = 0;
    for (int pair = -1; pair < pairs; ++pair) {
        rest();
        const double ownPrompt = prefill(*side.model, promptLength);
        rest();
        const double otherPrompt = std::stod(peer.ask(fmt::format("{} prefill {}", number, promptLength)));
        rest();
        generate::TokenIds ids;
        const double bandwidth = measure::readBandwidth();
        const double ownSteps = decode(*side.model, shortPrompt, steps, ids);
        rest();
        std::istringstream answer(peer.ask(fmt::format("{} decode {} {}", number, shortPrompt, steps)));
        double otherSteps = 0;
        answer >> otherSteps;
        generate::TokenIds others;
        for (std::int64_t id = 0; answer >> id;)
            others.push_back(id);
        agreed = static_cast<std::size_t>(
            std::mismatch(ids.begin(), ids.end(), others.begin(), others.end()).first - ids.begin());
        if (pair < 0)
            continue;
        prompts.ours.push_back(ownPrompt);
        prompts.theirs.push_back(otherPrompt);
        tokens.ours.push_back(ownSteps);
        tokens.theirs.push_back(otherSteps);
        shares.push_back(side.weightBytes / (ownSteps / steps / 1e3) / bandwidth);
    }
    const double fastest = *std::min_element(prompts.ours.begin(), prompts.ours.end());
    const auto cost = side.model->cost(1, promptLength);
    fmt::print("{:5} prefill {}: {}, {:.0f} GFLOP/s at best ({:.0f} % of the f32 peak)\n", side.name,
               promptLength, prompts.summary(1e3 * promptLength, "tokens/s"),
               (cost.matmulOperations + cost.attentionOperations) / fastest / 1e6,
               100 * (cost.matmulOperations + cost.attentionOperations) / fastest / 1e6 / peak);
    Generator generator(2);
    const auto share = measure::bootstrapMedian(shares, generator);
    fmt::print(
        "{:5} decode: {}, weights are read at {:.1f} GB/s ({:.0f} % [{:.0f}, {:.0f}] of the bandwidth just "
        "before), first {} of {} ids equal\n",
        side.name, tokens.summary(1e3 * steps, "tokens/s"),
        side.weightBytes * steps / measure::median(tokens.ours) / 1e6, 100 * measure::median(shares),
        100 * share.low, 100 * share.high, agreed, steps);
    std::fflush(stdout);
    if (agreed == 0)
        throw Error("The first token differs already: not the same model.");
}

int run(int argc, char** argv) {
    if (argc != 5)
        throw UsageError("usage: vs_llama PEER.js FOLDER TOKENIZERS PAIRS");
    const fs::path folder = argv[2];
    if (!fs::exists(folder / "config.json"))
        makeModel(folder, fs::path(argv[3]) / "gpt2");
    onednn::setThreads(threadCount);
    std::vector<Side> sides;
    std::vector<std::string> command{"node", argv[1], std::to_string(threadCount)};
    for (const char* type : {"F32", "BF16", "Q8_0"}) {
        const fs::path file = folder / fmt::format("model-{}.gguf", type);
        if (!fs::exists(file))
            model::exportGguf(folder, file, type);
        const bool narrow = std::string_view(type) == "BF16";
        Side side{type, model::Model::open(file, {.dtype = narrow ? DType::BF16 : DType::F32}), 0};
        // All but the embedding's table, of which a step reads one row.
        const double elements =
            layers * (2.0 * width * width + 2.0 * width * width / heads * groups + 3.0 * width * inner) +
            static_cast<double>(side.model->vocabulary()) * width;
        side.weightBytes = elements * (narrow ? 2 : std::string_view(type) == "F32" ? 4 : 34.0 / 32);
        sides.push_back(std::move(side));
        command.push_back(file.string());
    }
    bench::Peer peer(command);
    const std::string greeting = peer.line();
    const double peak = bench::peakF32(threadCount);
    fmt::print("llama.cpp of node-llama-cpp: {}; {} threads, f32 peak {:.1f} GFLOP/s\n", greeting,
               threadCount, peak);
    for (std::size_t i = 0; i < sides.size(); ++i)
        compare(peer, i, sides[i], std::stoi(argv[4]), peak);
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
