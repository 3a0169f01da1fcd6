// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "shell/panel.h"

#include <QTimer>

class QCheckBox;
class QLabel;
class QListWidget;
class QPlainTextEdit;

namespace orrery::ui {

class TokenFlow;
class Workbench;

/// The inputs of the session and the text of the current one, tokenized while it is typed, with what the edit
/// changed.
class InputPanel : public Panel {
    Q_OBJECT
public:
    explicit InputPanel(Workbench& workbench, QWidget* parent = nullptr);
    [[nodiscard]] QString title() const override { return tr("Inputs"); }
    [[nodiscard]] QList<QAction*> panelActions() const override;
    void takeFocus() override; ///< the text

    [[nodiscard]] QPlainTextEdit* textEdit() const { return m_text; }
    [[nodiscard]] TokenFlow* tokens() const { return m_tokens; }

signals:
    void openFileRequested();

protected:
    void themeChanged() override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void fillList();
    void showCurrent();
    void tokenize();
    void showTokens(const QStringList& tokens, std::vector<bool> special, qint64 positions);
    void updateActions();

    Workbench& m_workbench;
    QListWidget* m_list;
    QPlainTextEdit* m_text;
    QPlainTextEdit* m_pair;
    QCheckBox* m_hasPair;
    QLabel* m_count;
    TokenFlow* m_tokens;
    QTimer m_rest;
    QAction* m_add;
    QAction* m_addPair;
    QAction* m_addFile;
    QAction* m_duplicate;
    QAction* m_remove;
    bool m_showing = false; ///< the editors are being filled: nobody typed
};

} // namespace orrery::ui
