// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/json.h"
#include "samples.h"
#include "text/conformance.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace orrery::text {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, removed at the end.
class TokenizerFiles : public testing::Test {
protected:
    TokenizerFiles()
        : m_folder(fs::temp_directory_path() /
                   ("orrery-text-" + std::to_string(::getpid()) + "-" +
                    testing::UnitTest::GetInstance()->current_test_info()->name())) {
        fs::create_directories(m_folder);
    }
    ~TokenizerFiles() override { fs::remove_all(m_folder); }
    void write(const char* name, const std::string& text) const { std::ofstream(m_folder / name) << text; }

    fs::path m_folder;
};

const std::vector<std::string> texts = {"",
                                        "Unbelievable: naïve cafés, don't they?",
                                        "中文 and [MASK] <mask>  x",
                                        "I'm  here\n\n\tTODAY 12345 ",
                                        "<|endoftext|>",
                                        "Ünïcödé 😀"};

void expectSame(const Tokenizer& a, const Tokenizer& b) {
    for (const std::string& text : texts)
        for (const std::string& pair : texts) {
            const Encoding first = a.encodePair(text, pair);
            const Encoding second = b.encodePair(text, pair);
            EXPECT_EQ(first.ids, second.ids) << text << " | " << pair;
            EXPECT_EQ(first.offsets, second.offsets) << text << " | " << pair;
            EXPECT_EQ(first.typeIds, second.typeIds) << text << " | " << pair;
            EXPECT_EQ(a.decode(first.ids), b.decode(second.ids)) << text << " | " << pair;
        }
}

Json goldenJson(const std::string& name) {
    return readJsonFile(goldenFolder(name) / "tokenizer.json");
}

std::string vocabularyLines(const Json& vocabulary) {
    std::vector<std::string> tokens(vocabulary.size());
    for (const auto& [token, id] : vocabulary.items())
        tokens.at(id.get<std::size_t>()) = token;
    std::string lines;
    for (const std::string& token : tokens)
        lines += token + "\n";
    return lines;
}

std::string mergeLines(const Json& merges) {
    std::string lines = "#version: 0.2\n";
    for (const Json& merge : merges)
        lines += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
    return lines;
}

TEST_F(TokenizerFiles, BertFromItsVocabulary) {
    write("vocab.txt", vocabularyLines(goldenJson("bert-uncased")["model"]["vocab"]));
    expectSame(*Tokenizer::open(m_folder), *goldenTokenizer("bert-uncased"));
    write("vocab.txt", vocabularyLines(goldenJson("bert-cased")["model"]["vocab"]));
    write("tokenizer_config.json", R"({"do_lower_case": false, "model_max_length": 512})");
    const auto cased = Tokenizer::open(m_folder);
    expectSame(*cased, *goldenTokenizer("bert-cased"));
    EXPECT_EQ(cased->recommendedLength(), 512);
}

TEST_F(TokenizerFiles, RobertaAndGpt2FromVocabularyAndMerges) {
    const Json roberta = goldenJson("roberta")["model"];
    write("vocab.json", roberta["vocab"].dump());
    write("merges.txt", mergeLines(roberta["merges"]));
    expectSame(*Tokenizer::open(m_folder), *goldenTokenizer("roberta"));

    const Json gpt2 = goldenJson("gpt2")["model"];
    write("vocab.json", gpt2["vocab"].dump());
    write("merges.txt", mergeLines(gpt2["merges"]));
    write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1e30})");
    const auto opened = Tokenizer::open(m_folder);
    expectSame(*opened, *goldenTokenizer("gpt2"));
    EXPECT_FALSE(opened->recommendedLength());
}

TEST_F(TokenizerFiles, MissingAndBrokenFilesAreNamed) {
    const auto says = [&](const char* what) {
        try {
            static_cast<void>(Tokenizer::open(m_folder));
            ADD_FAILURE() << "opened, but should say " << what;
        } catch (const InputError& error) {
            EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
        }
    };
    EXPECT_FALSE(Tokenizer::existsIn(m_folder));
    says("neither tokenizer.json nor vocab.txt");
    write("vocab.txt", "a\nb\n");
    EXPECT_TRUE(Tokenizer::existsIn(m_folder));
    says("lacks the token \"[CLS]\"");
    write("tokenizer_config.json", R"({"cls_token": 7})");
    says("cls_token of ");
    write("tokenizer_config.json", "{");
    says("tokenizer_config.json is not valid JSON");
    write("tokenizer_config.json", R"({"do_lower_case": "yes"})");
    write("vocab.txt", "[CLS]\n[SEP]\n");
    says("do_lower_case of ");
    fs::remove(m_folder / "vocab.txt");
    write("vocab.json", "[1]");
    write("merges.txt", "#version: 0.2\n");
    write("tokenizer_config.json", "{}");
    says("vocab.json must be an object");
    write("vocab.json", R"({"a": 0, "b": 1})");
    write("merges.txt", "a b c\n");
    says("Rule 1 of model.merges");
    write("tokenizer.json", "{}");
    says("lacks the key \"model\"");
    EXPECT_THROW(static_cast<void>(Tokenizer::open(m_folder / "nowhere")), InputError);
}

TEST_F(TokenizerFiles, RolesComeFromFilesOrUsualNames) {
    const auto bert = goldenTokenizer("bert-cased");
    EXPECT_EQ(bert->maskToken(), "[MASK]");
    EXPECT_EQ(bert->maskId(), bert->idOf("[MASK]"));
    EXPECT_EQ(bert->clsToken(), "[CLS]");
    EXPECT_EQ(bert->sepToken(), "[SEP]");
    EXPECT_EQ(bert->padId(), 0);
    EXPECT_FALSE(bert->bosId());
    EXPECT_EQ(bert->unkToken(), "[UNK]");
    EXPECT_TRUE(bert->isSpecial(*bert->maskId()));
    EXPECT_FALSE(bert->isSpecial(100));
    const auto roberta = goldenTokenizer("roberta");
    EXPECT_EQ(roberta->clsToken(), "<s>");
    EXPECT_EQ(roberta->sepToken(), "</s>");
    EXPECT_EQ(roberta->maskToken(), "<mask>");
    EXPECT_EQ(roberta->padToken(), "<pad>");
    const auto gpt2 = goldenTokenizer("gpt2");
    EXPECT_EQ(gpt2->eosToken(), "<|endoftext|>");
    EXPECT_FALSE(gpt2->padId());
    EXPECT_FALSE(gpt2->maskId());
    EXPECT_EQ(gpt2->recommendedLength(), 512);

    fs::copy_file(goldenFolder("gpt2") / "tokenizer.json", m_folder / "tokenizer.json");
    write("special_tokens_map.json",
          R"({"pad_token": {"content": "<|endoftext|>"}, "mask_token": "[GONE]"})");
    const auto padded = Tokenizer::open(m_folder);
    EXPECT_EQ(padded->padId(), 0);
    EXPECT_FALSE(padded->maskId()) << "a token that the vocabulary lacks has no role";
}

TEST_F(TokenizerFiles, StoredTruncationAndPaddingAreReportedButNotApplied) {
    Json json = goldenJson("bert-cased");
    json["truncation"] = {{"max_length", 8}, {"stride", 2}, {"strategy", "OnlyFirst"}, {"direction", "Left"}};
    json["padding"] = {{"strategy", {{"Fixed", 16}}},
                       {"direction", "Left"},
                       {"pad_to_multiple_of", nullptr},
                       {"pad_id", 0},
                       {"pad_type_id", 0},
                       {"pad_token", "[PAD]"}};
    const auto tokenizer = Tokenizer::fromJson(json.dump(), "stored.json");
    const EncodeOptions& stored = tokenizer->storedOptions();
    ASSERT_TRUE(stored.truncation && stored.padding);
    EXPECT_EQ(stored.truncation->maxLength, 8);
    EXPECT_EQ(stored.truncation->stride, 2);
    EXPECT_EQ(stored.truncation->strategy, TruncationStrategy::OnlyFirst);
    EXPECT_EQ(stored.truncation->direction, Side::Left);
    EXPECT_EQ(stored.padding->length, 16);
    const std::string text = "one two three four five six seven eight nine ten";
    EXPECT_GT(tokenizer->encode(text).size(), 8U);
    EXPECT_EQ(tokenizer->encode(text, stored).size(), 16U);
}

TEST_F(TokenizerFiles, ConformanceNoticesEveryKindOfDifference) {
    fs::copy_file(goldenFolder("gpt2") / "tokenizer.json", m_folder / "tokenizer.json");
    std::ifstream expected(goldenFolder("gpt2") / "expected.jsonl");
    std::vector<Json> records; // the first of every kind that has something to change
    std::set<std::string> kinds;
    for (std::string line; std::getline(expected, line);) {
        Json record = Json::parse(line);
        if (!record.value("ids", Json()).empty() && kinds.insert(record["kind"].get<std::string>()).second)
            records.push_back(std::move(record));
    }
    ASSERT_EQ(records.size(), 6U);
    const auto differs = [&](const Json& record) {
        write("expected.jsonl", record.dump());
        return !verifyTokenizerCase(m_folder).ok;
    };
    for (const Json& record : records) {
        EXPECT_FALSE(differs(record)) << record["kind"];
        for (const auto& [field, value] : record.items()) {
            static const std::set<std::string> given = {
                "id", "text", "pair", "texts", "padding", "truncation_max_length", "words", "truncation"};
            if (given.contains(field) || (field == "ids" && record["kind"] == "decode"))
                continue;
            Json changed = record;
            if (value.is_array())
                changed[field].push_back(9999);
            else
                changed[field] = "something else";
            EXPECT_TRUE(differs(changed)) << record["kind"] << " " << field;
        }
        Json unknown = record;
        unknown["new_field"] = 1;
        EXPECT_TRUE(differs(unknown));
    }
    write("expected.jsonl", "");
    EXPECT_FALSE(verifyTokenizerCase(m_folder).ok) << "no records are no evidence";
    write("expected.jsonl", "{\"kind\": \"single\"");
    EXPECT_FALSE(verifyTokenizerCase(m_folder).ok);
    write("tokenizer.json", "{}");
    const CaseResult broken = verifyTokenizerCase(m_folder);
    EXPECT_FALSE(broken.ok);
    EXPECT_NE(broken.firstDifference.find("model"), std::string::npos);
}

} // namespace
} // namespace orrery::text
