// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "base/json.h"

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::checkpoint {

/// config.json behind typed getters. Every getter takes the names under which families store the same setting
/// ({"hidden_size", "n_embd", "d_model"}) and uses the first that is present and not null. Without a default
/// the setting is required. Missing keys, wrong types and values out of range are InputErrors that name the
/// file, the key and what is expected.
class ModelConfig {
public:
    using Keys = std::initializer_list<std::string_view>;

    /// What an integer may be; sizes, counts and ids of honest models are all in the default range.
    struct Range {
        std::int64_t low = 0;
        std::int64_t high = (std::int64_t{1} << 31) - 1;
    };

    ModelConfig() = default;
    /// fileName is used in messages. The json must be an object.
    ModelConfig(Json json, std::string fileName);
    /// A folder that holds config.json, or the file itself.
    static ModelConfig read(const std::filesystem::path& folderOrFile);
    /// The text of a config.json.
    static ModelConfig parse(std::string_view text, std::string fileName);

    [[nodiscard]] const Json& json() const { return m_json; }
    [[nodiscard]] const std::string& fileName() const { return m_fileName; }

    [[nodiscard]] std::string modelType() const;                  ///< required: "bert"
    [[nodiscard]] std::vector<std::string> architectures() const; ///< {"BertForMaskedLM"}, or none
    /// Labels by id, from id2label; where it is absent, "LABEL_0" ... for num_labels (2 when that is absent
    /// too), as Hugging Face does.
    [[nodiscard]] std::vector<std::string> labels() const;

    [[nodiscard]] bool has(std::string_view key) const; ///< present and not null
    [[nodiscard]] bool has(Keys keys) const;

    [[nodiscard]] std::int64_t integer(Keys keys) const { return integerIn(keys, Range{}); }
    [[nodiscard]] std::int64_t integer(Keys keys, std::int64_t fallback) const;
    [[nodiscard]] std::int64_t integerIn(Keys keys, Range range) const;
    [[nodiscard]] std::int64_t integerIn(Keys keys, Range range, std::int64_t fallback) const;
    [[nodiscard]] std::int64_t positive(Keys keys) const; ///< at least 1: sizes and counts
    [[nodiscard]] std::int64_t positive(Keys keys, std::int64_t fallback) const;
    [[nodiscard]] std::optional<std::int64_t> optionalInteger(Keys keys) const;
    [[nodiscard]] double real(Keys keys) const; ///< finite, or what "Infinity" says
    [[nodiscard]] double real(Keys keys, double fallback) const;
    [[nodiscard]] bool boolean(Keys keys) const;
    [[nodiscard]] bool boolean(Keys keys, bool fallback) const;
    [[nodiscard]] std::string text(Keys keys) const;
    [[nodiscard]] std::string text(Keys keys, std::string_view fallback) const;
    /// A list, or one number for a list of one.
    [[nodiscard]] std::vector<std::int64_t> integers(Keys keys) const;
    [[nodiscard]] std::vector<std::int64_t> integers(Keys keys, std::vector<std::int64_t> fallback) const;
    [[nodiscard]] std::vector<double> reals(Keys keys) const;
    [[nodiscard]] std::vector<double> reals(Keys keys, std::vector<double> fallback) const;
    [[nodiscard]] std::vector<std::string> texts(Keys keys) const;
    [[nodiscard]] std::vector<std::string> texts(Keys keys, std::vector<std::string> fallback) const;

    /// whole / parts, both positive, where it must come out even (hidden size over heads).
    [[nodiscard]] std::int64_t quotient(Keys whole, Keys parts) const;

    /// A nested object ("text_config", "rope_scaling"), empty where it is missing; its messages name
    /// "key.inner".
    [[nodiscard]] ModelConfig section(std::string_view key) const;
    [[nodiscard]] std::vector<ModelConfig> sections(std::string_view key) const; ///< a list of objects

    /// An error in the words of this class, for rules that only a family knows: "FILE: KEY is VALUE,
    /// PROBLEM".
    [[nodiscard]] InputError error(std::string_view key, std::string_view problem) const;

private:
    struct Found {
        std::string key;
        const Json* value = nullptr;
    };
    [[nodiscard]] Found find(Keys keys) const;
    [[nodiscard]] Found require(Keys keys, std::string_view kind) const;
    [[nodiscard]] InputError wrong(const Found& found, std::string_view expected) const;
    [[nodiscard]] std::int64_t toInteger(const Found& found, Range range) const;
    [[nodiscard]] double toReal(const Found& found) const;

    Json m_json = Json::object();
    std::string m_fileName = "config.json";
    std::string m_prefix; ///< "text_config." inside a section
};

} // namespace orrery::checkpoint
