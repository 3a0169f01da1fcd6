// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "text/encoding_editing.h"
#include "text/tokenizer_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {
namespace {

constexpr std::size_t longestText = std::size_t{1} << 30U;

class BorrowedScratch {
public:
    explicit BorrowedScratch(ScratchPool& pool) : m_pool(pool), m_scratch(pool.take()) {}
    ~BorrowedScratch() {
        if (m_scratch)
            m_pool.giveBack(std::move(m_scratch));
    }
    BorrowedScratch(const BorrowedScratch&) = delete;
    BorrowedScratch& operator=(const BorrowedScratch&) = delete;
    ModelScratch& operator*() { return *m_scratch; }

private:
    ScratchPool& m_pool;
    std::unique_ptr<ModelScratch> m_scratch;
};

/// The tokens of all splits in one list, with the part of every split.
struct TokenList {
    struct Part {
        std::size_t start = 0;
        std::size_t count = 0;
    };
    std::vector<ModelToken> tokens;
    std::vector<Part> parts;
    std::size_t first = 0; ///< the splits that were done
    std::size_t last = 0;
};

TokenList tokenize(const PreTokenized& text, const Model& model, ModelScratch& scratch,
                   const std::optional<Tokenizer::State::Limit>& limit) {
    const std::vector<Split>& splits = text.splits();
    TokenList list;
    list.parts.resize(splits.size());
    list.tokens.reserve(splits.size() * 3 / 2 + 4);
    const bool bytes = text.bytesPending();
    std::size_t total = 0;
    const auto enough = [&](std::size_t i) { // whether to stop behind this one
        const Split& split = splits[i];
        const std::size_t start = list.tokens.size();
        if (split.addedId >= 0)
            list.tokens.push_back(
                {static_cast<std::uint32_t>(split.addedId), 0, split.end - split.start, true});
        else if (bytes)
            model.tokenizeBytes(text.view(split), scratch, list.tokens);
        else
            model.tokenize(text.view(split), scratch, list.tokens);
        list.parts[i] = {start, list.tokens.size() - start};
        total += list.parts[i].count;
        return limit && split.addedId < 0 && total >= limit->tokens;
    };
    list.last = splits.size();
    if (limit && limit->direction == Side::Left) {
        list.first = splits.size();
        while (list.first > 0)
            if (enough(--list.first))
                break;
    } else {
        for (std::size_t i = 0; i < splits.size(); ++i)
            if (enough(i)) {
                list.last = i + 1;
                break;
            }
    }
    return list;
}

} // namespace

std::string_view validText(std::string_view text, std::string& repaired) {
    if (text.size() > longestText)
        throw UsageError(
            fmt::format("A text of {} bytes is longer than the {} that can be tokenized at once; "
                        "divide it.",
                        text.size(), longestText));
    if (isValidUtf8(text))
        return text;
    repaired = repairUtf8(text);
    return repaired;
}

PreTokenized Tokenizer::State::normalizedPieces(std::string_view text) const {
    PreTokenized pieces;
    std::vector<AddedTokens::Found> inOriginal;
    std::vector<AddedTokens::Found> inNormalized;
    added.find(text, false, inOriginal);
    for (const AddedTokens::Found& found : inOriginal) {
        AlignedText piece(text.substr(found.start, found.end - found.start), found.start);
        if (found.id >= 0) {
            const std::size_t size = piece.text().size();
            pieces.addSlice(pieces.addText(std::move(piece)), 0, size, found.id);
            continue;
        }
        if (normalizer)
            normalizer->apply(piece);
        added.find(piece.text(), true, inNormalized);
        const std::uint32_t index = pieces.addText(std::move(piece));
        for (const AddedTokens::Found& part : inNormalized)
            pieces.addSlice(index, part.start, part.end, part.id);
    }
    return pieces;
}

Encoding Tokenizer::State::encodeText(std::string_view text, std::int64_t typeId, std::int64_t wordId,
                                      const std::optional<Limit>& limit) const {
    PreTokenized pieces = normalizedPieces(text);
    if (preTokenizer)
        preTokenizer->apply(pieces);
    if (pieces.bytesPending() && !model->takesBytes())
        pieces.encodePendingBytes();
    BorrowedScratch scratch(scratches);
    const TokenList list = tokenize(pieces, *model, *scratch, limit);

    const CharacterIndex characters(text);
    const Vocabulary& vocabulary = model->vocabulary();
    Encoding encoding;
    encoding.ids.reserve(list.tokens.size() + 2);
    encoding.tokens.reserve(list.tokens.size() + 2);
    encoding.offsets.reserve(list.tokens.size() + 2);
    encoding.wordIds.reserve(list.tokens.size() + 2);
    for (std::size_t i = list.first; i < list.last; ++i) {
        const Split& split = pieces.splits()[i];
        const AlignedText& source = pieces.text(split);
        const std::uint32_t size = split.end - split.start;
        const std::int64_t word = wordId >= 0 ? wordId : static_cast<std::int64_t>(i - list.first);
        for (std::size_t k = 0; k < list.parts[i].count; ++k) {
            const ModelToken& token = list.tokens[list.parts[i].start + k];
            // Where byte fallback has written more bytes than the word has, the reference gives positions in
            // the word.
            Origin origin{token.start, token.end};
            if (token.start == token.end)
                origin = {split.origin.start + token.start, split.origin.start + token.end};
            else if (token.end <= size)
                origin = source.originOf(split.start + token.start, split.start + token.end);
            const std::string* written = token.literal ? nullptr : vocabulary.token(token.id);
            encoding.ids.push_back(token.id);
            if (written != nullptr)
                encoding.tokens.push_back(*written);
            else
                encoding.tokens.emplace_back(pieces.view(split).substr(token.start, token.end - token.start));
            encoding.offsets.push_back(characters.convert(origin.start, origin.end));
            encoding.wordIds.push_back(word);
        }
    }
    encoding.typeIds.assign(encoding.ids.size(), typeId);
    encoding.attentionMask.assign(encoding.ids.size(), 1);
    encoding.specialTokensMask.assign(encoding.ids.size(), 0);
    encoding.sequenceIds.assign(encoding.ids.size(), 0);
    return encoding;
}

Encoding Tokenizer::State::finish(Encoding text, std::optional<Encoding> pair,
                                  const EncodeOptions& options) const {
    if (options.truncation) {
        const Truncation& truncation = *options.truncation;
        const std::int64_t addedToOne = postProcessor ? postProcessor->addedTokens(false) : 0;
        const std::int64_t addedHere =
            postProcessor && options.addSpecialTokens ? postProcessor->addedTokens(pair.has_value()) : 0;
        if (truncation.stride < 0 || truncation.maxLength < std::max(addedToOne, addedHere))
            throw UsageError(
                fmt::format("A maximum length of {} (stride {}) leaves no room beside {} special "
                            "tokens; choose a larger one.",
                            truncation.maxLength, truncation.stride, std::max(addedToOne, addedHere)));
        if (truncation.maxLength - addedToOne < truncation.stride)
            throw UsageError(
                fmt::format("A stride of {} is longer than the {} tokens that a part of at most {} "
                            "holds beside special ones; choose a smaller one.",
                            truncation.stride, truncation.maxLength - addedToOne, truncation.maxLength));
        truncateEncodings(text, pair ? &*pair : nullptr, truncation, truncation.maxLength - addedHere);
    }
    std::vector<Encoding> encodings;
    encodings.push_back(std::move(text));
    if (pair)
        encodings.push_back(std::move(*pair));
    for (std::size_t i = 0; i < encodings.size(); ++i) {
        const auto sequence = static_cast<std::int64_t>(i);
        setSequenceIds(encodings[i], sequence);
        setTypeIds(encodings[i], sequence);
        for (Encoding& part : encodings[i].overflowing)
            setSequenceIds(part, sequence);
    }
    if (postProcessor)
        encodings = postProcessor->apply(std::move(encodings), options.addSpecialTokens);
    return joinEncodings(std::move(encodings));
}

void Tokenizer::State::pad(std::span<Encoding> encodings, const Padding& padding) const {
    const std::string& own = roles[static_cast<std::size_t>(TokenRole::Pad)];
    if (!padding.padId && own.empty())
        throw UsageError(
            fmt::format("The tokenizer {} has no padding token; say which id to pad with.", name));
    const std::int64_t id = padding.padId ? *padding.padId : idOf(own).value_or(0);
    const std::string* written = tokenOf(id);
    padEncodings(encodings, padding, id, padding.padToken ? *padding.padToken : written ? *written : own);
}

} // namespace orrery::text
