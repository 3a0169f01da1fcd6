// SPDX-License-Identifier: GPL-3.0-or-later
// Inputs with undo, the diff of tokens, fuzzy search, shortcuts: what needs no window.
#include "base/error.h"
#include "models/token_diff.h"
#include "shell/action_book.h"
#include "shell/fuzzy.h"
#include "shell/input_list.h"
#include "shell/settings.h"

#include <QRandomGenerator>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTemporaryFile>
#include <QTest>
#include <QUndoStack>

using namespace orrery;
using namespace orrery::ui;

class ListsTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { QStandardPaths::setTestModeEnabled(true); }
    void everyChangeOfInputsCanBeUndone();
    void typingIsOneStep();
    void filesAreCheckedBeforeTheyBecomeInputs();
    void tokenDiffRebuildsBothSides();
    void tokenDiffNamesChanges();
    void fuzzyPrefersBeginningsOfWords();
    void shortcutsAreKeptAndConflictsFound();
};

void ListsTest::everyChangeOfInputsCanBeUndone() {
    QUndoStack undo;
    InputList inputs(undo);
    const int a = inputs.add("one");
    const int b = inputs.addPair("two", "three");
    inputs.setHasPair(b, false);
    const int c = inputs.duplicate(a);
    inputs.remove(b);
    QCOMPARE(inputs.inputs().size(), 2);
    QCOMPARE(inputs.inputs()[1].id, c);
    const QList<Input> end = inputs.inputs();
    while (undo.canUndo())
        undo.undo();
    QVERIFY(inputs.inputs().isEmpty());
    QCOMPARE(inputs.currentId(), 0);
    while (undo.canRedo())
        undo.redo();
    QVERIFY(inputs.inputs() == end);
}

void ListsTest::typingIsOneStep() {
    QUndoStack undo;
    InputList inputs(undo);
    const int id = inputs.add("");
    for (const char* text : {"a", "ab", "abc"})
        inputs.setText(id, text);
    QCOMPARE(undo.count(), 2);
    undo.undo();
    QCOMPARE(inputs.find(id)->text, QString());
}

void ListsTest::filesAreCheckedBeforeTheyBecomeInputs() {
    QUndoStack undo;
    InputList inputs(undo);
    QVERIFY_EXCEPTION_THROWN(inputs.addFile("/no/such/file"), InputError);
    QTemporaryFile file;
    QVERIFY(file.open());
    file.write("\xff\xfe not utf-8 \x80");
    file.flush();
    QVERIFY_EXCEPTION_THROWN(inputs.addFile(file.fileName()), InputError);
    file.resize(0);
    file.seek(0);
    file.write("Gr\xc3\xbc\xc3\x9f"
               "e\n");
    file.flush();
    const int id = inputs.addFile(file.fileName());
    QCOMPARE(inputs.find(id)->text, QString::fromUtf8("Gr\xc3\xbc\xc3\x9f"
                                                      "e"));
    QVERIFY(inputs.find(id)->title().contains("Gr"));
}

void ListsTest::tokenDiffRebuildsBothSides() {
    QRandomGenerator random(7);
    for (int round = 0; round < 300; ++round) {
        QStringList before;
        QStringList after;
        for (int i = random.bounded(12); i > 0; --i)
            before << QString(QChar('a' + random.bounded(4)));
        for (int i = random.bounded(12); i > 0; --i)
            after << QString(QChar('a' + random.bounded(4)));
        QStringList left;
        QStringList right;
        int position = 0;
        for (const TokenChange& change : tokenDiff(before, after)) {
            using Kind = TokenChange::Kind;
            if (change.kind == Kind::Same || change.kind == Kind::Removed)
                left << change.token;
            if (change.kind == Kind::Changed)
                left << change.before;
            if (change.kind != Kind::Removed) {
                right << change.token;
                QCOMPARE(change.position, position++);
            } else {
                QCOMPARE(change.position, -1);
            }
        }
        QCOMPARE(left, before);
        QCOMPARE(right, after);
    }
}

void ListsTest::tokenDiffNamesChanges() {
    using Kind = TokenChange::Kind;
    const auto kinds = [](const QList<TokenChange>& changes) {
        QList<Kind> made;
        for (const TokenChange& change : changes)
            made << change.kind;
        return made;
    };
    QCOMPARE(kinds(tokenDiff({"the", "old", "cat"}, {"the", "new", "cat"})),
             (QList{Kind::Same, Kind::Changed, Kind::Same}));
    QCOMPARE(kinds(tokenDiff({"a", "b"}, {"a", "x", "b"})), (QList{Kind::Same, Kind::Added, Kind::Same}));
    QCOMPARE(kinds(tokenDiff({"a", "x", "b"}, {"a", "b"})), (QList{Kind::Same, Kind::Removed, Kind::Same}));
}

void ListsTest::fuzzyPrefersBeginningsOfWords() {
    QVERIFY(!fuzzyMatch("xyz", "Open a model"));
    QVERIFY(fuzzyMatch("", "anything").has_value());
    const auto words = fuzzyMatch("om", "File: Open a model");
    const auto inside = fuzzyMatch("om", "Go: automatic");
    QVERIFY(words && inside);
    QVERIFY(words->score > inside->score);
    QCOMPARE(fuzzyMatch("model", "Open a model")->positions, (QList{7, 8, 9, 10, 11}));
}

void ListsTest::shortcutsAreKeptAndConflictsFound() {
    Settings settings;
    settings.remove("shortcuts/a");
    QAction a("&Run");
    a.setShortcut(QKeySequence("F5"));
    QAction b("&Stop…");
    b.setShortcut(QKeySequence("Shift+F5"));
    {
        ActionBook book(settings);
        book.add("a", "Run", &a);
        book.add("b", "Run", &b);
        QCOMPARE(book.conflicts(QKeySequence("Shift+F5"), "a"), QStringList{"b"});
        QVERIFY(book.conflicts(QKeySequence("F5"), "a").isEmpty());
        book.setShortcut("a", QKeySequence("Ctrl+R"));
        QVERIFY(!book.isDefault("a"));
        QCOMPARE(ActionBook::plainText(&b), QString("Stop"));
    }
    QAction again("&Run");
    again.setShortcut(QKeySequence("F5"));
    ActionBook book(settings);
    book.add("a", "Run", &again);
    QCOMPARE(again.shortcut(), QKeySequence("Ctrl+R"));
    book.resetShortcut("a");
    QCOMPARE(again.shortcut(), QKeySequence("F5"));
}

QTEST_MAIN(ListsTest)
#include "lists_test.moc"
