// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>

class QLabel;

namespace orrery::ui {

/// A sentence about something that went wrong, above the tabs until it is closed or the trouble is over. It
/// asks nothing and blocks nothing.
class Banner : public QFrame {
    Q_OBJECT
public:
    explicit Banner(QWidget* parent = nullptr);
    void showSentence(const QString& sentence);
    [[nodiscard]] QString sentence() const;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* m_text;
};

} // namespace orrery::ui
