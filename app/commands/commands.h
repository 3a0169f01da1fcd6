// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "session.h"

namespace orrery::app {

// One subcommand each, in a file of its own name. A definition adds the subcommand with its options to the
// parser and leaves what it does in session.action when it is chosen.
void defineInspect(CLI::App& parser, Session& session);
void defineTokenize(CLI::App& parser, Session& session);
void defineTrace(CLI::App& parser, Session& session);
void defineAnalyze(CLI::App& parser, Session& session);
void defineGenerate(CLI::App& parser, Session& session);
void defineCompress(CLI::App& parser, Session& session);
void defineBench(CLI::App& parser, Session& session);
void defineRun(CLI::App& parser, Session& session);
void defineRuns(CLI::App& parser, Session& session);
void defineReport(CLI::App& parser, Session& session);
void defineParts(CLI::App& parser, Session& session);
void definePlugin(CLI::App& parser, Session& session);
void defineVerify(CLI::App& parser, Session& session);
/// Subcommands of cli.md that this version does not have yet: they say so and fail.
void defineComingLater(CLI::App& parser, Session& session);

} // namespace orrery::app
