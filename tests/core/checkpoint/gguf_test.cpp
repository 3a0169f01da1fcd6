// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "checkpoint/gguf.h"
#include "checkpoint/gguf_writer.h"
#include "core/checkpoint/sample_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::checkpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <typename T>
std::string le(T value) {
    return littleEndian(value);
}
std::string text(const std::string& value) {
    return le<std::uint64_t>(value.size()) + value;
}
std::string setting(const std::string& key, GgufType type, const std::string& value) {
    return text(key) + le(static_cast<std::uint32_t>(type)) + value;
}

struct Entry {
    std::string name = "w";
    std::vector<std::uint64_t> sizes{4};
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
};

/// A file by hand, so that every field can be wrong.
struct Parts {
    std::uint32_t version = 3;
    std::vector<std::string> settings;
    std::vector<Entry> tensors;
    std::string data;
    std::uint64_t alignment = 32;
    std::optional<std::uint64_t> tensorCount{}, settingCount{};
};

std::string fileOf(const Parts& parts) {
    std::string file = "GGUF" + le(parts.version) +
                       le<std::uint64_t>(parts.tensorCount.value_or(parts.tensors.size())) +
                       le<std::uint64_t>(parts.settingCount.value_or(parts.settings.size()));
    for (const auto& one : parts.settings)
        file += one;
    for (const auto& entry : parts.tensors) {
        file += text(entry.name) + le(static_cast<std::uint32_t>(entry.sizes.size()));
        for (const auto size : entry.sizes)
            file += le(size);
        file += le(entry.type) + le(entry.offset);
    }
    file.resize((file.size() + parts.alignment - 1) / parts.alignment * parts.alignment, '\0');
    return file + parts.data;
}

std::shared_ptr<const Source> open(const Parts& parts) {
    return openSource(inMemory(fileOf(parts)), "FILE.gguf");
}

std::string refusal(const Parts& parts) {
    return sentenceOf([&] { (void)open(parts); });
}

std::string floats(std::initializer_list<float> values) {
    std::string bytes;
    for (const float value : values)
        bytes += le(value);
    return bytes;
}

TEST(Gguf, SettingsAreTyped) {
    Parts parts;
    parts.settings = {
        setting("a.u8", GgufType::U8, le<std::uint8_t>(200)),
        setting("a.i8", GgufType::I8, le<std::int8_t>(-3)),
        setting("a.u16", GgufType::U16, le<std::uint16_t>(60000)),
        setting("a.i16", GgufType::I16, le<std::int16_t>(-300)),
        setting("a.u32", GgufType::U32, le<std::uint32_t>(4000000000U)),
        setting("a.i32", GgufType::I32, le<std::int32_t>(-5)),
        setting("a.f32", GgufType::F32, le(0.25F)),
        setting("a.bool", GgufType::Bool, le<std::uint8_t>(1)),
        setting("a.text", GgufType::Text, text("bert")),
        setting("a.u64", GgufType::U64, le<std::uint64_t>(~std::uint64_t{0})),
        setting("a.i64", GgufType::I64, le<std::int64_t>(-7)),
        setting("a.f64", GgufType::F64, le(0.1)),
        setting("b.texts", GgufType::Array,
                le<std::uint32_t>(8) + le<std::uint64_t>(3) + text("x") + text("") + text("yz")),
        setting("b.floats", GgufType::Array, le<std::uint32_t>(6) + le<std::uint64_t>(2) + floats({1, -2})),
        setting("b.ids", GgufType::Array,
                le<std::uint32_t>(5) + le<std::uint64_t>(2) + le<std::int32_t>(4) + le<std::int32_t>(-1)),
    };
    const auto source = open(parts);
    const auto& settings = dynamic_cast<const GgufFile&>(*source).settings();
    EXPECT_EQ(settings.integer("a.u8"), 200);
    EXPECT_EQ(settings.integer("a.i8"), -3);
    EXPECT_EQ(settings.integer("a.u16"), 60000);
    EXPECT_EQ(settings.integer("a.i16"), -300);
    EXPECT_EQ(settings.integer("a.u32"), 4000000000);
    EXPECT_EQ(settings.integer("a.i32"), -5);
    EXPECT_EQ(settings.real("a.f32"), 0.25);
    EXPECT_EQ(settings.real("a.i32"), -5);
    EXPECT_EQ(settings.boolean("a.bool"), true);
    EXPECT_EQ(settings.text("a.text"), "bert");
    EXPECT_EQ(settings.integer("a.i64"), -7);
    EXPECT_EQ(settings.real("a.f64"), 0.1);
    EXPECT_EQ(settings.texts("b.texts"), (std::vector<std::string_view>{"x", "", "yz"}));
    EXPECT_EQ(settings.reals("b.floats"), (std::vector<double>{1, -2}));
    EXPECT_EQ(settings.integers("b.ids"), (std::vector<std::int64_t>{4, -1}));
    EXPECT_EQ(settings.integer("none"), std::nullopt);
    EXPECT_EQ(source->metadata().at("b.texts"), "3 of text");
    EXPECT_EQ(source->metadata().at("a.text"), "bert");
    for (const auto& wrong : {sentenceOf([&] { (void)settings.integer("a.u64"); }),
                              sentenceOf([&] { (void)settings.integer("a.text"); }),
                              sentenceOf([&] { (void)settings.texts("b.ids"); }),
                              sentenceOf([&] { (void)settings.integers("b.floats"); }),
                              sentenceOf([&] { (void)settings.boolean("a.u8"); })})
        EXPECT_THAT(wrong, AllOf(HasSubstr("FILE.gguf"), HasSubstr("is not")));
}

TEST(Gguf, TensorsAreViewsAndBlocksStayInTheFile) {
    Parts parts;
    parts.version = 2;
    parts.tensors = {{"f32", {2, 3}, 0, 0},
                     {"f16", {2}, 1, 32},
                     {"q8", {32, 2}, 8, 64},
                     {"i8", {3}, 24, 160},
                     {"iq", {32}, 20, 192}};
    std::string data = floats({1, 2, 3, 4, 5, 6});
    data.resize(32);
    data += std::string("\x00\x3c\x00\xc0", 4);
    data.resize(64);
    for (int row = 0; row < 2; ++row)
        data += std::string("\x00\x38", 2) + std::string(32, static_cast<char>(row + 1));
    data.resize(160);
    data += "\xff\x02\x03";
    data.resize(192 + 18);
    parts.data = data;
    const auto checkpoint = Checkpoint::of(open(parts));
    EXPECT_EQ(checkpoint->format(), "GGUF");
    EXPECT_EQ(checkpoint->tensor("f32").shape(), (Shape{3, 2}));
    EXPECT_EQ(checkpoint->tensor("f32").at({2, 1}), 6);
    EXPECT_EQ(checkpoint->tensor("f16").toFloats(), (std::vector<float>{1, -2}));
    EXPECT_EQ(checkpoint->tensor("f32").storage(), checkpoint->tensor("f16").storage());
    EXPECT_EQ(checkpoint->tensor("i8").toIntegers(), (std::vector<std::int64_t>{-1, 2, 3}));
    EXPECT_EQ(checkpoint->info("q8").storedDtype, "Q8_0");
    EXPECT_EQ(checkpoint->info("q8").bytes, 68U);
    EXPECT_EQ(checkpoint->tensor("q8").at({1, 31}), 1);
    const BlockMatrix blocks = checkpoint->blocks("q8");
    EXPECT_EQ(blocks.storage, checkpoint->tensor("f32").storage());
    EXPECT_EQ(blocks.rows, 2);
    EXPECT_EQ(blocks.columns, 32);
    EXPECT_THAT(sentenceOf([&] { (void)checkpoint->tensor("iq"); }), HasSubstr("IQ4_NL"));
}

/// Written by another program (make_gguf.py).
TEST(Gguf, ASampleIsRead) {
    const auto checkpoint = Checkpoint::open(golden / "checkpoint/sample.gguf");
    EXPECT_EQ(checkpoint->tensor("f32").toFloats(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(checkpoint->tensor("f16").toFloats(), (std::vector<float>{1, -2, 0.5F, 65504}));
    EXPECT_EQ(checkpoint->tensor("q8_0").at({1, 0}), -8);
    EXPECT_EQ(checkpoint->tensor("q8_0").at({1, 31}), 7.5);
    EXPECT_EQ(checkpoint->tensor("q4_0").at({0}), -16); // low halves are 0
    EXPECT_EQ(checkpoint->tensor("q4_0").at({63}), 14); // the last high half is 15
    EXPECT_EQ(checkpoint->tensor("q6_k").shape(), (Shape{256}));
    EXPECT_EQ(checkpoint->tensor("i32").toIntegers(), (std::vector<std::int64_t>{5, -6}));
    EXPECT_EQ(checkpoint->metadata().at("sample.f64"), "0.25");
}

TEST(Gguf, EveryWayToBeBrokenHasItsSentence) {
    const std::uint64_t huge = std::uint64_t{1} << 63U;
    const auto with = [](auto change) {
        Parts parts;
        parts.settings = {setting("general.architecture", GgufType::Text, text("gpt2"))};
        parts.tensors = {{"a", {4}, 0, 0}, {"b", {4}, 0, 32}};
        parts.data = std::string(48, '\0');
        change(parts);
        return refusal(parts);
    };
    Parts sound;
    sound.tensors = {{"a", {4}, 0, 0}};
    sound.data = std::string(16, '\0');
    EXPECT_NO_THROW((void)open(sound));
    EXPECT_THAT(with([](Parts& p) { p.version = 1; }), HasSubstr("version 1"));
    EXPECT_THAT(with([](Parts& p) { p.version = 0x03000000; }), HasSubstr("big-endian"));
    EXPECT_THAT(with([](Parts& p) { p.version = 9; }), HasSubstr("version 9"));
    EXPECT_THAT(with([&](Parts& p) { p.tensorCount = huge; }), HasSubstr("9223372036854775808 tensors"));
    EXPECT_THAT(with([&](Parts& p) { p.settingCount = huge; }), HasSubstr("9223372036854775808 settings"));
    EXPECT_THAT(with([](Parts& p) { p.data.resize(47); }), AllOf(HasSubstr("cut short"), HasSubstr("\"b\"")));
    EXPECT_THAT(with([](Parts& p) { p.data.clear(); }), HasSubstr("cut short"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].offset = 0; }), HasSubstr("overlap"));
    EXPECT_THAT(with([&](Parts& p) { p.tensors[1].offset = huge; }), HasSubstr("cut short"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].offset = ~std::uint64_t{31}; }), HasSubstr("cut short"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].offset = 20; }), HasSubstr("alignment 32"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].type = 77; }), HasSubstr("type 77"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].name = "a"; }), HasSubstr("twice"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].sizes = {}; }), HasSubstr("0 dimensions"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1].sizes = {1, 1, 1, 1, 1}; }), HasSubstr("5 dimensions"));
    EXPECT_THAT(with([&](Parts& p) { p.tensors[1].sizes = {huge, 2}; }), HasSubstr("no file could hold"));
    EXPECT_THAT(with([](Parts& p) {
                    p.tensors[1].sizes = {1U << 31U, 1U << 31U, 1U << 31U};
                }),
                HasSubstr("no file could hold"));
    EXPECT_THAT(with([](Parts& p) { p.tensors[1] = {"b", {33}, 8, 32}; }), HasSubstr("whole blocks of 32"));
    EXPECT_THAT(with([](Parts& p) { p.settings.push_back(p.settings[0]); }), HasSubstr("twice"));
    EXPECT_THAT(with([](Parts& p) { p.settings[0] = setting("k", static_cast<GgufType>(13), ""); }),
                AllOf(HasSubstr("\"k\""), HasSubstr("unknown type 13")));
    EXPECT_THAT(
        with([](Parts& p) { p.settings[0] = setting("k", GgufType::Text, le(std::uint64_t{1} << 62U)); }),
        AllOf(HasSubstr("cut short"), HasSubstr("4611686018427387904 bytes")));
    EXPECT_THAT(with([](Parts& p) { p.settings[0] = le(std::uint64_t{1} << 62U); }), HasSubstr("cut short"));
    EXPECT_THAT(with([&](Parts& p) {
                    p.settings[0] = setting("k", GgufType::Array, le<std::uint32_t>(4) + le(huge));
                }),
                HasSubstr("9223372036854775808 elements"));
    EXPECT_THAT(with([](Parts& p) {
                    p.settings[0] =
                        setting("k", GgufType::Array,
                                le<std::uint32_t>(9) + le<std::uint64_t>(1) + le<std::uint32_t>(4));
                }),
                HasSubstr("list of lists"));
    for (const std::uint32_t alignment : {0U, 24U, 1U << 30U})
        EXPECT_THAT(with([&](Parts& p) {
                        p.settings[0] = setting("general.alignment", GgufType::U32, le(alignment));
                    }),
                    HasSubstr("power of two"));
}

/// No step outside, wherever the file ends: run under the address sanitizer.
TEST(Gguf, EveryPrefixIsRefused) {
    Parts parts;
    parts.settings = {
        setting("t", GgufType::Array, le<std::uint32_t>(8) + le<std::uint64_t>(2) + text("ab") + text("c"))};
    parts.tensors = {{"a", {32, 2}, 8, 0}};
    parts.data = std::string(68, '\1');
    const std::string whole = fileOf(parts);
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_THROW((void)openSource(inMemory(whole.substr(0, length)), "FILE.gguf"), InputError) << length;
}

TEST(Gguf, OtherAlignmentsAreKept) {
    Parts parts;
    parts.alignment = 8;
    parts.settings = {setting("general.alignment", GgufType::U32, le<std::uint32_t>(8))};
    parts.tensors = {{"a", {1}, 0, 0}, {"b", {2}, 0, 8}};
    parts.data = floats({1, 0, 2, 3});
    const auto source = open(parts);
    EXPECT_EQ(source->tensor(1).toFloats(), (std::vector<float>{2, 3}));
}

TEST(GgufWriter, IsReadAgain) {
    const TemporaryFolder folder;
    Generator generator(5);
    const auto random = [&](const Shape& shape) {
        const Tensor tensor = Tensor::empty(shape);
        for (float& value : tensor.mutableData<float>())
            value = static_cast<float>(generator.normal());
        return tensor;
    };
    std::vector<std::pair<std::string, Tensor>> values;
    std::vector<GgufTensor> tensors;
    for (const char* type : {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
        for (const Shape& shape : {Shape{64}, Shape{3, 96}, Shape{2, 3, 32}}) {
            const std::string name = std::string(type) + std::to_string(shape.rank());
            // A transposed view must be written as it is seen.
            const Tensor value = shape.rank() == 2 ? random({96, 3}).transpose(0, 1) : random(shape);
            values.emplace_back(name, value);
            tensors.push_back({name, shape, ggufTensorType(type), [value] { return value; }});
        }
    const GgufSettings settings{{"general.architecture", std::string("test")},
                                {"test.count", std::uint32_t{7}},
                                {"test.large", std::int64_t{1} << 40U},
                                {"test.epsilon", 1e-5F},
                                {"test.flag", true},
                                {"test.words", std::vector<std::string>{"a", "", "\xc4\xa0z"}},
                                {"test.scores", std::vector<float>{0.5F, -1}},
                                {"test.types", std::vector<std::int32_t>{1, -2}}};
    const auto file = folder / "model.gguf";
    writeGguf(file, settings, tensors);
    const auto checkpoint = Checkpoint::open(folder.path());
    EXPECT_EQ(checkpoint->names().size(), tensors.size());
    const auto& read = dynamic_cast<const GgufFile&>(*checkpoint->sources().front()).settings();
    EXPECT_EQ(read.text("general.architecture"), "test");
    EXPECT_EQ(read.integer("test.count"), 7);
    EXPECT_EQ(read.integer("test.large"), std::int64_t{1} << 40U);
    EXPECT_EQ(read.real("test.epsilon"), static_cast<double>(1e-5F));
    EXPECT_EQ(read.boolean("test.flag"), true);
    EXPECT_EQ(read.texts("test.words"), (std::vector<std::string_view>{"a", "", "\xc4\xa0z"}));
    EXPECT_EQ(read.integers("test.types"), (std::vector<std::int64_t>{1, -2}));
    for (const auto& [name, value] : values) {
        const Tensor back = checkpoint->tensor(name);
        ASSERT_EQ(back.shape(), value.shape()) << name;
        const auto got = back.toFloats();
        const auto want = value.toFloats();
        for (std::size_t i = 0; i < got.size(); ++i) {
            double bound = 0; // F32
            if (name.starts_with("F16"))
                bound = std::abs(want[i]) * 0x1p-11 + 0x1p-25;
            else if (name.starts_with("BF16"))
                bound = std::abs(want[i]) * 0x1p-8;
            else if (name.starts_with("Q")) {
                double peak = 0;
                for (std::size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j)
                    peak = std::max(peak, std::abs(static_cast<double>(want[j])));
                bound = name.starts_with("Q8_0") ? peak / 127 * 0.6 : peak / 8 * 1.01;
            }
            ASSERT_LE(std::abs(got[i] - want[i]), bound) << name << " " << i;
        }
    }
}

TEST(GgufWriter, RefusesWhatCannotBeWrittenAndLeavesNothing) {
    const TemporaryFolder folder;
    const Tensor value = Tensor::zeros({2, 33});
    const auto write = [&](std::vector<GgufTensor> tensors, const GgufSettings& settings = {}) {
        writeGguf(folder / "x.gguf", settings, tensors);
    };
    const auto zeros = [value] { return value; };
    EXPECT_THROW(write({{"a", {2, 33}, ggufTensorType("Q8_0"), zeros}}), UsageError);
    EXPECT_THROW(write({{"a", {2, 33}, ggufTensorType("Q2_K"), zeros}}), UsageError);
    EXPECT_THROW(
        write({{"a", {2, 33}, ggufTensorType("F32"), zeros}, {"a", {2, 33}, ggufTensorType("F32"), zeros}}),
        UsageError);
    EXPECT_THROW(write({}, {{"k", true}, {"k", true}}), UsageError);
    EXPECT_THROW(write({{"a", {2, 33}, ggufTensorType("F32"), []() -> Tensor { throw Error("gone"); }}}),
                 Error);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

} // namespace
} // namespace orrery::checkpoint
