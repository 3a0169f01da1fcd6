// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/grid.h"

#include "base/error.h"
#include "tensor/dtype.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace orrery::measure {
namespace {

constexpr std::size_t mostPoints = 100000;

std::string chosenOr(const std::string& id) {
    return id == "none" ? std::string() : id;
}

void checkNames(const std::vector<std::string>& given, const std::vector<std::string>& known,
                const char* option) {
    for (const auto& one : given)
        if (std::find(known.begin(), known.end(), one) == known.end())
            throw UsageError(fmt::format("Option '{}' takes {}; '{}' is none of them.", option,
                                         fmt::join(known, ", "), one));
}

} // namespace

OptionSchema benchOptions() {
    OptionSchema schema;
    schema.texts("workload", {"encode"},
                 "What is run: encode (whole sequences), prefill (a prompt into a fresh cache), decode "
                 "(token after token).");
    schema
        .integers("length", {128}, "Tokens of each sequence; for decode those held before the first new one.")
        .range(1, 1 << 24)
        .unit("tokens");
    schema.integers("batch", {1}, "Sequences at once.").range(1, 1 << 20);
    schema.integers("generated", {32}, "New tokens of a decode run.").range(1, 1 << 20).unit("tokens");
    schema.texts("dtype", {"f32"}, "Types of the computation: f32, bf16.");
    schema.integers("threads", {0}, "Threads; 0 is all cores.").range(0, 4096);
    schema.texts("mixer", {"none"},
                 "Token mixers that replace the attention of every layer; none is the model's own.");
    schema.texts("kernel", {"none"}, "Attention kernels; none is the fused one.");
    schema.texts("compressor", {"none"}, "Compressors applied to all linear layers; none leaves them.");
    schema
        .real("target", 0.02,
              "A setting is done when its 95 % interval is at most this share of the median to either side.")
        .range(0, 1);
    schema.real("budget", 10, "Timed running of one setting at most.").range(0, 1e6).unit("s");
    schema.integer("min_repetitions", 10, "Samples before the interval is looked at.").range(3, 100000);
    schema.integer("max_repetitions", 200, "Samples at most.").range(3, 1000000);
    schema.integer("warmups", 3, "Untimed runs before the first sample.").range(0, 10000);
    schema.boolean("interleave", true,
                   "Take turns between settings, in random order, so that drift falls on all alike.");
    schema.integer("seed", 1, "Seed of the order, the intervals and random token ids.")
        .range(0, 9e15)
        .advanced();
    schema.boolean("memory", true, "Record peak memory of one more run of every setting.").advanced();
    return schema;
}

const std::vector<std::string>& gridAxes() {
    static const std::vector<std::string> axes{"workload", "length", "batch",  "generated", "dtype",
                                               "threads",  "mixer",  "kernel", "compressor"};
    return axes;
}

OrderedJson BenchSettings::toJson() const {
    OrderedJson json{{"model", model}, {"workload", workload}, {"length", length}, {"batch", batch}};
    if (workload == "decode")
        json["generated"] = generated;
    json["dtype"] = dtype;
    json["threads"] = threads;
    for (const auto& [key, value] :
         {std::pair("mixer", mixer), std::pair("kernel", kernel), std::pair("compressor", compressor)})
        if (!value.empty())
            json[key] = value;
    return json;
}

BenchSettings BenchSettings::fromJson(const Json& json) {
    const BenchSettings defaults;
    try {
        BenchSettings result;
        result.model = json.value("model", defaults.model);
        result.workload = json.value("workload", defaults.workload);
        result.length = json.value("length", defaults.length);
        result.batch = json.value("batch", defaults.batch);
        result.generated = json.value("generated", defaults.generated);
        result.dtype = json.value("dtype", defaults.dtype);
        result.threads = json.value("threads", defaults.threads);
        result.mixer = json.value("mixer", defaults.mixer);
        result.kernel = json.value("kernel", defaults.kernel);
        result.compressor = json.value("compressor", defaults.compressor);
        return result;
    } catch (const Json::exception&) {
        throw InputError(fmt::format(
            "The stored settings {} cannot be read; the workspace is damaged or from a newer version.",
            json.dump()));
    }
}

std::string BenchSettings::label(const std::vector<std::string>& leaveOut) const {
    const auto shown = [&](const char* key) {
        return std::find(leaveOut.begin(), leaveOut.end(), key) == leaveOut.end();
    };
    std::vector<std::string> words;
    if (shown("model"))
        words.push_back(model.substr(model.find_last_of('/') + 1));
    if (shown("workload"))
        words.push_back(workload);
    if (shown("length"))
        words.push_back(fmt::format("L={}", length));
    if (shown("batch"))
        words.push_back(fmt::format("B={}", batch));
    if (workload == "decode" && shown("generated"))
        words.push_back(fmt::format("n={}", generated));
    if (shown("dtype"))
        words.push_back(dtype);
    if (shown("threads"))
        words.push_back(threads == 0 ? std::string("all threads")
                                     : fmt::format("{} thread{}", threads, threads == 1 ? "" : "s"));
    for (const auto& [key, value] :
         {std::pair("mixer", mixer), std::pair("kernel", kernel), std::pair("compressor", compressor)})
        if (!value.empty() && shown(key))
            words.push_back(value);
    return fmt::format("{}", fmt::join(words, " "));
}

std::vector<BenchSettings> makeGrid(const std::vector<std::string>& models, const OptionValues& options) {
    checkNames(options.texts("workload"), {"encode", "prefill", "decode"}, "workload");
    checkNames(options.texts("dtype"), {"f32", "bf16"}, "dtype");
    std::size_t count = models.size();
    for (const auto& axis : gridAxes()) {
        const OptionValue& value = options.value(axis);
        const std::size_t size = std::holds_alternative<std::vector<std::string>>(value)
                                     ? options.texts(axis).size()
                                     : options.integers(axis).size();
        if (size == 0)
            throw UsageError(fmt::format("Option '{}' is empty; give at least one value.", axis));
        if (__builtin_mul_overflow(count, size, &count) || count > mostPoints)
            throw UsageError(
                fmt::format("The grid has more than {} points; leave out values of some axis.", mostPoints));
    }
    std::vector<BenchSettings> points;
    points.reserve(count);
    // Outer loops: the work. Inner ones: what is compared on the same work.
    for (const auto& workload : options.texts("workload"))
        for (const auto length : options.integers("length"))
            for (const auto batch : options.integers("batch"))
                for (const auto generated : options.integers("generated")) {
                    if (workload != "decode" && generated != options.integers("generated").front())
                        continue; // nothing is generated: the axis does not apply
                    for (const auto& model : models)
                        for (const auto& dtype : options.texts("dtype"))
                            for (const auto threads : options.integers("threads"))
                                for (const auto& mixer : options.texts("mixer"))
                                    for (const auto& kernel : options.texts("kernel"))
                                        for (const auto& compressor : options.texts("compressor"))
                                            points.push_back({model, workload, length, batch, generated,
                                                              dtype, static_cast<int>(threads),
                                                              chosenOr(mixer), chosenOr(kernel),
                                                              chosenOr(compressor)});
                }
    return points;
}

std::string workKey(const BenchSettings& settings) {
    return fmt::format("{}|{}|{}|{}", settings.workload, settings.length, settings.batch,
                       settings.workload == "decode" ? settings.generated : 0);
}

} // namespace orrery::measure
