// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "figure/serialize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace {

using namespace orrery;
using namespace orrery::figure;
using ::testing::HasSubstr;

bool same(double a, double b) {
    return (std::isnan(a) && std::isnan(b)) || a == b;
}
bool same(const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return same(x, y); });
}

rc::Gen<double> anyDouble() {
    return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
        return bits % 7 == 0 ? static_cast<double>(bits % 100) : std::bit_cast<double>(bits);
    });
}
rc::Gen<float> anyFloat() {
    return rc::gen::map(rc::gen::arbitrary<std::uint32_t>(),
                        [](std::uint32_t bits) { return std::bit_cast<float>(bits); });
}
/// Texts of printable ASCII with quotes, commas, newlines and a letter of two bytes.
std::string anyText() {
    const auto letters = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
    static const std::vector<std::string> alphabet{"a", "b",  ",", "\"", "\n", "ö",
                                                   " ", "\\", "7", "'",  "{",  "Ġ"};
    std::string text;
    for (const int letter : letters)
        text += alphabet[static_cast<std::size_t>(letter)];
    return text;
}
std::vector<double> someDoubles(std::size_t count) {
    return *rc::gen::container<std::vector<double>>(count, anyDouble());
}
std::shared_ptr<const DenseMatrix> anyMatrix(std::int64_t rows, std::int64_t columns) {
    return std::make_shared<DenseMatrix>(
        rows, columns,
        *rc::gen::container<std::vector<float>>(static_cast<std::size_t>(rows * columns), anyFloat()));
}

void expectSameMatrix(const std::shared_ptr<const MatrixSource>& a,
                      const std::shared_ptr<const MatrixSource>& b) {
    RC_ASSERT(static_cast<bool>(a) == static_cast<bool>(b));
    if (!a)
        return;
    RC_ASSERT(a->rows() == b->rows());
    RC_ASSERT(a->columns() == b->columns());
    std::vector<float> x(static_cast<std::size_t>(a->rows() * a->columns()));
    std::vector<float> y(x.size());
    a->tile(0, 0, a->rows(), a->columns(), x);
    b->tile(0, 0, b->rows(), b->columns(), y);
    for (std::size_t i = 0; i < x.size(); ++i)
        RC_ASSERT((std::isnan(x[i]) && std::isnan(y[i])) ||
                  std::bit_cast<std::uint32_t>(x[i]) == std::bit_cast<std::uint32_t>(y[i]));
}

/// Through text, as a file would go.
Figure roundTrip(const Figure& figure, MatrixEncoding encoding) {
    return fromJson(parseJson(toJson(figure, encoding).dump(), "the figure"), "the figure");
}

MatrixEncoding anyEncoding() {
    return *rc::gen::element(MatrixEncoding::Numbers, MatrixEncoding::Base64);
}

TEST(Serialize, HeatmapsComeBackBitForBit) {
    EXPECT_TRUE(rc::check([] {
        const auto rows = *rc::gen::inRange<std::int64_t>(0, 6);
        const auto columns = *rc::gen::inRange<std::int64_t>(0, 6);
        Heatmap map;
        map.x = {anyText(), anyText(), {anyText(), anyText()}, *rc::gen::arbitrary<bool>()};
        map.y = {anyText(), "", {}, false};
        map.values = anyMatrix(rows, columns);
        map.scale = *rc::gen::element(ColourScale::Sequential, ColourScale::Diverging);
        if (*rc::gen::arbitrary<bool>())
            map.low = *anyDouble();
        map.quantity = anyText();
        map.cellText = {anyText(), anyText()};
        map.maskedFrom = {1, 2, 3};
        Figure figure{"map", anyText(), anyText(), map, {}};
        figure.provenance.seed = *rc::gen::arbitrary<std::uint64_t>();
        figure.provenance.model = anyText();
        const Figure back = roundTrip(figure, anyEncoding());
        const auto& other = std::get<Heatmap>(back.body);
        expectSameMatrix(map.values, other.values);
        RC_ASSERT(back.title == figure.title);
        RC_ASSERT(back.caption == figure.caption);
        RC_ASSERT(other.x.title == map.x.title);
        RC_ASSERT(other.x.labels == map.x.labels);
        RC_ASSERT(other.x.logarithmic == map.x.logarithmic);
        RC_ASSERT(other.scale == map.scale);
        RC_ASSERT(other.low.has_value() == map.low.has_value());
        if (map.low)
            RC_ASSERT(same(*map.low, *other.low));
        RC_ASSERT(other.cellText == map.cellText);
        RC_ASSERT(other.maskedFrom == map.maskedFrom);
        RC_ASSERT(back.provenance.seed == figure.provenance.seed);
        RC_ASSERT(back.provenance.model == figure.provenance.model);
    }));
}

TEST(Serialize, HeadGridsAndLinesComeBack) {
    EXPECT_TRUE(rc::check([] {
        HeadGrid grid;
        grid.layers = *rc::gen::inRange(1, 3);
        grid.heads = *rc::gen::inRange(1, 3);
        const auto count = static_cast<std::size_t>(grid.layers * grid.heads);
        for (std::size_t i = 0; i < count; ++i)
            grid.maps.push_back(i == 1 ? nullptr : anyMatrix(2, 3));
        grid.scores = someDoubles(count);
        grid.scoreName = anyText();
        grid.tokens = {anyText(), anyText()};
        grid.groupSize = 2;
        const Figure back = roundTrip({"grid", "", "", grid, {}}, anyEncoding());
        const auto& other = std::get<HeadGrid>(back.body);
        RC_ASSERT(other.maps.size() == count);
        for (std::size_t i = 0; i < count; ++i)
            expectSameMatrix(grid.maps[i], other.maps[i]);
        RC_ASSERT(same(other.scores, grid.scores));
        RC_ASSERT(other.tokens == grid.tokens);
        RC_ASSERT(other.groupSize == 2);

        AttentionLines lines{{anyText()}, {anyText(), anyText()}, {anyMatrix(1, 2)}, {anyText()}};
        const Figure linesBack = roundTrip({"lines", "", "", lines, {}}, anyEncoding());
        const auto& otherLines = std::get<AttentionLines>(linesBack.body);
        expectSameMatrix(lines.heads[0], otherLines.heads[0]);
        RC_ASSERT(otherLines.queries == lines.queries);
        RC_ASSERT(otherLines.headNames == lines.headNames);
    }));
}

TEST(Serialize, CurvesBarsTablesStripsAndTextComeBack) {
    EXPECT_TRUE(rc::check([] {
        const auto count = *rc::gen::inRange<std::size_t>(0, 5);
        Series series;
        series.x = {anyText(), "s", {}, true};
        series.curves.push_back(
            {anyText(), someDoubles(count), someDoubles(count), someDoubles(count), someDoubles(count)});
        for (std::size_t i = 0; i < count; ++i)
            series.curves[0].labels.push_back(anyText());
        series.curves[0].marks = *rc::gen::element(Series::Curve::Marks::Automatic,
                                                   Series::Curve::Marks::Line, Series::Curve::Marks::Points);
        series.pointsOnly = true;
        const Figure seriesFigure = roundTrip({"s", "", "", series, {}}, anyEncoding());
        const auto& curve = std::get<Series>(seriesFigure.body).curves.at(0);
        RC_ASSERT(same(curve.x, series.curves[0].x));
        RC_ASSERT(same(curve.low, series.curves[0].low));
        RC_ASSERT(curve.labels == series.curves[0].labels);
        RC_ASSERT(curve.marks == series.curves[0].marks);
        RC_ASSERT(std::get<Series>(seriesFigure.body).pointsOnly);

        Bars bars;
        bars.categories.labels = {anyText(), anyText()};
        bars.groups.push_back({anyText(), someDoubles(2), {}, {}});
        const Figure barsFigure = roundTrip({"b", "", "", bars, {}}, anyEncoding());
        RC_ASSERT(same(std::get<Bars>(barsFigure.body).groups.at(0).values, bars.groups[0].values));
        RC_ASSERT(std::get<Bars>(barsFigure.body).categories.labels == bars.categories.labels);

        Table table;
        table.columns = {{anyText(), "ms", 3}, {"b", "", 4}, {"c", "", 4}, {"d", "", 4}, {"e", "", 4}};
        const double real = *anyDouble();
        table.rows.push_back(
            {std::monostate{}, anyText(), real, std::int64_t{*rc::gen::arbitrary<std::int64_t>()}, true});
        table.rows.push_back({std::string("NaN"), 1.0, std::int64_t{1}, false, std::string()});
        const Figure tableFigure = roundTrip({"t", "", "", table, {}}, anyEncoding());
        const auto& rows = std::get<Table>(tableFigure.body).rows;
        RC_ASSERT(rows[1] == table.rows[1]);
        RC_ASSERT(same(std::get<double>(rows[0][2]), real));
        RC_ASSERT(rows[0][1] == table.rows[0][1]);
        RC_ASSERT(rows[0][3] == table.rows[0][3]);
        RC_ASSERT(rows[0][0] == table.rows[0][0]);

        TokenStrip strip;
        strip.tokens = {anyText(), anyText()};
        strip.wordIds = {-1, 4};
        strip.scores.push_back({anyText(), someDoubles(2), ColourScale::Diverging});
        const Figure stripFigure = roundTrip({"k", "", "", strip, {}}, anyEncoding());
        RC_ASSERT(std::get<TokenStrip>(stripFigure.body).tokens == strip.tokens);
        RC_ASSERT(same(std::get<TokenStrip>(stripFigure.body).scores[0].values, strip.scores[0].values));
        RC_ASSERT(std::get<TokenStrip>(stripFigure.body).scores[0].scale == ColourScale::Diverging);

        const Text text{anyText()};
        RC_ASSERT(std::get<Text>(roundTrip({"x", "", "", text, {}}, anyEncoding()).body).markdown ==
                  text.markdown);
    }));
}

TEST(Serialize, LargeMatricesArePooledAndSaySo) {
    std::vector<float> values(100 * 60);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(i % 60);
    Heatmap map;
    for (int i = 0; i < 60; ++i)
        map.x.labels.push_back("k" + std::to_string(i));
    map.values = std::make_shared<DenseMatrix>(100, 60, values);
    for (std::int64_t i = 0; i < 100; ++i)
        map.maskedFrom.push_back(std::min<std::int64_t>(i + 1, 60));
    const Figure figure{"big", "Big", "Numbers.", map, {}};
    EXPECT_EQ(poolingFactor(figure, 6000), 1);
    EXPECT_EQ(poolingFactor(figure, 1500), 2);
    const OrderedJson json = toJson(figure, MatrixEncoding::Numbers, 1500);
    EXPECT_EQ(json["body"]["matrix"]["pooledBy"], 2);
    EXPECT_EQ(json["body"]["matrix"]["trueRows"], 100);
    const Figure back = fromJson(parseJson(json.dump(), "big"), "big");
    const auto& pooled = std::get<Heatmap>(back.body);
    EXPECT_EQ(pooled.values->rows(), 50);
    EXPECT_EQ(pooled.values->columns(), 30);
    EXPECT_FLOAT_EQ(pooled.values->at(7, 3), 6.5F); // the mean of columns 6 and 7
    EXPECT_EQ(pooled.x.labels.size(), 30U);
    EXPECT_EQ(pooled.x.labels.at(3), "k6");
    EXPECT_EQ(pooled.maskedFrom.at(2), 3); // rows 4 and 5 see keys 0..5: three pooled columns
    EXPECT_THAT(back.caption, HasSubstr("blocks of 2 x 2"));
}

TEST(Serialize, BrokenFiguresAreRefusedWithASentence) {
    const Figure good{"s", "", "", Series{{}, {}, {{"a", {1, 2}, {3, 4}, {}, {}}}, "", false}, {}};
    const Json json = toJson(good);
    const auto refused = [](const Json& broken, const std::string& part) {
        try {
            static_cast<void>(fromJson(broken, "figure 7"));
            ADD_FAILURE() << "accepted " << broken.dump();
        } catch (const InputError& failure) {
            EXPECT_THAT(failure.what(), HasSubstr("figure 7"));
            EXPECT_THAT(failure.what(), HasSubstr(part));
        }
    };
    refused(Json::array(), "orreryFigure");
    Json broken = json;
    broken["kind"] = "hologram";
    refused(broken, "hologram");
    broken = json;
    broken["body"]["curves"][0]["y"] = {1};
    refused(broken, "different lengths");
    broken = json;
    broken["body"]["curves"][0]["y"][0] = "much";
    refused(broken, "not a number");
    broken = json;
    broken["body"].erase("x");
    refused(broken, "complete");
    Heatmap map;
    map.values = std::make_shared<DenseMatrix>(1, 2, std::vector<float>{1, 2});
    const Json heat = toJson({"h", "", "", map, {}}, MatrixEncoding::Base64);
    broken = heat;
    broken["body"]["matrix"]["rows"] = std::int64_t{1} << 40;
    refused(broken, "not possible");
    broken["body"]["matrix"]["rows"] = std::int64_t{1} << 29;
    refused(broken, "too short");
    broken["body"]["matrix"]["rows"] = -1;
    refused(broken, "not possible");
    broken = heat;
    broken["body"]["matrix"]["f32"] = "AAAA*AAAAAA=";
    refused(broken, "none of its digits");
}

TEST(Csv, QuotesAndLayout) {
    Table table;
    table.columns = {{"name", "", 4}, {"time", "ms", 4}};
    table.rows = {
        {std::string("a,\"b\"\nc"), 1.5}, {std::monostate{}, std::nan("")}, {true, std::int64_t{3}}};
    EXPECT_EQ(toCsv({"t", "", "", table, {}}), "name,time (ms)\n\"a,\"\"b\"\"\nc\",1.5\n,\ntrue,3\n");
    Heatmap map;
    map.x.labels = {"the", "cat"};
    map.x.title = "key";
    map.y.title = "query";
    map.values = std::make_shared<DenseMatrix>(1, 2, std::vector<float>{0.1F, 2});
    EXPECT_EQ(toCsv({"h", "", "", map, {}}), "query \\ key,the,cat\n0,0.1,2\n");
    Series series{{"length", "tokens", {}, false},
                  {"time", "s", {}, false},
                  {{"f32", {1, 2}, {3, 4}, {2, 3}, {4, 5}}},
                  "",
                  false};
    EXPECT_EQ(toCsv({"s", "", "", series, {}}),
              "curve,length (tokens),time (s),low,high\nf32,1,3,2,4\nf32,2,4,3,5\n");
    HeadGrid grid;
    grid.layers = 1;
    grid.heads = 2;
    grid.scores = {0.5, 1};
    grid.scoreName = "entropy";
    EXPECT_EQ(toCsv({"g", "", "", grid, {}}), "layer,head,entropy\n0,0,0.5\n0,1,1\n");
}

TEST(Npy, HeaderAndBytes) {
    HeadGrid grid;
    grid.layers = 1;
    grid.heads = 2;
    grid.maps = {std::make_shared<DenseMatrix>(1, 2, std::vector<float>{1, 2}),
                 std::make_shared<DenseMatrix>(1, 2, std::vector<float>{3, -0.5F})};
    const auto file = toNpy({"g", "", "", grid, {}});
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(file->substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    const auto headerSize = static_cast<std::size_t>(static_cast<unsigned char>((*file)[8])) +
                            256 * static_cast<std::size_t>(static_cast<unsigned char>((*file)[9]));
    EXPECT_EQ((10 + headerSize) % 64, 0U);
    EXPECT_THAT(*file, HasSubstr("'shape': (1, 2, 1, 2)"));
    ASSERT_EQ(file->size(), 10 + headerSize + 16);
    std::array<float, 4> values{};
    std::memcpy(values.data(), file->data() + 10 + headerSize, 16);
    EXPECT_EQ(values, (std::array<float, 4>{1, 2, 3, -0.5F}));
    EXPECT_FALSE(toNpy({"t", "", "", Text{"x"}, {}}).has_value());
    grid.maps[1] = std::make_shared<DenseMatrix>(2, 1, std::vector<float>{3, 4});
    EXPECT_FALSE(toNpy({"g", "", "", grid, {}}).has_value());
}

} // namespace
