// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/encoding.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::text {

/// A piece of text on its way through the pipeline.
struct Piece {
    std::string text;
    std::int64_t start = 0; ///< code points of the original text, [start, end)
    std::int64_t end = 0;
    std::optional<std::int64_t> id; ///< when it is a token already
};

/// One stage of the pipeline, as `orrery tokenize --trace` shows it.
struct Step {
    std::string stage;       ///< "added tokens", "normalizer", "pre-tokenizer", "model", "post-processor"
    std::string description; ///< its parts in words: "NFC, Replace, Lowercase"
    std::vector<Piece> pieces;
};

/// One of a batch: a text, and a second one for pairs.
struct TextInput {
    std::string_view text;
    std::optional<std::string_view> pair{};
};

/// Tokens that mean something to a model.
enum class TokenRole { Mask, Pad, Cls, Sep, Bos, Eos, Unk };
constexpr std::size_t tokenRoleCount = 7;

/// A tokenizer in the form of Hugging Face's tokenizer.json, equal to that library in ids, offsets and
/// decoding. Immutable; may be used from several threads at once.
///
/// Texts are UTF-8. Bytes that are not are read as U+FFFD, one for every maximal part of a sequence (as
/// Unicode, section 3.9, recommends); offsets then count that character as one code point.
class Tokenizer {
public:
    /// Opens a tokenizer.json, or the tokenizer of a model folder: tokenizer.json, else vocab.txt (BERT),
    /// else vocab.json with merges.txt (GPT-2, RoBERTa), with what tokenizer_config.json and
    /// special_tokens_map.json say. InputError naming file and key when broken; nothing in the files is
    /// trusted.
    static std::shared_ptr<const Tokenizer> open(const std::filesystem::path& fileOrFolder);
    /// The same from the text of a tokenizer.json; name is used in the sentences of errors.
    static std::shared_ptr<const Tokenizer> fromJson(std::string_view json, const std::string& name);
    /// Whether a folder has files that open() would read.
    static bool existsIn(const std::filesystem::path& folder);

    ~Tokenizer();
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    /// UsageError when the truncation cannot be done (stride too long, text to cut too short).
    [[nodiscard]] Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
    [[nodiscard]] Encoding encodePair(std::string_view text, std::string_view pair,
                                      const EncodeOptions& options = {}) const;
    [[nodiscard]] Encoding encode(std::string_view text, std::optional<std::string_view> pair,
                                  const EncodeOptions& options = {}) const;
    /// Text given as words: offsets are relative to each word, wordIds number the words.
    [[nodiscard]] Encoding encodeWords(std::span<const std::string> words,
                                       const EncodeOptions& options = {}) const;
    /// One after the other; padding without a length pads to the longest.
    [[nodiscard]] std::vector<Encoding> encodeBatch(std::span<const TextInput> inputs,
                                                    const EncodeOptions& options = {}) const;
    [[nodiscard]] std::vector<Encoding> encodeBatch(std::span<const std::string> texts,
                                                    const EncodeOptions& options = {}) const;

    /// The text of ids; unknown ids are left out, parts that are not UTF-8 become U+FFFD.
    [[nodiscard]] std::string decode(std::span<const std::int64_t> ids, bool skipSpecialTokens = true) const;

    [[nodiscard]] std::optional<std::int64_t> idOf(std::string_view token) const;
    /// As stored ("Ġword"); none when there is no such id.
    [[nodiscard]] std::optional<std::string> tokenOf(std::int64_t id) const;
    [[nodiscard]] bool isSpecial(std::int64_t id) const;
    /// One more than the highest id, with added tokens.
    [[nodiscard]] std::int64_t vocabularySize() const;

    // Tokens with a role, as the files name them or, failing that, by their usual names; none: there is no
    // such token.
    [[nodiscard]] std::optional<std::int64_t> maskId() const { return idWithRole(TokenRole::Mask); }
    [[nodiscard]] std::optional<std::int64_t> padId() const { return idWithRole(TokenRole::Pad); }
    [[nodiscard]] std::optional<std::int64_t> clsId() const { return idWithRole(TokenRole::Cls); }
    [[nodiscard]] std::optional<std::int64_t> sepId() const { return idWithRole(TokenRole::Sep); }
    [[nodiscard]] std::optional<std::int64_t> bosId() const { return idWithRole(TokenRole::Bos); }
    [[nodiscard]] std::optional<std::int64_t> eosId() const { return idWithRole(TokenRole::Eos); }
    [[nodiscard]] std::optional<std::int64_t> unkId() const { return idWithRole(TokenRole::Unk); }
    [[nodiscard]] std::string maskToken() const { return tokenWithRole(TokenRole::Mask); } ///< empty: none
    [[nodiscard]] std::string padToken() const { return tokenWithRole(TokenRole::Pad); }
    [[nodiscard]] std::string clsToken() const { return tokenWithRole(TokenRole::Cls); }
    [[nodiscard]] std::string sepToken() const { return tokenWithRole(TokenRole::Sep); }
    [[nodiscard]] std::string bosToken() const { return tokenWithRole(TokenRole::Bos); }
    [[nodiscard]] std::string eosToken() const { return tokenWithRole(TokenRole::Eos); }
    [[nodiscard]] std::string unkToken() const { return tokenWithRole(TokenRole::Unk); }
    [[nodiscard]] std::optional<std::int64_t> idWithRole(TokenRole role) const;
    [[nodiscard]] std::string tokenWithRole(TokenRole role) const;

    /// The longest input that the files recommend (model_max_length); none when they do not say.
    [[nodiscard]] std::optional<std::int64_t> recommendedLength() const;
    /// Truncation and padding that tokenizer.json itself asks for; encode() applies only what its options
    /// say.
    [[nodiscard]] const EncodeOptions& storedOptions() const;
    /// How many special tokens encode() adds to a text or a pair.
    [[nodiscard]] std::int64_t addedTokenCount(bool pair) const;
    [[nodiscard]] std::string modelKind() const; ///< "WordPiece", "BPE", "WordLevel", "Unigram"

    /// Every stage with its pieces, for looking at.
    [[nodiscard]] std::vector<Step> explain(std::string_view text) const;
    /// The normalizer's output on the whole text.
    [[nodiscard]] std::string normalize(std::string_view text) const;
    /// What the pre-tokenizer makes of a text that is normalized already; positions in code points of it.
    [[nodiscard]] std::vector<Piece> preTokenize(std::string_view normalized) const;

    struct State; ///< the parts of the pipeline

private:
    explicit Tokenizer(std::unique_ptr<const State> state);
    std::unique_ptr<const State> m_state;
};

} // namespace orrery::text
