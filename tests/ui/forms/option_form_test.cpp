// SPDX-License-Identifier: GPL-3.0-or-later
#include "forms/option_form.h"

#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>

#include <limits>

using namespace orrery;
using namespace orrery::ui;

namespace {

OptionSchema everyType() {
    OptionSchema schema;
    schema.boolean("fold", false, "Fold the norms.");
    schema.integer("count", 5, "How many.").range(1, 100);
    schema.integer("seed", 0, "Any 64-bit number.").advanced();
    schema.real("damping", 0.5, "Share.").range(0, 1).unit("1/s");
    schema.text("name", "a", "A word.");
    schema.choice("mode", "mean", "How heads are joined.")
        .choice("mean", "their mean")
        .choice("max", "the largest");
    schema.integers("length", {128}, "Tokens.").range(1, 8192);
    schema.reals("rates", {0.1}, "Rates.");
    schema.texts("sites", {}, "Sites.");
    schema.path("file", "", "A file.");
    return schema;
}

void retype(QWidget* editor, const QString& text) {
    editor->setFocus();
    QTest::keyClick(editor, Qt::Key_A, Qt::ControlModifier);
    QTest::keyClicks(editor, text);
}

} // namespace

class OptionFormTest : public QObject {
    Q_OBJECT
private slots:
    void keysOfEveryTypeReachTheValues();
    void wrongTextKeepsTheLastGoodValueAndSaysWhy();
    void resetGoesBackToTheDefault();
    void arrowsStepWithinTheRange();
    void advancedOptionsAreFolded();
    void valuesRoundTrip();
    void everyEditorHasAnAccessibleNameAndHelp();
};

void OptionFormTest::keysOfEveryTypeReachTheValues() {
    OptionForm form(everyType());
    form.show();
    QVERIFY(QTest::qWaitForWindowExposed(&form));
    QTest::keyClick(form.editor("fold"), Qt::Key_Space);
    retype(form.editor("count"), "42");
    retype(form.editor("seed"), "9007199254740993"); // not a double, not an int
    retype(form.editor("damping"), "0.25");
    retype(form.editor("name"), "L3 H5");
    form.editor("mode")->setFocus();
    QTest::keyClick(form.editor("mode"), Qt::Key_Down);
    retype(form.editor("length"), "32,128-256+128");
    retype(form.editor("rates"), "1e-3,0.5");
    retype(form.editor("sites"), "embed,blocks.0.hook_resid_pre");
    retype(form.editor("file"), "/tmp/x.txt");
    const OptionValues& values = form.values();
    QCOMPARE(values.boolean("fold"), true);
    QCOMPARE(values.integer("count"), std::int64_t{42});
    QCOMPARE(values.integer("seed"), std::int64_t{9007199254740993});
    QCOMPARE(values.real("damping"), 0.25);
    QCOMPARE(values.text("name"), std::string("L3 H5"));
    QCOMPARE(values.text("mode"), std::string("max"));
    QVERIFY((values.integers("length") == std::vector<std::int64_t>{32, 128, 256}));
    QVERIFY((values.reals("rates") == std::vector<double>{1e-3, 0.5}));
    QVERIFY((values.texts("sites") == std::vector<std::string>{"embed", "blocks.0.hook_resid_pre"}));
    QCOMPARE(values.text("file"), std::string("/tmp/x.txt"));
    QVERIFY(form.valid());
}

void OptionFormTest::wrongTextKeepsTheLastGoodValueAndSaysWhy() {
    OptionForm form(everyType());
    form.show();
    const QSignalSpy validity(&form, &OptionForm::validityChanged);
    retype(form.editor("damping"), "7");
    QVERIFY(!form.valid());
    QVERIFY2(form.problem().contains("damping"), qPrintable(form.problem()));
    QVERIFY(form.findChild<QLabel*>("damping.help")->text().contains("damping"));
    QVERIFY(form.values().real("damping") <= 1.0);
    retype(form.editor("damping"), "0.75");
    QVERIFY(form.valid());
    QCOMPARE(form.values().real("damping"), 0.75);
    QCOMPARE(validity.count(), 2);
}

void OptionFormTest::resetGoesBackToTheDefault() {
    OptionForm form(everyType());
    form.show();
    QVERIFY(QTest::qWaitForWindowExposed(&form));
    auto* reset = form.findChild<QToolButton*>("count.reset");
    QVERIFY(!reset->isVisible());
    retype(form.editor("count"), "oops");
    QVERIFY(reset->isVisible());
    QTest::mouseClick(reset, Qt::LeftButton);
    QVERIFY(form.valid());
    QCOMPARE(form.values().integer("count"), std::int64_t{5});
    QVERIFY(!reset->isVisible());
}

void OptionFormTest::arrowsStepWithinTheRange() {
    OptionForm form(everyType());
    form.show();
    retype(form.editor("count"), "99");
    for (int i = 0; i < 3; ++i)
        QTest::keyClick(form.editor("count"), Qt::Key_Up);
    QCOMPARE(form.values().integer("count"), std::int64_t{100});
    QTest::keyClick(form.editor("damping"), Qt::Key_Down);
    QCOMPARE(form.values().real("damping"), 0.4);
}

void OptionFormTest::advancedOptionsAreFolded() {
    OptionForm form(everyType());
    form.show();
    QVERIFY(!form.editor("seed")->isVisible());
    QTest::mouseClick(form.findChild<QToolButton*>("moreOptions"), Qt::LeftButton);
    QVERIFY(form.editor("seed")->isVisible());
}

void OptionFormTest::valuesRoundTrip() {
    OptionForm first(everyType());
    retype(first.editor("length"), "64-1024*2");
    retype(first.editor("damping"), "0.125");
    OptionForm second(everyType());
    second.setValues(first.values());
    QCOMPARE(second.values().toJson().dump(), first.values().toJson().dump());
    second.resetAll();
    QCOMPARE(second.values().toJson().dump(), OptionValues(everyType()).toJson().dump());
}

void OptionFormTest::everyEditorHasAnAccessibleNameAndHelp() {
    OptionForm form(everyType());
    const OptionSchema schema = everyType();
    for (const Option& option : schema.all()) {
        const QWidget* editor = form.editor(QString::fromStdString(option.name()));
        QVERIFY(editor != nullptr);
        QCOMPARE(editor->accessibleName(), QString::fromStdString(option.name()));
        QVERIFY(editor->toolTip().startsWith(QString::fromStdString(option.help())));
    }
}

QTEST_MAIN(OptionFormTest)
#include "option_form_test.moc"
