// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/state_dict.h"

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/shown_text.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <unordered_set>

namespace orrery::checkpoint {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;

namespace {

constexpr int maxDepth = 32;
constexpr std::array<std::string_view, 4> wrappers{"state_dict", "model_state_dict", "model", "module"};
constexpr std::size_t maxNameBytes = 4096;

class Walk {
public:
    Walk(const pickle::Arena& arena, const std::string& fileName)
        : m_arena(arena), m_fileName(fileName), m_visitsLeft(2 * arena.nodes.size() + 1000) {}

    void visit(Ref ref, const std::string& name, int depth) {
        // Shared containers are visited once for each place that holds them: a few bytes could ask for 2^n.
        if (depth > maxDepth || m_visitsLeft-- == 0)
            throw InputError(fmt::format("{} holds containers within containers without end; it is not a "
                                         "checkpoint.",
                                         m_fileName));
        const Node& node = m_arena[ref];
        if (node.kind == Kind::Tensor) {
            add(name.empty() ? "tensor" : name, node.index);
        } else if (node.kind == Kind::Dict) {
            for (std::size_t i = 0; i + 1 < node.items.size(); i += 2)
                if (isInteresting(node.items[i + 1]))
                    visit(node.items[i + 1], joined(name, keyText(node.items[i])), depth + 1);
        } else if (node.kind == Kind::List || node.kind == Kind::Tuple) {
            for (std::size_t i = 0; i < node.items.size(); ++i)
                if (isInteresting(node.items[i]))
                    visit(node.items[i], joined(name, fmt::format("{}", i)), depth + 1);
        }
    }

    std::vector<NamedTensor> take() { return std::move(m_found); }

private:
    [[nodiscard]] bool isInteresting(Ref ref) const {
        const Kind kind = m_arena[ref].kind;
        return kind == Kind::Tensor || kind == Kind::Dict || kind == Kind::List || kind == Kind::Tuple;
    }

    [[nodiscard]] std::string keyText(Ref ref) const {
        const Node& key = m_arena[ref];
        if (key.kind == Kind::Text)
            return std::string(key.text);
        if (key.kind == Kind::Integer)
            return fmt::format("{}", key.integer);
        throw InputError(fmt::format("{} holds a dict whose keys are neither texts nor numbers; it is not a "
                                     "checkpoint.",
                                     m_fileName));
    }

    [[nodiscard]] std::string joined(const std::string& outer, const std::string& inner) const {
        if (outer.size() + inner.size() > maxNameBytes)
            throw InputError(fmt::format("{} holds a name of more than {} bytes; it is not a checkpoint.",
                                         m_fileName, maxNameBytes));
        return outer.empty() ? inner : outer + "." + inner;
    }

    void add(const std::string& name, std::uint32_t tensor) {
        try {
            (void)Json(name).dump(); // names are shown and exported: they must be text
        } catch (const Json::exception&) {
            throw InputError(fmt::format("{} holds a tensor whose name is not valid UTF-8; it is damaged, "
                                         "download or write it again.",
                                         m_fileName));
        }
        if (!m_names.insert(name).second)
            throw InputError(fmt::format("{} holds two tensors called \"{}\"; write it again from one "
                                         "state_dict.",
                                         m_fileName, shownText(name)));
        m_found.push_back({name, tensor});
    }

    const pickle::Arena& m_arena;
    const std::string& m_fileName;
    std::size_t m_visitsLeft;
    std::vector<NamedTensor> m_found;
    std::unordered_set<std::string> m_names;
};

/// The weights inside a training script's wrapping, or the object itself.
Ref unwrapped(const pickle::Arena& arena, Ref root) {
    const Node& node = arena[root];
    if (node.kind != Kind::Dict)
        return root;
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2)
        if (arena[node.items[i + 1]].kind == Kind::Tensor)
            return root;
    for (const auto wrapper : wrappers)
        for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
            const Node& key = arena[node.items[i]];
            if (key.kind == Kind::Text && key.text == wrapper && arena[node.items[i + 1]].kind == Kind::Dict)
                return node.items[i + 1];
        }
    return root;
}

} // namespace

std::vector<NamedTensor> stateDict(const pickle::Arena& arena, Ref root, const std::string& fileName) {
    Walk walk(arena, fileName);
    walk.visit(unwrapped(arena, root), "", 0);
    auto found = walk.take();
    if (found.empty())
        throw InputError(fmt::format(
            "{} holds no tensors; give the file that torch.save wrote of a state_dict.", fileName));
    return found;
}

} // namespace orrery::checkpoint
