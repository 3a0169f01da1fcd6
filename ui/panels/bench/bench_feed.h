// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "measure/bench.h"
#include "shell/workbench.h"

#include <QObject>

#include <map>
#include <memory>
#include <vector>

namespace orrery::ui {

/// What a running benchmark tells the window: made on the window's thread, fed on the measuring one, heard
/// through queued signals, so that a panel that is gone is not told any more.
class BenchFeed : public QObject {
    Q_OBJECT
public:
    using Figures = std::vector<std::shared_ptr<const figure::Figure>>;

    /// Deleted on the window's thread whoever lets go of it last.
    static std::shared_ptr<BenchFeed> make();

    /// Runs the benchmark (or, with run > 0, goes on with it) on the calling thread into its own connection.
    measure::BenchOutcome measure(const std::filesystem::path& workspaceFile,
                                  const measure::BenchRequest& request, store::RunId run,
                                  const Progress& progress);

signals:
    void runStarted(qint64 run);
    void figuresReady(const orrery::ui::BenchFeed::Figures& figures);

private:
    void showSamples(const store::Cell& cell, std::span<const double> added);
    struct Live {
        std::string name;
        std::vector<double> seconds;
    };
    std::vector<std::int64_t> m_order;
    std::map<std::int64_t, Live> m_live;
    Figures m_finished; ///< of the run so far
    double m_lastShown = 0;
};

} // namespace orrery::ui
