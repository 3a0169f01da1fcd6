// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QTimer>

namespace orrery::ui {

class Workbench;

/// What was open, kept for the next start: models, inputs, which of them are current, the report. Written a
/// moment after every change, so that a crash loses next to nothing.
class Session : public QObject {
    Q_OBJECT
public:
    explicit Session(Workbench& workbench, QObject* parent = nullptr);
    /// Opens what the last session had; false when there was none.
    bool restore();
    void save();
    /// From now on changes are kept.
    void begin();

private:
    Workbench& m_workbench;
    QTimer m_rest;
    bool m_keeping = false;
};

} // namespace orrery::ui
