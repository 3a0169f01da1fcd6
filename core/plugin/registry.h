// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "base/part.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::plugin {

/// Every part there is, by kind and id. An interface class names its kind by `static constexpr
/// std::string_view kind`, so a new kind of part needs no line here. Thread safe; parts live as long as
/// someone holds them.
class Registry {
public:
    struct Entry {
        std::string kind;   ///< "analyzer", "token_mixer", "compressor", ...
        std::string plugin; ///< id of the plugin that brought it; "orrery" for built-in ones
        std::shared_ptr<const Part> part;
    };

    /// Adds a part of the kind that Interface stands for; UsageError when that kind already has the id.
    template <typename Interface>
    void add(std::shared_ptr<const Interface> part) {
        addPart(std::string(Interface::kind), std::move(part));
    }
    /// The same, making the part: registry.make<Analyzer, LogitLens>();
    template <typename Interface, typename Made, typename... Arguments>
    void make(Arguments&&... arguments) {
        add<Interface>(std::make_shared<const Made>(std::forward<Arguments>(arguments)...));
    }

    template <typename Interface>
    [[nodiscard]] std::vector<std::shared_ptr<const Interface>> all() const {
        std::vector<std::shared_ptr<const Interface>> found;
        for (const Entry& entry : entries())
            if (entry.kind == Interface::kind)
                found.push_back(std::dynamic_pointer_cast<const Interface>(entry.part));
        return found;
    }
    /// The part with this id, or UsageError that names the nearest id.
    template <typename Interface>
    [[nodiscard]] std::shared_ptr<const Interface> require(std::string_view id) const {
        return std::dynamic_pointer_cast<const Interface>(requirePart(Interface::kind, id).part);
    }
    template <typename Interface>
    [[nodiscard]] std::shared_ptr<const Interface> find(std::string_view id) const {
        for (const Entry& entry : entries())
            if (entry.kind == Interface::kind && entry.part->info().id == id)
                return std::dynamic_pointer_cast<const Interface>(entry.part);
        return nullptr;
    }

    /// Sorted by kind, then id.
    [[nodiscard]] std::vector<Entry> entries() const;
    /// An empty kind looks in all of them; UsageError when unknown or, without a kind, ambiguous.
    [[nodiscard]] Entry requirePart(std::string_view kind, std::string_view id) const;

    /// Takes over all parts of another registry as those of one plugin, all or none: UsageError on a clash of
    /// ids.
    void adopt(const Registry& other, const std::string& plugin);

private:
    void addPart(std::string kind, std::shared_ptr<const Part> part);
    mutable std::mutex m_mutex;
    std::vector<Entry> m_entries;
};

/// The registry of this process, filled by the loader at start.
Registry& registry();

} // namespace orrery::plugin
