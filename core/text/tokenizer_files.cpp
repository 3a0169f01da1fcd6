// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "text/tokenizer_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, tokenRoleCount> roleKeys = {
    "mask_token", "pad_token", "cls_token", "sep_token", "bos_token", "eos_token", "unk_token"};

bool isThere(const fs::path& file) {
    std::error_code failure;
    return fs::exists(file, failure);
}

/// A token in a configuration: its text, or an object with "content".
std::string tokenIn(const JsonNode& node) {
    return node.json().is_object() ? node.at("content").text() : node.text();
}

std::vector<std::string> linesOf(const fs::path& file) {
    const std::string text = repairUtf8(readTextFile(file));
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        std::string line = text.substr(start, end - start);
        if (line.ends_with('\r'))
            line.pop_back();
        lines.push_back(std::move(line));
        start = end + 1;
    }
    return lines;
}

/// tokenizer_config.json of a folder; an empty object when there is none.
Json configOf(const fs::path& folder) {
    const fs::path file = folder / "tokenizer_config.json";
    return isThere(file) ? readJsonFile(file) : Json::object();
}

std::string roleToken(const TokenizerHints& hints, TokenRole role, const char* usual) {
    const std::string& said = hints.tokens[static_cast<std::size_t>(role)];
    return said.empty() ? usual : said;
}

/// Builds "added_tokens" of those special tokens that the vocabulary has.
class SpecialTokens {
public:
    explicit SpecialTokens(const Json& vocabulary) : m_vocabulary(vocabulary) {}

    void add(const std::string& token, bool stripLeft = false) {
        const auto id = m_vocabulary.find(token);
        if (id != m_vocabulary.end())
            add(token, *id, stripLeft, true);
    }
    void add(const std::string& token, const Json& id, bool stripLeft, bool special) {
        for (const Json& known : m_list)
            if (known["content"] == token)
                return;
        m_list.push_back({{"id", id},
                          {"content", token},
                          {"single_word", false},
                          {"lstrip", stripLeft},
                          {"rstrip", false},
                          {"normalized", !special},
                          {"special", special}});
    }
    /// added_tokens.json: tokens and ids beside the vocabulary.
    void addFile(const fs::path& file) {
        if (!isThere(file))
            return;
        const Json tokens = readJsonFile(file);
        if (!tokens.is_object())
            throw InputError(fmt::format("{} must be an object of tokens and ids; download the file again.",
                                         file.string()));
        for (const auto& [token, id] : tokens.items())
            add(token, id, false, false);
    }
    [[nodiscard]] const Json& list() const { return m_list; }

private:
    const Json& m_vocabulary;
    Json m_list = Json::array();
};

Json sequencePiece(const char* id, int typeId) {
    return {{"Sequence", {{"id", id}, {"type_id", typeId}}}};
}
Json specialPiece(const std::string& id, int typeId) {
    return {{"SpecialToken", {{"id", id}, {"type_id", typeId}}}};
}

/// The id of a token that the model cannot do without.
Json requiredId(const Json& vocabulary, const std::string& token, const std::string& file) {
    const auto id = vocabulary.find(token);
    if (id == vocabulary.end())
        throw InputError(
            fmt::format("{} lacks the token \"{}\", which every input needs; use the vocabulary that "
                        "belongs to the model.",
                        file, token));
    return *id;
}

Json bertJson(const fs::path& folder, const std::string& name) {
    const TokenizerHints hints = readHints(folder);
    const Json config = configOf(folder);
    const std::string configName = (folder / "tokenizer_config.json").string();
    const JsonNode options(config, configName);
    Json vocabulary = Json::object();
    std::int64_t id = 0;
    for (const std::string& token : linesOf(folder / "vocab.txt"))
        vocabulary[token] = id++;

    const std::string cls = roleToken(hints, TokenRole::Cls, "[CLS]");
    const std::string sep = roleToken(hints, TokenRole::Sep, "[SEP]");
    const std::string unknown = roleToken(hints, TokenRole::Unk, "[UNK]");
    const Json clsId = requiredId(vocabulary, cls, name);
    const Json sepId = requiredId(vocabulary, sep, name);
    SpecialTokens special(vocabulary);
    special.add(roleToken(hints, TokenRole::Pad, "[PAD]"));
    special.add(unknown);
    special.add(cls);
    special.add(sep);
    special.add(roleToken(hints, TokenRole::Mask, "[MASK]"));
    special.addFile(folder / "added_tokens.json");

    const auto accents = options.find("strip_accents");
    return {{"added_tokens", special.list()},
            {"normalizer",
             {{"type", "BertNormalizer"},
              {"handle_chinese_chars", options.boolean("tokenize_chinese_chars", true)},
              {"strip_accents", accents ? Json(accents->boolean()) : Json()},
              {"lowercase", options.boolean("do_lower_case", true)}}},
            {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
            {"post_processor",
             {{"type", "TemplateProcessing"},
              {"single", {specialPiece(cls, 0), sequencePiece("A", 0), specialPiece(sep, 0)}},
              {"pair",
               {specialPiece(cls, 0), sequencePiece("A", 0), specialPiece(sep, 0), sequencePiece("B", 1),
                specialPiece(sep, 1)}},
              {"special_tokens",
               {{cls, {{"id", cls}, {"ids", Json::array({clsId})}, {"tokens", Json::array({cls})}}},
                {sep, {{"id", sep}, {"ids", Json::array({sepId})}, {"tokens", Json::array({sep})}}}}}}},
            {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
            {"model", {{"type", "WordPiece"}, {"unk_token", unknown}, {"vocab", std::move(vocabulary)}}}};
}

/// Whether the files of a byte-level vocabulary belong to RoBERTa (or BART) and not to GPT-2.
bool isRoberta(const fs::path& folder, const Json& config, const Json& vocabulary) {
    if (const auto type = config.find("tokenizer_class"); type != config.end() && type->is_string()) {
        const std::string name = type->get<std::string>();
        if (name.starts_with("GPT2"))
            return false;
        if (name.starts_with("Roberta") || name.starts_with("Bart") || name.starts_with("Longformer"))
            return true;
    }
    if (isThere(folder / "config.json")) {
        const Json model = readJsonFile(folder / "config.json");
        if (model.is_object() && model.contains("model_type") && model["model_type"].is_string())
            return model["model_type"] != "gpt2";
    }
    return vocabulary.contains("<s>") && vocabulary.contains("</s>") && vocabulary.contains("<mask>");
}

Json byteLevelJson(const fs::path& folder, const std::string& name) {
    const TokenizerHints hints = readHints(folder);
    const Json config = configOf(folder);
    const std::string configName = (folder / "tokenizer_config.json").string();
    const JsonNode options(config, configName);
    Json vocabulary = readJsonFile(folder / "vocab.json");
    if (!vocabulary.is_object())
        throw InputError(
            fmt::format("{} must be an object of tokens and ids; download the file again.", name));
    Json merges = Json::array();
    for (const std::string& line : linesOf(folder / "merges.txt"))
        if (!line.empty() && !line.starts_with("#version"))
            merges.push_back(line);

    const bool prefixSpace = options.boolean("add_prefix_space", false);
    SpecialTokens special(vocabulary);
    Json processor;
    if (isRoberta(folder, config, vocabulary)) {
        const std::string cls = roleToken(hints, TokenRole::Cls, "<s>");
        const std::string sep = roleToken(hints, TokenRole::Sep, "</s>");
        special.add(cls);
        special.add(roleToken(hints, TokenRole::Pad, "<pad>"));
        special.add(sep);
        special.add(roleToken(hints, TokenRole::Unk, "<unk>"));
        special.add(roleToken(hints, TokenRole::Mask, "<mask>"), true);
        processor = {{"type", "RobertaProcessing"},
                     {"cls", Json::array({cls, requiredId(vocabulary, cls, name)})},
                     {"sep", Json::array({sep, requiredId(vocabulary, sep, name)})},
                     {"trim_offsets", true},
                     {"add_prefix_space", prefixSpace}};
    } else {
        for (const TokenRole role : {TokenRole::Bos, TokenRole::Eos, TokenRole::Unk, TokenRole::Pad})
            special.add(roleToken(hints, role, "<|endoftext|>"));
        processor = {{"type", "ByteLevel"}, {"trim_offsets", false}, {"add_prefix_space", true}};
    }
    special.addFile(folder / "added_tokens.json");
    return {{"added_tokens", special.list()},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", prefixSpace}}},
            {"post_processor", std::move(processor)},
            {"decoder", {{"type", "ByteLevel"}}},
            {"model", {{"type", "BPE"}, {"vocab", std::move(vocabulary)}, {"merges", std::move(merges)}}}};
}

} // namespace

TokenizerHints readHints(const fs::path& folder) {
    TokenizerHints hints;
    for (const char* name : {"special_tokens_map.json", "tokenizer_config.json"}) {
        const fs::path file = folder / name;
        if (!isThere(file))
            continue;
        const Json json = readJsonFile(file);
        const std::string fileName = file.string();
        const JsonNode root(json, fileName);
        for (std::size_t role = 0; role < tokenRoleCount; ++role)
            if (const auto token = root.find(roleKeys[role]))
                hints.tokens[role] = tokenIn(*token);
        if (const auto length = root.find("model_max_length"); length && length->json().is_number()) {
            // "No limit" is written as 10^30.
            const double value = length->json().get<double>();
            if (value >= 1 && value < 1e12)
                hints.recommendedLength = static_cast<std::int64_t>(value);
        }
    }
    return hints;
}

Json jsonFromVocabularyFiles(const fs::path& folder, std::string* name) {
    if (isThere(folder / "vocab.txt")) {
        *name = (folder / "vocab.txt").string();
        return bertJson(folder, *name);
    }
    if (isThere(folder / "vocab.json") && isThere(folder / "merges.txt")) {
        *name = (folder / "vocab.json").string();
        return byteLevelJson(folder, *name);
    }
    return {};
}

} // namespace orrery::text
