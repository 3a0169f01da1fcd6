// SPDX-License-Identifier: GPL-3.0-or-later
// The whole window by keys and mouse, on the demo model.
#include "panels/input/input_panel.h"
#include "panels/input/token_flow.h"
#include "panels/models/models_panel.h"
#include "panels/report/report_panel.h"
#include "shell/action_book.h"
#include "shell/banner.h"
#include "shell/command_palette.h"
#include "shell/main_window.h"
#include "shell/manual.h"
#include "shell/pass.h"
#include "shell/perspectives.h"
#include "shell/report_draft.h"
#include "shell/resources.h"
#include "shell/session.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>
#include <QDropEvent>
#include <QElapsedTimer>
#include <QLineEdit>
#include <QListWidget>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QTextBrowser>
#include <QToolButton>

#include <memory>

using namespace orrery;
using namespace orrery::ui;

namespace {

const QString bert = QStringLiteral(ORRERY_SOURCE_DIR "/resources/models/docs-bert");

void drop(QWidget& target, QMimeData& data) {
    QDragEnterEvent enter(QPoint(200, 200), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&target, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent event(QPointF(200, 200), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&target, &event);
}

} // namespace

class WindowTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init();
    void cleanup();
    void aDroppedFolderAndTextGiveAPass();
    void typingRunsAgainWithinTheLimit();
    void anEditIsMarkedAndUndone();
    void oneSelectionEverywhere();
    void thePaletteRunsWhatWasTyped();
    void escapeClearsTheTokens();
    void aMissingModelIsASentenceInTheBanner();
    void perspectivesHideAndShowDocks();
    void theSessionComesBack();
    void theManualHasAPageForEveryPanel();
    void everyButtonHasAName();
    void theReportIsWrittenAndExported();

private:
    void openAll();
    [[nodiscard]] InputPanel* input() const { return static_cast<InputPanel*>(m_window->panel("input")); }
    QTemporaryDir m_folder;
    std::unique_ptr<Workbench> m_workbench;
    std::unique_ptr<MainWindow> m_window;
};

void WindowTest::initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    QCoreApplication::setAttribute(Qt::AA_DontUseNativeMenuBar);
    initResources();
    Theme::of(*qApp).apply("light");
}

void WindowTest::init() {
    m_workbench = std::make_unique<Workbench>(m_folder.filePath("test.orrery").toStdString());
    m_workbench->settings().setRunWhileTyping(true);
    m_window = std::make_unique<MainWindow>(*m_workbench);
    m_window->resize(1280, 800);
    m_window->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
}

void WindowTest::cleanup() {
    m_window.reset();
    m_workbench.reset();
}

void WindowTest::openAll() {
    m_window->openPath(bert);
    m_workbench->inputs().add("The function returns a new array.");
    QTRY_VERIFY_WITH_TIMEOUT(m_workbench->look().current() != nullptr, 20000);
}

void WindowTest::aDroppedFolderAndTextGiveAPass() {
    QMimeData folder;
    folder.setUrls({QUrl::fromLocalFile(bert)});
    drop(*m_window, folder);
    QMimeData text;
    text.setText("Returns the number of items.");
    drop(*m_window, text);
    QTRY_VERIFY_WITH_TIMEOUT(m_workbench->look().current() != nullptr, 20000);
    const PassPointer pass = m_workbench->look().current();
    QCOMPARE(pass->tokens.first(), QString("[CLS]"));
    QCOMPARE(pass->trace.pattern(0).heads(), 8);
    QTRY_COMPARE(input()->tokens()->tokens().size(), pass->tokens.size());
}

void WindowTest::typingRunsAgainWithinTheLimit() {
    openAll();
    input()->takeFocus();
    QTest::keyClicks(input()->textEdit(), " It");
    QTRY_VERIFY(m_workbench->look().current()->input.text.endsWith(" It"));
    qint64 best = 1000000;
    double added = 1e6; // by the window, over the model's own run, whose time is other processes' matter too
    for (const QChar key : QString(" is so")) {
        QSignalSpy done(&m_workbench->look(), &Look::done);
        QElapsedTimer clock;
        clock.start();
        QTest::keyClick(input()->textEdit(), key.toLatin1());
        QVERIFY(done.wait(10000));
        const qint64 elapsed = clock.elapsed();
        best = std::min(best, elapsed);
        added =
            std::min(added, static_cast<double>(elapsed) - m_workbench->look().current()->runSeconds * 1e3);
        QCOMPARE(m_workbench->look().current()->input.text, input()->textEdit()->toPlainText());
    }
    qInfo("from key to pass: %lld ms at best, of which the window takes %.1f ms (the limit is 150 ms)",
          static_cast<long long>(best), added);
    QVERIFY2(added <= 100, qPrintable(QString::number(added)));
}

void WindowTest::anEditIsMarkedAndUndone() {
    openAll();
    const QString before = input()->textEdit()->toPlainText();
    input()->takeFocus();
    QTest::keyClicks(input()->textEdit(), " again");
    QTRY_VERIFY(m_workbench->look().previous() != nullptr);
    const auto added = [this] {
        int count = 0;
        for (const TokenChange& change : input()->tokens()->tokens())
            count += change.kind == TokenChange::Kind::Added ? 1 : 0;
        return count;
    };
    QTRY_COMPARE(added(), 1);
    QTest::keyClick(input()->textEdit(), Qt::Key_Z, Qt::ControlModifier);
    QTRY_COMPARE(input()->textEdit()->toPlainText(), before);
    QTRY_COMPARE(added(), 0);
}

void WindowTest::oneSelectionEverywhere() {
    openAll();
    QTRY_COMPARE(input()->tokens()->tokens().size(), m_workbench->look().current()->tokens.size());
    QTest::mouseClick(input()->tokens(), Qt::LeftButton, {}, input()->tokens()->chipOf(2).center().toPoint());
    QCOMPARE(m_workbench->selection().query(), 2);
    QTest::mouseClick(input()->tokens(), Qt::LeftButton, Qt::ControlModifier,
                      input()->tokens()->chipOf(3).center().toPoint());
    QCOMPARE(m_workbench->selection().key(), 3);
    m_workbench->selection().setHead(1, 2);
    const auto* inspector = m_window->panel("inspector")->findChild<QTextBrowser*>();
    QTRY_VERIFY(inspector->toPlainText().contains("L1H2"));
    QTRY_VERIFY(inspector->toPlainText().contains("function"));
    m_workbench->selection().setSite("blocks.1.hook_mlp_out");
    QTRY_VERIFY_WITH_TIMEOUT(inspector->toPlainText().contains("256"), 10000);
    QTRY_VERIFY_WITH_TIMEOUT(inspector->toPlainText().contains("Quartiles"), 10000);
}

void WindowTest::thePaletteRunsWhatWasTyped() {
    QTest::keyClick(m_window.get(), Qt::Key_P, Qt::ControlModifier | Qt::ShiftModifier);
    auto* palette = m_window->findChild<CommandPalette*>();
    QVERIFY(palette != nullptr);
    QTest::keyClicks(palette->findChild<QLineEdit*>(), "go plugins");
    QTest::keyClick(palette->findChild<QLineEdit*>(), Qt::Key_Return);
    QTRY_COMPARE(m_window->tabs()->currentWidget(), static_cast<QWidget*>(m_window->panel("plugins")));
}

void WindowTest::escapeClearsTheTokens() {
    openAll();
    m_workbench->selection().setCell(1, 2);
    QTest::keyClick(input()->tokens(), Qt::Key_Escape);
    QCOMPARE(m_workbench->selection().query(), -1);
    QCOMPARE(m_workbench->selection().key(), -1);
}

void WindowTest::aMissingModelIsASentenceInTheBanner() {
    m_window->openPath(m_folder.path());
    QTRY_VERIFY(!m_window->banner().sentence().isEmpty());
    QVERIFY2(m_window->banner().sentence().contains(m_folder.path()),
             qPrintable(m_window->banner().sentence()));
    m_window->openPath("/no/such/thing");
    QVERIFY(m_window->banner().sentence().contains("/no/such/thing"));
}

void WindowTest::perspectivesHideAndShowDocks() {
    m_window->perspectives().applyBuiltIn("write");
    QVERIFY(!m_window->dock("inspector")->isVisible());
    QCOMPARE(m_window->tabs()->currentWidget(), static_cast<QWidget*>(m_window->panel("report")));
    m_window->perspectives().save("mine");
    m_window->perspectives().reset();
    QVERIFY(m_window->dock("inspector")->isVisible());
    m_window->perspectives().applySaved("mine");
    QVERIFY(!m_window->dock("inspector")->isVisible());
    m_window->perspectives().remove("mine");
    QVERIFY(!m_window->perspectives().saved().contains("mine"));
}

void WindowTest::theSessionComesBack() {
    openAll();
    Session(*m_workbench).save();
    cleanup();
    init();
    Session session(*m_workbench);
    QVERIFY(session.restore());
    QTRY_VERIFY_WITH_TIMEOUT(m_workbench->look().current() != nullptr, 20000);
    QCOMPARE(m_workbench->look().current()->input.text, QString("The function returns a new array."));
    QCOMPARE(m_workbench->models().entries().size(), 1);
}

void WindowTest::theManualHasAPageForEveryPanel() {
    const QStringList pages = Manual::pages();
    for (const Panel* panel : m_window->panels())
        QVERIFY2(pages.contains(panel->id()), qPrintable(panel->id()));
    m_window->showPanel("bench");
    m_window->openManual();
    auto* manual = m_window->findChild<Manual*>();
    QCOMPARE(manual->page(), QString("bench"));
    manual->close();
}

void WindowTest::everyButtonHasAName() {
    for (const auto* button : m_window->findChildren<QAbstractButton*>()) {
        if (button->objectName().startsWith("qt_") || button->parentWidget()->inherits("QTabBar"))
            continue;
        const bool named =
            !button->text().isEmpty() || !button->accessibleName().isEmpty() || !button->toolTip().isEmpty();
        // The mark in a dock's title is a picture, not a button.
        QVERIFY2(named || button->testAttribute(Qt::WA_TransparentForMouseEvents) || !button->isVisible(),
                 qPrintable(button->parentWidget()->objectName() + "/" + button->metaObject()->className()));
    }
}

void WindowTest::theReportIsWrittenAndExported() {
    auto* report = static_cast<ReportPanel*>(m_window->panel("report"));
    m_window->showPanel("report");
    m_workbench->report().clear();
    auto* title = report->findChild<QLineEdit*>();
    title->setFocus();
    title->selectAll();
    QTest::keyClicks(title, "What heads do");
    QCOMPARE(m_workbench->report().title(), QString("What heads do"));
    figure::Figure figure;
    figure.id = "numbers";
    figure.title = "Numbers";
    figure.body = figure::Table{{{"a", "", 4}}, {{1.5}}};
    m_workbench->report().addFigure(std::make_shared<const figure::Figure>(figure));
    QTRY_VERIFY(report->preview().toPlainText().contains("Figure 1. Numbers"));
    for (const char* ending : {"html", "pdf", "md"}) {
        const QString path = m_folder.filePath(QStringLiteral("r.%1").arg(ending));
        report->saveTo(path);
        QVERIFY(QFileInfo(path).size() > 100);
    }
    QFile html(m_folder.filePath("r.html"));
    QVERIFY(html.open(QIODevice::ReadOnly));
    QVERIFY(html.readAll().contains("What heads do"));
    m_workbench->undo().undo();
    QVERIFY(m_workbench->report().blocks().isEmpty());
}

QTEST_MAIN(WindowTest)
#include "window_test.moc"
