// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"

#include <QDialog>

namespace orrery::ui {

/// How a figure came to be, and the command line that makes it again, ready to copy.
class ProvenanceDialog final : public QDialog {
    Q_OBJECT
public:
    explicit ProvenanceDialog(const figure::Figure& figure, QWidget* parent = nullptr);
};

} // namespace orrery::ui
