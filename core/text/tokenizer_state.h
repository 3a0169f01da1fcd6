// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "text/added_tokens.h"
#include "text/decoders/decoder.h"
#include "text/models/model.h"
#include "text/normalizers/normalizer.h"
#include "text/pre_tokenizers/pre_tokenizer.h"
#include "text/processors/post_processor.h"
#include "text/tokenizer.h"

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace orrery::text {

/// What tokenizer_config.json and special_tokens_map.json say beside the pipeline.
struct TokenizerHints {
    std::array<std::string, tokenRoleCount> tokens{}; ///< by TokenRole; empty: not said
    std::optional<std::int64_t> recommendedLength;
};

/// Workspaces that threads borrow while they encode, so that caches are kept without locks around every word.
class ScratchPool {
public:
    std::unique_ptr<ModelScratch> take();
    void giveBack(std::unique_ptr<ModelScratch> scratch);

private:
    static constexpr std::size_t mostKept = 16;
    std::mutex m_mutex;
    std::vector<std::unique_ptr<ModelScratch>> m_free;
};

/// All parts of a tokenizer. Every member may be null but the model.
struct Tokenizer::State {
    std::string name; ///< of the file
    std::unique_ptr<const Normalizer> normalizer;
    std::unique_ptr<const PreTokenizer> preTokenizer;
    std::unique_ptr<const Model> model;
    std::unique_ptr<const PostProcessor> postProcessor;
    std::unique_ptr<const Decoder> decoder;
    AddedTokens added;
    EncodeOptions stored;
    std::array<std::string, tokenRoleCount> roles{}; ///< tokens that exist; empty: none
    std::optional<std::int64_t> recommendedLength;
    mutable ScratchPool scratches;

    /// Builds the pipeline from a tokenizer.json. InputError naming file and key.
    State(const Json& json, std::string fileName, const TokenizerHints& hints);

    [[nodiscard]] std::optional<std::int64_t> idOf(std::string_view token) const;
    /// As written; null when there is no such id.
    [[nodiscard]] const std::string* tokenOf(std::int64_t id) const;

    /// Added tokens and normalized text between them.
    [[nodiscard]] PreTokenized normalizedPieces(std::string_view text) const;
    /// Stops when there are `limit` tokens, if that is given: what comes later is cut off anyway.
    struct Limit {
        std::size_t tokens;
        Side direction;
    };
    /// The tokens of a text without special ones. wordId: the same for all, or -1 to number the pieces.
    [[nodiscard]] Encoding encodeText(std::string_view text, std::int64_t typeId, std::int64_t wordId,
                                      const std::optional<Limit>& limit) const;
    /// Truncates, adds special tokens and joins.
    [[nodiscard]] Encoding finish(Encoding text, std::optional<Encoding> pair,
                                  const EncodeOptions& options) const;
    void pad(std::span<Encoding> encodings, const Padding& padding) const;
    [[nodiscard]] std::vector<Step> explain(std::string_view text) const;

private:
    void readStoredOptions(const JsonNode& node);
    void findRoles(const TokenizerHints& hints);
};

/// Reads the two files beside a tokenizer, as far as they are there.
[[nodiscard]] TokenizerHints readHints(const std::filesystem::path& folder);
/// A tokenizer.json made of vocab.txt, or vocab.json and merges.txt; null when the folder has none of them.
/// *name becomes what sentences call it.
[[nodiscard]] Json jsonFromVocabularyFiles(const std::filesystem::path& folder, std::string* name);

/// The pieces with positions in code points of the text that they come from.
[[nodiscard]] std::vector<Piece> piecesOf(const PreTokenized& pieces, std::string_view text);

/// Refuses texts that are too long and gives valid UTF-8: the text itself, or `repaired` filled from it.
[[nodiscard]] std::string_view validText(std::string_view text, std::string& repaired);

} // namespace orrery::text
