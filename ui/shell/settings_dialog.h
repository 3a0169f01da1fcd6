// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>

namespace orrery::ui {

class Settings;

/// Everything the user can choose about the window and new runs. Changes take effect at once.
class SettingsDialog : public QDialog {
    Q_OBJECT
public:
    explicit SettingsDialog(Settings& settings, QWidget* parent = nullptr);
};

} // namespace orrery::ui
