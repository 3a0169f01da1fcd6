// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QSize>
#include <QString>
#include <QStringList>

#include <filesystem>

namespace orrery::ui {

class MainWindow;
class Workbench;

/// Visits every panel in both themes and both sizes with a model and a sentence, and saves a picture of each:
/// FOLDER/THEME-WIDTHxHEIGHT-PANEL.png. What a person looks at before work on a panel is called done.
class Tour : public QObject {
    Q_OBJECT
public:
    Tour(MainWindow& window, Workbench& workbench, std::filesystem::path folder, QObject* parent = nullptr);

    QList<QSize> sizes{{1280, 800}, {2560, 1440}};
    QStringList themes{QStringLiteral("light"), QStringLiteral("dark")};

    /// Waits for the model and its first pass, takes the pictures, prints where they are. Blocks in a local
    /// event loop. False when the model or the pass failed; the sentence goes to stderr.
    bool take();
    [[nodiscard]] const QStringList& pictures() const { return m_pictures; }

private:
    bool waitForPass();
    void settle(); ///< until no job runs and everything is painted
    void prepareContent();
    void picture(const QString& name);

    MainWindow& m_window;
    Workbench& m_workbench;
    std::filesystem::path m_folder;
    QStringList m_pictures;
    QString m_prefix;
};

} // namespace orrery::ui
