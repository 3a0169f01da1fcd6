// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "commands.h"

#include <fmt/format.h>

namespace orrery::app {

void defineComingLater(CLI::App& parser, Session& session) {
    const std::pair<const char*, const char*> later[] = {{"task", "task pipelines"},
                                                         {"train", "training"},
                                                         {"catalogue", "the catalogue of the seed systems"}};
    for (const auto& [name, what] : later) {
        auto* command = parser.add_subcommand(name, fmt::format("Not yet: {} come in a later version", what));
        command->allow_extras();
        command->callback([&session, name = std::string(name)] {
            session.action = [name]() -> int {
                throw UsageError(fmt::format(
                    "`orrery {}` comes in a later version; this one has inspect, tokenize, trace, analyze, "
                    "generate, compress, bench, run, runs, report, parts, plugin and verify.",
                    name));
            };
        });
    }
}

} // namespace orrery::app
