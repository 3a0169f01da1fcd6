// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "figures/colour_map.h"
#include "figures/export.h"
#include "figures/figure_text.h"
#include "figures/pdf_outline.h"
#include "figures/report_pdf.h"
#include "figures/value_colours.h"
#include "sample_figures.h"

#include <QBuffer>
#include <QImageReader>
#include <QProcess>
#include <QStandardPaths>
#include <QSvgRenderer>
#include <QTemporaryDir>
#include <QTest>
#include <QXmlStreamReader>

namespace orrery::ui {

namespace {

QString output(const QString& program, const QStringList& arguments) {
    QProcess process;
    process.start(program, arguments);
    process.waitForFinished(20000);
    return QString::fromUtf8(process.readAllStandardOutput());
}

QString write(const QTemporaryDir& folder, const QString& name, const QByteArray& content) {
    QFile file(folder.filePath(name));
    if (!file.open(QIODevice::WriteOnly) || file.write(content) != content.size())
        return {};
    return file.fileName();
}

report::Report sampleReport() {
    report::Report report;
    report.title = "Attention in docs-gpt";
    report.summary = "Heads of the **first layers** look at the previous token.";
    report.created = "2026-11-24T04:00:00Z";
    report::Section method{"Method", 1, {}};
    std::string words;
    for (int i = 0; i < 60; ++i)
        words += "Paragraph " + std::to_string(i) + " says how the numbers came to be, at some length.\n\n";
    method.blocks.emplace_back(report::Paragraph{words});
    method.blocks.emplace_back(report::Note{"Caveat", "One text only."});
    report.sections.push_back(method);
    report::Section results{"Results", 1, {}};
    for (const auto& figure : sampleFigures())
        results.blocks.emplace_back(report::FigureBlock{std::make_shared<figure::Figure>(figure)});
    report.sections.push_back(results);
    report.sections.push_back({"Details", 2, {report::TableBlock{sampleTable(), "All of them."}}});
    report.environment = {{"Processor", "two cores"}, {"Version", "0.1.0"}};
    return report;
}

} // namespace

class ExportTest : public QObject {
    Q_OBJECT

private slots:
    void svgIsWellFormedWithTextAsTextAndProvenance() {
        for (const auto& figure : sampleFigures()) {
            const QByteArray svg = renderSvg(figure);
            QXmlStreamReader reader(svg);
            QString words;
            QString provenance;
            bool inText = false;
            while (!reader.atEnd()) {
                reader.readNext();
                if (reader.isStartElement() && reader.name() == QLatin1String("metadata"))
                    provenance = reader.readElementText();
                else if (reader.isStartElement())
                    inText = reader.name() == QLatin1String("text");
                else if (reader.isCharacters() && inText)
                    words += reader.text().toString();
            }
            QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
            QVERIFY2(words.contains(QString::fromStdString(figure.title)), qPrintable(words.left(200)));
            const auto json = Json::parse(provenance.toStdString());
            QCOMPARE(json.at("commandLine").get<std::string>(), figure.provenance.commandLine);
            QVERIFY(QSvgRenderer(svg).isValid());
        }
    }

    void svgOfASeriesHasAxisTitlesAndLegendAsText() {
        const QByteArray svg = renderSvg(sampleFigure("s", "t", "", sampleSeries()));
        for (const char* wanted :
             {">sequence length (tokens)<", ">time of one pass (ms)<", ">linear attention<"})
            QVERIFY2(svg.contains(wanted), wanted);
    }

    void hostileTokensStayInside() {
        figure::TokenStrip strip;
        strip.tokens = {"</text></svg><script>alert(1)</script>", "\x01\xff", "]]>"};
        auto figure = sampleFigure("x", "<b>&\"", "</desc>", strip);
        figure.provenance.input = "</metadata><script/>\x02";
        const QByteArray svg = renderSvg(figure);
        QXmlStreamReader reader(svg);
        while (!reader.atEnd()) {
            reader.readNext();
            QVERIFY(!(reader.isStartElement() && reader.name() == QLatin1String("script")));
        }
        QVERIFY2(!reader.hasError(), qPrintable(reader.errorString()));
    }

    void pngHasScaleAndProvenance() {
        const auto figure = sampleFigure("p", "t", "", sampleBars());
        const QImage once = QImage::fromData(renderPng(figure, 1.0));
        const QImage thrice = QImage::fromData(renderPng(figure, 3.0));
        QCOMPARE(once.width(), 760);
        QCOMPARE(thrice.width(), 2280);
        QVERIFY(thrice.text(QStringLiteral("Provenance")).contains(QStringLiteral("orrery look docs-gpt")));
    }

    void pdfHasSelectableTextEmbeddedFontsAndItsSize() {
        if (QStandardPaths::findExecutable(QStringLiteral("pdftotext")).isEmpty())
            QSKIP("pdftotext is not installed");
        const QTemporaryDir folder;
        ExportOptions options;
        options.size = ExportOptions::millimetres(120, 90);
        const QString path =
            write(folder, QStringLiteral("f.pdf"),
                  renderPdf(sampleFigure("f", "A title to find", "", sampleHeatmap(12)), options));
        QVERIFY(output(QStringLiteral("pdftotext"), {path, QStringLiteral("-")})
                    .contains(QStringLiteral("A title to find")));
        QVERIFY(output(QStringLiteral("pdffonts"), {path}).contains(QStringLiteral("yes")));
        const QString info = output(QStringLiteral("pdfinfo"), {path});
        QVERIFY2(info.contains(QRegularExpression(QStringLiteral("Page size: +34[01](\\.\\d+)? x 25[56]"))),
                 qPrintable(info));
        QVERIFY(output(QStringLiteral("pdfinfo"), {QStringLiteral("-meta"), path})
                    .contains(QStringLiteral("orrery look")));
    }

    void exportsMatchTheWidgetsColours() {
        // The middle of a cell has the colour of its value, in the picture as in the map.
        figure::Heatmap map;
        map.values = std::make_shared<figure::DenseMatrix>(1, 2, std::vector<float>{0.0F, 1.0F});
        ExportOptions options;
        options.heading = false;
        const QImage image = QImage::fromData(renderPng(sampleFigure("c", "", "", map), 1.0, options));
        const QRgb low = ColourMap::get(ColourMapId::Viridis).at(0);
        const QRgb high = ColourMap::get(ColourMapId::Viridis).at(1);
        int lows = 0;
        int highs = 0;
        for (int y = 0; y < image.height(); ++y)
            for (int x = 0; x < image.width(); ++x) {
                lows += image.pixel(x, y) == low ? 1 : 0;
                highs += image.pixel(x, y) == high ? 1 : 0;
            }
        QVERIFY(lows > 2000 && highs > 2000);
    }

    void bookmarksLeadToTheirPages() {
        if (QStandardPaths::findExecutable(QStringLiteral("pdftotext")).isEmpty())
            QSKIP("pdftotext is not installed");
        const QTemporaryDir folder;
        const QByteArray pdf = renderReportPdf(sampleReport());
        const QString path = write(folder, QStringLiteral("r.pdf"), pdf);
        write(folder, QStringLiteral("kept.pdf"), pdf);
        QFile::remove(QStringLiteral(ORRERY_BINARY_DIR "/report-sample.pdf"));
        QFile::copy(path, QStringLiteral(ORRERY_BINARY_DIR "/report-sample.pdf")); // to look at
        const QString info = output(QStringLiteral("pdfinfo"), {path});
        QVERIFY2(info.contains(QStringLiteral("Pages:")), qPrintable(info));
        const int pages =
            QRegularExpression(QStringLiteral("Pages: +(\\d+)")).match(info).captured(1).toInt();
        QVERIFY2(pages >= 5, qPrintable(info));
        const QString text = output(QStringLiteral("pdftotext"), {path, QStringLiteral("-")});
        QVERIFY(text.contains(QStringLiteral("2 Results")));
        for (int i = 0; i < 60; ++i) // nothing is lost at the end of a page
            QCOMPARE(text.count(QStringLiteral("Paragraph %1 says").arg(i)), 1);
        // pdftohtml writes the outline it found.
        if (QStandardPaths::findExecutable(QStringLiteral("pdftohtml")).isEmpty())
            QSKIP("pdftohtml is not installed");
        const QString xml =
            output(QStringLiteral("pdftohtml"),
                   {QStringLiteral("-xml"), QStringLiteral("-stdout"), QStringLiteral("-i"), path});
        const qsizetype outline = xml.indexOf(QStringLiteral("<outline>"));
        QVERIFY(outline > 0);
        const QString marks = xml.mid(outline);
        for (const char* wanted : {"Attention in docs-gpt", "1 Method", "2 Results",
                                   "Figure 1: Attention of L3H5", "2.1 Details", "Environment"})
            QVERIFY2(marks.contains(QString::fromUtf8(wanted)), wanted);
    }

    void brokenPdfIsRefused() {
        const std::vector<Bookmark> one{{QStringLiteral("x"), 0, 0, 0}};
        QVERIFY_EXCEPTION_THROWN(addBookmarks("no pdf", one), Error);
        QByteArray cut = renderPdf(sampleFigure("f", "t", "", sampleBars()));
        QVERIFY(!addBookmarks(cut, one).isEmpty());
        const std::vector<Bookmark> beyond{{QStringLiteral("x"), 0, 7, 0}};
        QVERIFY_EXCEPTION_THROWN(addBookmarks(cut, beyond), Error);
        cut.truncate(cut.size() / 2);
        QVERIFY_EXCEPTION_THROWN(addBookmarks(cut, one), Error);
    }

    void htmlReportHoldsDrawingsAndTurnsDark() {
        const SvgFigureRenderer renderer;
        const std::string html = report::toHtml(sampleReport(), &renderer);
        QFile file(QStringLiteral(ORRERY_BINARY_DIR "/report-sample.html")); // to look at
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(html.data(), static_cast<qint64>(html.size()));
        QVERIFY(html.find("<svg") != std::string::npos);
        QVERIFY(html.find("prefers-color-scheme: dark") != std::string::npos);
        QVERIFY(html.find("[fill=\"#1b1f24\"]") != std::string::npos);
        QVERIFY(html.find("fill=\"#1b1f24\"") != std::string::npos);
        QVERIFY(html.find("<script") == std::string::npos);
        QVERIFY(html.find("src=\"http") == std::string::npos);
    }

    void mapsRiseEvenlyInLightness() {
        for (const auto id : {ColourMapId::Viridis, ColourMapId::Cividis, ColourMapId::Magma}) {
            double last = -1;
            for (int i = 0; i < 256; ++i) {
                const QColor colour = QColor::fromRgb(ColourMap::get(id).at(i / 255.0));
                const double light =
                    0.2126 * colour.redF() + 0.7152 * colour.greenF() + 0.0722 * colour.blueF();
                QVERIFY2(light >= last - 0.004,
                         qPrintable(QStringLiteral("%1 at %2").arg(colourMapName(id)).arg(i)));
                last = light;
            }
        }
        // Known ends of viridis.
        QCOMPARE(ColourMap::get(ColourMapId::Viridis).at(0) & 0xffffffU, 0x440154U);
        QCOMPARE(ColourMap::get(ColourMapId::Viridis).at(1) & 0xffffffU, 0xfde725U);
        for (const bool dark : {false, true}) {
            const QColor zero = QColor::fromRgb(ColourMap::get(ColourMapId::BlueRed, dark).at(0.5));
            QVERIFY(std::abs(zero.red() - zero.blue()) < 16); // no hue at zero
        }
    }

    void divergingScalesAreSymmetric() {
        ValueRange range;
        range.add(-0.2);
        range.add(3.0);
        const ValueColours colours(figure::ColourScale::Diverging, std::nullopt, std::nullopt, range,
                                   Transfer::Linear, FigureStyle::light());
        QCOMPARE(colours.low(), -3.0);
        QCOMPARE(colours.position(0), 0.5);
        for (const auto transfer : {Transfer::Linear, Transfer::SquareRoot, Transfer::Logarithmic}) {
            const ValueColours spread(figure::ColourScale::Sequential, 0.0, 2.0, {}, transfer,
                                      FigureStyle::light());
            for (double value = 0; value <= 2; value += 0.125)
                QVERIFY(std::abs(spread.valueAt(spread.position(value)) - value) < 1e-9);
        }
    }

    void numbersAndTokensAreReadable() {
        QCOMPARE(numberText(0.0), QStringLiteral("0"));
        QCOMPARE(numberText(-0.5), QStringLiteral("−0.5"));
        QCOMPARE(numberText(1234567.0, 3), QStringLiteral("1.23e6"));
        QCOMPARE(visibleToken(" the"), QStringLiteral("␣the"));
        QCOMPARE(visibleToken("block 3"), QStringLiteral("block 3"));
        QCOMPARE(visibleToken("\n"), QStringLiteral("⏎"));
        QCOMPARE(visibleToken(""), QStringLiteral("∅"));
        QVERIFY(visibleToken("a\xff").contains(QStringLiteral("‹ff›")));
        QCOMPARE(labelStep(1), 1);
        QCOMPARE(labelStep(3), 5);
        QCOMPARE(labelStep(101), 200);
        const auto ticks = roundTicks(0, 1, 5);
        QCOMPARE(ticks.size(), std::size_t{6});
    }
};

} // namespace orrery::ui

QTEST_MAIN(orrery::ui::ExportTest)
#include "export_test.moc"
