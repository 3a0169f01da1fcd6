// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/log.h"

#include <QAbstractListModel>
#include <QDateTime>
#include <QList>
#include <QString>

namespace orrery::ui {

/// The messages of the log, newest last, the last 5000.
class LogModel : public QAbstractListModel {
    Q_OBJECT
public:
    static constexpr int levelRole = Qt::UserRole + 1;
    static constexpr int messageRole = Qt::UserRole + 2;

    explicit LogModel(QObject* parent = nullptr); ///< listens from now on
    ~LogModel() override;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    void clear();
    [[nodiscard]] QString text() const; ///< all of it, a line each

private:
    struct Line {
        QDateTime time;
        LogLevel level;
        QString message;
    };
    void append(LogLevel level, const QString& message);
    [[nodiscard]] static QString lineText(const Line& line);
    QList<Line> m_lines;
    int m_sink;
};

} // namespace orrery::ui
