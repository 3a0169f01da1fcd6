// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/input_list.h"

#include "base/error.h"

#include <QElapsedTimer>
#include <QFile>
#include <QFileInfo>
#include <QStringDecoder>
#include <QUndoCommand>
#include <QUndoStack>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery::ui {

namespace {

constexpr qint64 largestFile = 4 << 20;
constexpr int noMerge = 0;
constexpr qint64 mergePause = 1500; // ms: a longer rest begins a new undo step

} // namespace

QString Input::title() const {
    QString line = text.simplified();
    if (hasPair)
        line += QStringLiteral(" ⏐ ") + pair.simplified();
    if (!file.isEmpty())
        line = QFileInfo(file).fileName() + QStringLiteral(": ") + line;
    return line.left(120);
}

/// One step of undo: the whole list before and after (texts are shared, so this costs pointers).
class InputCommand : public QUndoCommand {
public:
    InputCommand(InputList& list, const QString& what, QList<Input> before, int currentBefore,
                 QList<Input> after, int currentAfter, int mergeKey)
        : QUndoCommand(what), m_list(list), m_before(std::move(before)), m_after(std::move(after)),
          m_currentBefore(currentBefore), m_currentAfter(currentAfter), m_mergeKey(mergeKey) {
        m_age.start();
    }
    void undo() override { m_list.apply(m_before, m_currentBefore); }
    void redo() override { m_list.apply(m_after, m_currentAfter); }
    [[nodiscard]] int id() const override { return m_mergeKey == noMerge ? -1 : 1; }
    bool mergeWith(const QUndoCommand* other) override {
        const auto* next = static_cast<const InputCommand*>(other);
        if (next->m_mergeKey != m_mergeKey || m_age.elapsed() > mergePause)
            return false;
        m_after = next->m_after;
        m_currentAfter = next->m_currentAfter;
        m_age.restart();
        return true;
    }

private:
    InputList& m_list;
    QList<Input> m_before;
    QList<Input> m_after;
    int m_currentBefore;
    int m_currentAfter;
    int m_mergeKey;
    QElapsedTimer m_age;
};

InputList::InputList(QUndoStack& undo, QObject* parent) : QObject(parent), m_undo(undo) {}

const Input* InputList::find(int id) const {
    const auto found =
        std::find_if(m_inputs.begin(), m_inputs.end(), [id](const Input& i) { return i.id == id; });
    return found == m_inputs.end() ? nullptr : &*found;
}

void InputList::setCurrent(int id) {
    if (id == m_current || (id != 0 && find(id) == nullptr))
        return;
    m_current = id;
    emit currentChanged();
}

void InputList::push(const QString& what, const QList<Input>& inputs, int current, int mergeKey) {
    m_undo.push(new InputCommand(*this, what, m_inputs, m_current, inputs, current, mergeKey));
}

void InputList::apply(const QList<Input>& inputs, int current) {
    const QList<Input> before = std::exchange(m_inputs, inputs);
    const int currentBefore = std::exchange(m_current, current);
    const auto among = [](const QList<Input>& list, int id) {
        return std::find_if(list.begin(), list.end(), [id](const Input& i) { return i.id == id; });
    };
    for (const Input& input : before)
        if (among(m_inputs, input.id) == m_inputs.end())
            emit removed(input.id);
    for (const Input& input : inputs) {
        const auto old = among(before, input.id);
        if (old == before.end())
            emit added(input.id);
        else if (!(*old == input))
            emit changed(input.id);
    }
    if (currentBefore != m_current)
        emit currentChanged();
}

int InputList::add(const QString& text) {
    Input input;
    input.id = m_nextId++;
    input.text = text;
    push(tr("Add input"), m_inputs + QList{input}, input.id, noMerge);
    return input.id;
}

int InputList::addPair(const QString& text, const QString& pair) {
    Input input;
    input.id = m_nextId++;
    input.text = text;
    input.pair = pair;
    input.hasPair = true;
    push(tr("Add pair"), m_inputs + QList{input}, input.id, noMerge);
    return input.id;
}

int InputList::addFile(const QString& path) {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        throw InputError(fmt::format("The file {} cannot be read: {}.", path.toStdString(),
                                     file.errorString().toStdString()));
    if (file.size() > largestFile)
        throw InputError(
            fmt::format("The file {} is larger than 4 MiB, too much for one input; use a part of it.",
                        path.toStdString()));
    QStringDecoder decoder(QStringDecoder::Utf8);
    const QString text = decoder.decode(file.read(largestFile));
    if (decoder.hasError() || text.contains(QChar::Null))
        throw InputError(fmt::format("The file {} is not a text in UTF-8.", path.toStdString()));
    Input input;
    input.id = m_nextId++;
    input.text = text.trimmed();
    input.file = path;
    push(tr("Add file"), m_inputs + QList{input}, input.id, noMerge);
    return input.id;
}

int InputList::duplicate(int id) {
    const Input* source = find(id);
    if (source == nullptr)
        return 0;
    Input copy = *source;
    copy.id = m_nextId++;
    QList<Input> inputs = m_inputs;
    inputs.insert(source - m_inputs.constData() + 1, copy);
    push(tr("Duplicate input"), inputs, copy.id, noMerge);
    return copy.id;
}

void InputList::remove(int id) {
    const Input* input = find(id);
    if (input == nullptr)
        return;
    QList<Input> inputs = m_inputs;
    const qsizetype at = input - m_inputs.constData();
    inputs.removeAt(at);
    int current = m_current;
    if (current == id)
        current = inputs.isEmpty() ? 0 : inputs[std::min(at, inputs.size() - 1)].id;
    push(tr("Remove input"), inputs, current, noMerge);
}

void InputList::setText(int id, const QString& text) {
    const Input* input = find(id);
    if (input == nullptr || input->text == text)
        return;
    QList<Input> inputs = m_inputs;
    inputs[input - m_inputs.constData()].text = text;
    push(tr("Edit input"), inputs, m_current, 2 * id);
}

void InputList::setPair(int id, const QString& pair) {
    const Input* input = find(id);
    if (input == nullptr || input->pair == pair)
        return;
    QList<Input> inputs = m_inputs;
    inputs[input - m_inputs.constData()].pair = pair;
    push(tr("Edit input"), inputs, m_current, 2 * id + 1);
}

void InputList::setHasPair(int id, bool hasPair) {
    const Input* input = find(id);
    if (input == nullptr || input->hasPair == hasPair)
        return;
    QList<Input> inputs = m_inputs;
    inputs[input - m_inputs.constData()].hasPair = hasPair;
    push(hasPair ? tr("Make a pair") : tr("Drop the second text"), inputs, m_current, noMerge);
}

void InputList::restore(const QList<Input>& inputs, int current) {
    m_undo.clear();
    for (const Input& input : inputs)
        m_nextId = std::max(m_nextId, input.id + 1);
    apply(inputs, current);
}

} // namespace orrery::ui
