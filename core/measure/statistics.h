// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::measure {

struct Interval {
    double low = 0;
    double high = 0;
    [[nodiscard]] double halfWidth() const { return (high - low) / 2; }
};

[[nodiscard]] double mean(std::span<const double> values); ///< NaN when empty
[[nodiscard]] double
standardDeviation(std::span<const double> values);           ///< of a sample (n - 1); 0 below two values
[[nodiscard]] double median(std::span<const double> values); ///< NaN when empty
/// Linear between order statistics (Hyndman & Fan's type 7); share in [0, 1].
[[nodiscard]] double quantile(std::span<const double> values, double share);
/// Median of |x - median(x)|, not scaled to a normal distribution.
[[nodiscard]] double medianAbsoluteDeviation(std::span<const double> values);

/// Percentile bootstrap interval of the median (Efron, 1979).
[[nodiscard]] Interval bootstrapMedian(std::span<const double> values, Generator& generator,
                                       int resamples = 2000, double confidence = 0.95);
/// Bootstrap interval of median(a) / median(b); both are resampled independently.
[[nodiscard]] Interval bootstrapRatioOfMedians(std::span<const double> a, std::span<const double> b,
                                               Generator& generator, int resamples = 2000,
                                               double confidence = 0.95);

/// Two-sided Mann-Whitney U test (Mann & Whitney, 1947). Exact counts for up to 20 values a side without
/// ties, else the normal approximation with tie and continuity corrections.
struct MannWhitney {
    double u = 0; ///< pairs in which a value of a exceeds one of b, ties counting one half
    double p = 1;
    bool exact = false;
};
[[nodiscard]] MannWhitney mannWhitney(std::span<const double> a, std::span<const double> b);

/// Common-language effect size (McGraw & Wong, 1992): the share of pairs in which a value of a is smaller
/// than one of b, ties counting one half. 0.5: no effect.
[[nodiscard]] double probabilitySmaller(std::span<const double> a, std::span<const double> b);

/// ModifiedZ: 0.6745 |x - median| / MAD > 3.5 (Iglewicz & Hoaglin, 1993). TenSigma: |x - median| / MAD
/// > 14.826, ten normal standard deviations, as hyperfine warns. When more than half of the values are equal,
/// the mean absolute deviation takes the MAD's place.
enum class OutlierRule { ModifiedZ, TenSigma };
/// Positions of outliers, rising. Outliers are marked for the reader; nothing here leaves them out.
[[nodiscard]] std::vector<std::int64_t> outliers(std::span<const double> values,
                                                 OutlierRule rule = OutlierRule::ModifiedZ);

/// p values raised so that the chance of any false finding among them stays what it is for one (Holm, 1979).
[[nodiscard]] std::vector<double> holmCorrection(std::span<const double> p);

struct Summary {
    std::size_t count = 0;
    double median = 0;
    double mad = 0;
    Interval interval; ///< 95 % bootstrap interval of the median
    double mean = 0;
    double deviation = 0;
    double minimum = 0;
    double maximum = 0;
    std::size_t outliers = 0;        ///< by the modified z score
    std::size_t extremeOutliers = 0; ///< by hyperfine's rule
};
/// The seed makes the interval repeatable.
[[nodiscard]] Summary summarize(std::span<const double> values, std::uint64_t seed = 1);

/// What may honestly be said of two sets of times.
enum class Verdict { Faster, Slower, NoDifferenceShown, TooFewSamples };

/// a against b: ratio below 1 means that a takes less.
struct Comparison {
    std::size_t countA = 0;
    std::size_t countB = 0;
    double ratio = 1;  ///< median(a) / median(b)
    Interval interval; ///< 95 % bootstrap interval of the ratio
    MannWhitney test;
    double adjustedP = 1;            ///< test.p until Holm's correction over a table is put in
    double probabilitySmaller = 0.5; ///< see probabilitySmaller()
    [[nodiscard]] Verdict verdict() const;
    /// "faster by 1.27x [1.21, 1.33], p = 0.0004, n = 20/20"; "no difference shown (ratio 1.01 [0.99, 1.03];
    /// differences below about 2 % cannot be seen with these samples), ...".
    [[nodiscard]] std::string toText() const;
};
[[nodiscard]] Comparison compare(std::span<const double> a, std::span<const double> b,
                                 std::uint64_t seed = 1);
/// Puts Holm's correction over all of them into adjustedP.
void correctForMany(std::span<Comparison> comparisons);
[[nodiscard]] std::string_view words(Verdict verdict); ///< "faster", "no difference shown", ...

} // namespace orrery::measure
