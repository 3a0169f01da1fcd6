// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/gguf_tokenizer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {
namespace {

using checkpoint::GgufSettings;

const Json& at(const Json& json, const char* key) {
    static const Json none;
    const auto found = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && found != json.end() ? *found : none;
}

std::string textAt(const Json& json, const char* key) {
    const Json& value = at(json, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

/// Tokens by id with their types (1 usual, 2 unknown, 3 control, 4 user's, 6 a byte).
struct Vocabulary {
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;

    void put(const std::string& token, const Json& id, std::int32_t type) {
        constexpr std::size_t most = std::size_t{1} << 24U;
        if (!id.is_number_unsigned() || id.get<std::size_t>() >= most)
            return;
        const auto index = id.get<std::size_t>();
        if (index >= tokens.size()) {
            tokens.resize(index + 1);
            types.resize(index + 1, 5); // unused
        }
        tokens[index] = token;
        types[index] = type;
    }
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view token) const {
        const auto found = std::find(tokens.begin(), tokens.end(), token);
        if (token.empty() || found == tokens.end())
            return {};
        return static_cast<std::uint32_t>(found - tokens.begin());
    }
};

Vocabulary vocabularyOf(const Json& tokenizer) {
    Vocabulary vocabulary;
    const Json& model = at(tokenizer, "model");
    const std::string unknown = textAt(model, "unk_token");
    const bool bytes = at(model, "byte_fallback") == true;
    for (const auto& [token, id] : at(model, "vocab").items()) {
        const bool isByte = bytes && token.size() == 6 && token.starts_with("<0x") && token.ends_with('>');
        vocabulary.put(token, id, isByte ? 6 : 1);
    }
    const Json& added = at(tokenizer, "added_tokens");
    if (added.is_array())
        for (const Json& token : added) {
            const std::string content = textAt(token, "content");
            vocabulary.put(content, at(token, "id"),
                           content == unknown             ? 2
                           : at(token, "special") == true ? 3
                                                          : 4);
        }
    return vocabulary;
}

/// The first and last special token of the template for one text.
std::pair<std::string, std::string> frameOf(const Json& processor) {
    if (textAt(processor, "type") == "Sequence") {
        const Json& inner = at(processor, "processors");
        if (inner.is_array())
            for (const Json& one : inner)
                if (textAt(one, "type") == "TemplateProcessing")
                    return frameOf(one);
    }
    std::pair<std::string, std::string> frame;
    const Json& single = at(processor, "single");
    if (!single.is_array() || single.empty())
        return frame;
    frame.first = textAt(at(single.front(), "SpecialToken"), "id");
    if (single.size() > 1)
        frame.second = textAt(at(single.back(), "SpecialToken"), "id");
    return frame;
}

std::string preOf(const Json& tokenizer) {
    const std::string all = at(tokenizer, "pre_tokenizer").dump();
    if (all.find("{1,3}") != std::string::npos)
        return "llama-bpe";
    return all.find("Split") != std::string::npos ? "qwen2" : "gpt-2";
}

void addIds(GgufSettings& settings, const Vocabulary& vocabulary,
            std::initializer_list<std::pair<const char*, std::string>> roles) {
    for (const auto& [key, token] : roles)
        if (const auto id = vocabulary.find(token))
            settings.emplace_back(std::string("tokenizer.ggml.") + key + "_token_id", *id);
}

void addBpe(GgufSettings& settings, const Json& tokenizer, const Vocabulary& vocabulary) {
    std::vector<std::string> merges;
    const Json& list = at(at(tokenizer, "model"), "merges");
    for (const Json& merge : list)
        if (merge.is_string())
            merges.push_back(merge.get<std::string>());
        else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
            merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    const auto [first, last] = frameOf(at(tokenizer, "post_processor"));
    settings.emplace_back("tokenizer.ggml.model", std::string("gpt2"));
    settings.emplace_back("tokenizer.ggml.pre", preOf(tokenizer));
    settings.emplace_back("tokenizer.ggml.tokens", vocabulary.tokens);
    settings.emplace_back("tokenizer.ggml.token_type", vocabulary.types);
    settings.emplace_back("tokenizer.ggml.merges", merges);
    settings.emplace_back("tokenizer.ggml.add_bos_token", !first.empty());
    settings.emplace_back("tokenizer.ggml.add_eos_token", !last.empty());
    addIds(settings, vocabulary,
           {{"bos", first.empty() ? std::string("<|endoftext|>") : first},
            {"eos", last.empty() ? std::string("<|endoftext|>") : last}});
}

/// SentencePiece's BPE: a token's score is minus the rank of the first merge that makes it.
void addScored(GgufSettings& settings, const Json& tokenizer, const Vocabulary& vocabulary) {
    std::vector<float> scores(vocabulary.tokens.size(), 0);
    std::map<std::string, float> ranks;
    float rank = 0;
    for (const Json& merge : at(at(tokenizer, "model"), "merges")) {
        std::string whole;
        if (merge.is_string()) {
            whole = merge.get<std::string>();
            if (const auto space = whole.find(' '); space != std::string::npos)
                whole.erase(space, 1);
        } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            whole = merge[0].get<std::string>() + merge[1].get<std::string>();
        }
        ranks.emplace(whole, -rank);
        ++rank;
    }
    for (std::size_t id = 0; id < scores.size(); ++id) {
        const auto found = ranks.find(vocabulary.tokens[id]);
        scores[id] = found != ranks.end() ? found->second : -1e9F;
    }
    const auto [first, last] = frameOf(at(tokenizer, "post_processor"));
    settings.emplace_back("tokenizer.ggml.model", std::string("llama"));
    settings.emplace_back("tokenizer.ggml.tokens", vocabulary.tokens);
    settings.emplace_back("tokenizer.ggml.scores", scores);
    settings.emplace_back("tokenizer.ggml.token_type", vocabulary.types);
    settings.emplace_back("tokenizer.ggml.add_bos_token", !first.empty());
    settings.emplace_back("tokenizer.ggml.add_eos_token", !last.empty());
    addIds(settings, vocabulary,
           {{"bos", first}, {"eos", last}, {"unknown", textAt(at(tokenizer, "model"), "unk_token")}});
}

void addWordPiece(GgufSettings& settings, const Json& tokenizer, const Vocabulary& vocabulary) {
    std::vector<std::string> tokens;
    for (const std::string& token : vocabulary.tokens) {
        if (token.starts_with('[') && token.ends_with(']'))
            tokens.push_back(token);
        else if (token.starts_with("##"))
            tokens.push_back(token.substr(2));
        else
            tokens.push_back("\xe2\x96\x81" + token);
    }
    const auto [first, last] = frameOf(at(tokenizer, "post_processor"));
    settings.emplace_back("tokenizer.ggml.model", std::string("bert"));
    settings.emplace_back("tokenizer.ggml.tokens", tokens);
    settings.emplace_back("tokenizer.ggml.token_type", vocabulary.types);
    settings.emplace_back("tokenizer.ggml.lowercase", at(at(tokenizer, "normalizer"), "lowercase") != false);
    addIds(settings, vocabulary,
           {{"cls", first},
            {"seperator", last}, // as the format spells it
            {"unknown", textAt(at(tokenizer, "model"), "unk_token")},
            {"padding", "[PAD]"},
            {"mask", "[MASK]"}});
}

} // namespace

checkpoint::GgufSettings ggufTokenizerSettings(const Json& tokenizer, bool withJson) {
    GgufSettings settings;
    const Json& model = at(tokenizer, "model");
    const std::string kind = textAt(model, "type");
    const Vocabulary vocabulary = vocabularyOf(tokenizer);
    const bool merges = at(model, "merges").is_array();
    if (kind == "WordPiece")
        addWordPiece(settings, tokenizer, vocabulary);
    else if (kind == "BPE" && merges && at(model, "byte_fallback") == true)
        addScored(settings, tokenizer, vocabulary);
    else if (kind == "BPE" && merges &&
             at(tokenizer, "pre_tokenizer").dump().find("ByteLevel") != std::string::npos)
        addBpe(settings, tokenizer, vocabulary);
    if (withJson)
        settings.emplace_back("tokenizer.huggingface.json", tokenizer.dump());
    return settings;
}

} // namespace orrery::model
