// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/models/model.h"

#include "base/error.h"
#include "text/utf8.h"

#include <fmt/format.h>

namespace orrery::text {

void Model::tokenize(std::string_view word, ModelScratch& scratch, std::vector<ModelToken>& tokens) const {
    std::span<const ModelToken> known;
    if (scratch.words.get(word, known)) {
        tokens.insert(tokens.end(), known.begin(), known.end());
        return;
    }
    scratch.tokens.clear();
    cut(word, scratch.tokens);
    scratch.words.put(word, scratch.tokens);
    tokens.insert(tokens.end(), scratch.tokens.begin(), scratch.tokens.end());
}

void Model::tokenizeBytes(std::string_view word, ModelScratch& scratch,
                          std::vector<ModelToken>& tokens) const {
    std::span<const ModelToken> known;
    if (scratch.byteWords.get(word, known)) {
        tokens.insert(tokens.end(), known.begin(), known.end());
        return;
    }
    scratch.tokens.clear();
    cutBytes(word, scratch.tokens);
    scratch.byteWords.put(word, scratch.tokens);
    tokens.insert(tokens.end(), scratch.tokens.begin(), scratch.tokens.end());
}

void Model::cutBytes(std::string_view /*word*/, std::vector<ModelToken>& /*tokens*/) const {
    ORRERY_CHECK(takesBytes(), "only models that take bytes may be given them");
}

void Model::failUnknown(std::string_view word) const {
    std::size_t end = std::min<std::size_t>(word.size(), 40);
    while (end > 0 && end < word.size() && isContinuationByte(word[end]))
        --end;
    throw InputError(
        fmt::format("The tokenizer {} has no token for \"{}\" and none for unknown words; correct "
                    "model.unk_token in it or use another tokenizer.",
                    m_name, word.substr(0, end)));
}

std::unique_ptr<const Model> makeModel(const JsonNode& node, const std::string& file) {
    std::string type = node.text("type", "");
    if (type.empty()) { // files older than the key
        const auto vocabulary = node.find("vocab");
        type = node.find("merges")                           ? "BPE"
               : node.find("continuing_subword_prefix")      ? "WordPiece"
               : vocabulary && vocabulary->json().is_array() ? "Unigram"
                                                             : "WordLevel";
    }
    if (type == "BPE")
        return makeBpe(node, file);
    if (type == "WordPiece")
        return makeWordPiece(node, file);
    if (type == "WordLevel")
        return makeWordLevel(node, file);
    if (type == "Unigram")
        return makeUnigram(node, file);
    node.at("type").fail(fmt::format("is \"{}\", which is not a known model", type));
}

} // namespace orrery::text
