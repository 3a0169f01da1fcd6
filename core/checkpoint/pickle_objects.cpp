// SPDX-License-Identifier: GPL-3.0-or-later
// What names, calls and persistent ids of a pickle mean: tensors, and nothing that runs.
#include "base/error.h"
#include "checkpoint/pickle.h"
#include "checkpoint/pickle_globals.h"
#include "checkpoint/shown_text.h"
#include "tensor/shape.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::checkpoint {

using pickle::Kind;
using pickle::Meaning;
using pickle::Node;

namespace {

/// A tensor may show its storage more than once (expand), but not so often that a copy fills the memory.
constexpr std::uint64_t maxExpandedElements = std::uint64_t{1} << 24U;

} // namespace

void Unpickler::refuseCode(std::string_view module, std::string_view name) const {
    throw InputError(fmt::format(
        "{} contains code: it asks for {}.{}. Orrery runs nothing from a checkpoint; get the model as "
        "safetensors, or save only its state_dict.",
        m_name, shownText(module), shownText(name)));
}

void Unpickler::pushGlobal(std::string_view module, std::string_view name) {
    const auto index = pickle::findGlobal(module, name);
    if (!index)
        refuseCode(module, name);
    Node node;
    node.kind = Kind::Global;
    node.index = *index;
    pushNew(std::move(node));
}

std::uint64_t Unpickler::count(Ref ref, const char* what) const {
    const auto value = integer(ref);
    if (!value || *value < 0)
        refuse(fmt::format("gives a tensor a {} that is no count", what));
    return static_cast<std::uint64_t>(*value);
}

std::vector<std::int64_t> Unpickler::sizes(Ref ref, const char* what) const {
    const Node& node = m_arena[ref];
    if (node.kind != Kind::Tuple && node.kind != Kind::List)
        refuse(fmt::format("gives a tensor a {} that is no tuple", what));
    if (node.items.size() > Shape::maxRank)
        refuse(fmt::format("holds a tensor of {} dimensions, more than the {} that Orrery can hold",
                           node.items.size(), Shape::maxRank));
    std::vector<std::int64_t> values;
    for (const Ref item : node.items)
        values.push_back(static_cast<std::int64_t>(count(item, what)));
    return values;
}

/// ("storage", type, key, location, elements[, view]): the numbers lie outside the pickle under the key.
void Unpickler::persistentLoad(Ref id) {
    const Node& node = m_arena[id];
    if (node.kind != Kind::Tuple || node.items.empty() || m_arena[node.items[0]].kind != Kind::Text)
        refuse("names a storage in an unknown way");
    const auto kind = m_arena[node.items[0]].text;
    if (kind == "module")
        refuseCode("a module", "saved with its source");
    if (kind != "storage" || node.items.size() < 5 || node.items.size() > 6)
        refuse("names a storage in an unknown way");
    const Node& type = m_arena[node.items[1]];
    const Node& key = m_arena[node.items[2]];
    if (type.kind != Kind::Global || pickle::allowedGlobal(type.index).meaning != Meaning::StorageType ||
        key.kind != Kind::Text)
        refuse("names a storage in an unknown way");
    const auto& allowed = pickle::allowedGlobal(type.index);
    pickle::StorageRecord record;
    record.dtypeName = allowed.name;
    record.dtype = allowed.dtype;
    record.itemBytes = allowed.itemBytes;
    record.key = key.text;
    record.elements = count(node.items[4], "storage size");
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(record.elements, record.itemBytes, &bytes) ||
        bytes > static_cast<std::uint64_t>(INT64_MAX))
        refuse(fmt::format("holds a storage of {} elements, which no file could hold", record.elements));
    if (node.items.size() == 6 && m_arena[node.items[5]].kind != Kind::None)
        refuse("shares a piece of a storage, as PyTorch before 0.4 did; save it with a newer one");
    Node storage;
    storage.kind = Kind::Storage;
    storage.index = static_cast<std::uint32_t>(m_arena.storages.size());
    m_arena.storages.push_back(std::move(record));
    pushNew(std::move(storage));
}

/// storage, offset, shape, strides, then things of no use here (requires_grad, hooks), then the dtype.
pickle::Ref Unpickler::rebuildTensor(std::span<const Ref> arguments, bool withDtype) {
    if (arguments.size() < (withDtype ? 7U : 4U) || m_arena[arguments[0]].kind != Kind::Storage)
        refuse("puts a tensor together from the wrong pieces");
    pickle::TensorRecord record;
    record.storage = m_arena[arguments[0]].index;
    const auto& storage = m_arena.storages[record.storage];
    record.dtypeName = storage.dtypeName;
    record.dtype = storage.dtype;
    record.itemBytes = storage.itemBytes;
    if (withDtype) {
        const Node& type = m_arena[arguments[6]];
        if (type.kind != Kind::Global || pickle::allowedGlobal(type.index).meaning != Meaning::ElementType)
            refuse("puts a tensor together without a dtype");
        const auto& allowed = pickle::allowedGlobal(type.index);
        record.dtypeName = allowed.name;
        record.dtype = allowed.dtype;
        record.itemBytes = allowed.itemBytes;
    }
    record.offset = count(arguments[1], "storage offset");
    record.shape = sizes(arguments[2], "shape");
    record.strides = sizes(arguments[3], "stride");
    if (record.shape.size() != record.strides.size())
        refuse("puts a tensor together with a different number of sizes and strides");

    const std::uint64_t room = storage.elements * storage.itemBytes / record.itemBytes;
    std::uint64_t elements = 1;
    std::uint64_t end = record.offset; // of the last element
    std::uint64_t reach = 16;          // bytes, were no size zero: strides are computed from it
    bool overflow = false;
    for (std::size_t i = 0; i < record.shape.size(); ++i) {
        const auto size = static_cast<std::uint64_t>(record.shape[i]);
        std::uint64_t step = 0;
        overflow = overflow || __builtin_mul_overflow(elements, size, &elements) ||
                   __builtin_mul_overflow(reach, std::max<std::uint64_t>(size, 1), &reach) ||
                   __builtin_mul_overflow(std::max<std::uint64_t>(size, 1) - 1,
                                          static_cast<std::uint64_t>(record.strides[i]), &step) ||
                   __builtin_add_overflow(end, step, &end);
    }
    if (overflow || reach > static_cast<std::uint64_t>(INT64_MAX) || record.offset > room ||
        (elements > 0 && end >= room))
        refuse(fmt::format("holds a tensor of shape [{}] at offset {} that reaches beyond its storage of {} "
                           "elements",
                           fmt::join(record.shape, ", "), record.offset, room));
    if (elements > room && elements > maxExpandedElements)
        refuse(fmt::format("holds a tensor of {} elements over a storage of only {}", elements, room));
    Node tensor;
    tensor.kind = Kind::Tensor;
    tensor.index = static_cast<std::uint32_t>(m_arena.tensors.size());
    m_arena.tensors.push_back(std::move(record));
    return make(std::move(tensor));
}

void Unpickler::reduce(Ref callable, std::span<const Ref> arguments) {
    if (m_arena[callable].kind != Kind::Global)
        refuse("calls something that is no function");
    const auto& allowed = pickle::allowedGlobal(m_arena[callable].index);
    const auto copyOf = [&](Kind kind, std::initializer_list<Kind> sources) {
        Node node;
        node.kind = kind;
        if (!arguments.empty()) {
            const Node& source = m_arena[arguments[0]];
            if (arguments.size() > 1 ||
                std::find(sources.begin(), sources.end(), source.kind) == sources.end())
                refuse(fmt::format("calls {} with the wrong arguments", allowed.name));
            spend(source.items.size());
            node.items = source.items;
        }
        return node;
    };
    switch (allowed.meaning) {
    case Meaning::OrderedDict: {
        // Python 2 gives the items as a list of pairs; later versions set them one by one.
        Node dict;
        dict.kind = Kind::Dict;
        if (!arguments.empty()) {
            if (arguments.size() > 1 || m_arena[arguments[0]].kind != Kind::List)
                refuse("makes an OrderedDict from the wrong arguments");
            spend(m_arena[arguments[0]].items.size());
            for (const Ref pair : m_arena[arguments[0]].items) {
                const Node& both = m_arena[pair];
                if ((both.kind != Kind::Tuple && both.kind != Kind::List) || both.items.size() != 2)
                    refuse("makes an OrderedDict from something that is no pair");
                dict.items.insert(dict.items.end(), both.items.begin(), both.items.end());
            }
        }
        pushNew(std::move(dict));
        return;
    }
    case Meaning::Set:
    case Meaning::Frozenset:
        pushNew(copyOf(Kind::Set, {Kind::List, Kind::Tuple, Kind::Set}));
        return;
    case Meaning::Size:
        pushNew(copyOf(Kind::Tuple, {Kind::Tuple, Kind::List}));
        return;
    case Meaning::Device: {
        Node device;
        device.kind = Kind::Opaque;
        pushNew(std::move(device));
        return;
    }
    case Meaning::RebuildTensor:
        push(rebuildTensor(arguments, false));
        return;
    case Meaning::RebuildTensorWithDtype:
        push(rebuildTensor(arguments, true));
        return;
    case Meaning::RebuildParameter:
        if (arguments.empty() || m_arena[arguments[0]].kind != Kind::Tensor)
            refuse("makes a parameter of something that is no tensor");
        push(arguments[0]);
        return;
    case Meaning::StorageType:
    case Meaning::ElementType:
        break;
    }
    refuse(fmt::format("calls {}.{}", allowed.module, allowed.name));
}

/// Attributes of a state dict (its _metadata) and of tensors: read as data, of no use here.
void Unpickler::build() {
    pop();
    const auto kind = m_arena[top()].kind;
    if (kind != Kind::Dict && kind != Kind::Tensor && kind != Kind::Set)
        refuse("sets attributes of something that is no dict and no tensor");
}

} // namespace orrery::checkpoint
