// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLineEdit;
class QListWidget;
class QTextBrowser;

namespace orrery::ui {

/// The manual: pages of resources/manual with a list of them and a search over all.
class Manual : public QWidget {
    Q_OBJECT
public:
    explicit Manual(QWidget* parent = nullptr);
    void showPage(const QString& page); ///< "attention"; the first page when there is no such page
    [[nodiscard]] QString page() const;
    /// Names of all pages, the introduction first.
    [[nodiscard]] static QStringList pages();

private:
    void fill(const QString& search);
    QLineEdit* m_search;
    QListWidget* m_list;
    QTextBrowser* m_text;
};

} // namespace orrery::ui
