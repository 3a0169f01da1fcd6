// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractItemModel>
#include <QString>

#include <cstddef>
#include <memory>
#include <vector>

namespace orrery::model {
class Model;
struct ModuleInfo;
} // namespace orrery::model

namespace orrery::ui {

class ModelList;

/// The open models with their modules, parameters and sites.
class ModuleTree : public QAbstractItemModel {
    Q_OBJECT
public:
    enum Column { Name, ShapeColumn, Type, Size };
    static constexpr int columns = Size + 1;
    enum class Kind { Model, Module, Parameter, Sites, Site };
    static constexpr int kindRole = Qt::UserRole + 1;    ///< Kind as int
    static constexpr int nameRole = Qt::UserRole + 2;    ///< whole name: of the site, module or parameter
    static constexpr int modelIdRole = Qt::UserRole + 3; ///< in the ModelList
    static constexpr int sortRole = Qt::UserRole + 4;

    explicit ModuleTree(ModelList& models, QObject* parent = nullptr);
    ~ModuleTree() override;

    [[nodiscard]] QModelIndex indexOfModel(int id) const;
    /// The row of a site or parameter by name within a model; invalid when there is none.
    [[nodiscard]] QModelIndex find(int modelId, Kind kind, const QString& name) const;

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& index) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Node;
    void add(int id);
    void refresh(int id);
    void remove(int id);
    static void fill(Node& parent, const model::Model& model);
    static void fillModule(Node& parent, const model::ModuleInfo& info, const QString& prefix);
    [[nodiscard]] Node* node(const QModelIndex& index) const;
    [[nodiscard]] int rowOf(int id) const;

    ModelList& m_models;
    std::unique_ptr<Node> m_root;
};

/// "9.2 MB", with powers of 1000.
QString sizeText(std::size_t bytes);
/// "4 609 280" for people
QString countText(qint64 count);

} // namespace orrery::ui
