// SPDX-License-Identifier: GPL-3.0-or-later
#include "models/log_model.h"

#include "shell/icons.h"
#include "shell/theme.h"

namespace orrery::ui {

namespace {

constexpr qsizetype keptLines = 5000;

} // namespace

LogModel::LogModel(QObject* parent)
    : QAbstractListModel(parent), m_sink(addLogSink([this](LogLevel level, std::string_view message) {
          // Any thread may log; rows change on the window's.
          QMetaObject::invokeMethod(
              this,
              [this, level,
               text = QString::fromUtf8(message.data(), static_cast<qsizetype>(message.size()))] {
                  append(level, text);
              },
              Qt::QueuedConnection);
      })) {}

LogModel::~LogModel() {
    removeLogSink(m_sink);
}

int LogModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_lines.size());
}

QString LogModel::lineText(const Line& line) {
    return line.time.toString(QStringLiteral("HH:mm:ss.zzz")) + QStringLiteral("  ") + line.message;
}

QVariant LogModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= m_lines.size())
        return {};
    const Line& line = m_lines[index.row()];
    switch (role) {
    case Qt::DisplayRole:
        return lineText(line);
    case Qt::ToolTipRole:
    case messageRole:
        return line.message;
    case levelRole:
        return static_cast<int>(line.level);
    case Qt::DecorationRole:
        switch (line.level) {
        case LogLevel::Error:
            return icon(QStringLiteral("error"));
        case LogLevel::Warning:
            return icon(QStringLiteral("warning"));
        default:
            return icon(QStringLiteral("right"));
        }
    case Qt::ForegroundRole:
        switch (line.level) {
        case LogLevel::Error:
            return Theme::colours().bad;
        case LogLevel::Warning:
            return Theme::colours().warning;
        case LogLevel::Debug:
            return Theme::colours().muted;
        case LogLevel::Info:
            break;
        }
        return {};
    default:
        return {};
    }
}

void LogModel::append(LogLevel level, const QString& message) {
    if (m_lines.size() >= keptLines) {
        beginRemoveRows({}, 0, 0);
        m_lines.removeFirst();
        endRemoveRows();
    }
    const int row = static_cast<int>(m_lines.size());
    beginInsertRows({}, row, row);
    m_lines.push_back({QDateTime::currentDateTime(), level, message});
    endInsertRows();
}

void LogModel::clear() {
    beginResetModel();
    m_lines.clear();
    endResetModel();
}

QString LogModel::text() const {
    QString all;
    for (const Line& line : m_lines)
        all += lineText(line) + QLatin1Char('\n');
    return all;
}

} // namespace orrery::ui
