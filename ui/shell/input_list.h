// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QObject>
#include <QString>

class QUndoStack;

namespace orrery::ui {

/// A text (or pair of texts) to run models on.
struct Input {
    int id = 0;
    QString text;
    QString pair; ///< second segment when hasPair
    bool hasPair = false;
    QString file;                        ///< where it came from, empty when typed
    [[nodiscard]] QString title() const; ///< first words, for lists
    friend bool operator==(const Input&, const Input&) = default;
};

/// The inputs of the session. Every change goes through the undo stack; typing in one text merges into one
/// step.
class InputList : public QObject {
    Q_OBJECT
public:
    explicit InputList(QUndoStack& undo, QObject* parent = nullptr);

    [[nodiscard]] const QList<Input>& inputs() const { return m_inputs; }
    [[nodiscard]] const Input* find(int id) const;
    [[nodiscard]] const Input* current() const { return find(m_current); }
    [[nodiscard]] int currentId() const { return m_current; }
    void setCurrent(int id);

    int add(const QString& text); ///< and make it current; returns its id
    int addPair(const QString& text, const QString& pair);
    /// Reads a text file as one input; throws InputError when it cannot be read, is no UTF-8 text or is
    /// larger than 4 MiB.
    int addFile(const QString& path);
    int duplicate(int id);
    void remove(int id);
    void setText(int id, const QString& text);
    void setPair(int id, const QString& pair);
    void setHasPair(int id, bool hasPair);
    /// Replaces everything without an undo step: session restore.
    void restore(const QList<Input>& inputs, int current);

signals:
    void added(int id);
    void removed(int id);
    void changed(int id); ///< its text or pair
    void currentChanged();

private:
    friend class InputCommand;
    void apply(const QList<Input>& inputs, int current);
    void push(const QString& what, const QList<Input>& inputs, int current, int mergeKey);

    QUndoStack& m_undo;
    QList<Input> m_inputs;
    int m_nextId = 1;
    int m_current = 0;
};

} // namespace orrery::ui
