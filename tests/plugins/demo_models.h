// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "analyze/analyzer.h"
#include "model/model.h"
#include "plugin/loader.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace orrery::test {

inline std::shared_ptr<model::Model> demoModel(const std::string& name) {
    return model::Model::open(std::string(ORRERY_SOURCE_DIR) + "/resources/models/" + name);
}

/// The part that the built plugin brings, loaded as the program loads it.
template <typename Interface>
std::shared_ptr<const Interface> loadedPart(const char* file, const std::string& id) {
    static plugin::Registry registry; // parts outlive the test, as in the program
    const auto state = plugin::Loader(registry).loadFile(file);
    EXPECT_EQ(state.status, plugin::PluginStatus::Loaded) << state.reason;
    return registry.require<Interface>(id);
}

inline const figure::Figure& figureNamed(const std::vector<figure::Figure>& figures, const std::string& id) {
    for (const auto& figure : figures)
        if (figure.id == id)
            return figure;
    throw std::runtime_error("no figure " + id);
}

} // namespace orrery::test
