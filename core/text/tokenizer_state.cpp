// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/tokenizer_state.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::text {
namespace {

constexpr std::int64_t longestSequence = std::int64_t{1} << 26U;

Side sideOf(const JsonNode& node) {
    const std::string side = node.text();
    if (side != "Left" && side != "Right")
        node.fail(fmt::format("is \"{}\" instead of Left or Right", side));
    return side == "Left" ? Side::Left : Side::Right;
}

} // namespace

std::unique_ptr<ModelScratch> ScratchPool::take() {
    const std::lock_guard lock(m_mutex);
    if (m_free.empty())
        return std::make_unique<ModelScratch>();
    std::unique_ptr<ModelScratch> scratch = std::move(m_free.back());
    m_free.pop_back();
    return scratch;
}

void ScratchPool::giveBack(std::unique_ptr<ModelScratch> scratch) {
    const std::lock_guard lock(m_mutex);
    if (m_free.size() < mostKept)
        m_free.push_back(std::move(scratch));
}

Tokenizer::State::State(const Json& json, std::string fileName, const TokenizerHints& hints)
    : name(std::move(fileName)), recommendedLength(hints.recommendedLength) {
    const JsonNode root(json, name);
    if (const auto version = root.find("version"); version && version->text() != "1.0")
        version->fail(fmt::format("is \"{}\"; only version 1.0 is known", version->text()));
    if (const auto node = root.find("normalizer"))
        normalizer = makeNormalizer(*node);
    if (const auto node = root.find("pre_tokenizer"))
        preTokenizer = makePreTokenizer(*node);
    model = makeModel(root.at("model"), name);
    if (const auto node = root.find("post_processor"))
        postProcessor = makePostProcessor(*node);
    if (const auto node = root.find("decoder"))
        decoder = makeDecoder(*node);
    if (const auto node = root.find("added_tokens"))
        added = AddedTokens(*node, *model, normalizer.get());
    readStoredOptions(root);
    findRoles(hints);
}

void Tokenizer::State::readStoredOptions(const JsonNode& root) {
    if (const auto node = root.find("truncation")) {
        Truncation truncation;
        truncation.maxLength = node->at("max_length").integer(0, longestSequence);
        truncation.stride = node->integer("stride", 0, longestSequence, 0);
        const std::string strategy = node->text("strategy", "LongestFirst");
        if (strategy == "OnlyFirst")
            truncation.strategy = TruncationStrategy::OnlyFirst;
        else if (strategy == "OnlySecond")
            truncation.strategy = TruncationStrategy::OnlySecond;
        else if (strategy != "LongestFirst")
            node->at("strategy").fail(fmt::format("is \"{}\", which is not a known strategy", strategy));
        if (const auto direction = node->find("direction"))
            truncation.direction = sideOf(*direction);
        stored.truncation = truncation;
    }
    if (const auto node = root.find("padding")) {
        Padding padding;
        const JsonNode strategy = node->at("strategy");
        if (strategy.json().is_object())
            padding.length = strategy.at("Fixed").integer(0, longestSequence);
        else if (strategy.text() != "BatchLongest")
            strategy.fail("is neither \"BatchLongest\" nor {\"Fixed\": length}");
        if (const auto direction = node->find("direction"))
            padding.direction = sideOf(*direction);
        padding.multipleOf = node->integer("pad_to_multiple_of", 0, longestSequence, 0);
        padding.padId = node->integer("pad_id", 0, Vocabulary::idLimit - 1, 0);
        padding.padTypeId = node->integer("pad_type_id", 0, INT32_MAX, 0);
        padding.padToken = node->text("pad_token", "[PAD]");
        stored.padding = padding;
    }
}

void Tokenizer::State::findRoles(const TokenizerHints& hints) {
    const auto set = [&](TokenRole role, std::initializer_list<std::string_view> usual) {
        std::string& token = roles[static_cast<std::size_t>(role)];
        const std::string& said = hints.tokens[static_cast<std::size_t>(role)];
        if (!said.empty() && idOf(said)) {
            token = said;
            return;
        }
        for (const std::string_view candidate : usual)
            if (!candidate.empty() && idOf(candidate)) {
                token = candidate;
                return;
            }
    };
    const std::string first = postProcessor ? postProcessor->firstToken().value_or("") : "";
    const std::string separator = postProcessor ? postProcessor->separatorToken().value_or("") : "";
    const std::string unknown = model->unknownToken();
    // Only in pairs of usual names is the frame of a text its classification and separator token.
    const bool framed = !first.empty() && !separator.empty();
    set(TokenRole::Mask, {"[MASK]", "<mask>"});
    set(TokenRole::Pad, {"[PAD]", "<pad>", "<|pad|>"});
    set(TokenRole::Cls, {"[CLS]", framed ? std::string_view(first) : std::string_view()});
    set(TokenRole::Sep, {"[SEP]", framed ? std::string_view(separator) : std::string_view()});
    set(TokenRole::Bos, {"<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<|endoftext|>"});
    set(TokenRole::Eos, {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"});
    set(TokenRole::Unk, {unknown, "[UNK]", "<unk>"});
}

std::optional<std::int64_t> Tokenizer::State::idOf(std::string_view token) const {
    if (const auto id = added.idOf(token))
        return id;
    if (const auto id = model->vocabulary().find(token))
        return std::int64_t{*id};
    return std::nullopt;
}

const std::string* Tokenizer::State::tokenOf(std::int64_t id) const {
    const std::string* token = added.tokenOf(id);
    return token != nullptr ? token : model->vocabulary().token(id);
}

} // namespace orrery::text
