// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugin/loader.h"

#include <QString>
#include <QStringList>

#include <filesystem>
#include <vector>

class QApplication;

namespace orrery::ui {

struct WindowOptions {
    std::vector<std::filesystem::path> paths; ///< models and texts to open
    std::filesystem::path workspace;          ///< empty: the default in the user's data folder
    std::filesystem::path demoModels;         ///< folder with docs-bert, docs-gpt ...; empty: search for it
    QString text;                             ///< a first input, already analysed when the window is there
    int threads = 0;                          ///< 0: as the settings say
    QString dtype;                            ///< empty: as the settings say
    std::filesystem::path tour;               ///< not empty: take the scripted tour into this folder and end
    bool restoreSession = true;
    std::vector<plugin::PluginState> plugins; ///< what the loader found, for the Plugins panel
};

/// Opens the window and runs the application until it is closed; returns the exit status. The models load
/// after the first frame.
int runWindow(QApplication& application, const WindowOptions& options);

} // namespace orrery::ui
