// SPDX-License-Identifier: GPL-3.0-or-later
// Texts to inputs and ids back to texts.
#include "base/error.h"
#include "base/log.h"
#include "model/gguf_tokenizer.h"
#include "model/state.h"
#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::model {
namespace {

ModelInput inputOf(const std::vector<text::Encoding>& encodings, const StackConfig& config) {
    std::size_t length = 0;
    for (const text::Encoding& encoding : encodings)
        length = std::max(length, encoding.size());
    if (length == 0)
        throw UsageError("The text gives no tokens; give at least one word.");
    const Shape shape{static_cast<std::int64_t>(encodings.size()), static_cast<std::int64_t>(length)};
    ModelInput input;
    input.inputIds = Tensor::full(shape, static_cast<double>(config.padToken.value_or(0)), DType::I64);
    input.attentionMask = Tensor::zeros(shape, DType::I64);
    if (config.typeVocabulary > 1)
        input.typeIds = Tensor::zeros(shape, DType::I64);
    bool padded = false;
    for (std::size_t i = 0; i < encodings.size(); ++i) {
        const text::Encoding& encoding = encodings[i];
        const auto at = [&](const Tensor& tensor) {
            return tensor.mutableData<std::int64_t>().begin() + static_cast<std::ptrdiff_t>(i * length);
        };
        std::copy(encoding.ids.begin(), encoding.ids.end(), at(input.inputIds));
        std::fill_n(at(input.attentionMask), encoding.size(), 1);
        if (input.typeIds.defined())
            std::transform(
                encoding.typeIds.begin(), encoding.typeIds.end(), at(input.typeIds),
                [&](std::int64_t id) { return std::clamp<std::int64_t>(id, 0, config.typeVocabulary - 1); });
        padded = padded || encoding.size() != length;
        if (!encoding.overflowing.empty())
            log(LogLevel::Warning, fmt::format("The text is longer than the {} positions of the model; its "
                                               "beginning is used, {} further parts "
                                               "of that length are left out.",
                                               config.maxPositions, encoding.overflowing.size()));
        TokenRow row{.tokens = encoding.tokens,
                     .ids = encoding.ids,
                     .wordIds = encoding.wordIds,
                     .offsets = encoding.offsets,
                     .typeIds = encoding.typeIds,
                     .special = {}};
        for (const std::int64_t special : encoding.specialTokensMask)
            row.special.push_back(special != 0);
        input.rows.push_back(std::move(row));
    }
    if (!padded)
        input.attentionMask = {};
    return input;
}

/// Special tokens and a length that the model can take.
text::EncodeOptions optionsFor(const StackConfig& config) {
    text::EncodeOptions options;
    if (config.maxPositions > 0)
        options.truncation = text::Truncation{.maxLength = config.maxPositions};
    return options;
}

const text::Tokenizer& required(const std::shared_ptr<const text::Tokenizer>& tokenizer, const Model& model) {
    if (!tokenizer)
        throw InputError(fmt::format("{} has no tokenizer that can be read, so it takes token ids only: {}",
                                     model.name(), model.tokenizerProblem()));
    return *tokenizer;
}

} // namespace

void Model::State::readTokenizer() const {
    std::call_once(lazy->tokenizerRead, [&] {
        try {
            std::shared_ptr<const text::Tokenizer> tokenizer;
            if (gguf && !text::Tokenizer::existsIn(folder)) {
                tokenizer = ggufTokenizer(gguf->settings());
            } else if (!text::Tokenizer::existsIn(folder)) {
                lazy->tokenizerProblem = fmt::format("{} holds no tokenizer files.", folder.string());
                return;
            } else {
                tokenizer = text::Tokenizer::open(folder);
            }
            // The tokenizer of another model would make ids that mean something else, or nothing.
            if (tokenizer->vocabularySize() > stack.config.vocabulary)
                lazy->tokenizerProblem = fmt::format(
                    "The tokenizer in {} has {} tokens but the model's vocabulary has {}; it belongs to "
                    "another model.",
                    folder.string(), tokenizer->vocabularySize(), stack.config.vocabulary);
            else
                lazy->tokenizer = std::move(tokenizer);
        } catch (const Error& error) {
            lazy->tokenizerProblem = error.what();
        }
    });
}

std::shared_ptr<const text::Tokenizer> Model::tokenizer() const {
    m_state->readTokenizer();
    return m_state->lazy->tokenizer;
}

const std::string& Model::tokenizerProblem() const {
    m_state->readTokenizer();
    return m_state->lazy->tokenizerProblem;
}

ModelInput Model::encode(std::string_view text) const {
    return inputOf({required(tokenizer(), *this).encode(text, optionsFor(config()))}, config());
}

ModelInput Model::encodePair(std::string_view first, std::string_view second) const {
    return inputOf({required(tokenizer(), *this).encodePair(first, second, optionsFor(config()))}, config());
}

ModelInput Model::encodeBatch(std::span<const std::string> texts) const {
    if (texts.empty())
        throw UsageError("An input needs at least one text.");
    return inputOf(required(tokenizer(), *this).encodeBatch(texts, optionsFor(config())), config());
}

std::string Model::tokenText(std::int64_t id) const {
    if (const auto known = tokenizer())
        if (auto token = known->tokenOf(id))
            return *token;
    return fmt::format("#{}", id);
}

std::string Model::decode(std::span<const std::int64_t> ids) const {
    return required(tokenizer(), *this).decode(ids);
}

} // namespace orrery::model
