// SPDX-License-Identifier: GPL-3.0-or-later
#include "text/conformance.h"

#include "base/error.h"
#include "base/json.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

namespace orrery::text {
namespace {

namespace fs = std::filesystem;

Json parseRecord(std::string_view line, const fs::path& file, std::int64_t number) {
    return parseJson(line, fmt::format("Line {} of {}", number, file.string()));
}

/// Minus one stands for null on our side.
Json nullable(const std::vector<std::int64_t>& values) {
    Json list = Json::array();
    for (const std::int64_t value : values)
        list.push_back(value < 0 ? Json() : Json(value));
    return list;
}

std::string shortened(const Json& value) {
    constexpr std::size_t longest = 80;
    std::string text = value.dump(-1, ' ', true);
    if (text.size() > longest)
        text = text.substr(0, longest) + "...";
    return text;
}

/// What one record asks for, compared field by field; the first difference is kept.
class RecordCheck {
public:
    RecordCheck(const Tokenizer& tokenizer, const Json& record) : m_tokenizer(tokenizer), m_record(record) {
        m_known = {"id", "kind"};
        run();
        for (const auto& [field, value] : m_record.items())
            if (m_difference.empty() && !m_known.contains(field))
                m_difference = fmt::format("has the field \"{}\", which is not known", field);
    }
    [[nodiscard]] const std::string& difference() const { return m_difference; }

private:
    void run() {
        const std::string kind = text("kind");
        if (kind == "single")
            checkSingle();
        else if (kind == "pair")
            checkPair();
        else if (kind == "truncate")
            checkTruncate();
        else if (kind == "pad")
            checkPad();
        else if (kind == "decode")
            checkDecode();
        else if (kind == "pretokenized")
            checkWords();
        else
            m_difference = fmt::format("is of the kind \"{}\", which is not known", kind);
    }

    // Reading; a missing or wrong field is an InputError, which the caller reports.
    [[nodiscard]] const Json& field(const char* name) {
        m_known.insert(name);
        const auto found = m_record.find(name);
        if (found == m_record.end())
            throw InputError(fmt::format("lacks the field \"{}\"", name));
        return *found;
    }
    [[nodiscard]] std::string text(const char* name) { return field(name).get<std::string>(); }
    [[nodiscard]] std::optional<std::string> optionalText(const char* name) {
        m_known.insert(name);
        const auto found = m_record.find(name);
        if (found == m_record.end() || found->is_null())
            return std::nullopt;
        return found->get<std::string>();
    }

    void compare(const char* name, const Json& got, const Json& want) {
        if (!m_difference.empty() || got == want)
            return;
        if (got.is_array() && want.is_array()) {
            for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i)
                if (got[i] != want[i]) {
                    m_difference = fmt::format("{}[{}] is {} instead of {}", name, i, shortened(got[i]),
                                               shortened(want[i]));
                    return;
                }
            m_difference = fmt::format("{} has {} entries instead of {}", name, got.size(), want.size());
            return;
        }
        m_difference = fmt::format("{} is {} instead of {}", name, shortened(got), shortened(want));
    }
    /// Compares only what the record has.
    template <class Make>
    void compareField(const char* name, const Make& make) {
        m_known.insert(name);
        if (const auto want = m_record.find(name); want != m_record.end())
            compare(name, make(), *want);
    }

    void compareEncoding(const Encoding& encoding) {
        compareField("ids", [&] { return Json(encoding.ids); });
        compareField("tokens", [&] { return Json(encoding.tokens); });
        compareField("offsets", [&] { return Json(encoding.offsets); });
        compareField("type_ids", [&] { return Json(encoding.typeIds); });
        compareField("attention_mask", [&] { return Json(encoding.attentionMask); });
        compareField("special_tokens_mask", [&] { return Json(encoding.specialTokensMask); });
        compareField("word_ids", [&] { return nullable(encoding.wordIds); });
        compareField("sequence_ids", [&] { return nullable(encoding.sequenceIds); });
        compareField("decode", [&] { return Json(m_tokenizer.decode(encoding.ids, false)); });
        compareField("decode_skip", [&] { return Json(m_tokenizer.decode(encoding.ids, true)); });
    }

    void checkSingle() {
        const std::string input = text("text");
        EncodeOptions plain;
        plain.addSpecialTokens = false;
        compareField("ids_plain", [&] { return Json(m_tokenizer.encode(input, plain).ids); });
        compareEncoding(m_tokenizer.encode(input));
        const std::string normalized = m_tokenizer.normalize(input);
        compareField("normalized", [&] { return Json(normalized); });
        compareField("pre_tokens", [&] {
            Json pieces = Json::array();
            for (const Piece& piece : m_tokenizer.preTokenize(normalized))
                pieces.push_back({piece.text, {piece.start, piece.end}});
            return pieces;
        });
    }

    void checkPair() {
        const std::string first = text("text");
        const std::string second = text("pair");
        EncodeOptions plain;
        plain.addSpecialTokens = false;
        compareField("ids_plain", [&] { return Json(m_tokenizer.encodePair(first, second, plain).ids); });
        compareEncoding(m_tokenizer.encodePair(first, second));
    }

    void checkTruncate() {
        const std::string first = text("text");
        const std::optional<std::string> second = optionalText("pair");
        const Json& asked = field("truncation");
        Truncation truncation;
        truncation.maxLength = asked.at("max_length").get<std::int64_t>();
        truncation.stride = asked.value("stride", std::int64_t{0});
        const std::string strategy = asked.value("strategy", "longest_first");
        truncation.strategy = strategy == "only_first"    ? TruncationStrategy::OnlyFirst
                              : strategy == "only_second" ? TruncationStrategy::OnlySecond
                                                          : TruncationStrategy::LongestFirst;
        truncation.direction = asked.value("direction", "right") == "left" ? Side::Left : Side::Right;
        EncodeOptions options;
        options.truncation = truncation;
        const std::optional<std::string> refusal = optionalText("error");
        Encoding encoding;
        try {
            encoding = m_tokenizer.encode(first, second, options);
        } catch (const UsageError& error) {
            if (!refusal)
                m_difference = fmt::format("is refused ({}) where the reference truncates", error.what());
            return;
        }
        if (refusal) {
            m_difference = fmt::format("is truncated where the reference refuses ({})", *refusal);
            return;
        }
        compareEncoding(encoding);
        compareOverflowing(encoding);
    }

    void compareOverflowing(const Encoding& encoding) {
        m_known.insert("overflowing");
        const auto want = m_record.find("overflowing");
        if (want == m_record.end() || !m_difference.empty())
            return;
        if (want->size() != encoding.overflowing.size()) {
            m_difference = fmt::format("has {} overflowing parts instead of {}", encoding.overflowing.size(),
                                       want->size());
            return;
        }
        for (std::size_t i = 0; i < want->size(); ++i) {
            const Encoding& part = encoding.overflowing[i];
            for (const auto& [name, value] : (*want)[i].items()) {
                const std::string path = fmt::format("overflowing[{}].{}", i, name);
                if (name == "ids")
                    compare(path.c_str(), part.ids, value);
                else if (name == "offsets")
                    compare(path.c_str(), part.offsets, value);
                else if (name == "tokens")
                    compare(path.c_str(), part.tokens, value);
                else if (name == "type_ids")
                    compare(path.c_str(), part.typeIds, value);
                else if (name == "attention_mask")
                    compare(path.c_str(), part.attentionMask, value);
                else if (name == "special_tokens_mask")
                    compare(path.c_str(), part.specialTokensMask, value);
                else if (name == "word_ids")
                    compare(path.c_str(), nullable(part.wordIds), value);
                else if (m_difference.empty())
                    m_difference = fmt::format("has the field {}, which is not known", path);
            }
        }
    }

    void checkPad() {
        const auto texts = field("texts").get<std::vector<std::string>>();
        const Json& asked = field("padding");
        Padding padding;
        const auto number = [&](const char* name) {
            return asked.contains(name) && !asked[name].is_null()
                       ? std::optional(asked[name].get<std::int64_t>())
                       : std::nullopt;
        };
        padding.length = number("length");
        padding.multipleOf = number("pad_to_multiple_of").value_or(0);
        padding.padId = number("pad_id").value_or(0);
        padding.padTypeId = number("pad_type_id").value_or(0);
        padding.padToken = asked.value("pad_token", "[PAD]");
        padding.direction = asked.value("direction", "right") == "left" ? Side::Left : Side::Right;
        EncodeOptions options;
        options.padding = padding;
        m_known.insert("truncation_max_length");
        if (const auto longest = m_record.find("truncation_max_length");
            longest != m_record.end() && !longest->is_null()) {
            options.truncation.emplace();
            options.truncation->maxLength = longest->get<std::int64_t>();
        }
        const std::vector<Encoding> batch = m_tokenizer.encodeBatch(texts, options);
        const auto all = [&](auto member) {
            Json list = Json::array();
            for (const Encoding& encoding : batch)
                list.push_back(encoding.*member);
            return list;
        };
        compareField("ids", [&] { return all(&Encoding::ids); });
        compareField("tokens", [&] { return all(&Encoding::tokens); });
        compareField("offsets", [&] { return all(&Encoding::offsets); });
        compareField("type_ids", [&] { return all(&Encoding::typeIds); });
        compareField("attention_mask", [&] { return all(&Encoding::attentionMask); });
        compareField("special_tokens_mask", [&] { return all(&Encoding::specialTokensMask); });
    }

    void checkDecode() {
        const auto ids = field("ids").get<std::vector<std::int64_t>>();
        compareField("tokens", [&] {
            Json tokens = Json::array();
            for (const std::int64_t id : ids) {
                const auto token = m_tokenizer.tokenOf(id);
                tokens.push_back(token ? Json(*token) : Json());
            }
            return tokens;
        });
        compareField("decode", [&] { return Json(m_tokenizer.decode(ids, false)); });
        compareField("decode_skip", [&] { return Json(m_tokenizer.decode(ids, true)); });
    }

    void checkWords() {
        const auto words = field("words").get<std::vector<std::string>>();
        compareEncoding(m_tokenizer.encodeWords(words));
    }

    const Tokenizer& m_tokenizer;
    const Json& m_record;
    std::set<std::string, std::less<>> m_known;
    std::string m_difference;
};

void compareRecords(const Tokenizer& tokenizer, const fs::path& file, CaseResult& result) {
    const std::string text = readTextFile(file);
    std::int64_t number = 0;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = std::string_view(text).substr(start, end - start);
        start = end + 1;
        ++number;
        if (line.find_first_not_of(" \r\t") == std::string_view::npos)
            continue;
        std::string difference;
        try {
            const Json record = parseRecord(line, file, number);
            difference = RecordCheck(tokenizer, record).difference();
        } catch (const Error& error) {
            difference = fmt::format("cannot be checked: {}", error.what());
        } catch (const Json::exception& error) {
            difference = fmt::format("cannot be understood: {}", error.what());
        }
        ++result.compared;
        if (difference.empty())
            continue;
        if (result.differing++ == 0)
            result.firstDifference = fmt::format("Record {} of {} {}.", number, file.string(), difference);
    }
}

} // namespace

bool isTokenizerCase(const fs::path& folder) {
    std::error_code failure;
    return fs::is_regular_file(folder / "tokenizer.json", failure) &&
           fs::is_regular_file(folder / "expected.jsonl", failure);
}

CaseResult verifyTokenizerCase(const fs::path& folder) {
    CaseResult result;
    result.name =
        folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
    try {
        const std::shared_ptr<const Tokenizer> tokenizer = Tokenizer::open(folder / "tokenizer.json");
        compareRecords(*tokenizer, folder / "expected.jsonl", result);
        if (result.compared == 0)
            result.firstDifference =
                fmt::format("{} holds no records.", (folder / "expected.jsonl").string());
    } catch (const std::exception& error) {
        result.firstDifference = error.what();
    }
    result.ok = result.compared > 0 && result.firstDifference.empty();
    return result;
}

} // namespace orrery::text
