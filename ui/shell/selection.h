// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>

namespace orrery::ui {

/// What is selected, everywhere at once: a token chosen in a map is chosen in the strip, the tree and the
/// inspector too. Views write to it on clicks and follow its signals; they never talk to each other.
/// A number of -1 and an empty text mean "none".
class Selection : public QObject {
    Q_OBJECT
public:
    explicit Selection(QObject* parent = nullptr) : QObject(parent) {}

    [[nodiscard]] int query() const { return m_query; } ///< position of the query (destination) token
    [[nodiscard]] int key() const { return m_key; }     ///< position of the key (source) token
    [[nodiscard]] int layer() const { return m_layer; }
    [[nodiscard]] int head() const { return m_head; }
    [[nodiscard]] const QString& site() const { return m_site; }           ///< "blocks.3.attn.hook_pattern"
    [[nodiscard]] const QString& parameter() const { return m_parameter; } ///< name as in the checkpoint
    [[nodiscard]] qint64 run() const { return m_run; }                     ///< of the workspace

    void setQuery(int query);
    void setKey(int key);
    void setCell(int query, int key);
    void setLayer(int layer);
    void setHead(int layer, int head);
    void setSite(const QString& site);
    void setParameter(const QString& name);
    void setRun(qint64 run);
    void clearTokens(); ///< Esc: query and key
    void clear();       ///< another model: everything but the run

    /// The pointer rests on a cell; -1, -1 when it leaves. Not a selection: nothing keeps it.
    void hover(int query, int key);
    [[nodiscard]] int hoveredQuery() const { return m_hoveredQuery; }
    [[nodiscard]] int hoveredKey() const { return m_hoveredKey; }

signals:
    void tokensChanged();    ///< query or key
    void headChanged();      ///< layer or head
    void siteChanged();      ///< site
    void parameterChanged(); ///< parameter
    void runChanged();       ///< run
    void hoverChanged();

private:
    int m_query = -1;
    int m_key = -1;
    int m_layer = -1;
    int m_head = -1;
    int m_hoveredQuery = -1;
    int m_hoveredKey = -1;
    qint64 m_run = -1;
    QString m_site;
    QString m_parameter;
};

} // namespace orrery::ui
