// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/report_draft.h"

#include "base/error.h"
#include "base/version.h"
#include "figure/serialize.h"

#include <QDateTime>
#include <QElapsedTimer>
#include <QUndoCommand>
#include <QUndoStack>

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr qint64 mergePause = 1500; // ms
constexpr int titleKey = 1;
constexpr int summaryKey = 2;
constexpr int firstBlockKey = 16;

const char* kindNameOf(DraftBlock::Kind kind) {
    switch (kind) {
    case DraftBlock::Kind::Heading:
        return "heading";
    case DraftBlock::Kind::Words:
        return "words";
    case DraftBlock::Kind::Figure:
        break;
    }
    return "figure";
}

} // namespace

class DraftCommand : public QUndoCommand {
public:
    DraftCommand(ReportDraft& draft, const QString& what, ReportDraft::State after, int mergeKey)
        : QUndoCommand(what), m_draft(draft), m_before(draft.m_state), m_after(std::move(after)),
          m_key(mergeKey) {
        m_age.start();
    }
    void undo() override { apply(m_before); }
    void redo() override { apply(m_after); }
    [[nodiscard]] int id() const override { return m_key == 0 ? -1 : 2; }
    bool mergeWith(const QUndoCommand* other) override {
        const auto* next = static_cast<const DraftCommand*>(other);
        if (next->m_key != m_key || m_age.elapsed() > mergePause)
            return false;
        m_after = next->m_after;
        m_age.restart();
        return true;
    }

private:
    void apply(const ReportDraft::State& state) {
        m_draft.m_state = state;
        emit m_draft.changed();
    }
    ReportDraft& m_draft;
    ReportDraft::State m_before;
    ReportDraft::State m_after;
    int m_key;
    QElapsedTimer m_age;
};

ReportDraft::ReportDraft(QUndoStack& undo, QObject* parent) : QObject(parent), m_undo(undo) {
    m_state.title = tr("Report");
}

const DraftBlock* ReportDraft::find(int id) const {
    const auto& blocks = m_state.blocks;
    const auto found =
        std::find_if(blocks.begin(), blocks.end(), [id](const DraftBlock& b) { return b.id == id; });
    return found == blocks.end() ? nullptr : &*found;
}

void ReportDraft::push(const QString& what, State state, int mergeKey) {
    if (state == m_state)
        return;
    m_undo.push(new DraftCommand(*this, what, std::move(state), mergeKey));
}

void ReportDraft::setTitle(const QString& title) {
    State state = m_state;
    state.title = title;
    push(tr("Change title"), std::move(state), titleKey);
}

void ReportDraft::setSummary(const QString& markdown) {
    State state = m_state;
    state.summary = markdown;
    push(tr("Change summary"), std::move(state), summaryKey);
}

int ReportDraft::insert(const QString& what, DraftBlock block, int at) {
    block.id = m_nextId++;
    const int id = block.id;
    State state = m_state;
    state.blocks.insert(at < 0 ? state.blocks.size() : std::min<qsizetype>(at, state.blocks.size()),
                        std::move(block));
    push(what, std::move(state));
    emit blockAdded(id);
    return id;
}

int ReportDraft::addHeading(const QString& text, int level, int at) {
    DraftBlock block;
    block.kind = DraftBlock::Kind::Heading;
    block.text = text;
    block.level = level;
    return insert(tr("Add section"), std::move(block), at);
}

int ReportDraft::addWords(const QString& markdown, int at) {
    DraftBlock block;
    block.text = markdown;
    return insert(tr("Add text"), std::move(block), at);
}

int ReportDraft::addFigure(const FigurePointer& figure, int at) {
    DraftBlock block;
    block.kind = DraftBlock::Kind::Figure;
    block.figure = figure;
    return insert(tr("Add figure"), std::move(block), at);
}

void ReportDraft::setText(int id, const QString& text) {
    const DraftBlock* block = find(id);
    if (block == nullptr)
        return;
    State state = m_state;
    state.blocks[block - m_state.blocks.constData()].text = text;
    push(tr("Edit report"), std::move(state), firstBlockKey + id);
}

void ReportDraft::setLevel(int id, int level) {
    const DraftBlock* block = find(id);
    if (block == nullptr)
        return;
    State state = m_state;
    state.blocks[block - m_state.blocks.constData()].level = std::clamp(level, 1, 3);
    push(tr("Change level"), std::move(state));
}

void ReportDraft::move(int id, int to) {
    const DraftBlock* block = find(id);
    if (block == nullptr)
        return;
    State state = m_state;
    const auto from = block - m_state.blocks.constData();
    state.blocks.move(from, std::clamp<qsizetype>(to, 0, state.blocks.size() - 1));
    push(tr("Move"), std::move(state));
}

void ReportDraft::remove(int id) {
    State state = m_state;
    state.blocks.removeIf([id](const DraftBlock& block) { return block.id == id; });
    push(tr("Remove from report"), std::move(state));
}

void ReportDraft::clear() {
    State state;
    state.title = tr("Report");
    push(tr("New report"), std::move(state));
}

report::Report ReportDraft::toReport() const {
    report::Report made;
    made.title = m_state.title.toStdString();
    made.summary = m_state.summary.toStdString();
    made.created = QDateTime::currentDateTime().toString(Qt::ISODate).toStdString();
    for (const DraftBlock& block : m_state.blocks) {
        if (block.kind == DraftBlock::Kind::Heading) {
            report::Section section;
            section.title = block.text.toStdString();
            section.level = block.level;
            made.sections.push_back(std::move(section));
            continue;
        }
        if (made.sections.empty()) {
            report::Section section;
            section.title = tr("Result").toStdString();
            made.sections.push_back(std::move(section));
        }
        auto& blocks = made.sections.back().blocks;
        if (block.kind == DraftBlock::Kind::Figure) {
            blocks.emplace_back(report::FigureBlock{block.figure});
            if (!block.text.trimmed().isEmpty())
                blocks.emplace_back(report::Note{{}, block.text.toStdString()});
        } else {
            blocks.emplace_back(report::Paragraph{block.text.toStdString()});
        }
    }
    made.environment.emplace_back("Orrery", version());
    return made;
}

QByteArray ReportDraft::toJson() const {
    OrderedJson json;
    json["title"] = m_state.title.toStdString();
    json["summary"] = m_state.summary.toStdString();
    json["blocks"] = OrderedJson::array();
    for (const DraftBlock& block : m_state.blocks) {
        OrderedJson one;
        one["kind"] = kindNameOf(block.kind);
        one["text"] = block.text.toStdString();
        if (block.kind == DraftBlock::Kind::Heading)
            one["level"] = block.level;
        if (block.figure != nullptr)
            one["figure"] = figure::toJson(*block.figure, figure::MatrixEncoding::Base64);
        json["blocks"].push_back(std::move(one));
    }
    return QByteArray::fromStdString(json.dump());
}

void ReportDraft::fromJson(const QByteArray& text) {
    const std::string name = "the stored report";
    const Json json =
        parseJson(std::string_view(text.constData(), static_cast<std::size_t>(text.size())), name);
    State state;
    try {
        state.title = QString::fromStdString(json.at("title").get<std::string>());
        state.summary = QString::fromStdString(json.value("summary", std::string()));
        for (const Json& one : json.at("blocks")) {
            DraftBlock block;
            block.id = m_nextId++;
            const std::string kind = one.at("kind").get<std::string>();
            block.text = QString::fromStdString(one.value("text", std::string()));
            block.level = std::clamp(one.value("level", 1), 1, 3);
            if (kind == "heading") {
                block.kind = DraftBlock::Kind::Heading;
            } else if (kind == "figure") {
                block.kind = DraftBlock::Kind::Figure;
                block.figure =
                    std::make_shared<const figure::Figure>(figure::fromJson(one.at("figure"), name));
            }
            state.blocks.push_back(std::move(block));
        }
    } catch (const Json::exception&) {
        throw InputError("The stored report is not one that Orrery wrote; start a new one.");
    }
    m_undo.clear();
    m_state = std::move(state);
    emit changed();
}

} // namespace orrery::ui
