// SPDX-License-Identifier: GPL-3.0-or-later
// From the settings of a grid's point to a workload: opens models and applies parts.
#include "base/error.h"
#include "compress/compressed_model.h"
#include "measure/bench.h"

#include <fmt/format.h>

#include <map>

namespace orrery::measure {
namespace {

template <typename Interface>
std::shared_ptr<const Interface> partOf(const PartFinder& parts, const std::string& id) {
    auto part = std::dynamic_pointer_cast<const Interface>(parts(Interface::kind, id));
    if (!part)
        throw UsageError(fmt::format("There is no {} '{}'.", Interface::kind, id));
    return part;
}

} // namespace

std::shared_ptr<const model::Model> openForPoint(const BenchSettings& settings, const PartFinder& parts) {
    model::OpenOptions options;
    options.dtype = dtypeFromName(settings.dtype).value_or(DType::F32);
    const auto opened = compress::openModel(settings.model, options, [&](std::string_view id) {
        return partOf<compress::Compressor>(parts, std::string(id));
    });
    if (settings.mixer.empty() && settings.kernel.empty() && settings.compressor.empty())
        return opened;
    auto model = opened->copy();
    if (!settings.compressor.empty()) {
        const auto compressor = partOf<compress::Compressor>(parts, settings.compressor);
        compress::compressModel(*model, *compressor, OptionValues(compressor->options()), {"blocks.*"});
    }
    for (int layer = 0; layer < model->layers(); ++layer) {
        if (!settings.mixer.empty()) {
            const auto part = partOf<nn::TokenMixerPart>(parts, settings.mixer);
            Generator generator(0);
            model->setMixer(layer,
                            part->make(model->mixerPlace(layer), OptionValues(part->options()), generator));
        }
        if (!settings.kernel.empty()) {
            const auto part = partOf<nn::AttentionKernelPart>(parts, settings.kernel);
            model->setAttentionKernel(layer, part->make(OptionValues(part->options())));
        }
    }
    return model;
}

WorkloadMaker modelWorkloads(const PartFinder& parts) {
    // Weak: an instance lives as long as a workload uses it, so a long grid does not hold all its models at
    // once.
    auto instances = std::make_shared<std::map<std::string, std::weak_ptr<const model::Model>>>();
    return [parts, instances](const BenchSettings& settings, const BenchRequest& request) {
        const std::string key = fmt::format("{}|{}|{}|{}|{}", settings.model, settings.dtype, settings.mixer,
                                            settings.kernel, settings.compressor);
        auto model = (*instances)[key].lock();
        if (!model) {
            model = openForPoint(settings, parts);
            (*instances)[key] = model;
        }
        ModelWorkloadSettings how;
        how.kind = settings.workload == "prefill"  ? WorkloadKind::Prefill
                   : settings.workload == "decode" ? WorkloadKind::Decode
                                                   : WorkloadKind::Encode;
        how.length = settings.length;
        how.batch = settings.batch;
        how.generated = settings.generated;
        how.threads = settings.threads;
        how.seed = static_cast<std::uint64_t>(request.options.integer("seed"));
        if (!request.text.empty())
            how.ids = model->encode(request.text).inputIds.select(0, 0).toIntegers();
        return makeWorkload(model, how);
    };
}

} // namespace orrery::measure
