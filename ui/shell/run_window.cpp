// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/run_window.h"

#include "base/log.h"
#include "shell/main_window.h"
#include "shell/resources.h"
#include "shell/session.h"
#include "shell/theme.h"
#include "shell/tour.h"
#include "shell/workbench.h"
#include "store/workspace.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QFileInfo>
#include <QLibraryInfo>
#include <QLocale>
#include <QTimer>
#include <QTranslator>

#include <fmt/format.h>

namespace orrery::ui {

namespace {

void loadTranslations(QApplication& application, const QString& language) {
    const QLocale locale = language == QLatin1String("system") ? QLocale::system() : QLocale(language);
    QLocale::setDefault(locale);
    // English plurals, under whatever translation there is.
    auto* english = new QTranslator(&application);
    if (english->load(QStringLiteral(":/translations/orrery_en.qm")))
        application.installTranslator(english);
    auto* ours = new QTranslator(&application);
    if (ours->load(locale, QStringLiteral("orrery"), QStringLiteral("_"), QStringLiteral(":/translations")))
        application.installTranslator(ours);
    auto* qt = new QTranslator(&application);
    if (qt->load(locale, QStringLiteral("qtbase"), QStringLiteral("_"),
                 QLibraryInfo::path(QLibraryInfo::TranslationsPath)))
        application.installTranslator(qt);
}

QString toText(const std::filesystem::path& path) {
    return QString::fromStdString(path.string());
}

QStringList demoModels(const std::filesystem::path& given) {
    const QString program = QCoreApplication::applicationDirPath();
    QStringList places{toText(given), program + QStringLiteral("/../share/orrery/models"),
                       program + QStringLiteral("/resources/models")};
    // From a build folder up to the tree that it was made from.
    for (QDir folder(program); folder.cdUp() && !folder.isRoot();)
        places.push_back(folder.absoluteFilePath(QStringLiteral("resources/models")));
    for (const QString& place : places) {
        if (place.isEmpty() || !QFileInfo(place).isDir())
            continue;
        QStringList folders;
        for (const QFileInfo& entry :
             QDir(place).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
            if (QFileInfo::exists(entry.absoluteFilePath() + QStringLiteral("/config.json")))
                folders.push_back(QDir::cleanPath(entry.absoluteFilePath()));
        if (!folders.isEmpty())
            return folders;
    }
    return {};
}

/// Calls back once, when a widget has been painted for the first time.
class FirstFrame final : public QObject {
public:
    FirstFrame(QWidget& widget, std::function<void()> action)
        : QObject(&widget), m_action(std::move(action)) {
        widget.installEventFilter(this);
        QTimer::singleShot(longestWait, this, [this] { run(); }); // a minimised window is not painted
    }
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::Paint)
            QTimer::singleShot(0, this, [this] { run(); });
        return QObject::eventFilter(watched, event);
    }

private:
    static constexpr int longestWait = 1000; // ms
    void run() {
        if (const auto action = std::exchange(m_action, nullptr)) {
            action();
            deleteLater();
        }
    }
    std::function<void()> m_action;
};

} // namespace

int runWindow(QApplication& application, const WindowOptions& options) {
    QElapsedTimer clock;
    clock.start();
    initResources();
    application.setWindowIcon(QIcon(QStringLiteral(":/icons/orrery.svg")));
    const bool tour = !options.tour.empty();
    // The tour measures a little to have something to show: not into the user's workspace.
    const std::filesystem::path usual = tour ? options.tour / "tour.orrery" : store::defaultWorkspacePath();
    Workbench workbench(options.workspace.empty() ? usual : options.workspace, options.plugins);
    Settings& settings = workbench.settings();
    loadTranslations(application, tour ? QStringLiteral("en") : settings.language());
    if (options.threads > 0)
        settings.setThreads(options.threads);
    if (!options.dtype.isEmpty())
        settings.setDtype(options.dtype);
    Theme& theme = Theme::of(application);
    theme.apply(settings.theme());
    QObject::connect(&settings, &Settings::changed, &theme, [&](const QString& key) {
        if (key == QLatin1String("look/theme"))
            theme.apply(settings.theme());
    });

    MainWindow window(workbench);
    const QStringList demos = demoModels(options.demoModels);
    window.setDemoModels(demos);
    Session session(workbench);
    if (!tour && options.restoreSession && settings.restoresSession())
        window.restoreLayout();
    // Everything that takes time begins after the first frame.
    new FirstFrame(window, [&] {
        log(LogLevel::Info, fmt::format("The window was painted after {} ms.", clock.elapsed()));
        if (!tour && options.restoreSession && settings.restoresSession() && options.paths.empty())
            session.restore();
        for (const auto& path : options.paths)
            window.openPath(toText(path));
        if (!options.text.isEmpty())
            workbench.inputs().add(options.text);
        session.begin();
    });
    window.show();
    if (!tour) {
        const int status = QApplication::exec();
        session.save();
        return status;
    }
    QApplication::processEvents();
    if (options.paths.empty()) {
        const auto found = std::find_if(demos.begin(), demos.end(), [](const QString& folder) {
            return folder.endsWith(QLatin1String("docs-bert"));
        });
        if (found == demos.end()) {
            fmt::print(stderr, "There is no demo model to take the tour with; name a model's folder.\n");
            return 3;
        }
        window.openPath(*found);
    }
    if (options.text.isEmpty())
        workbench.inputs().add(
            QStringLiteral("The function returns a new array with the same shape as the input."));
    Tour visit(window, workbench, options.tour);
    return visit.take() ? 0 : 1;
}

} // namespace orrery::ui
