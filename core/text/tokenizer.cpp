// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/tokenizer.h"

#include "base/error.h"
#include "text/encoding_editing.h"
#include "text/tokenizer_state.h"

#include <fmt/format.h>

namespace orrery::text {
namespace {

std::optional<Tokenizer::State::Limit> limitFor(const EncodeOptions& options, bool isPair) {
    if (!options.truncation || options.truncation->wholeText)
        return std::nullopt;
    const Truncation& truncation = *options.truncation;
    if (truncation.strategy == TruncationStrategy::OnlySecond && !isPair)
        return std::nullopt;
    return Tokenizer::State::Limit{static_cast<std::size_t>(std::max<std::int64_t>(truncation.maxLength, 0)),
                                   truncation.direction};
}

} // namespace

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : m_state(std::move(state)) {}
Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::open(const std::filesystem::path& fileOrFolder) {
    namespace fs = std::filesystem;
    std::error_code failure;
    if (!fs::exists(fileOrFolder, failure))
        throw InputError(fmt::format("There is no tokenizer at {}; check the path.", fileOrFolder.string()));
    const bool folder = fs::is_directory(fileOrFolder, failure);
    const fs::path file = folder ? fileOrFolder / "tokenizer.json" : fileOrFolder;
    const TokenizerHints hints = readHints(folder ? fileOrFolder : fileOrFolder.parent_path());
    std::string name = file.string();
    Json json;
    if (!folder || fs::exists(file, failure))
        json = readJsonFile(file);
    else
        json = jsonFromVocabularyFiles(fileOrFolder, &name);
    if (json.is_null() && folder)
        throw InputError(
            fmt::format("{} has neither tokenizer.json nor vocab.txt nor vocab.json with merges.txt; "
                        "copy the tokenizer's files there.",
                        fileOrFolder.string()));
    return std::shared_ptr<const Tokenizer>(
        new Tokenizer(std::make_unique<State>(json, std::move(name), hints)));
}

std::shared_ptr<const Tokenizer> Tokenizer::fromJson(std::string_view json, const std::string& name) {
    return std::shared_ptr<const Tokenizer>(
        new Tokenizer(std::make_unique<State>(parseJson(json, name), name, TokenizerHints{})));
}

bool Tokenizer::existsIn(const std::filesystem::path& folder) {
    std::error_code failure;
    const auto has = [&](const char* file) { return std::filesystem::exists(folder / file, failure); };
    return has("tokenizer.json") || has("vocab.txt") || (has("vocab.json") && has("merges.txt"));
}

Encoding Tokenizer::encode(std::string_view text, std::optional<std::string_view> pair,
                           const EncodeOptions& options) const {
    std::string repaired;
    Encoding first = m_state->encodeText(validText(text, repaired), 0, -1, limitFor(options, false));
    std::optional<Encoding> second;
    if (pair)
        second = m_state->encodeText(validText(*pair, repaired), 1, -1, limitFor(options, true));
    Encoding encoding = m_state->finish(std::move(first), std::move(second), options);
    if (options.padding)
        m_state->pad(std::span(&encoding, 1), *options.padding);
    return encoding;
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
    return encode(text, std::nullopt, options);
}

Encoding Tokenizer::encodePair(std::string_view text, std::string_view pair,
                               const EncodeOptions& options) const {
    return encode(text, std::optional(pair), options);
}

Encoding Tokenizer::encodeWords(std::span<const std::string> words, const EncodeOptions& options) const {
    Encoding all;
    std::string repaired;
    for (std::size_t i = 0; i < words.size(); ++i)
        appendEncoding(all, m_state->encodeText(validText(words[i], repaired), 0,
                                                static_cast<std::int64_t>(i), limitFor(options, false)));
    Encoding encoding = m_state->finish(std::move(all), std::nullopt, options);
    if (options.padding)
        m_state->pad(std::span(&encoding, 1), *options.padding);
    return encoding;
}

std::vector<Encoding> Tokenizer::encodeBatch(std::span<const TextInput> inputs,
                                             const EncodeOptions& options) const {
    EncodeOptions unpadded = options;
    unpadded.padding.reset();
    std::vector<Encoding> encodings;
    encodings.reserve(inputs.size());
    for (const TextInput& input : inputs)
        encodings.push_back(encode(input.text, input.pair, unpadded));
    if (options.padding)
        m_state->pad(encodings, *options.padding);
    return encodings;
}

std::vector<Encoding> Tokenizer::encodeBatch(std::span<const std::string> texts,
                                             const EncodeOptions& options) const {
    std::vector<TextInput> inputs;
    inputs.reserve(texts.size());
    for (const std::string& text : texts)
        inputs.push_back({text});
    return encodeBatch(inputs, options);
}

std::string Tokenizer::decode(std::span<const std::int64_t> ids, bool skipSpecialTokens) const {
    std::vector<std::string> tokens;
    tokens.reserve(ids.size());
    for (const std::int64_t id : ids) {
        const std::string* token = m_state->tokenOf(id);
        if (token != nullptr && !(skipSpecialTokens && m_state->added.isSpecial(*token)))
            tokens.push_back(*token);
    }
    if (m_state->decoder)
        m_state->decoder->apply(tokens);
    std::string text;
    for (const std::string& token : tokens) {
        if (!m_state->decoder && &token != &tokens.front())
            text.push_back(' ');
        text.append(token);
    }
    return text;
}

std::optional<std::int64_t> Tokenizer::idOf(std::string_view token) const {
    return m_state->idOf(token);
}

std::optional<std::string> Tokenizer::tokenOf(std::int64_t id) const {
    const std::string* token = m_state->tokenOf(id);
    return token == nullptr ? std::nullopt : std::optional(*token);
}

bool Tokenizer::isSpecial(std::int64_t id) const {
    const std::string* token = m_state->tokenOf(id);
    return token != nullptr && m_state->added.isSpecial(*token);
}

std::int64_t Tokenizer::vocabularySize() const {
    return std::max(m_state->model->vocabulary().size(), m_state->added.highestId() + 1);
}

std::string Tokenizer::tokenWithRole(TokenRole role) const {
    return m_state->roles[static_cast<std::size_t>(role)];
}

std::optional<std::int64_t> Tokenizer::idWithRole(TokenRole role) const {
    const std::string token = tokenWithRole(role);
    return token.empty() ? std::nullopt : idOf(token);
}

std::optional<std::int64_t> Tokenizer::recommendedLength() const {
    return m_state->recommendedLength;
}
const EncodeOptions& Tokenizer::storedOptions() const {
    return m_state->stored;
}

std::int64_t Tokenizer::addedTokenCount(bool pair) const {
    return m_state->postProcessor ? m_state->postProcessor->addedTokens(pair) : 0;
}

std::string Tokenizer::modelKind() const {
    return m_state->model->kind();
}

std::vector<Step> Tokenizer::explain(std::string_view text) const {
    std::string repaired;
    return m_state->explain(validText(text, repaired));
}

std::string Tokenizer::normalize(std::string_view text) const {
    std::string repaired;
    AlignedText aligned(validText(text, repaired), 0);
    if (m_state->normalizer)
        m_state->normalizer->apply(aligned);
    return aligned.text();
}

std::vector<Piece> Tokenizer::preTokenize(std::string_view normalized) const {
    std::string repaired;
    const std::string_view text = validText(normalized, repaired);
    PreTokenized pieces;
    const std::uint32_t index = pieces.addText(AlignedText(text, 0));
    pieces.addSlice(index, 0, text.size());
    if (m_state->preTokenizer)
        m_state->preTokenizer->apply(pieces);
    pieces.encodePendingBytes();
    return piecesOf(pieces, text);
}

} // namespace orrery::text
