// SPDX-License-Identifier: GPL-3.0-or-later
#include "figure/provenance.h"

namespace orrery::figure {

OrderedJson Provenance::toJson() const {
    return {{"model", model},    {"modelHash", modelHash}, {"input", input},     {"inputHash", inputHash},
            {"part", part},      {"site", site},           {"options", options}, {"seed", seed},
            {"dtype", dtype},    {"threads", threads},     {"version", version}, {"commandLine", commandLine},
            {"created", created}};
}

Provenance Provenance::fromJson(const Json& json) {
    Provenance result;
    result.model = json.value("model", "");
    result.modelHash = json.value("modelHash", "");
    result.input = json.value("input", "");
    result.inputHash = json.value("inputHash", "");
    result.part = json.value("part", "");
    result.site = json.value("site", "");
    result.options = json.value("options", OrderedJson::object());
    result.seed = json.value("seed", std::uint64_t{0});
    result.dtype = json.value("dtype", "");
    result.threads = json.value("threads", 0);
    result.version = json.value("version", "");
    result.commandLine = json.value("commandLine", "");
    result.created = json.value("created", "");
    return result;
}

} // namespace orrery::figure
