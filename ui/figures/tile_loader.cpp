// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/tile_loader.h"

#include <algorithm>

namespace orrery::ui {

namespace {

constexpr std::size_t heldLimit = 256; // blocks of 256 KiB, images not counted
constexpr std::size_t wishLimit = 96;  // more than fill a large screen

} // namespace

TileLoader::TileLoader(const figure::Heatmap& heatmap, QObject* parent)
    : QObject(parent), m_reader(heatmap.values, heatmap.maskedFrom) {
    m_pool.setMaxThreadCount(1);
}

TileLoader::~TileLoader() {
    m_stop.store(true);
    m_pool.waitForDone();
}

std::shared_ptr<const Overview> TileLoader::overview() {
    if (!m_overview)
        wishOverview();
    return m_overview;
}

std::shared_ptr<const ValueBlock> TileLoader::block(const BlockKey& key) {
    if (const auto found = m_blocks.find(key); found != m_blocks.end()) {
        m_uses.splice(m_uses.begin(), m_uses, found->second.use);
        return found->second.block;
    }
    const bool coarse =
        key.rowLevel >= m_reader.overviewRowLevel() && key.columnLevel >= m_reader.overviewColumnLevel();
    if (!coarse) {
        wish(key);
        return nullptr;
    }
    if (!overview())
        return nullptr;
    auto made = BlockReader::pooledFrom(*m_overview, key);
    deliverBlock(key, made);
    return made;
}

std::optional<float> TileLoader::value(std::int64_t row, std::int64_t column) {
    if (row < 0 || column < 0 || row >= m_reader.rows() || column >= m_reader.columns())
        return std::nullopt;
    const BlockKey key{0, 0, row / ValueBlock::side, column / ValueBlock::side};
    const auto held = block(key);
    if (!held)
        return std::nullopt;
    const std::int64_t r = row - key.row * ValueBlock::side;
    const std::int64_t c = column - key.column * ValueBlock::side;
    return held->values[static_cast<std::size_t>(r * held->columns + c)];
}

bool TileLoader::idle() const {
    const std::scoped_lock lock(m_mutex);
    return !m_working && m_wished.empty() && !m_overviewWished;
}

void TileLoader::wish(const BlockKey& key) {
    {
        const std::scoped_lock lock(m_mutex);
        if (!m_failure.isEmpty())
            return;
        if (!m_wished.insert(key).second) {
            // Asked again: it is still looked at, so it comes before what no longer is.
            if (const auto it = std::find(m_wishes.begin(), m_wishes.end(), key); it != m_wishes.end())
                std::rotate(it, it + 1, m_wishes.end());
            return;
        }
        m_wishes.push_back(key);
        if (m_wishes.size() > wishLimit) {
            m_wished.erase(m_wishes.front());
            m_wishes.erase(m_wishes.begin());
        }
        if (m_working)
            return;
        m_working = true;
    }
    m_pool.start([this] { work(); });
}

void TileLoader::wishOverview() {
    {
        const std::scoped_lock lock(m_mutex);
        if (m_overviewWished || !m_failure.isEmpty())
            return;
        m_overviewWished = true;
        if (m_working)
            return;
        m_working = true;
    }
    m_pool.start([this] { work(); });
}

void TileLoader::work() {
    try {
        while (!m_stop.load()) {
            std::optional<BlockKey> next;
            bool wantOverview = false;
            {
                const std::scoped_lock lock(m_mutex);
                wantOverview = m_overviewWished && !m_overviewTaken;
                m_overviewTaken = m_overviewTaken || wantOverview;
                if (!wantOverview && !m_wishes.empty()) {
                    next = m_wishes.back();
                    m_wishes.pop_back();
                }
                if (!wantOverview && !next) {
                    m_working = false;
                    return;
                }
            }
            if (wantOverview) {
                // First: the limits of the colours come from it, and it fills the view at once.
                if (auto made = m_reader.overview(m_stop))
                    QMetaObject::invokeMethod(
                        this, [this, made] { deliverOverview(made); }, Qt::QueuedConnection);
            } else if (auto made = m_reader.block(*next, m_stop)) {
                QMetaObject::invokeMethod(
                    this, [this, key = *next, made] { deliverBlock(key, made), emit arrived(); },
                    Qt::QueuedConnection);
            }
        }
    } catch (const std::exception& error) {
        const QString sentence = QString::fromUtf8(error.what());
        QMetaObject::invokeMethod(
            this, [this, sentence] { deliverFailure(sentence); }, Qt::QueuedConnection);
    }
    const std::scoped_lock lock(m_mutex);
    m_working = false;
}

void TileLoader::deliverBlock(const BlockKey& key, std::shared_ptr<const ValueBlock> made) {
    {
        const std::scoped_lock lock(m_mutex);
        m_wished.erase(key);
    }
    if (m_blocks.contains(key))
        return;
    m_uses.push_front(key);
    m_blocks.emplace(key, Held{std::move(made), m_uses.begin()});
    while (m_blocks.size() > heldLimit) {
        m_blocks.erase(m_uses.back());
        m_uses.pop_back();
    }
}

void TileLoader::deliverOverview(std::shared_ptr<const Overview> made) {
    m_overview = std::move(made);
    {
        const std::scoped_lock lock(m_mutex);
        m_overviewWished = false;
    }
    emit arrived();
}

void TileLoader::deliverFailure(const QString& sentence) {
    {
        const std::scoped_lock lock(m_mutex);
        m_failure = sentence;
        m_wishes.clear();
        m_wished.clear();
        m_overviewWished = false;
    }
    emit arrived();
}

} // namespace orrery::ui
