// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "models/token_diff.h"

#include <QList>
#include <QRectF>
#include <QWidget>

#include <vector>

namespace orrery::ui {

class Selection;

/// The tokens of the input as chips in reading order, with what an edit changed: added, removed and changed
/// tokens are marked by colour and by a sign. Linked to the selection: a click chooses the query token, with
/// Ctrl the key token; arrows move.
class TokenFlow : public QWidget {
    Q_OBJECT
public:
    explicit TokenFlow(Selection& selection, QWidget* parent = nullptr);

    void setTokens(QList<TokenChange> changes, std::vector<bool> special);
    [[nodiscard]] const QList<TokenChange>& tokens() const { return m_tokens; }
    /// Where the chip of a token is drawn; empty when there is none.
    [[nodiscard]] QRectF chipOf(int position) const;

    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;
    [[nodiscard]] QSize sizeHint() const override { return {200, heightForWidth(200)}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {80, 24}; }

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    double arrange(double width, std::vector<QRectF>* rects) const;
    [[nodiscard]] int chipAt(const QPointF& point) const;
    [[nodiscard]] QString shown(const TokenChange& change) const;
    void updateLayout();
    void announce();

    Selection& m_selection;
    QList<TokenChange> m_tokens;
    std::vector<bool> m_special; ///< by position
    std::vector<QRectF> m_rects;
};

} // namespace orrery::ui
