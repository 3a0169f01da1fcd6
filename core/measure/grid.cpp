// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/grid.h"

#include "base/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace orrery::measure {

OptionSchema benchOptions() {
    OptionSchema schema;
    schema.texts("workload", {"encode"},
                 "what is run: encode (whole sequences), prefill (a prompt), decode (token by token)");
    schema
        .integers("length", {128},
                  "positions of each sequence; for decode those held before the first new token")
        .range(1, 1 << 20)
        .unit("tokens");
    schema.integers("batch", {1}, "sequences at once").range(1, 65536);
    schema.integers("generated", {32}, "tokens of each decode run").range(1, 65536).unit("tokens");
    schema.texts("dtype", {"f32"}, "of weights and products: f32, bf16");
    schema.integers("threads", {0}, "threads of the engine; 0 stands for all cores").range(0, 1024);
    schema.texts("mixer", {"none"},
                 "token mixers that replace attention in every layer; none keeps the model's own");
    schema.texts("kernel", {"none"}, "attention kernels with the model's own weights; none is the fused one");
    schema.texts("compressor", {"none"},
                 "compressors of all linear layers; none keeps the weights as stored");
    schema
        .real("target", 0.02,
              "stop when the 95 % interval of the median reaches this share of it to either side")
        .range(0, 1);
    schema.real("budget", 10, "most time of timed runs for each setting").range(0, 86400).unit("s");
    schema.integer("min_repetitions", 10, "samples before the interval is looked at").range(3, 100000);
    schema.integer("max_repetitions", 200, "most samples of each setting").range(3, 1000000);
    schema.integer("warmups", 3, "untimed runs before the first sample").range(0, 1000);
    schema.boolean("interleave", true,
                   "settings of the same work take turns in random order, so that drift falls on all");
    schema.integer("seed", 1, "of token ids, order and bootstrap").range(0, 9007199254740992.0);
    schema.boolean("memory", true, "measure the peak of memory in one run of each setting");
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
    if (!mixer.empty())
        json["mixer"] = mixer;
    if (!kernel.empty())
        json["kernel"] = kernel;
    if (!compressor.empty())
        json["compressor"] = compressor;
    return json;
}

BenchSettings BenchSettings::fromJson(const Json& json) {
    try {
        BenchSettings settings;
        settings.model = json.value("model", settings.model);
        settings.workload = json.value("workload", settings.workload);
        settings.length = json.value("length", settings.length);
        settings.batch = json.value("batch", settings.batch);
        settings.generated = json.value("generated", settings.generated);
        settings.dtype = json.value("dtype", settings.dtype);
        settings.threads = json.value("threads", settings.threads);
        settings.mixer = json.value("mixer", settings.mixer);
        settings.kernel = json.value("kernel", settings.kernel);
        settings.compressor = json.value("compressor", settings.compressor);
        return settings;
    } catch (const Json::exception& failure) {
        throw InputError(fmt::format("The settings of a stored cell are broken ({}).", failure.what()));
    }
}

std::string BenchSettings::label(const std::vector<std::string>& leaveOut) const {
    const auto shown = [&](const char* name) {
        return std::find(leaveOut.begin(), leaveOut.end(), name) == leaveOut.end();
    };
    std::vector<std::string> words;
    if (shown("model"))
        words.push_back(std::filesystem::path(model).filename().string());
    if (shown("workload"))
        words.push_back(workload);
    if (shown("length"))
        words.push_back(fmt::format("L={}", length));
    if (shown("batch"))
        words.push_back(fmt::format("B={}", batch));
    if (shown("generated") && workload == "decode")
        words.push_back(fmt::format("{} new", generated));
    if (shown("dtype"))
        words.push_back(dtype);
    if (shown("threads"))
        words.push_back(threads == 0 ? std::string("all threads")
                                     : fmt::format("{} thread{}", threads, threads == 1 ? "" : "s"));
    for (const auto& [name, value] :
         {std::pair{"mixer", mixer}, {"kernel", kernel}, {"compressor", compressor}})
        if (shown(name) && !value.empty())
            words.push_back(value);
    return fmt::format("{}", fmt::join(words, " "));
}

std::string workKey(const BenchSettings& settings) {
    return fmt::format("{}|{}|{}|{}", settings.workload, settings.length, settings.batch,
                       settings.workload == "decode" ? settings.generated : 0);
}

std::vector<BenchSettings> makeGrid(const std::vector<std::string>& models, const OptionValues& options) {
    if (models.empty())
        throw UsageError("A benchmark needs at least one model folder.");
    const auto texts = [&](const char* name) {
        if (options.texts(name).empty())
            throw UsageError(fmt::format("Option '{}' names nothing; give at least one value.", name));
        return options.texts(name);
    };
    const auto integers = [&](const char* name) {
        if (options.integers(name).empty())
            throw UsageError(fmt::format("Option '{}' names nothing; give at least one value.", name));
        return options.integers(name);
    };
    const auto among = [](const char* name, const std::vector<std::string>& values,
                          std::set<std::string> allowed) {
        for (const std::string& value : values)
            if (!allowed.count(value))
                throw UsageError(fmt::format("Option '{}' takes {}; '{}' is none of them.", name,
                                             fmt::join(allowed, ", "), value));
    };
    const auto workloads = texts("workload");
    among("workload", workloads, {"encode", "prefill", "decode"});
    const auto dtypes = texts("dtype");
    among("dtype", dtypes, {"f32", "bf16"});
    const auto lengths = integers("length");
    const auto batches = integers("batch");
    const auto generated = integers("generated");
    const auto threads = integers("threads");
    const auto mixers = texts("mixer");
    const auto kernels = texts("kernel");
    const auto compressors = texts("compressor");

    constexpr double most = 100000;
    double count = static_cast<double>(models.size());
    for (const std::size_t size :
         {workloads.size(), lengths.size(), batches.size(), generated.size(), dtypes.size(), threads.size(),
          mixers.size(), kernels.size(), compressors.size()})
        count *= static_cast<double>(size);
    if (count > most)
        throw UsageError(
            fmt::format("The grid has {:.0f} points, more than {:.0f}; take fewer values.", count, most));

    const auto part = [](const std::string& id) { return id == "none" ? std::string() : id; };
    std::vector<BenchSettings> points;
    std::set<std::string> seen;
    for (const auto& workload : workloads)
        for (const auto length : lengths)
            for (const auto batch : batches)
                for (const auto newTokens : generated)
                    for (const auto& model : models)
                        for (const auto& dtype : dtypes)
                            for (const auto thread : threads)
                                for (const auto& mixer : mixers)
                                    for (const auto& kernel : kernels)
                                        for (const auto& compressor : compressors) {
                                            BenchSettings point{model,
                                                                workload,
                                                                length,
                                                                batch,
                                                                newTokens,
                                                                dtype,
                                                                static_cast<int>(thread),
                                                                part(mixer),
                                                                part(kernel),
                                                                part(compressor)};
                                            // The same value twice, or decode's axis for other workloads.
                                            if (seen.insert(point.toJson().dump()).second)
                                                points.push_back(std::move(point));
                                        }
    return points;
}

} // namespace orrery::measure
