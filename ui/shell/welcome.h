// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QStringList>
#include <QWidget>

class QVBoxLayout;

namespace orrery::ui {

/// What is shown while no model is open: the demo models, recent ones, and three things to try.
class Welcome : public QWidget {
    Q_OBJECT
public:
    explicit Welcome(QWidget* parent = nullptr);
    /// Folders of the demo models; each becomes a card with the first words of its README.
    void setDemoModels(const QStringList& folders);
    void setRecent(const QStringList& paths); ///< missing ones are shown greyed

signals:
    void openRequested(const QString& folder);
    void openDialogRequested();
    /// "attention", "pair", "bench": one of the things to try.
    void tryRequested(const QString& what);

private:
    QVBoxLayout* m_models;
    QVBoxLayout* m_recent;
    QWidget* m_recentBox;
};

} // namespace orrery::ui
