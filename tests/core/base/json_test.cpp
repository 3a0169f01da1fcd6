// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace orrery {
namespace {

TEST(Json, DeepNestingIsRefusedWithoutRecursion) {
    const std::string deep(1000000, '[');
    EXPECT_THROW(parseJson(deep, "deep"), InputError);
    EXPECT_NO_THROW(parseJson(R"({"a": "[[[[[ not nesting \" [["})", "shallow"));
}

TEST(Json, BrokenTextNamesTheFile) {
    try {
        parseJson("{\"a\": ", "model/config.json");
        FAIL();
    } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("model/config.json"), std::string::npos);
        EXPECT_EQ(error.exitStatus(), 3);
    }
}

TEST(Json, MissingFilesAndFoldersAreSentences) {
    EXPECT_THROW(readJsonFile("/nonexistent/config.json"), InputError);
    EXPECT_THROW(readTextFile("/"), InputError);
}

TEST(Json, WritingIsAllOrNothing) {
    const auto file = std::filesystem::temp_directory_path() / "orrery-json-test.txt";
    writeFileAtomically(file, "one");
    writeFileAtomically(file, "two");
    EXPECT_EQ(readTextFile(file), "two");
    std::filesystem::remove(file);
    EXPECT_THROW(writeFileAtomically("/nonexistent/folder/file", "x"), Error);
}

TEST(Json, TextsAreMadeWritableAndCutBetweenCharacters) {
    EXPECT_EQ(asUtf8("caf\xe9"), "caf\xef\xbf\xbd");
    EXPECT_EQ(asUtf8("fine \xc3\xa9"), "fine \xc3\xa9");
    EXPECT_EQ(beginningOf("a\xc3\xa9", 2), "a");
    EXPECT_EQ(beginningOf("abc", 9), "abc");
}

TEST(Hash, Sha256OfTheStandard) {
    EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Random, SameSeedSameNumbersAndSaneMoments) {
    Generator a(7);
    Generator b(7);
    double mean = 0;
    double square = 0;
    for (int i = 0; i < 20000; ++i) {
        ASSERT_EQ(a.next(), b.next());
        const double x = a.normal();
        b.normal();
        mean += x / 20000;
        square += x * x / 20000;
    }
    EXPECT_NEAR(mean, 0, 0.03);
    EXPECT_NEAR(square, 1, 0.05);
    for (int i = 0; i < 1000; ++i)
        ASSERT_LT(a.below(3), 3U);
}

} // namespace
} // namespace orrery
