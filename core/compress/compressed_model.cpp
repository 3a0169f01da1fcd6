// SPDX-License-Identifier: GPL-3.0-or-later
#include "compress/compressed_model.h"

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "probe/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace orrery::compress {
namespace {

namespace fs = std::filesystem;

constexpr const char* key = "orrery_compression";

double relativeError(const Tensor& before, const Tensor& after) {
    const auto a = before.data<float>();
    const auto b = after.data<float>();
    double difference = 0;
    double norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
        norm += static_cast<double>(a[i]) * a[i];
    }
    return norm > 0 ? std::sqrt(difference / norm) : 0.0;
}

/// The tensors of the checkpoint that belong to a linear that was compressed.
std::set<std::string> weightsOf(const model::ModuleInfo& module, const std::set<std::string>& linears) {
    std::set<std::string> names;
    if (linears.contains(module.name))
        for (const auto& parameter : module.parameters)
            if (parameter.shape.rank() == 2)
                names.insert(parameter.name);
    for (const auto& child : module.children)
        names.merge(weightsOf(child, linears));
    return names;
}

} // namespace

std::size_t CompressionReport::bytesBefore() const {
    std::size_t sum = 0;
    for (const auto& layer : layers)
        sum += layer.bytesBefore;
    return sum;
}

std::size_t CompressionReport::bytesAfter() const {
    std::size_t sum = 0;
    for (const auto& layer : layers)
        sum += layer.bytesAfter;
    return sum;
}

double CompressionReport::worstError() const {
    double worst = 0;
    for (const auto& layer : layers)
        worst = std::max(worst, layer.relativeError);
    return worst;
}

OrderedJson CompressionReport::toJson() const {
    OrderedJson list = OrderedJson::array();
    for (const auto& layer : layers)
        list.push_back({{"linear", layer.name},
                        {"bytesBefore", layer.bytesBefore},
                        {"bytesAfter", layer.bytesAfter},
                        {"relativeError", layer.relativeError}});
    return {{"bytesBefore", bytesBefore()},
            {"bytesAfter", bytesAfter()},
            {"worstError", worstError()},
            {"linears", list}};
}

CompressionReport compressModel(model::Model& model, const Compressor& compressor,
                                const OptionValues& options, const std::vector<std::string>& linears,
                                const Progress& progress) {
    CompressionReport report;
    std::size_t total = 0;
    std::as_const(model).forEachLinear([&](const nn::Linear&) { ++total; });
    std::size_t done = 0;
    std::size_t matched = 0;
    model.forEachLinear([&](nn::Linear& linear) {
        progress.report(linear.name(), static_cast<double>(done++), static_cast<double>(total));
        const bool chosen = std::any_of(linears.begin(), linears.end(), [&](const std::string& glob) {
            return probe::globMatches(glob, linear.name());
        });
        if (!chosen)
            return;
        const auto before = linear.format();
        const Tensor dense = before->toDense();
        ++matched;
        const auto after = compressor.compress(linear.name(), dense, options, progress);
        if (!after)
            return;
        report.layers.push_back(
            {linear.name(), before->bytes(), after->bytes(), relativeError(dense, after->toDense())});
        linear.setFormat(after);
    });
    if (matched == 0) {
        std::vector<std::string> names;
        std::as_const(model).forEachLinear([&](const nn::Linear& linear) { names.push_back(linear.name()); });
        throw UsageError(fmt::format(
            "No linear layer matches; the first and last of the model's {} are {} and {}.", names.size(),
            names.empty() ? "none" : names.front(), names.empty() ? "none" : names.back()));
    }
    return report;
}

void saveCompressed(const model::Model& model, const fs::path& source, const Compressor& compressor,
                    const OptionValues& options, const CompressionReport& report, const fs::path& folder,
                    const Progress& progress) {
    std::error_code failure;
    if (fs::exists(folder) && !fs::is_empty(folder, failure))
        throw UsageError(fmt::format(
            "The folder {} is not empty; choose another one, nothing is overwritten.", folder.string()));
    fs::create_directories(folder, failure);
    if (failure)
        throw Error(fmt::format("The folder {} cannot be made ({}).", folder.string(), failure.message()));

    std::set<std::string> compressed;
    for (const auto& layer : report.layers)
        compressed.insert(layer.name);
    const std::set<std::string> gone = weightsOf(model.modules(), compressed);
    const auto original = checkpoint::Checkpoint::open(source);
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const auto& name : original->names())
        if (!gone.contains(name))
            tensors.emplace_back(name, original->tensor(name));
    model.forEachLinear([&](const nn::Linear& linear) {
        if (!compressed.contains(linear.name()))
            return;
        for (const auto& [suffix, tensor] : linear.format()->save())
            tensors.emplace_back(linear.name() + "/" + suffix, tensor);
    });
    checkpoint::writeSafetensors(folder / "model.safetensors", tensors, {{"format", "pt"}}, progress);

    OrderedJson config = OrderedJson::parse(readTextFile(source / "config.json"));
    OrderedJson record{{"compressor", compressor.info().id},
                       {"options", options.toJson()},
                       {"linears", OrderedJson::array()}};
    for (const auto& layer : report.layers)
        record["linears"].push_back(layer.name);
    config[key] = record;
    writeFileAtomically(folder / "config.json", config.dump(2));
    for (const char* file : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                             "vocab.txt", "vocab.json", "merges.txt", "generation_config.json"})
        if (fs::exists(source / file))
            fs::copy_file(source / file, folder / file, failure);
}

std::shared_ptr<model::Model> openModel(const fs::path& folder, const model::OpenOptions& options,
                                        const FindCompressor& find) {
    const fs::path file = folder / "config.json";
    if (!fs::exists(file))
        return model::Model::open(folder, options); // says what is missing
    const Json config = readJsonFile(file);
    if (!config.is_object() || !config.contains(key))
        return model::Model::open(folder, options);
    const Json& record = config.at(key);
    const auto broken = [&](const char* what) {
        return InputError(
            fmt::format("The key {} of {} {}; compress the model again.", key, file.string(), what));
    };
    if (!record.is_object() || !record.contains("compressor") || !record["compressor"].is_string() ||
        !record.contains("linears") || !record["linears"].is_array())
        throw broken("is incomplete");
    std::set<std::string> linears;
    for (const auto& name : record["linears"]) {
        if (!name.is_string())
            throw broken("lists something that is no name");
        linears.insert(name.get<std::string>());
    }
    const auto compressor = find(record["compressor"].get<std::string>());
    const auto stored = checkpoint::Checkpoint::open(folder);
    std::map<std::string, std::map<std::string, Tensor>> saved;
    for (const auto& name : stored->names())
        if (const auto slash = name.rfind('/');
            slash != std::string::npos && linears.contains(name.substr(0, slash)))
            saved[name.substr(0, slash)].emplace(name.substr(slash + 1), stored->tensor(name));
    model::OpenOptions withFormats = options;
    withFormats.storedFormat = [&](const std::string& name, std::int64_t outputs,
                                   std::int64_t inputs) -> std::shared_ptr<const nn::WeightFormat> {
        if (!linears.contains(name))
            return nullptr;
        return compressor->load(name, saved[name], outputs, inputs);
    };
    return model::Model::open(folder, withFormats);
}

} // namespace orrery::compress
