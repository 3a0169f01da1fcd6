// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/tokenizer_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {

std::vector<Piece> piecesOf(const PreTokenized& pieces, std::string_view text) {
    const CharacterIndex characters(text);
    std::vector<Piece> result;
    for (const Split& split : pieces.splits()) {
        const auto [start, end] = characters.convert(split.origin.start, split.origin.end);
        result.push_back({std::string(pieces.view(split)), start, end,
                          split.addedId >= 0 ? std::optional(split.addedId) : std::nullopt});
    }
    return result;
}

std::vector<Step> Tokenizer::State::explain(std::string_view text) const {
    std::vector<Step> steps;
    const CharacterIndex characters(text);

    Step addedStep{
        "added tokens", fmt::format("{} tokens are looked for in the text as it is", added.count()), {}};
    std::vector<AddedTokens::Found> found;
    added.find(text, false, found);
    for (const AddedTokens::Found& part : found) {
        const auto [start, end] = characters.convert(part.start, part.end);
        if (part.start < part.end)
            addedStep.pieces.push_back({std::string(text.substr(part.start, part.end - part.start)), start,
                                        end, part.id >= 0 ? std::optional(part.id) : std::nullopt});
    }
    steps.push_back(std::move(addedStep));

    PreTokenized pieces = normalizedPieces(text);
    steps.push_back({"normalizer", normalizer ? normalizer->description() : "none", piecesOf(pieces, text)});

    if (preTokenizer)
        preTokenizer->apply(pieces);
    pieces.encodePendingBytes();
    steps.push_back(
        {"pre-tokenizer", preTokenizer ? preTokenizer->description() : "none", piecesOf(pieces, text)});

    const auto tokensOf = [](const Encoding& encoding) {
        std::vector<Piece> tokens;
        for (std::size_t i = 0; i < encoding.size(); ++i)
            tokens.push_back(
                {encoding.tokens[i], encoding.offsets[i].first, encoding.offsets[i].second, encoding.ids[i]});
        return tokens;
    };
    Encoding encoding = encodeText(text, 0, -1, std::nullopt);
    steps.push_back({"model", model->description(), tokensOf(encoding)});
    steps.push_back({"post-processor", postProcessor ? postProcessor->description() : "none",
                     tokensOf(finish(std::move(encoding), std::nullopt, {}))});
    return steps;
}

} // namespace orrery::text
