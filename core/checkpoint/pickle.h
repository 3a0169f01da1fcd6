// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tensor/dtype.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// What a pickle's opcodes made: plain data, and tensors described by storage, offset, shape and strides.
/// Nodes live in an arena and refer to each other by number, so that containers that hold themselves neither
/// leak nor unwind the stack.
namespace pickle {

using Ref = std::uint32_t; ///< number of a node

enum class Kind : std::uint8_t {
    None,
    Bool,
    Integer,
    BigInteger, ///< beyond 64 bits: text holds its little-endian bytes (decimal digits in protocols 0, 1)
    Real,
    Text,
    Bytes,
    Tuple,
    List,
    Dict, ///< items: key, value, key, value ...
    Set,
    Global,  ///< index: into the table of what may be named (see pickle_globals.h)
    Storage, ///< index: into storages
    Tensor,  ///< index: into tensors
    Opaque,  ///< harmless and of no use here: a torch.device, say
};

struct Node {
    Kind kind = Kind::None;
    std::uint32_t index = 0;
    std::int64_t integer = 0; ///< of Integer and Bool
    double real = 0;
    std::string_view text; ///< into the pickle, or into the arena's own texts
    std::vector<Ref> items;
};

/// A torch storage, as a persistent id names it.
struct StorageRecord {
    std::string dtypeName;      ///< "FloatStorage", "UntypedStorage"
    std::optional<DType> dtype; ///< none: not one that Orrery computes with
    std::uint64_t itemBytes = 1;
    std::string key;
    std::uint64_t elements = 0;
};

/// A tensor over a storage; checked to lie inside it.
struct TensorRecord {
    std::uint32_t storage = 0;
    std::string dtypeName;
    std::optional<DType> dtype;
    std::uint64_t itemBytes = 1;
    std::uint64_t offset = 0; ///< in elements
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides; ///< in elements
};

struct Arena {
    std::vector<Node> nodes;
    std::vector<StorageRecord> storages;
    std::vector<TensorRecord> tensors;
    std::deque<std::string> texts; ///< of protocol 0, whose texts are escaped

    [[nodiscard]] const Node& operator[](Ref ref) const { return nodes.at(ref); }
};

} // namespace pickle

/// Interprets pickles of protocols 0 to 5 without ever running anything: the only callables it knows are
/// those that put a tensor together (torch._utils._rebuild_tensor_v2 and its relatives), OrderedDict and
/// sets, and it does their work itself. A pickle that names anything else is refused with a sentence that
/// says what. Stack, memo, nodes and sizes are bounded by the length of the pickle and by fixed limits.
/// Opcodes: Python's Lib/pickletools.py documents them.
class Unpickler {
public:
    /// name is used in messages ("FILE", "data.pkl in FILE"); the bytes must outlive the arena.
    Unpickler(std::string_view bytes, std::string name);

    /// Runs the pickle that begins at the position; afterwards position() is behind its STOP.
    pickle::Ref run();
    [[nodiscard]] std::size_t position() const { return m_position; }
    [[nodiscard]] const pickle::Arena& arena() const { return m_arena; }
    /// Unpacks small integers; none when it is not one.
    [[nodiscard]] std::optional<std::int64_t> integer(pickle::Ref ref) const;

private:
    using Ref = pickle::Ref;

    bool step(); ///< one opcode; false at STOP
    bool stepNumber(unsigned char opcode);
    bool stepText(unsigned char opcode);
    bool stepContainer(unsigned char opcode);
    bool stepMemo(unsigned char opcode);
    bool stepObject(unsigned char opcode);

    [[noreturn]] void refuse(const std::string& what) const;
    [[noreturn]] void refuseCode(std::string_view module, std::string_view name) const;
    std::string_view take(std::uint64_t bytes);
    template <typename T>
    T takeNumber();
    std::string_view takeLine();

    void spend(std::size_t items);
    Ref make(pickle::Node node);
    void push(Ref ref);
    void pushNew(pickle::Node node) { push(make(std::move(node))); }
    void pushInteger(std::int64_t value);
    void pushLong(std::string_view bytes);
    void pushText(std::string_view text);
    void pushUnescaped(std::string_view quoted, bool unicode);
    Ref pop();
    Ref top() const;
    std::vector<Ref> popToMark();
    void pushGlobal(std::string_view module, std::string_view name);
    void remember(std::uint64_t slot);
    void recall(std::uint64_t slot);

    void reduce(Ref callable, std::span<const Ref> arguments);
    void build();
    void persistentLoad(Ref id);
    Ref rebuildTensor(std::span<const Ref> arguments, bool withDtype);
    std::uint64_t count(Ref ref, const char* what) const;
    std::vector<std::int64_t> sizes(Ref ref, const char* what) const;

    std::string_view m_bytes;
    std::string m_name;
    std::size_t m_position = 0;
    pickle::Arena m_arena;
    std::vector<Ref> m_stack;
    std::vector<std::size_t> m_marks;
    std::vector<std::optional<Ref>> m_memo;
    std::size_t m_copied = 0;
};

} // namespace orrery::checkpoint
