// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "nn/key_value_cache.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace orrery::nn {
namespace {

/// A cache of 2 layers beside the plain lists of numbers that it must hold.
class Checked {
public:
    void append(std::int64_t count) {
        const auto batch = static_cast<std::int64_t>(m_rows.size());
        cache.prepare(2, batch, count);
        for (int layer = 0; layer < 2; ++layer) {
            const Tensor key = Tensor::empty({batch, count, 1, 2});
            for (std::int64_t row = 0; row < batch; ++row)
                for (std::int64_t i = 0; i < count; ++i) {
                    const float value = m_next++;
                    key.select(0, row).select(0, i).fill(static_cast<double>(value));
                    m_rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(layer)].push_back(value);
                }
            cache.append(layer, key, key);
        }
        cache.commit(count, {});
    }
    void select(const std::vector<std::int64_t>& rows, std::int64_t shared = 0) {
        cache.select(rows, shared);
        std::vector<Row> next;
        for (const std::int64_t row : rows)
            next.push_back(m_rows[static_cast<std::size_t>(row)]);
        m_rows = next;
    }
    void truncate(std::int64_t length) {
        cache.truncate(length);
        for (Row& row : m_rows)
            for (auto& layer : row)
                layer.resize(static_cast<std::size_t>(length));
    }
    [[nodiscard]] bool agrees() const {
        if (cache.batch() != static_cast<std::int64_t>(m_rows.size()))
            return false;
        for (int layer = 0; layer < 2; ++layer)
            for (const Tensor& held : {cache.key(layer), cache.value(layer)})
                for (std::size_t row = 0; row < m_rows.size(); ++row) {
                    const auto& wanted = m_rows[row][static_cast<std::size_t>(layer)];
                    if (held.size(1) != static_cast<std::int64_t>(wanted.size()))
                        return false;
                    for (std::size_t i = 0; i < wanted.size(); ++i)
                        if (held.at({static_cast<std::int64_t>(row), static_cast<std::int64_t>(i), 0, 1}) !=
                            static_cast<double>(wanted[i]))
                            return false;
                }
        return true;
    }
    [[nodiscard]] std::size_t rows() const { return m_rows.size(); }

    KeyValueCache cache;

private:
    using Row = std::array<std::vector<float>, 2>;
    std::vector<Row> m_rows = std::vector<Row>(3);
    float m_next = 1;
};

RC_GTEST_PROP(KeyValueCache, AnyRowsAnyNumberOfTimesAreThoseOfPlainLists, ()) {
    Checked both;
    both.append(2);
    for (int i = 0; i < 8; ++i) {
        if (*rc::gen::arbitrary<bool>())
            both.append(*rc::gen::inRange<std::int64_t>(1, 4));
        if (*rc::gen::inRange(0, 4) == 0)
            both.truncate(*rc::gen::inRange<std::int64_t>(0, both.cache.length() + 1));
        both.select(*rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(
            rc::gen::inRange<std::int64_t>(0, static_cast<std::int64_t>(both.rows())))));
        RC_ASSERT(both.agrees());
    }
}

RC_GTEST_PROP(KeyValueCache, SharedPositionsNeedNoCopy, ()) {
    Checked both;
    both.append(3);
    both.select({1, 1, 1, 1}); // four rows that have three positions in common
    for (int i = 0; i < 6; ++i) {
        both.append(1);
        both.select(*rc::gen::container<std::vector<std::int64_t>>(4, rc::gen::inRange<std::int64_t>(0, 4)),
                    3);
        RC_ASSERT(both.agrees());
    }
}

TEST(KeyValueCache, RowsThatStayAreNotCopied) {
    Checked both;
    both.append(3);
    const std::byte* before = both.cache.key(0).rawData();
    both.select({0, 2, 2});
    both.select({0, 1});
    EXPECT_EQ(both.cache.key(0).rawData(), before);
    EXPECT_TRUE(both.agrees());
}

class Stubborn final : public MixerState {
public:
    [[nodiscard]] std::size_t bytes() const override { return 1; }
};

class Willing final : public MixerState {
public:
    explicit Willing(std::vector<std::int64_t> given) : rows(std::move(given)) {}
    [[nodiscard]] std::size_t bytes() const override { return rows.size(); }
    [[nodiscard]] std::shared_ptr<MixerState> select(std::span<const std::int64_t> chosen) const override {
        std::vector<std::int64_t> next;
        for (const std::int64_t row : chosen)
            next.push_back(rows[static_cast<std::size_t>(row)]);
        return std::make_shared<Willing>(std::move(next));
    }
    std::vector<std::int64_t> rows;
};

TEST(KeyValueCache, StatesOfMixersMoveWithTheirRowsAndCannotForget) {
    KeyValueCache cache;
    cache.prepare(1, 3, 2);
    cache.mixerState(0) = std::make_shared<Willing>(std::vector<std::int64_t>{10, 11, 12});
    cache.commit(2, {});
    EXPECT_FALSE(cache.canTruncate());
    EXPECT_THROW(cache.truncate(1), UsageError);
    EXPECT_NO_THROW(cache.truncate(2));
    cache.select(std::vector<std::int64_t>{2, 0, 0, 1});
    EXPECT_EQ(dynamic_cast<const Willing&>(*cache.mixerState(0)).rows,
              (std::vector<std::int64_t>{12, 10, 10, 11}));
    cache.mixerState(0) = std::make_shared<Stubborn>();
    EXPECT_NO_THROW(cache.select(std::vector<std::int64_t>{0, 1, 2, 3}));
    EXPECT_THROW(cache.select(std::vector<std::int64_t>{1, 0, 2, 3}), UsageError);
}

} // namespace
} // namespace orrery::nn
