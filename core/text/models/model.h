// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/models/vocabulary.h"
#include "text/models/word_cache.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// What a model needs while it works, kept between words and calls; for one thread at a time.
struct ModelScratch {
    WordCache words;
    WordCache byteWords;
    std::vector<ModelToken> tokens;
};

/// Cuts words into tokens of a vocabulary. Immutable.
class Model {
public:
    virtual ~Model() = default;

    /// Appends the tokens of a word (not empty, valid UTF-8). InputError when a part of it has no token and
    /// the model none for the unknown.
    void tokenize(std::string_view word, ModelScratch& scratch, std::vector<ModelToken>& tokens) const;
    /// The same for a word whose bytes stand for the characters of a byte-level vocabulary.
    void tokenizeBytes(std::string_view word, ModelScratch& scratch, std::vector<ModelToken>& tokens) const;
    /// Whether tokenizeBytes can be used.
    [[nodiscard]] virtual bool takesBytes() const { return false; }

    [[nodiscard]] const Vocabulary& vocabulary() const { return m_vocabulary; }
    [[nodiscard]] virtual std::string kind() const = 0;
    [[nodiscard]] virtual std::string description() const = 0;
    /// The token for what has none; empty when there is no such.
    [[nodiscard]] virtual std::string unknownToken() const = 0;

protected:
    explicit Model(Vocabulary vocabulary, std::string name)
        : m_vocabulary(std::move(vocabulary)), m_name(std::move(name)) {}

    /// Sets tokens (empty before) to those of a word.
    virtual void cut(std::string_view word, std::vector<ModelToken>& tokens) const = 0;
    virtual void cutBytes(std::string_view word, std::vector<ModelToken>& tokens) const;
    /// InputError: a word needs the token for the unknown, but there is none.
    [[noreturn]] void failUnknown(std::string_view word) const;

private:
    Vocabulary m_vocabulary;
    std::string m_name; ///< of the file, for sentences
};

/// Makes what "model" of a tokenizer.json describes. file: its name, for sentences.
[[nodiscard]] std::unique_ptr<const Model> makeModel(const JsonNode& node, const std::string& file);

// The makers of the kinds.
[[nodiscard]] std::unique_ptr<const Model> makeBpe(const JsonNode& node, const std::string& file);
[[nodiscard]] std::unique_ptr<const Model> makeWordPiece(const JsonNode& node, const std::string& file);
[[nodiscard]] std::unique_ptr<const Model> makeWordLevel(const JsonNode& node, const std::string& file);
[[nodiscard]] std::unique_ptr<const Model> makeUnigram(const JsonNode& node, const std::string& file);

} // namespace orrery::text
