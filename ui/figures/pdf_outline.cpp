// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/pdf_outline.h"

#include "base/error.h"

#include <QList>

#include <algorithm>
#include <string>

namespace orrery::ui {

namespace {

[[noreturn]] void unexpected(const char* what) {
    throw Error(std::string("Bookmarks cannot be added to this PDF: ") + what + ".");
}

/// The cross-reference table as Qt writes it: one section for all objects.
struct Table {
    QList<qsizetype> offsets; ///< of each object; -1: free
    qsizetype start = 0;
    QByteArray trailer;
};

Table readTable(const QByteArray& pdf) {
    Table table;
    const qsizetype mark = pdf.lastIndexOf("startxref");
    if (mark < 0)
        unexpected("it has no startxref");
    table.start = pdf.mid(mark + 9, 24).trimmed().split('\n').first().trimmed().toLongLong();
    if (table.start <= 0 || table.start >= pdf.size() || pdf.mid(table.start, 4) != "xref")
        unexpected("its cross-reference table is not where it says");
    qsizetype at = table.start + 4;
    const auto skipSpace = [&] {
        while (at < pdf.size() && (pdf[at] == ' ' || pdf[at] == '\n' || pdf[at] == '\r'))
            ++at;
    };
    const auto number = [&]() -> qsizetype {
        skipSpace();
        qsizetype value = 0;
        qsizetype digits = 0;
        while (at < pdf.size() && pdf[at] >= '0' && pdf[at] <= '9' && digits < 12) {
            value = value * 10 + (pdf[at++] - '0');
            ++digits;
        }
        if (digits == 0)
            unexpected("its cross-reference table is broken");
        return value;
    };
    const qsizetype first = number();
    const qsizetype count = number();
    if (first != 0 || count > pdf.size())
        unexpected("its cross-reference table has parts");
    for (qsizetype i = 0; i < count; ++i) {
        const qsizetype offset = number();
        number();
        skipSpace();
        if (at >= pdf.size())
            unexpected("its cross-reference table ends early");
        table.offsets.append(pdf[at++] == 'n' ? offset : -1);
    }
    const qsizetype trailer = pdf.indexOf("trailer", at);
    if (trailer < 0 || trailer > mark)
        unexpected("it has no trailer");
    table.trailer = pdf.mid(trailer + 7, mark - trailer - 7).trimmed();
    return table;
}

/// N of "/Key N 0 R".
int reference(const QByteArray& dictionary, const QByteArray& key) {
    const qsizetype at = dictionary.indexOf("/" + key + " ");
    if (at < 0)
        unexpected("a reference is missing");
    return dictionary.mid(at + key.size() + 2, 12).trimmed().split(' ').first().toInt();
}

QByteArray objectText(const QByteArray& pdf, const Table& table, int number) {
    if (number <= 0 || number >= table.offsets.size() || table.offsets[number] < 0 ||
        table.offsets[number] >= pdf.size())
        unexpected("an object is missing");
    const qsizetype end = pdf.indexOf("endobj", table.offsets[number]);
    const qsizetype begin = pdf.indexOf("obj", table.offsets[number]);
    if (end < 0 || begin < 0 || begin >= end)
        unexpected("an object has no end");
    return pdf.mid(begin + 3, end - begin - 3).trimmed();
}

QList<int> pageNumbers(const QByteArray& pages) {
    const qsizetype begin = pages.indexOf("/Kids");
    const qsizetype open = pages.indexOf('[', begin);
    const qsizetype close = pages.indexOf(']', open);
    if (begin < 0 || open < 0 || close < 0)
        unexpected("its page tree is empty");
    QList<int> numbers;
    const QList<QByteArray> words = pages.mid(open + 1, close - open - 1).simplified().split(' ');
    for (qsizetype i = 0; i + 2 < words.size(); i += 3)
        numbers.append(words[i].toInt());
    return numbers;
}

/// UTF-16 with a byte order mark, as hexadecimal string: no escapes needed.
QByteArray textString(const QString& text) {
    QByteArray bytes("\xFE\xFF");
    for (const QChar c : text) {
        bytes += static_cast<char>(c.unicode() >> 8);
        bytes += static_cast<char>(c.unicode() & 0xff);
    }
    return "<" + bytes.toHex() + ">";
}

struct Node {
    int parent = -1; ///< -1: the outline itself
    int previous = -1;
    int next = -1;
    int firstChild = -1;
    int lastChild = -1;
    int descendants = 0;
};

} // namespace

QByteArray addBookmarks(const QByteArray& pdf, const std::vector<Bookmark>& bookmarks) {
    if (bookmarks.empty())
        return pdf;
    const Table table = readTable(pdf);
    const int catalog = reference(table.trailer, "Root");
    QByteArray root = objectText(pdf, table, catalog);
    const QByteArray pageTree = objectText(pdf, table, reference(root, "Pages"));
    const QList<int> pages = pageNumbers(pageTree);

    std::vector<Node> nodes(bookmarks.size());
    std::vector<int> open; // the last bookmark of each level
    int firstTop = -1;
    int lastTop = -1;
    for (int i = 0; i < static_cast<int>(bookmarks.size()); ++i) {
        const auto level = static_cast<std::size_t>(
            std::clamp(bookmarks[static_cast<std::size_t>(i)].level, 0, static_cast<int>(open.size())));
        Node& node = nodes[static_cast<std::size_t>(i)];
        if (level < open.size()) {
            node.previous = open[level];
            nodes[static_cast<std::size_t>(open[level])].next = i;
        }
        open.resize(level);
        if (level > 0) {
            node.parent = open[level - 1];
            Node& parent = nodes[static_cast<std::size_t>(node.parent)];
            if (parent.firstChild < 0)
                parent.firstChild = i;
            parent.lastChild = i;
        } else {
            firstTop = firstTop < 0 ? i : firstTop;
            lastTop = i;
        }
        for (const int above : open)
            ++nodes[static_cast<std::size_t>(above)].descendants;
        open.push_back(i);
    }

    const auto outline = static_cast<int>(table.offsets.size());
    const auto object = [&](int node) { return QByteArray::number(outline + 1 + node) + " 0 R"; };
    QByteArray result = pdf;
    if (!result.endsWith('\n'))
        result += '\n';
    std::vector<std::pair<int, qsizetype>> written;
    const auto write = [&](int number, const QByteArray& content) {
        written.emplace_back(number, result.size());
        result += QByteArray::number(number) + " 0 obj\n" + content + "\nendobj\n";
    };
    if (!root.startsWith("<<") || !root.endsWith(">>"))
        unexpected("its catalog is no dictionary");
    root.chop(2);
    root += "/Outlines " + QByteArray::number(outline) + " 0 R\n/PageMode /UseOutlines\n>>";
    write(catalog, root);
    write(outline, "<<\n/Type /Outlines\n/First " + object(firstTop) + "\n/Last " + object(lastTop) +
                       "\n/Count " + QByteArray::number(static_cast<qsizetype>(bookmarks.size())) + "\n>>");
    for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
        const Bookmark& bookmark = bookmarks[static_cast<std::size_t>(i)];
        const Node& node = nodes[static_cast<std::size_t>(i)];
        if (bookmark.page < 0 || bookmark.page >= pages.size())
            unexpected("a bookmark leads to a page that is not there");
        const int page = pages[bookmark.page];
        const QByteArray pageText = objectText(pdf, table, page);
        // Distances in PDF count from the bottom edge.
        const qsizetype box = pageText.indexOf("/MediaBox");
        double height = 842;
        if (box >= 0) {
            const qsizetype from = pageText.indexOf('[', box);
            const QList<QByteArray> sides =
                pageText.mid(from + 1, pageText.indexOf(']', from) - from - 1).simplified().split(' ');
            if (sides.size() == 4)
                height = sides[3].toDouble();
        }
        QByteArray content = "<<\n/Title " + textString(bookmark.title) + "\n/Parent " +
                             (node.parent < 0 ? QByteArray::number(outline) + " 0 R" : object(node.parent)) +
                             "\n/Dest [" + QByteArray::number(page) + " 0 R /XYZ 0 " +
                             QByteArray::number(std::max(height - bookmark.top, 0.0), 'f', 1) + " null]\n";
        if (node.previous >= 0)
            content += "/Prev " + object(node.previous) + "\n";
        if (node.next >= 0)
            content += "/Next " + object(node.next) + "\n";
        if (node.firstChild >= 0)
            content += "/First " + object(node.firstChild) + "\n/Last " + object(node.lastChild) +
                       "\n/Count " + QByteArray::number(node.descendants) + "\n";
        write(outline + 1 + i, content + ">>");
    }
    const qsizetype start = result.size();
    result += "xref\n";
    for (const auto& [number, offset] : written)
        result += QByteArray::number(number) + " 1\n" + QByteArray::number(offset).rightJustified(10, '0') +
                  " 00000 n \n";
    QByteArray trailer = table.trailer;
    const qsizetype size = trailer.indexOf("/Size ");
    const qsizetype end = trailer.lastIndexOf(">>");
    if (size < 0 || end < 0)
        unexpected("its trailer is no dictionary");
    qsizetype digits = size + 6;
    while (digits < trailer.size() && trailer[digits] >= '0' && trailer[digits] <= '9')
        ++digits;
    trailer = trailer.left(end) + "/Prev " + QByteArray::number(table.start) + "\n>>";
    trailer.replace(size, digits - size,
                    "/Size " + QByteArray::number(outline + 1 + static_cast<int>(bookmarks.size())));
    result += "trailer\n" + trailer + "\nstartxref\n" + QByteArray::number(start) + "\n%%EOF\n";
    return result;
}

} // namespace orrery::ui
