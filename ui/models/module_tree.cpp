// SPDX-License-Identifier: GPL-3.0-or-later
#include "models/module_tree.h"

#include "model/model.h"
#include "shell/icons.h"
#include "shell/model_list.h"
#include "shell/theme.h"

#include <QFont>
#include <QLocale>

#include <algorithm>

namespace orrery::ui {

QString sizeText(std::size_t bytes) {
    return QLocale().formattedDataSize(static_cast<qint64>(bytes), 1, QLocale::DataSizeSIFormat);
}

QString countText(qint64 count) {
    return QLocale().toString(count);
}

struct ModuleTree::Node {
    Kind kind = Kind::Model;
    int modelId = 0;
    QString name;  ///< whole
    QString label; ///< last part
    QString detail;
    QString shape;
    QString type;
    std::size_t bytes = 0;
    Node* parent = nullptr;
    std::vector<std::unique_ptr<Node>> children;

    Node& append(Kind childKind, QString childName, QString childLabel) {
        auto child = std::make_unique<Node>();
        child->kind = childKind;
        child->modelId = modelId;
        child->name = std::move(childName);
        child->label = std::move(childLabel);
        child->parent = this;
        children.push_back(std::move(child));
        return *children.back();
    }
    [[nodiscard]] int row() const {
        for (std::size_t i = 0; parent != nullptr && i < parent->children.size(); ++i)
            if (parent->children[i].get() == this)
                return static_cast<int>(i);
        return 0;
    }
};

ModuleTree::ModuleTree(ModelList& models, QObject* parent)
    : QAbstractItemModel(parent), m_models(models), m_root(std::make_unique<Node>()) {
    connect(&models, &ModelList::added, this, &ModuleTree::add);
    connect(&models, &ModelList::changed, this, &ModuleTree::refresh);
    connect(&models, &ModelList::closed, this, &ModuleTree::remove);
    connect(&models, &ModelList::currentChanged, this, [this] {
        if (const int rows = rowCount(); rows > 0)
            emit dataChanged(index(0, 0), index(rows - 1, columns - 1));
    });
    for (const auto& entry : models.entries())
        add(entry.id);
}

ModuleTree::~ModuleTree() = default;

void ModuleTree::fillModule(Node& parent, const model::ModuleInfo& info, const QString& prefix) {
    const QString name = QString::fromStdString(info.name);
    QString label = name;
    if (!prefix.isEmpty() && label.startsWith(prefix + QLatin1Char('.')))
        label = label.mid(prefix.size() + 1);
    Node& node = parent.append(Kind::Module, name, label);
    node.detail = QString::fromStdString(info.kind);
    node.bytes = info.bytes;
    for (const auto& parameter : info.parameters) {
        const QString whole = QString::fromStdString(parameter.name);
        Node& leaf = node.append(Kind::Parameter, whole, whole);
        leaf.shape = QString::fromStdString(parameter.shape.toText());
        leaf.type = QString::fromUtf8(orrery::name(parameter.dtype).data());
        leaf.bytes = parameter.bytes;
    }
    for (const auto& child : info.children)
        fillModule(node, child, name);
}

void ModuleTree::fill(Node& parent, const model::Model& model) {
    const model::ModuleInfo modules = model.modules();
    parent.bytes = modules.bytes;
    for (const auto& child : modules.children)
        fillModule(parent, child, {});
    Node& sites = parent.append(Kind::Sites, {}, tr("Sites"));
    // Sites of a block stand below it, so that their own names fit a narrow dock.
    Node* block = nullptr;
    for (const auto& site : model.sites()) {
        const QString name = QString::fromStdString(site.name);
        const qsizetype end =
            name.startsWith(QLatin1String("blocks.")) ? name.indexOf(QLatin1Char('.'), 7) : -1;
        const QString path = name.left(std::max<qsizetype>(end, 0));
        if (end > 0 && (block == nullptr || block->label != path))
            block = &sites.append(Kind::Sites, {}, path);
        Node& leaf = end > 0 ? block->append(Kind::Site, name, name.mid(end + 1))
                             : sites.append(Kind::Site, name, name);
        leaf.detail = QString::fromStdString(site.meaning);
        leaf.shape = QString::fromStdString(site.shape.toText());
        leaf.type = QString::fromUtf8(orrery::name(site.dtype).data());
    }
}

int ModuleTree::rowOf(int id) const {
    for (std::size_t i = 0; i < m_root->children.size(); ++i)
        if (m_root->children[i]->modelId == id)
            return static_cast<int>(i);
    return -1;
}

void ModuleTree::add(int id) {
    const auto* entry = m_models.find(id);
    const auto row = static_cast<int>(m_root->children.size());
    beginInsertRows({}, row, row);
    Node& node = m_root->append(Kind::Model, entry->path, entry->name);
    node.modelId = id;
    if (entry->model != nullptr)
        fill(node, *entry->model);
    endInsertRows();
}

void ModuleTree::refresh(int id) {
    const int row = rowOf(id);
    const auto* entry = m_models.find(id);
    if (row < 0 || entry == nullptr)
        return;
    Node& node = *m_root->children[static_cast<std::size_t>(row)];
    const QModelIndex at = index(row, 0);
    if (!node.children.empty()) {
        beginRemoveRows(at, 0, static_cast<int>(node.children.size()) - 1);
        node.children.clear();
        endRemoveRows();
    }
    if (entry->model != nullptr) {
        Node filled;
        filled.modelId = id;
        fill(filled, *entry->model);
        beginInsertRows(at, 0, static_cast<int>(filled.children.size()) - 1);
        node.children = std::move(filled.children);
        for (auto& child : node.children)
            child->parent = &node;
        node.bytes = filled.bytes;
        endInsertRows();
    }
    emit dataChanged(at, index(row, columns - 1));
}

void ModuleTree::remove(int id) {
    const int row = rowOf(id);
    if (row < 0)
        return;
    beginRemoveRows({}, row, row);
    m_root->children.erase(m_root->children.begin() + row);
    endRemoveRows();
}

QModelIndex ModuleTree::indexOfModel(int id) const {
    const int row = rowOf(id);
    return row < 0 ? QModelIndex() : index(row, 0);
}

QModelIndex ModuleTree::find(int modelId, Kind kind, const QString& name) const {
    const int row = rowOf(modelId);
    if (row < 0)
        return {};
    std::vector<Node*> open{m_root->children[static_cast<std::size_t>(row)].get()};
    while (!open.empty()) {
        Node* node = open.back();
        open.pop_back();
        if (node->kind == kind && node->name == name)
            return createIndex(node->row(), 0, node);
        for (const auto& child : node->children)
            open.push_back(child.get());
    }
    return {};
}

ModuleTree::Node* ModuleTree::node(const QModelIndex& index) const {
    return index.isValid() ? static_cast<Node*>(index.internalPointer()) : m_root.get();
}

QModelIndex ModuleTree::index(int row, int column, const QModelIndex& parent) const {
    const Node* held = node(parent);
    if (row < 0 || column < 0 || column >= columns || row >= static_cast<int>(held->children.size()))
        return {};
    return createIndex(row, column, held->children[static_cast<std::size_t>(row)].get());
}

QModelIndex ModuleTree::parent(const QModelIndex& index) const {
    if (!index.isValid())
        return {};
    Node* above = node(index)->parent;
    return above == nullptr || above == m_root.get() ? QModelIndex() : createIndex(above->row(), 0, above);
}

int ModuleTree::rowCount(const QModelIndex& parent) const {
    return parent.column() > 0 ? 0 : static_cast<int>(node(parent)->children.size());
}

int ModuleTree::columnCount(const QModelIndex&) const {
    return columns;
}

QVariant ModuleTree::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Name:
        return tr("Name");
    case ShapeColumn:
        return tr("Shape");
    case Type:
        return tr("Type");
    case Size:
        return tr("Size");
    default:
        return {};
    }
}

QVariant ModuleTree::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    const Node& held = *node(index);
    const auto* entry = held.kind == Kind::Model ? m_models.find(held.modelId) : nullptr;
    switch (role) {
    case kindRole:
        return static_cast<int>(held.kind);
    case nameRole:
        return held.name;
    case modelIdRole:
        return held.modelId;
    case sortRole:
        return index.column() == Size ? QVariant(static_cast<qulonglong>(held.bytes))
                                      : data(index, Qt::DisplayRole);
    case Qt::DisplayRole:
        switch (index.column()) {
        case Name:
            if (entry != nullptr && entry->state == ModelList::State::Loading)
                return tr("%1 (opening…)").arg(held.label);
            return held.label;
        case ShapeColumn:
            return held.shape;
        case Type:
            return held.kind == Kind::Module ? held.detail : held.type;
        case Size:
            return held.bytes > 0 ? sizeText(held.bytes) : QString();
        default:
            return {};
        }
    case Qt::TextAlignmentRole:
        return index.column() == Size ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
    case Qt::ToolTipRole:
        if (entry != nullptr && entry->state == ModelList::State::Failed)
            return entry->failure;
        return held.detail.isEmpty() ? held.name : held.name + QStringLiteral("\n") + held.detail;
    case Qt::DecorationRole:
        if (index.column() != Name)
            return {};
        switch (held.kind) {
        case Kind::Model:
            if (entry != nullptr && entry->state == ModelList::State::Failed)
                return icon(QStringLiteral("error"));
            return icon(entry != nullptr && entry->state == ModelList::State::Loading
                            ? QStringLiteral("waiting")
                            : QStringLiteral("models"));
        case Kind::Module:
            return icon(QStringLiteral("module"));
        case Kind::Parameter:
            return icon(QStringLiteral("parameter"));
        case Kind::Sites:
        case Kind::Site:
            return icon(QStringLiteral("site"));
        }
        return {};
    case Qt::ForegroundRole:
        if (entry != nullptr && entry->state == ModelList::State::Failed)
            return Theme::colours().bad;
        if (index.column() != Name)
            return Theme::colours().muted;
        return {};
    case Qt::FontRole:
        if (held.kind == Kind::Model && held.modelId == m_models.currentId()) {
            QFont font;
            font.setBold(true);
            return font;
        }
        return {};
    default:
        return {};
    }
}

} // namespace orrery::ui
