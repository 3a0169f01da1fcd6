// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figures/heatmap_values.h"

#include <QObject>
#include <QThreadPool>

#include <list>
#include <mutex>
#include <set>

namespace orrery::ui {

/// Values computed on a thread of its own when the painter asks for them; arrived() says that asking again
/// will give more. Newest wishes are served first, wishes that fell behind are forgotten, and the least
/// recently used blocks go when more than 64 MiB are held.
class TileLoader final : public QObject, public HeatmapValues {
    Q_OBJECT
public:
    explicit TileLoader(const figure::Heatmap& heatmap, QObject* parent = nullptr);
    ~TileLoader() override;

    [[nodiscard]] const BlockReader& reader() const override { return m_reader; }
    [[nodiscard]] std::shared_ptr<const Overview> overview() override;
    [[nodiscard]] std::shared_ptr<const ValueBlock> block(const BlockKey& key) override;
    /// From the blocks and overview that are here; others are asked for.
    [[nodiscard]] std::optional<float> value(std::int64_t row, std::int64_t column) override;
    [[nodiscard]] bool idle() const;
    [[nodiscard]] std::size_t heldBlocks() const { return m_blocks.size(); }
    [[nodiscard]] const QString& failure() const { return m_failure; } ///< sentence, when the source threw

signals:
    void arrived();

private:
    struct Held {
        std::shared_ptr<const ValueBlock> block;
        std::list<BlockKey>::iterator use;
    };
    void wish(const BlockKey& key);
    void wishOverview();
    void work();
    void deliverBlock(const BlockKey& key, std::shared_ptr<const ValueBlock> block);
    void deliverOverview(std::shared_ptr<const Overview> overview);
    void deliverFailure(const QString& sentence);

    BlockReader m_reader;
    std::shared_ptr<const Overview> m_overview;
    std::map<BlockKey, Held> m_blocks;
    std::list<BlockKey> m_uses; ///< most recent first
    QString m_failure;

    mutable std::mutex m_mutex; ///< guards what the worker shares
    std::vector<BlockKey> m_wishes;
    std::set<BlockKey> m_wished; ///< waiting or being computed or on the way here
    bool m_overviewWished = false;
    bool m_overviewTaken = false; ///< the worker has it in hand or has sent it
    bool m_working = false;
    std::atomic<bool> m_stop{false};
    QThreadPool m_pool;
};

} // namespace orrery::ui
