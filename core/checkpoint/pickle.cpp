// SPDX-License-Identifier: GPL-3.0-or-later
// The stack machine: opcodes, memo, marks. What names and calls mean is in pickle_objects.cpp.
#include "checkpoint/pickle.h"

#include "base/error.h"
#include "checkpoint/pickle_opcodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace orrery::checkpoint {

using namespace pickle::opcodes;
using pickle::Kind;
using pickle::Node;

namespace {

// An honest state dict takes about 30 nodes a tensor.
constexpr std::size_t maxNodes = 4'000'000;
constexpr std::size_t maxStack = 4'000'000;
constexpr std::size_t maxMarks = 10'000;
/// Copies of lists that a few bytes ask for (a call with a long list from the memo) must not add up.
constexpr std::size_t maxCopied = 32'000'000;

Node integerNode(std::int64_t value) {
    Node node;
    node.kind = Kind::Integer;
    node.integer = value;
    return node;
}

Node boolNode(bool value) {
    Node node;
    node.kind = Kind::Bool;
    node.integer = value ? 1 : 0;
    return node;
}

Node realNode(double value) {
    Node node;
    node.kind = Kind::Real;
    node.real = value;
    return node;
}

Node textNode(Kind kind, std::string_view text) {
    Node node;
    node.kind = kind;
    node.text = text;
    return node;
}

Node containerNode(Kind kind, std::vector<pickle::Ref> items = {}) {
    Node node;
    node.kind = kind;
    node.items = std::move(items);
    return node;
}

int hexDigit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void appendUtf8(std::string& text, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0U | (code >> 6U));
        put(0x80U | (code & 0x3fU));
    } else if (code < 0x10000) {
        put(0xe0U | (code >> 12U));
        put(0x80U | ((code >> 6U) & 0x3fU));
        put(0x80U | (code & 0x3fU));
    } else {
        put(0xf0U | ((code >> 18U) & 7U));
        put(0x80U | ((code >> 12U) & 0x3fU));
        put(0x80U | ((code >> 6U) & 0x3fU));
        put(0x80U | (code & 0x3fU));
    }
}

} // namespace

Unpickler::Unpickler(std::string_view bytes, std::string name) : m_bytes(bytes), m_name(std::move(name)) {}

pickle::Ref Unpickler::run() {
    m_stack.clear();
    m_marks.clear();
    m_memo.clear();
    while (step()) {
    }
    return pop();
}

std::optional<std::int64_t> Unpickler::integer(pickle::Ref ref) const {
    const Node& node = m_arena[ref];
    if (node.kind != Kind::Integer && node.kind != Kind::Bool)
        return {};
    return node.integer;
}

void Unpickler::refuse(const std::string& what) const {
    throw InputError(
        fmt::format("{} {} (byte {}); it is damaged or was not written by torch.save, download or "
                    "write it again.",
                    m_name, what, m_position));
}

std::string_view Unpickler::take(std::uint64_t bytes) {
    if (bytes > m_bytes.size() - m_position)
        refuse(fmt::format("is cut short: {} bytes are announced where {} are left", bytes,
                           m_bytes.size() - m_position));
    const auto piece = m_bytes.substr(m_position, bytes);
    m_position += bytes;
    return piece;
}

template <typename T>
T Unpickler::takeNumber() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
}

std::string_view Unpickler::takeLine() {
    const auto end = m_bytes.find('\n', m_position);
    if (end == std::string_view::npos)
        refuse("is cut short: a line does not end");
    const auto line = m_bytes.substr(m_position, end - m_position);
    m_position = end + 1;
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

void Unpickler::spend(std::size_t items) {
    m_copied += items;
    if (m_copied > maxCopied)
        refuse(fmt::format("copies more than {} objects", maxCopied));
}

pickle::Ref Unpickler::make(Node node) {
    if (m_arena.nodes.size() >= maxNodes)
        refuse(fmt::format("makes more than {} objects", maxNodes));
    m_arena.nodes.push_back(std::move(node));
    return static_cast<Ref>(m_arena.nodes.size() - 1);
}

void Unpickler::push(Ref ref) {
    if (m_stack.size() >= maxStack)
        refuse(fmt::format("piles up more than {} objects", maxStack));
    m_stack.push_back(ref);
}

void Unpickler::pushInteger(std::int64_t value) {
    pushNew(integerNode(value));
}

pickle::Ref Unpickler::top() const {
    if (m_stack.size() <= (m_marks.empty() ? 0 : m_marks.back()))
        refuse("takes an object where there is none");
    return m_stack.back();
}

pickle::Ref Unpickler::pop() {
    const Ref ref = top();
    m_stack.pop_back();
    return ref;
}

std::vector<pickle::Ref> Unpickler::popToMark() {
    if (m_marks.empty())
        refuse("closes a list that it has not opened");
    const auto begin = m_stack.begin() + static_cast<std::ptrdiff_t>(m_marks.back());
    std::vector<Ref> items(begin, m_stack.end());
    m_stack.erase(begin, m_stack.end());
    m_marks.pop_back();
    return items;
}

void Unpickler::remember(std::uint64_t slot) {
    // Python numbers its memo without gaps; a number far beyond the objects made so far is an attack on
    // memory.
    if (slot > m_arena.nodes.size() + 1000)
        refuse(fmt::format("stores under the number {}, more than it could have stored", slot));
    if (slot >= m_memo.size())
        m_memo.resize(slot + 1);
    m_memo[slot] = top();
}

void Unpickler::recall(std::uint64_t slot) {
    if (slot >= m_memo.size() || !m_memo[slot])
        refuse(fmt::format("recalls the number {}, which it has not stored", slot));
    push(*m_memo[slot]);
}

bool Unpickler::step() {
    const auto opcode = static_cast<unsigned char>(take(1).front());
    switch (opcode) {
    case opStop:
        return false;
    case opProto:
        if (const auto protocol = takeNumber<std::uint8_t>(); protocol > 5)
            refuse(fmt::format("is a pickle of protocol {}, newer than the 5 that are known", protocol));
        return true;
    case opFrame:
        if (takeNumber<std::uint64_t>() > m_bytes.size() - m_position)
            refuse("is cut short: a frame reaches beyond its end");
        return true;
    default:
        if (!stepNumber(opcode) && !stepText(opcode) && !stepContainer(opcode) && !stepMemo(opcode) &&
            !stepObject(opcode))
            refuse(fmt::format("holds the unknown opcode 0x{:02x}", opcode));
        return true;
    }
}

bool Unpickler::stepNumber(unsigned char opcode) {
    const auto parse = [&](std::string_view digits) {
        std::int64_t value = 0;
        const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (failure != std::errc() || end != digits.data() + digits.size())
            refuse("holds a number that is none, or one beyond 64 bits");
        return value;
    };
    switch (opcode) {
    case opNone:
        pushNew({});
        return true;
    case opNewTrue:
        pushNew(boolNode(true));
        return true;
    case opNewFalse:
        pushNew(boolNode(false));
        return true;
    case opBinInt:
        pushInteger(takeNumber<std::int32_t>());
        return true;
    case opBinInt1:
        pushInteger(takeNumber<std::uint8_t>());
        return true;
    case opBinInt2:
        pushInteger(takeNumber<std::uint16_t>());
        return true;
    case opInt: {
        const auto line = takeLine();
        pushNew(line == "00" || line == "01" ? boolNode(line == "01") : integerNode(parse(line)));
        return true;
    }
    case opLong: {
        auto line = takeLine();
        if (line.ends_with('L'))
            line.remove_suffix(1);
        if (line.size() > 19 && line.find_first_not_of("0123456789") == std::string_view::npos)
            pushNew(textNode(Kind::BigInteger, line));
        else
            pushInteger(parse(line));
        return true;
    }
    case opLong1:
        pushLong(take(takeNumber<std::uint8_t>()));
        return true;
    case opLong4: {
        const auto bytes = takeNumber<std::int32_t>();
        if (bytes < 0)
            refuse("announces a number of negative length");
        pushLong(take(static_cast<std::uint64_t>(bytes)));
        return true;
    }
    case opFloat: {
        const auto line = takeLine();
        double value = 0;
        const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), value);
        if (failure != std::errc() || end != line.data() + line.size())
            refuse("holds a number that is none");
        pushNew(realNode(value));
        return true;
    }
    case opBinFloat: {
        const auto bits = __builtin_bswap64(takeNumber<std::uint64_t>());
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        pushNew(realNode(value));
        return true;
    }
    default:
        return false;
    }
}

void Unpickler::pushLong(std::string_view bytes) {
    if (bytes.size() > sizeof(std::int64_t)) {
        pushNew(textNode(Kind::BigInteger, bytes));
        return;
    }
    std::uint64_t value = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0
                              ? ~std::uint64_t{0}
                              : 0; // sign extension of two's complement
    std::memcpy(&value, bytes.data(), bytes.size());
    pushInteger(static_cast<std::int64_t>(value));
}

void Unpickler::pushText(std::string_view text) {
    pushNew(textNode(Kind::Text, text));
}

/// Protocol 0 writes texts with backslash escapes.
void Unpickler::pushUnescaped(std::string_view quoted, bool unicode) {
    std::string text;
    for (std::size_t i = 0; i < quoted.size(); ++i) {
        if (quoted[i] != '\\' || i + 1 >= quoted.size()) {
            text += quoted[i];
            continue;
        }
        const char kind = quoted[i + 1];
        const std::size_t digits = kind == 'U' && unicode    ? 8
                                   : kind == 'u' && unicode  ? 4
                                   : kind == 'x' && !unicode ? 2
                                                             : 0;
        if (digits > 0 && i + 1 + digits < quoted.size()) {
            std::uint32_t code = 0;
            for (std::size_t k = 0; k < digits; ++k) {
                const int digit = hexDigit(quoted[i + 2 + k]);
                if (digit < 0)
                    refuse("holds a text with a broken escape");
                code = code * 16 + static_cast<std::uint32_t>(digit);
            }
            appendUtf8(text, std::min<std::uint32_t>(code, 0x10ffff));
            i += 1 + digits;
        } else if (!unicode) {
            text += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
            ++i;
        } else {
            text += quoted[i];
        }
    }
    m_arena.texts.push_back(std::move(text));
    pushText(m_arena.texts.back());
}

bool Unpickler::stepText(unsigned char opcode) {
    switch (opcode) {
    case opString: {
        const auto line = takeLine();
        if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
            refuse("holds a text without quotes");
        pushUnescaped(line.substr(1, line.size() - 2), false);
        return true;
    }
    case opUnicode:
        pushUnescaped(takeLine(), true);
        return true;
    case opBinString: {
        const auto bytes = takeNumber<std::int32_t>();
        if (bytes < 0)
            refuse("announces a text of negative length");
        pushText(take(static_cast<std::uint64_t>(bytes)));
        return true;
    }
    case opShortBinString:
    case opShortBinUnicode:
        pushText(take(takeNumber<std::uint8_t>()));
        return true;
    case opBinUnicode:
        pushText(take(takeNumber<std::uint32_t>()));
        return true;
    case opBinUnicode8:
        pushText(take(takeNumber<std::uint64_t>()));
        return true;
    case opShortBinBytes:
        pushNew(textNode(Kind::Bytes, take(takeNumber<std::uint8_t>())));
        return true;
    case opBinBytes:
        pushNew(textNode(Kind::Bytes, take(takeNumber<std::uint32_t>())));
        return true;
    case opBinBytes8:
    case opByteArray8:
        pushNew(textNode(Kind::Bytes, take(takeNumber<std::uint64_t>())));
        return true;
    case opNextBuffer:
    case opReadonlyBuffer:
        refuse("keeps data outside itself");
    default:
        return false;
    }
}

bool Unpickler::stepContainer(unsigned char opcode) {
    const auto extend = [&](Kind kind, std::vector<Ref> items) {
        Node& target = m_arena.nodes[top()];
        if (target.kind != kind || (kind == Kind::Dict && items.size() % 2 != 0))
            refuse("adds to something that is no list, dict or set");
        target.items.insert(target.items.end(), items.begin(), items.end());
    };
    const auto tupleOf = [&](std::size_t length) {
        std::vector<Ref> items(length);
        for (std::size_t i = length; i-- > 0;)
            items[i] = pop();
        pushNew(containerNode(Kind::Tuple, std::move(items)));
    };
    switch (opcode) {
    case opMark:
        if (m_marks.size() >= maxMarks)
            refuse(fmt::format("nests deeper than {} levels", maxMarks));
        m_marks.push_back(m_stack.size());
        return true;
    case opPop:
        // As in Python: with nothing above the mark, the mark itself goes.
        if (!m_marks.empty() && m_marks.back() == m_stack.size())
            m_marks.pop_back();
        else
            pop();
        return true;
    case opPopMark:
        popToMark();
        return true;
    case opDup:
        push(top());
        return true;
    case opEmptyTuple:
        pushNew(containerNode(Kind::Tuple));
        return true;
    case opTuple1:
        tupleOf(1);
        return true;
    case opTuple2:
        tupleOf(2);
        return true;
    case opTuple3:
        tupleOf(3);
        return true;
    case opTuple:
        pushNew(containerNode(Kind::Tuple, popToMark()));
        return true;
    case opEmptyList:
        pushNew(containerNode(Kind::List));
        return true;
    case opList:
        pushNew(containerNode(Kind::List, popToMark()));
        return true;
    case opEmptyDict:
        pushNew(containerNode(Kind::Dict));
        return true;
    case opDict: {
        auto items = popToMark();
        if (items.size() % 2 != 0)
            refuse("holds a dict with a key but no value");
        pushNew(containerNode(Kind::Dict, std::move(items)));
        return true;
    }
    case opEmptySet:
        pushNew(containerNode(Kind::Set));
        return true;
    case opFrozenset:
        pushNew(containerNode(Kind::Set, popToMark()));
        return true;
    case opAppend: {
        const Ref item = pop();
        extend(Kind::List, {item});
        return true;
    }
    case opAppends:
        extend(Kind::List, popToMark());
        return true;
    case opSetItem: {
        const Ref value = pop();
        const Ref key = pop();
        extend(Kind::Dict, {key, value});
        return true;
    }
    case opSetItems:
        extend(Kind::Dict, popToMark());
        return true;
    case opAddItems:
        extend(Kind::Set, popToMark());
        return true;
    default:
        return false;
    }
}

bool Unpickler::stepMemo(unsigned char opcode) {
    const auto slotOfLine = [&] {
        const auto line = takeLine();
        std::uint64_t slot = 0;
        const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), slot);
        if (failure != std::errc() || end != line.data() + line.size())
            refuse("stores under a number that is none");
        return slot;
    };
    switch (opcode) {
    case opPut:
        remember(slotOfLine());
        return true;
    case opBinPut:
        remember(takeNumber<std::uint8_t>());
        return true;
    case opLongBinPut:
        remember(takeNumber<std::uint32_t>());
        return true;
    case opMemoize:
        remember(m_memo.size());
        return true;
    case opGet:
        recall(slotOfLine());
        return true;
    case opBinGet:
        recall(takeNumber<std::uint8_t>());
        return true;
    case opLongBinGet:
        recall(takeNumber<std::uint32_t>());
        return true;
    default:
        return false;
    }
}

bool Unpickler::stepObject(unsigned char opcode) {
    const auto arguments = [&](Ref tuple) -> std::vector<Ref> {
        if (m_arena[tuple].kind != Kind::Tuple)
            refuse("calls something without a tuple of arguments");
        spend(m_arena[tuple].items.size());
        return m_arena[tuple].items;
    };
    switch (opcode) {
    case opGlobal: {
        const auto module = takeLine();
        const auto name = takeLine();
        pushGlobal(module, name);
        return true;
    }
    case opStackGlobal: {
        const Ref name = pop();
        const Ref module = pop();
        if (m_arena[name].kind != Kind::Text || m_arena[module].kind != Kind::Text)
            refuse("names something without a text");
        pushGlobal(m_arena[module].text, m_arena[name].text);
        return true;
    }
    case opReduce:
    case opNewObj: {
        const auto values = arguments(pop());
        reduce(pop(), values);
        return true;
    }
    case opNewObjEx: {
        const Ref named = pop();
        const auto values = arguments(pop());
        if (m_arena[named].kind != Kind::Dict || !m_arena[named].items.empty())
            refuse("calls something with named arguments");
        reduce(pop(), values);
        return true;
    }
    case opInst: {
        const auto module = takeLine();
        const auto name = takeLine();
        const auto values = popToMark();
        pushGlobal(module, name);
        reduce(pop(), values);
        return true;
    }
    case opObj: {
        const auto values = popToMark();
        if (values.empty())
            refuse("makes an object of no kind");
        reduce(values.front(), std::span(values).subspan(1));
        return true;
    }
    case opBuild:
        build();
        return true;
    case opBinPersId:
        persistentLoad(pop());
        return true;
    case opPersId:
        refuse("names its storages as text, as no version of torch.save does");
    case opExt1:
    case opExt2:
    case opExt4:
        refuse("uses Python's extension registry, as no version of torch.save does");
    default:
        return false;
    }
}

} // namespace orrery::checkpoint
