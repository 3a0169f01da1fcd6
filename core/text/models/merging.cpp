// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/models/merging.h"

#include <queue>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

namespace orrery::text {
namespace {

/// Up to here scanning all pairs is faster than keeping a queue of them.
constexpr std::size_t fewSymbols = 32;

} // namespace

void Merges::apply(std::vector<Symbol>& symbols) const {
    if (symbols.size() <= fewSymbols)
        applyToFew(symbols);
    else
        applyToMany(symbols);
}

void Merges::applyToFew(std::vector<Symbol>& symbols) const {
    std::array<std::uint64_t, fewSymbols> rules; // rules[i]: of symbols i and i + 1
    std::size_t count = symbols.size();
    for (std::size_t i = 0; i + 1 < count; ++i)
        rules[i] = ruleOf(symbols[i], symbols[i + 1]);
    while (count > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < count; ++i)
            if (rules[i] < rules[best])
                best = i;
        if (rules[best] == noRule)
            break;
        symbols[best].id = static_cast<std::uint32_t>(rules[best]);
        symbols[best].length += symbols[best + 1].length;
        --count;
        for (std::size_t i = best + 1; i < count; ++i) {
            symbols[i] = symbols[i + 1];
            rules[i - 1] = rules[i];
        }
        if (best + 1 < count)
            rules[best] = ruleOf(symbols[best], symbols[best + 1]);
        if (best > 0)
            rules[best - 1] = ruleOf(symbols[best - 1], symbols[best]);
    }
    symbols.resize(count);
}

void Merges::applyToMany(std::vector<Symbol>& symbols) const {
    constexpr std::uint32_t end = std::numeric_limits<std::uint32_t>::max();
    struct Links {
        std::uint32_t previous;
        std::uint32_t next;
    };
    const std::size_t count = symbols.size();
    std::vector<Links> links(count);
    std::vector<std::uint64_t> ready; // rank << 32 | position
    ready.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        links[i] = {i == 0 ? end : static_cast<std::uint32_t>(i - 1),
                    i + 1 == count ? end : static_cast<std::uint32_t>(i + 1)};
        if (i + 1 == count)
            continue;
        const std::uint64_t rule = ruleOf(symbols[i], symbols[i + 1]);
        if (rule != noRule)
            ready.push_back((rule & ~std::uint64_t{end}) | i);
    }
    std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> queue(std::greater<>{},
                                                                                         std::move(ready));
    const auto offer = [&](std::uint32_t left) {
        const std::uint64_t rule = ruleOf(symbols[left], symbols[links[left].next]);
        if (rule != noRule)
            queue.push((rule & ~std::uint64_t{end}) | left);
    };
    while (!queue.empty()) {
        const std::uint64_t top = queue.top();
        queue.pop();
        const auto at = static_cast<std::uint32_t>(top);
        const std::uint32_t right = links[at].next;
        if (symbols[at].length == 0 || right == end)
            continue;
        const std::uint64_t rule = ruleOf(symbols[at], symbols[right]);
        if (rule == noRule || rule >> 32U != top >> 32U) // its pair has changed since
            continue;
        symbols[at].id = static_cast<std::uint32_t>(rule);
        symbols[at].length += symbols[right].length;
        symbols[right].length = 0;
        links[at].next = links[right].next;
        if (links[at].next != end) {
            links[links[at].next].previous = at;
            offer(at);
        }
        if (links[at].previous != end)
            offer(links[at].previous);
    }
    std::erase_if(symbols, [](const Symbol& symbol) { return symbol.length == 0; });
}

} // namespace orrery::text
