// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "shell/panel.h"

#include <QHash>
#include <QImage>
#include <QTimer>

#include <memory>

class QLabel;
class QLineEdit;
class QListWidget;
class QPlainTextEdit;
class QStackedWidget;
class QTextBrowser;

namespace orrery::ui {

class Workbench;

/// The report that is being written: its pieces at the left, the words of the chosen one in the middle, what
/// it will look like at the right. Figures are dropped in or added from any figure's menu.
class ReportPanel : public Panel {
    Q_OBJECT
public:
    explicit ReportPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Report"); }
    [[nodiscard]] QList<QAction*> panelActions() const override;
    void takeFocus() override;

    /// Writes the report by the ending of the path: html, pdf, md. Throws Error.
    void saveTo(const QString& path);
    [[nodiscard]] QListWidget& outline() { return *m_outline; }
    [[nodiscard]] QTextBrowser& preview() { return *m_preview; }

protected:
    void themeChanged() override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void fillOutline();
    void showCurrent();
    void showPreview();
    void exportReport();
    void moveCurrent(int by);
    [[nodiscard]] int currentBlock() const; ///< id; 0: title and summary
    [[nodiscard]] int positionAfterCurrent() const;
    QImage pictureOf(const std::shared_ptr<const figure::Figure>& figure);

    Workbench& m_workbench;
    QListWidget* m_outline;
    QLineEdit* m_title;
    QLabel* m_what;
    QPlainTextEdit* m_words;
    QTextBrowser* m_preview;
    QTimer m_rest;
    QHash<const figure::Figure*, QImage> m_pictures;
    bool m_showing = false;
    QAction* m_addSection;
    QAction* m_addWords;
    QAction* m_up;
    QAction* m_down;
    QAction* m_remove;
    QAction* m_export;
    QAction* m_clear;
};

} // namespace orrery::ui
