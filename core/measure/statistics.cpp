// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/statistics.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace orrery::measure {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> sorted(std::span<const double> values) {
    std::vector<double> result(values.begin(), values.end());
    std::sort(result.begin(), result.end());
    return result;
}

/// Changes the order of values.
double medianInPlace(std::span<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1)
        return *middle;
    return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double quantileOfSorted(std::span<const double> ordered, double share) {
    const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(ordered.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, ordered.size() - 1);
    return ordered[below] + (ordered[above] - ordered[below]) * (place - static_cast<double>(below));
}

void resample(std::span<const double> from, std::span<double> to, Generator& generator) {
    for (double& value : to)
        value = from[generator.below(from.size())];
}

Interval percentileInterval(std::vector<double> statistics, double confidence) {
    std::sort(statistics.begin(), statistics.end());
    return {quantileOfSorted(statistics, (1 - confidence) / 2),
            quantileOfSorted(statistics, (1 + confidence) / 2)};
}

/// How many of the C(n + m, n) orders of n and m values have each U, as shares of all: Mann & Whitney's
/// recurrence N(u; n, m) = N(u - m; n - 1, m) + N(u; n, m - 1), divided by the number of orders at every
/// step.
std::vector<double> exactShares(std::size_t n, std::size_t m) {
    // table[j] holds the shares for (i, j) while i rises.
    std::vector<std::vector<double>> table(m + 1, std::vector<double>{1.0});
    for (std::size_t i = 1; i <= n; ++i) {
        std::vector<std::vector<double>> next(m + 1);
        next[0] = {1.0};
        for (std::size_t j = 1; j <= m; ++j) {
            std::vector<double> shares(i * j + 1, 0.0);
            const double total = static_cast<double>(i + j);
            for (std::size_t u = 0; u < table[j].size(); ++u) // the largest value is one of the i
                shares[u + j] += table[j][u] * static_cast<double>(i) / total;
            for (std::size_t u = 0; u < next[j - 1].size(); ++u) // or one of the j
                shares[u] += next[j - 1][u] * static_cast<double>(j) / total;
            next[j] = std::move(shares);
        }
        table = std::move(next);
    }
    return table[m];
}

/// U of a (pairs in which a value of a exceeds one of b) and the sum of t^3 - t over groups of t equal
/// values.
std::pair<double, double> countPairs(std::span<const double> a, std::span<const double> b) {
    struct Marked {
        double value;
        bool fromA;
    };
    std::vector<Marked> all;
    for (const double value : a)
        all.push_back({value, true});
    for (const double value : b)
        all.push_back({value, false});
    std::sort(all.begin(), all.end(), [](const Marked& x, const Marked& y) { return x.value < y.value; });
    double rankSum = 0;
    double ties = 0;
    for (std::size_t begin = 0; begin < all.size();) {
        std::size_t end = begin;
        std::size_t ofA = 0;
        while (end < all.size() && all[end].value == all[begin].value)
            ofA += all[end++].fromA ? 1 : 0;
        const auto count = static_cast<double>(end - begin);
        rankSum +=
            static_cast<double>(ofA) * (static_cast<double>(begin + end + 1) / 2); // ranks begin + 1 ... end
        ties += count * count * count - count;
        begin = end;
    }
    const auto n = static_cast<double>(a.size());
    return {rankSum - n * (n + 1) / 2, ties};
}

} // namespace

double mean(std::span<const double> values) {
    if (values.empty())
        return nan;
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standardDeviation(std::span<const double> values) {
    if (values.size() < 2)
        return 0;
    const double centre = mean(values);
    double sum = 0;
    for (const double value : values)
        sum += (value - centre) * (value - centre);
    return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double median(std::span<const double> values) {
    if (values.empty())
        return nan;
    std::vector<double> copy(values.begin(), values.end());
    return medianInPlace(copy);
}

double quantile(std::span<const double> values, double share) {
    return values.empty() ? nan : quantileOfSorted(sorted(values), share);
}

double medianAbsoluteDeviation(std::span<const double> values) {
    if (values.empty())
        return nan;
    const double centre = median(values);
    std::vector<double> distances;
    distances.reserve(values.size());
    for (const double value : values)
        distances.push_back(std::abs(value - centre));
    return medianInPlace(distances);
}

Interval bootstrapMedian(std::span<const double> values, Generator& generator, int resamples,
                         double confidence) {
    ORRERY_CHECK(resamples > 0, "at least one resample");
    if (values.empty())
        return {nan, nan};
    const std::vector<double> ordered =
        sorted(values); // the result must not depend on the order of the samples
    std::vector<double> drawn(values.size());
    std::vector<double> medians(static_cast<std::size_t>(resamples));
    for (double& one : medians) {
        resample(ordered, drawn, generator);
        one = medianInPlace(drawn);
    }
    return percentileInterval(std::move(medians), confidence);
}

Interval bootstrapRatioOfMedians(std::span<const double> a, std::span<const double> b, Generator& generator,
                                 int resamples, double confidence) {
    ORRERY_CHECK(resamples > 0, "at least one resample");
    if (a.empty() || b.empty())
        return {nan, nan};
    const std::vector<double> orderedA = sorted(a);
    const std::vector<double> orderedB = sorted(b);
    std::vector<double> drawnA(a.size());
    std::vector<double> drawnB(b.size());
    std::vector<double> ratios(static_cast<std::size_t>(resamples));
    for (double& ratio : ratios) {
        resample(orderedA, drawnA, generator);
        resample(orderedB, drawnB, generator);
        ratio = medianInPlace(drawnA) / medianInPlace(drawnB);
    }
    return percentileInterval(std::move(ratios), confidence);
}

MannWhitney mannWhitney(std::span<const double> a, std::span<const double> b) {
    MannWhitney result;
    if (a.empty() || b.empty())
        return result;
    const auto n = static_cast<double>(a.size());
    const auto m = static_cast<double>(b.size());
    const auto [u, ties] = countPairs(a, b);
    result.u = u;
    constexpr std::size_t mostExact = 20;
    if (ties == 0 && a.size() <= mostExact && b.size() <= mostExact) {
        const std::vector<double> shares = exactShares(a.size(), b.size());
        const auto smaller = static_cast<std::size_t>(std::min(u, n * m - u));
        const double tail =
            std::accumulate(shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(smaller) + 1, 0.0);
        result.p = std::min(1.0, 2 * tail);
        result.exact = true;
        return result;
    }
    const double total = n + m;
    const double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
    if (!(variance > 0)) // all values are equal
        return result;
    const double distance = std::max(0.0, std::abs(u - n * m / 2) - 0.5);
    result.p = std::min(1.0, std::erfc(distance / std::sqrt(2 * variance)));
    return result;
}

double probabilitySmaller(std::span<const double> a, std::span<const double> b) {
    if (a.empty() || b.empty())
        return nan;
    return 1 - countPairs(a, b).first / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

std::vector<std::int64_t> outliers(std::span<const double> values, OutlierRule rule) {
    std::vector<std::int64_t> found;
    if (values.size() < 3)
        return found;
    const double centre = median(values);
    // In units of a normal distribution's standard deviation: 1.4826 MAD, or 1.2533 times the mean absolute
    // deviation.
    double scale = medianAbsoluteDeviation(values) * 1.4826;
    if (scale == 0) {
        double sum = 0;
        for (const double value : values)
            sum += std::abs(value - centre);
        scale = sum / static_cast<double>(values.size()) * 1.253314;
    }
    if (scale == 0)
        return found;
    const double limit = rule == OutlierRule::ModifiedZ ? 3.5 : 10;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (std::abs(values[i] - centre) / scale > limit)
            found.push_back(static_cast<std::int64_t>(i));
    return found;
}

std::vector<double> holmCorrection(std::span<const double> p) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
    std::vector<double> adjusted(p.size());
    double largest = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        largest = std::max(largest, std::min(1.0, p[order[i]] * static_cast<double>(order.size() - i)));
        adjusted[order[i]] = largest;
    }
    return adjusted;
}

Summary summarize(std::span<const double> values, std::uint64_t seed) {
    Summary result;
    result.count = values.size();
    result.median = median(values);
    result.mad = medianAbsoluteDeviation(values);
    Generator generator(seed);
    result.interval = bootstrapMedian(values, generator);
    result.mean = mean(values);
    result.deviation = standardDeviation(values);
    result.minimum = values.empty() ? nan : *std::min_element(values.begin(), values.end());
    result.maximum = values.empty() ? nan : *std::max_element(values.begin(), values.end());
    result.outliers = outliers(values, OutlierRule::ModifiedZ).size();
    result.extremeOutliers = outliers(values, OutlierRule::TenSigma).size();
    return result;
}

Comparison compare(std::span<const double> a, std::span<const double> b, std::uint64_t seed) {
    Comparison result;
    result.countA = a.size();
    result.countB = b.size();
    result.ratio = median(a) / median(b);
    Generator generator(seed);
    result.interval = bootstrapRatioOfMedians(a, b, generator);
    result.test = mannWhitney(a, b);
    result.adjustedP = result.test.p;
    result.probabilitySmaller = probabilitySmaller(a, b);
    return result;
}

void correctForMany(std::span<Comparison> comparisons) {
    std::vector<double> p;
    for (const Comparison& one : comparisons)
        p.push_back(one.test.p);
    const std::vector<double> adjusted = holmCorrection(p);
    for (std::size_t i = 0; i < comparisons.size(); ++i)
        comparisons[i].adjustedP = adjusted[i];
}

Verdict Comparison::verdict() const {
    // With fewer than nine a side neither the interval nor the test is worth a claim.
    constexpr std::size_t fewest = 9;
    if (std::min(countA, countB) < fewest)
        return Verdict::TooFewSamples;
    // Both must agree: the ranks differ, and the ratio's interval leaves out 1.
    if (adjustedP >= 0.05 || (interval.low <= 1 && interval.high >= 1))
        return Verdict::NoDifferenceShown;
    return interval.high < 1 ? Verdict::Faster : Verdict::Slower;
}

std::string_view words(Verdict verdict) {
    switch (verdict) {
    case Verdict::Faster:
        return "faster";
    case Verdict::Slower:
        return "slower";
    case Verdict::NoDifferenceShown:
        return "no difference shown";
    case Verdict::TooFewSamples:
        return "too few samples to say";
    }
    return "";
}

std::string Comparison::toText() const {
    const std::string basis = fmt::format("p = {:.2g}, n = {}/{}", adjustedP, countA, countB);
    const auto factor = [](double by, double low, double high, const char* word) {
        return fmt::format("{} by {:.3g}x [{:.3g}, {:.3g}]", word, by, low, high);
    };
    switch (verdict()) {
    case Verdict::Faster:
        return factor(1 / ratio, 1 / interval.high, 1 / interval.low, "faster") + ", " + basis;
    case Verdict::Slower:
        return factor(ratio, interval.low, interval.high, "slower") + ", " + basis;
    case Verdict::NoDifferenceShown: {
        // What the interval's width would have let us see, had the ratio been off by that much.
        const double seen = 100 * interval.halfWidth();
        return fmt::format(
            "no difference shown (ratio {:.3g} [{:.3g}, {:.3g}]; differences below about {:.2g} % cannot be "
            "seen with these samples), {}",
            ratio, interval.low, interval.high, seen, basis);
    }
    case Verdict::TooFewSamples:
        return fmt::format(
            "too few samples to say (ratio {:.3g} [{:.3g}, {:.3g}]; nine or more a side are needed), {}",
            ratio, interval.low, interval.high, basis);
    }
    return {};
}

} // namespace orrery::measure
