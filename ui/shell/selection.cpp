// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/selection.h"

namespace orrery::ui {

void Selection::setQuery(int query) {
    setCell(query, m_key);
}

void Selection::setKey(int key) {
    setCell(m_query, key);
}

void Selection::setCell(int query, int key) {
    if (query == m_query && key == m_key)
        return;
    m_query = query;
    m_key = key;
    emit tokensChanged();
}

void Selection::setLayer(int layer) {
    setHead(layer, m_head);
}

void Selection::setHead(int layer, int head) {
    if (layer == m_layer && head == m_head)
        return;
    m_layer = layer;
    m_head = head;
    emit headChanged();
}

void Selection::setSite(const QString& site) {
    if (site == m_site)
        return;
    m_site = site;
    emit siteChanged();
}

void Selection::setParameter(const QString& name) {
    if (name == m_parameter)
        return;
    m_parameter = name;
    emit parameterChanged();
}

void Selection::setRun(qint64 run) {
    if (run == m_run)
        return;
    m_run = run;
    emit runChanged();
}

void Selection::clearTokens() {
    setCell(-1, -1);
}

void Selection::clear() {
    clearTokens();
    setHead(-1, -1);
    setSite({});
    setParameter({});
}

void Selection::hover(int query, int key) {
    if (query == m_hoveredQuery && key == m_hoveredKey)
        return;
    m_hoveredQuery = query;
    m_hoveredKey = key;
    emit hoverChanged();
}

} // namespace orrery::ui
