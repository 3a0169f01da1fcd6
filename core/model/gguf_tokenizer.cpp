// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/gguf_tokenizer.h"

#include "base/error.h"
#include "checkpoint/shown_text.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orrery::model {
namespace {

using checkpoint::GgufMetadata;
using checkpoint::shownText;
using Views = std::vector<std::string_view>;

constexpr std::string_view metaspace = "\xe2\x96\x81"; // U+2581, a space of SentencePiece

/// tokenizer.ggml.token_type
enum TokenType : std::int64_t { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4 };

/// Regular expressions by which byte-level BPEs split texts, by tokenizer.ggml.pre.
constexpr std::string_view splitLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view splitQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// tokenizer.ggml.*, read and checked to fit together.
struct Pieces {
    const GgufMetadata& settings;
    Views tokens;
    std::vector<std::int64_t> types; ///< as many, or none

    [[nodiscard]] std::int64_t type(std::size_t id) const { return types.empty() ? Normal : types[id]; }
    [[nodiscard]] std::optional<std::int64_t> id(std::string_view key) const {
        const auto value = settings.integer(fmt::format("tokenizer.ggml.{}_token_id", key));
        if (!value || *value < 0 || *value >= static_cast<std::int64_t>(tokens.size()))
            return {};
        return value;
    }
    [[nodiscard]] bool flag(std::string_view key, bool fallback) const {
        return settings.boolean(fmt::format("tokenizer.ggml.{}", key)).value_or(fallback);
    }
    [[noreturn]] void refuse(std::string_view what) const {
        throw InputError(fmt::format("{}: {}; convert the model again.", settings.fileName(), what));
    }
};

Pieces read(const GgufMetadata& settings) {
    Pieces pieces{settings, settings.texts("tokenizer.ggml.tokens").value_or(Views{}),
                  settings.integers("tokenizer.ggml.token_type").value_or(std::vector<std::int64_t>{})};
    if (pieces.tokens.empty())
        pieces.refuse("it holds no tokens (tokenizer.ggml.tokens)");
    if (!pieces.types.empty() && pieces.types.size() != pieces.tokens.size())
        pieces.refuse("it tells the types of another number of tokens than it holds");
    return pieces;
}

Json vocabularyOf(const Pieces& pieces, const std::vector<std::string>& tokens) {
    Json vocabulary = Json::object();
    for (std::size_t id = 0; id < tokens.size(); ++id)
        if (!vocabulary.emplace(tokens[id], id).second && pieces.type(id) == Normal)
            pieces.refuse(fmt::format("its token \"{}\" is there twice", shownText(tokens[id])));
    return vocabulary;
}

/// Control tokens and those that users defined; they are found in texts before anything else.
Json addedTokens(const Pieces& pieces, const std::vector<std::string>& tokens) {
    Json list = Json::array();
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const std::int64_t type = pieces.type(id);
        if (type != Control && type != UserDefined && type != Unknown)
            continue;
        list.push_back({{"id", id},
                        {"content", tokens[id]},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false},
                        {"special", type != UserDefined}});
    }
    return list;
}

Json sequencePiece(const char* id, int typeId) {
    return {{"Sequence", {{"id", id}, {"type_id", typeId}}}};
}
Json specialPiece(const std::string& token, int typeId) {
    return {{"SpecialToken", {{"id", token}, {"type_id", typeId}}}};
}

/// Texts framed by tokens: before each text, and after it.
Json framing(const Pieces& pieces, const std::vector<std::string>& tokens, std::optional<std::int64_t> before,
             std::optional<std::int64_t> after, bool beforeBoth) {
    if (!before && !after)
        return nullptr;
    Json single = Json::array();
    Json pair = Json::array();
    Json special = Json::object();
    const auto name = [&](std::int64_t id) {
        const std::string& token = tokens[static_cast<std::size_t>(id)];
        special[token] = {{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}};
        return token;
    };
    for (const int text : {0, 1}) {
        const auto put = [&](const Json& piece) {
            pair.push_back(piece);
            if (text == 0)
                single.push_back(piece);
        };
        if (before && (text == 0 || beforeBoth))
            put(specialPiece(name(*before), text));
        put(sequencePiece(text == 0 ? "A" : "B", text));
        if (after)
            put(specialPiece(name(*after), text));
    }
    static_cast<void>(pieces);
    return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

std::vector<std::string> copied(const Views& tokens) {
    return {tokens.begin(), tokens.end()};
}

Json byteLevelJson(const Pieces& pieces) {
    const auto merges = pieces.settings.texts("tokenizer.ggml.merges");
    if (!merges)
        pieces.refuse("it lacks the merges of its tokens (tokenizer.ggml.merges)");
    const std::string_view pre = pieces.settings.text("tokenizer.ggml.pre").value_or("gpt-2");
    const bool llama3 = pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3";
    std::string_view split;
    if (llama3)
        split = splitLlama3;
    else if (pre == "qwen2" || pre == "deepseek-r1-qwen")
        split = splitQwen2;
    else if (pre != "gpt-2" && pre != "gpt2" && pre != "default")
        pieces.refuse(
            fmt::format("its texts are split in a way that Orrery does not know (tokenizer.ggml.pre is "
                        "\"{}\"); put the model's tokenizer.json next to it, or",
                        shownText(pre)));
    const std::vector<std::string> tokens = copied(pieces.tokens);
    const Json byteLevel{{"type", "ByteLevel"},
                         {"add_prefix_space", false},
                         {"trim_offsets", true},
                         {"use_regex", split.empty()}};
    Json preTokenizer = byteLevel;
    if (!split.empty())
        preTokenizer = {{"type", "Sequence"},
                        {"pretokenizers", Json::array({Json{{"type", "Split"},
                                                            {"pattern", {{"Regex", std::string(split)}}},
                                                            {"behavior", "Isolated"},
                                                            {"invert", false}},
                                                       byteLevel})}};
    Json mergeList = Json::array();
    for (const std::string_view merge : *merges)
        mergeList.push_back(std::string(merge));
    const auto bos = pieces.flag("add_bos_token", llama3) ? pieces.id("bos") : std::nullopt;
    const auto eos = pieces.flag("add_eos_token", false) ? pieces.id("eos") : std::nullopt;
    Json processor = framing(pieces, tokens, bos, eos, true);
    if (processor.is_null())
        processor = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}};
    return {{"added_tokens", addedTokens(pieces, tokens)},
            {"normalizer", split == splitQwen2 ? Json{{"type", "NFC"}} : Json()},
            {"pre_tokenizer", preTokenizer},
            {"post_processor", processor},
            {"decoder", {{"type", "ByteLevel"}}},
            {"model",
             {{"type", "BPE"},
              {"ignore_merges", llama3},
              {"vocab", vocabularyOf(pieces, tokens)},
              {"merges", mergeList}}}};
}

/// The merges that SentencePiece's scores stand for: every token from every two others, by falling score.
Json mergesFromScores(const std::vector<std::string>& tokens, const std::vector<double>& scores,
                      const Pieces& pieces) {
    std::unordered_map<std::string_view, std::size_t> ids;
    for (std::size_t id = 0; id < tokens.size(); ++id)
        ids.emplace(tokens[id], id);
    struct Merge {
        std::size_t left, right, whole;
    };
    constexpr std::size_t longest = 256; // bytes: splits are tried one by one
    std::vector<Merge> merges;
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const std::string& token = tokens[id];
        if (token.size() > longest || pieces.type(id) != Normal)
            continue;
        for (std::size_t cut = 1; cut < token.size(); ++cut) {
            const auto left = ids.find(std::string_view(token).substr(0, cut));
            const auto right = left == ids.end() ? ids.end() : ids.find(std::string_view(token).substr(cut));
            if (right != ids.end())
                merges.push_back({left->second, right->second, id});
        }
    }
    std::stable_sort(merges.begin(), merges.end(), [&](const Merge& a, const Merge& b) {
        if (scores[a.whole] != scores[b.whole])
            return scores[a.whole] > scores[b.whole];
        return std::pair(a.left, a.right) < std::pair(b.left, b.right);
    });
    Json list = Json::array();
    for (const Merge& merge : merges)
        list.push_back(Json::array({tokens[merge.left], tokens[merge.right]}));
    return list;
}

Json scoredJson(const Pieces& pieces) {
    const auto scores = pieces.settings.reals("tokenizer.ggml.scores");
    if (!scores || scores->size() != pieces.tokens.size())
        pieces.refuse("it lacks a score for each of its tokens (tokenizer.ggml.scores)");
    for (const double score : *scores)
        if (std::isnan(score))
            pieces.refuse("the score of a token is no number");
    const std::vector<std::string> tokens = copied(pieces.tokens);
    Json replace{{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", std::string(metaspace)}};
    Json normalizer = replace;
    Json decoders = Json::array(
        {Json{{"type", "Replace"}, {"pattern", {{"String", std::string(metaspace)}}}, {"content", " "}},
         Json{{"type", "ByteFallback"}}, Json{{"type", "Fuse"}}});
    if (pieces.flag("add_space_prefix", true)) {
        normalizer = {
            {"type", "Sequence"},
            {"normalizers",
             Json::array({Json{{"type", "Prepend"}, {"prepend", std::string(metaspace)}}, replace})}};
        decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    }
    Json model{{"type", "BPE"},
               {"fuse_unk", true},
               {"byte_fallback", true},
               {"vocab", vocabularyOf(pieces, tokens)},
               {"merges", mergesFromScores(tokens, *scores, pieces)}};
    if (const auto unknown = pieces.id("unknown"))
        model["unk_token"] = tokens[static_cast<std::size_t>(*unknown)];
    const auto bos = pieces.flag("add_bos_token", true) ? pieces.id("bos") : std::nullopt;
    const auto eos = pieces.flag("add_eos_token", false) ? pieces.id("eos") : std::nullopt;
    return {{"added_tokens", addedTokens(pieces, tokens)},
            {"normalizer", normalizer},
            {"pre_tokenizer", nullptr},
            {"post_processor", framing(pieces, tokens, bos, eos, true)},
            {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
            {"model", model}};
}

bool isBracketed(std::string_view token) {
    return token.starts_with('[') && token.ends_with(']');
}

/// Such files mark the beginnings of words, WordPiece its continuations.
std::string wordPiece(std::string_view token) {
    if (isBracketed(token))
        return std::string(token);
    if (token.starts_with(metaspace))
        return std::string(token.substr(metaspace.size()));
    return "##" + std::string(token);
}

Json wordPieceJson(const Pieces& pieces) {
    std::vector<std::string> tokens;
    for (const std::string_view token : pieces.tokens)
        tokens.push_back(wordPiece(token));
    auto cls = pieces.id("cls");
    if (!cls)
        cls = pieces.id("bos");
    auto sep = pieces.id("seperator"); // as the format spells it
    if (!sep)
        sep = pieces.id("eos");
    const auto unknown = pieces.id("unknown");
    return {{"added_tokens", addedTokens(pieces, tokens)},
            {"normalizer",
             {{"type", "BertNormalizer"},
              {"clean_text", true},
              {"handle_chinese_chars", true},
              {"strip_accents", nullptr},
              {"lowercase", pieces.flag("lowercase", true)}}},
            {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
            {"post_processor", framing(pieces, tokens, cls, sep, false)},
            {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
            {"model",
             {{"type", "WordPiece"},
              {"unk_token", unknown ? tokens[static_cast<std::size_t>(*unknown)] : "[UNK]"},
              {"vocab", vocabularyOf(pieces, tokens)}}}};
}

} // namespace

Json ggufTokenizerJson(const GgufMetadata& settings) {
    const auto kind = settings.text("tokenizer.ggml.model");
    if (!kind)
        throw InputError(fmt::format("{} holds no tokenizer (tokenizer.ggml.model); put the model's "
                                     "tokenizer.json next to it.",
                                     settings.fileName()));
    const Pieces pieces = read(settings);
    if (*kind == "gpt2")
        return byteLevelJson(pieces);
    if (*kind == "llama")
        return scoredJson(pieces);
    if (*kind == "bert")
        return wordPieceJson(pieces);
    throw InputError(
        fmt::format("{} holds a tokenizer of the kind \"{}\"; Orrery reads gpt2, llama and bert.",
                    settings.fileName(), shownText(*kind)));
}

std::shared_ptr<const text::Tokenizer> ggufTokenizer(const GgufMetadata& settings) {
    if (const auto json = settings.text("tokenizer.huggingface.json"))
        return text::Tokenizer::fromJson(*json, settings.fileName());
    std::string json;
    try {
        json = ggufTokenizerJson(settings).dump();
    } catch (const Json::exception&) {
        throw InputError(
            fmt::format("{}: a token is no valid UTF-8; convert the model again.", settings.fileName()));
    }
    return text::Tokenizer::fromJson(json, settings.fileName());
}

} // namespace orrery::model
