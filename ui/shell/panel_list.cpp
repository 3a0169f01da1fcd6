// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/panel_list.h"

#include "panels/attention/attention_panel.h"
#include "panels/bench/bench_panel.h"
#include "panels/input/input_panel.h"
#include "panels/inspector/inspector_panel.h"
#include "panels/jobs/jobs_panel.h"
#include "panels/lenses/lenses_panel.h"
#include "panels/log/log_panel.h"
#include "panels/models/models_panel.h"
#include "panels/plugins/plugins_panel.h"
#include "panels/report/report_panel.h"
#include "panels/workspace/workspace_panel.h"
#include "shell/action_book.h"
#include "shell/main_window.h"
#include "shell/workbench.h"

#include <QAction>

namespace orrery::ui {

QList<PlacedPanel> makePanels(Workbench& workbench, MainWindow& window) {
    const auto trigger = [&window](const char* id) {
        return [&window, id = QString::fromLatin1(id)] {
            if (QAction* action = window.actionBook().find(id))
                action->trigger();
        };
    };
    auto* models = new ModelsPanel(workbench, &window);
    QObject::connect(models, &ModelsPanel::openRequested, &window, trigger("file.open"));
    auto* input = new InputPanel(workbench, &window);
    QObject::connect(input, &InputPanel::openFileRequested, &window, trigger("file.openInput"));
    return {
        {new AttentionPanel(workbench, &window), PanelPlace::Tab},
        {new LensesPanel(workbench, &window), PanelPlace::Tab},
        {new BenchPanel(workbench, &window), PanelPlace::Tab},
        {new ReportPanel(workbench, &window), PanelPlace::Tab},
        {new PluginsPanel(workbench, &window), PanelPlace::Tab},
        {models, PanelPlace::Left},
        {input, PanelPlace::Left},
        {new InspectorPanel(workbench, &window), PanelPlace::Right},
        {new JobsPanel(workbench, &window), PanelPlace::Bottom},
        {new LogPanel(&window), PanelPlace::Bottom},
        {new WorkspacePanel(workbench, &window), PanelPlace::Bottom},
    };
}

} // namespace orrery::ui
