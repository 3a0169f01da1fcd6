// SPDX-License-Identifier: GPL-3.0-or-later
// Draws every figure kind in both themes into BUILD/gallery: as exports and as widgets, for a person to look
// at.
#include "figures/export.h"
#include "figures/figure_view.h"
#include "figures/report_pdf.h"
#include "sample_figures.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QFile>

#include <iostream>

namespace {

void write(const QString& path, const QByteArray& content) {
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(content) != content.size())
        std::cerr << "cannot write " << path.toStdString() << '\n';
}

QPalette darkPalette() {
    QPalette palette;
    palette.setColor(QPalette::Window, QColor(0x22, 0x25, 0x2b));
    palette.setColor(QPalette::Base, QColor(0x1b, 0x1e, 0x23));
    palette.setColor(QPalette::AlternateBase, QColor(0x22, 0x26, 0x2c));
    palette.setColor(QPalette::Text, QColor(0xe7, 0xea, 0xee));
    palette.setColor(QPalette::WindowText, QColor(0xe7, 0xea, 0xee));
    palette.setColor(QPalette::PlaceholderText, QColor(0x8a, 0x93, 0x9e));
    palette.setColor(QPalette::Button, QColor(0x2b, 0x2f, 0x36));
    palette.setColor(QPalette::ButtonText, QColor(0xe7, 0xea, 0xee));
    return palette;
}

} // namespace

int main(int argc, char** argv) {
    using namespace orrery;
    qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication application(argc, argv);
    application.setStyle(QStringLiteral("fusion"));
    const QString folder = QStringLiteral(ORRERY_BINARY_DIR "/gallery");
    QDir().mkpath(folder);
    const auto figures = ui::sampleFigures();
    for (const bool dark : {false, true}) {
        QApplication::setPalette(dark ? darkPalette() : QPalette());
        const QString theme = dark ? QStringLiteral("dark") : QStringLiteral("light");
        for (const auto& figure : figures) {
            const QString name = folder + "/" + theme + "-" + QString::fromStdString(figure.id);
            ui::ExportOptions options;
            options.style = dark ? ui::FigureStyle::darkTheme() : ui::FigureStyle::light();
            write(name + ".svg", ui::renderSvg(figure, options));
            write(name + ".png", ui::renderPng(figure, 1.5, options));
            if (!dark)
                write(name + ".pdf", ui::renderPdf(figure, options));
            auto held = std::make_shared<figure::Figure>(figure);
            ui::FigureView view(held);
            view.resize(1280, 800);
            view.show();
            view.body()->setSelection(3, 2);
            QElapsedTimer clock;
            clock.start();
            do {
                QApplication::processEvents(QEventLoop::AllEvents, 20);
                view.body()->update();
                QApplication::processEvents(QEventLoop::AllEvents, 20);
            } while (!view.body()->settled() && clock.elapsed() < 20000);
            QApplication::processEvents(QEventLoop::AllEvents, 50);
            view.grab().save(name + "-widget.png");
        }
    }
    std::cout << folder.toStdString() << '\n';
    return 0;
}
