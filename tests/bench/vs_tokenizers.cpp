// SPDX-License-Identifier: GPL-3.0-or-later
// The same texts through our tokenizers and Hugging Face's Rust library in turns, by user CPU time of a
// single thread: a neighbour on the machine slows both sides down alike. vs_tokenizers PEER.js CORPUS PAIRS
// FOLDER_OF_TOKENIZERS
#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "measure/statistics.h"
#include "peer.h"
#include "text/tokenizer.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace orrery;
using bench::Peer;

constexpr std::size_t textBytes = 3'000'000;
constexpr std::array<const char*, 2> names = {"gpt2", "bert-uncased"};

/// Lines of the corpus again and again, with a few words changed each time so that no cache knows them all.
std::vector<std::string> sentencesOf(const std::string& corpus) {
    std::vector<std::string> lines;
    std::istringstream input(corpus);
    for (std::string line; std::getline(input, line);)
        if (line.size() > 20)
            lines.push_back(line);
    if (lines.empty())
        throw InputError("The corpus has no line of more than 20 bytes; name a text in English.");
    std::vector<std::string> sentences;
    std::size_t bytes = 0;
    std::size_t word = 0;
    for (std::size_t round = 0; bytes < textBytes; ++round)
        for (const std::string& line : lines) {
            std::string sentence;
            for (const char c : line) {
                if (c == ' ' && ++word % 23 == 0 && round > 0)
                    sentence += word % 2 == 0 ? std::to_string(round) : "ish";
                sentence += c;
            }
            bytes += sentence.size() + 1;
            sentences.push_back(std::move(sentence));
            if (bytes >= textBytes)
                break;
        }
    return sentences;
}

double userMilliseconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec) * 1e3 +
           static_cast<double>(usage.ru_utime.tv_usec) / 1e3;
}

struct Outcome {
    double milliseconds = 0;
    std::int64_t tokens = 0;
    std::int64_t sum = 0;
};

Outcome run(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts) {
    const double begin = userMilliseconds();
    const std::vector<text::Encoding> encodings = tokenizer.encodeBatch(texts);
    Outcome outcome{userMilliseconds() - begin};
    for (const text::Encoding& encoding : encodings)
        for (const std::int64_t id : encoding.ids)
            outcome.sum = (outcome.sum * 31 + id + ++outcome.tokens) % 1000003;
    return outcome;
}

void compare(Peer& peer, const std::string& name, const text::Tokenizer& tokenizer, const char* how,
             const std::vector<std::string>& texts, int pairs) {
    std::vector<double> ours;
    std::vector<double> theirs;
    for (int pair = -2; pair < pairs; ++pair) {
        const Outcome own = run(tokenizer, texts);
        std::istringstream answer(peer.ask(name + " " + how));
        Outcome other;
        answer >> other.milliseconds >> other.tokens >> other.sum;
        if (other.tokens != own.tokens || other.sum != own.sum)
            throw Error(fmt::format("{} {}: {} tokens with sum {}, but the peer has {} with sum {}.", name,
                                    how, own.tokens, own.sum, other.tokens, other.sum));
        if (pair >= 0) {
            ours.push_back(own.milliseconds);
            theirs.push_back(other.milliseconds);
        }
    }
    Generator generator(1);
    const auto ratio = measure::bootstrapRatioOfMedians(theirs, ours, generator);
    fmt::print(
        "{:<13} {:<9} orrery {:7.1f} ms  peer {:7.1f} ms  ratio {:.2f} [{:.2f}, {:.2f}]  best/best {:.2f}\n",
        name, how, measure::median(ours), measure::median(theirs),
        measure::median(theirs) / measure::median(ours), ratio.low, ratio.high,
        *std::min_element(theirs.begin(), theirs.end()) / *std::min_element(ours.begin(), ours.end()));
    std::fflush(stdout);
}

int runAll(const std::string& script, const std::string& corpus, int pairs, const std::string& folder) {
    const std::vector<std::string> sentences = sentencesOf(readTextFile(corpus));
    std::string whole;
    for (const std::string& sentence : sentences)
        whole += sentence + "\n";
    writeFileAtomically("tokenizers_text.txt", whole);
    std::vector<std::string> command = {"node", "--expose-gc", script, "tokenizers_text.txt"};
    for (const char* name : names)
        command.push_back(fmt::format("{0}={1}/{0}/tokenizer.json", name, folder));
    Peer peer(command);
    peer.line();
    double load[3] = {};
    getloadavg(load, 3);
    fmt::print("{} sentences, {} bytes; load {:.1f}\n", sentences.size(), whole.size(), load[0]);
    for (const char* name : names) {
        const auto tokenizer = text::Tokenizer::open(folder + "/" + name);
        compare(peer, name, *tokenizer, "sentences", sentences, pairs);
        compare(peer, name, *tokenizer, "whole", {whole}, pairs);
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        fmt::print(stderr, "usage: vs_tokenizers PEER.js CORPUS PAIRS FOLDER_OF_TOKENIZERS\n");
        return 2;
    }
    try {
        return runAll(argv[1], argv[2], std::max(1, std::atoi(argv[3])), argv[4]);
    } catch (const orrery::Error& error) {
        fmt::print(stderr, "{}\n", error.what());
        return error.exitStatus();
    }
}
