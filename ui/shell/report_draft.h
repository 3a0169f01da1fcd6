// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "report/report.h"

#include <QList>
#include <QObject>
#include <QString>

#include <memory>

class QUndoStack;

namespace orrery::ui {

/// One piece of the report as it is edited: a heading, words or a figure.
struct DraftBlock {
    enum class Kind { Heading, Words, Figure };
    int id = 0;
    Kind kind = Kind::Words;
    QString text;  ///< heading or Markdown; of a figure: a remark shown below it
    int level = 1; ///< of a heading
    std::shared_ptr<const figure::Figure> figure;
    friend bool operator==(const DraftBlock&, const DraftBlock&) = default;
};

/// The report that is being written: title, summary and a list of blocks, all undoable.
class ReportDraft : public QObject {
    Q_OBJECT
public:
    using FigurePointer = std::shared_ptr<const figure::Figure>;

    explicit ReportDraft(QUndoStack& undo, QObject* parent = nullptr);

    [[nodiscard]] const QString& title() const { return m_state.title; }
    [[nodiscard]] const QString& summary() const { return m_state.summary; }
    [[nodiscard]] const QList<DraftBlock>& blocks() const { return m_state.blocks; }
    [[nodiscard]] const DraftBlock* find(int id) const;

    void setTitle(const QString& title);
    void setSummary(const QString& markdown);
    int addHeading(const QString& text, int level = 1, int at = -1); ///< at -1: the end; returns the id
    int addWords(const QString& markdown, int at = -1);
    int addFigure(const FigurePointer& figure, int at = -1);
    void setText(int id, const QString& text);
    void setLevel(int id, int level);
    void move(int id, int to);
    void remove(int id);
    void clear();

    /// As the writers of reports want it; blocks before the first heading form a section of their own.
    [[nodiscard]] report::Report toReport() const;
    /// For the workspace: everything, figures included. fromJson is not undoable (a document is opened).
    [[nodiscard]] QByteArray toJson() const;
    void fromJson(const QByteArray& json); ///< throws InputError

signals:
    void changed();          ///< anything
    void blockAdded(int id); ///< by the user, to be shown

private:
    struct State {
        QString title;
        QString summary;
        QList<DraftBlock> blocks;
        friend bool operator==(const State&, const State&) = default;
    };
    friend class DraftCommand;
    void push(const QString& what, State state, int mergeKey = 0);
    int insert(const QString& what, DraftBlock block, int at);

    QUndoStack& m_undo;
    State m_state;
    int m_nextId = 1;
};

} // namespace orrery::ui
