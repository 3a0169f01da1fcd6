// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "sample_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

namespace orrery::checkpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string sentence(const std::string& bytes) {
    return sentenceOf([&] { (void)openBytes(bytes); });
}

/// The sentence about a file with one tensor "w" of this entry over eight bytes.
std::string sentenceOfEntry(const std::string& entry) {
    return sentence(safetensors("{\"w\":" + entry + "}", "12345678"));
}

TEST(Safetensors, ReadsWhatIsSound) {
    const auto checkpoint = openBytes(
        safetensors(R"({"__metadata__":{"a":"b"},"w":{"dtype":"I16","shape":[2,2],"data_offsets":[0,8]},)"
                    R"("empty":{"dtype":"F32","shape":[0,5],"data_offsets":[8,8]},)"
                    R"("one":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}    )",
                    std::string("\1\0\2\0\3\0\xff\xff\7", 9)));
    EXPECT_EQ(checkpoint->names(), (std::vector<std::string>{"w", "empty", "one"}));
    EXPECT_EQ(checkpoint->tensor("w").toIntegers(), (std::vector<std::int64_t>{1, 2, 3, -1}));
    EXPECT_EQ(checkpoint->tensor("one").item(), 7);
    EXPECT_EQ(checkpoint->tensor("empty").shape(), (Shape{0, 5}));
    EXPECT_EQ(checkpoint->metadata().at("a"), "b");
}

TEST(Safetensors, CopiesMisalignedTensors) {
    const std::string data("\0\0\x80\x3f\0\0\0\x40", 8); // 1.0f, 2.0f
    for (std::size_t shift = 0; shift < 8; ++shift) {
        const std::string header =
            R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})" + std::string(shift, ' ');
        const Tensor w = openBytes(safetensors(header, data))->tensor("w");
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(w.pointer<float>()) % alignof(float), 0U);
        EXPECT_EQ(w.toFloats(), (std::vector<float>{1, 2}));
    }
}

TEST(Safetensors, BooleansOfAnyByteBecomeBooleans) {
    const auto w = openBytes(safetensors(R"({"w":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})",
                                         std::string("\0\1\x7f", 3)))
                       ->tensor("w");
    EXPECT_EQ(bytesOf(w), std::string("\0\1\1", 3));
}

TEST(Safetensors, SaysHowAFileIsCutShort) {
    EXPECT_THAT(sentence("1234567"), AllOf(HasSubstr("FILE.safetensors"), HasSubstr("cut short")));
    EXPECT_THAT(sentence(littleEndian<std::uint64_t>(1000) + "{}"),
                AllOf(HasSubstr("cut short"), HasSubstr("1000"), HasSubstr("download")));
    EXPECT_THAT(sentence(littleEndian(std::uint64_t{1} << 63U) + "{}"),
                AllOf(HasSubstr("header"), HasSubstr("9223372036854775808")));
    EXPECT_THAT(sentence(littleEndian(~std::uint64_t{0}) + "{}"), HasSubstr("18446744073709551615"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})"),
                AllOf(HasSubstr("cut short"), HasSubstr("\"w\"")));
}

TEST(Safetensors, SaysWhatIsWrongWithATensor) {
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
                AllOf(HasSubstr("\"w\""), HasSubstr("need 12 bytes"), HasSubstr("span 8")));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
                HasSubstr("before it begins"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"),
                HasSubstr("data_offsets"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[2]})"), HasSubstr("lacks its data_offsets"));
    EXPECT_THAT(sentenceOfEntry(R"({"shape":[2],"data_offsets":[0,8]})"), HasSubstr("lacks its dtype"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), HasSubstr("-2"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), HasSubstr("2.5"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":"2","data_offsets":[0,8]})"), HasSubstr("a text"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})"),
                HasSubstr("a list"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"),
                HasSubstr("twice"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"),
                HasSubstr("unknown field"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
                HasSubstr("9 dimensions"));
    EXPECT_THAT(sentenceOfEntry("7"), HasSubstr("7"));
    // 2^62 * 4 elements are zero bytes to who does not look for overflow.
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]})"),
                HasSubstr("no file could hold"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]})"),
                HasSubstr("no file could hold"));
    EXPECT_THAT(sentenceOfEntry(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]})"),
                HasSubstr("18446744073709551616"));
}

TEST(Safetensors, SaysWhatIsWrongWithTheLayout) {
    const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
    EXPECT_THAT(
        sentence(safetensors("{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", "123456")),
        AllOf(HasSubstr("\"a\" and \"b\""), HasSubstr("overlap")));
    EXPECT_THAT(sentence(safetensors("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})",
                                     "12345678")),
                AllOf(HasSubstr("hole of 2 bytes"), HasSubstr("\"b\"")));
    EXPECT_THAT(sentence(safetensors("{" + a + "}", "123456")), HasSubstr("2 bytes behind its last tensor"));
    EXPECT_THAT(sentence(safetensors("{" + a + "," + a + "}", "1234")),
                AllOf(HasSubstr("\"a\""), HasSubstr("twice")));
}

TEST(Safetensors, SaysWhatIsWrongWithTheHeader) {
    EXPECT_THAT(sentence(safetensors("{\"a\":", "")), HasSubstr("not valid JSON"));
    EXPECT_THAT(sentence(safetensors("{} x", "")), HasSubstr("not valid JSON"));
    EXPECT_THAT(sentence(safetensors("[]     ", "")), HasSubstr("a list"));
    EXPECT_THAT(sentence(safetensors(R"({"__metadata__":{"a":1}})", "")), HasSubstr("the number 1"));
    EXPECT_THAT(sentence(safetensors(R"({"__metadata__":{"a":{"b":"c"}}})", "")), HasSubstr("an object"));
    EXPECT_THAT(sentence(safetensors("{\"\xff\":1}", "")), HasSubstr("not valid JSON"));
    EXPECT_THAT(sentence(safetensors("{\"a\":" + std::string(1000000, '['), "")), HasSubstr("a list"));
}

TEST(Safetensors, ListsDtypesItDoesNotComputeWith) {
    const auto checkpoint =
        openBytes(safetensors(R"({"w":{"dtype":"F8_E8M0","shape":[4],"data_offsets":[0,4]},)"
                              R"("v":{"dtype":"NEW","shape":[3],"data_offsets":[4,8]}})",
                              "12345678"));
    EXPECT_EQ(checkpoint->info("w").storedDtype, "F8_E8M0");
    EXPECT_FALSE(checkpoint->info("v").dtype.has_value());
    EXPECT_THAT(sentenceOf([&] { (void)checkpoint->tensor("w"); }),
                AllOf(HasSubstr("F8_E8M0"), HasSubstr("\"w\""), HasSubstr("FILE.safetensors")));
    EXPECT_THAT(sentenceOf([&] { (void)checkpoint->tensor("v"); }), HasSubstr("NEW"));
}

TEST(Safetensors, EightBitFloatsAreViews) {
    const auto checkpoint =
        openBytes(safetensors(R"({"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]},)"
                              R"("b":{"dtype":"F8_E5M2","shape":[1,3],"data_offsets":[3,6]}})",
                              "\x38\xc0\x7e\x3c\xc0\x7b"));
    EXPECT_EQ(checkpoint->tensor("a").dtype(), DType::F8E4M3);
    EXPECT_EQ(checkpoint->tensor("a").toFloats(), (std::vector<float>{1, -2, 448}));
    EXPECT_EQ(checkpoint->tensor("b").toFloats(), (std::vector<float>{1, -2, 57344}));
    EXPECT_EQ(checkpoint->tensor("a").storage(), checkpoint->tensor("b").storage());
}

/// A BERT-base of 440 MB: opening must not look at its numbers, whether or not they are in memory.
TEST(Safetensors, OpeningALargeFileTouchesItsHeaderOnly) {
    const TemporaryFolder folder;
    const auto file = folder / "model.safetensors";
    constexpr std::uint64_t layerBytes = 768ULL * 3072 * 4;
    constexpr int layers = 47;
    std::string header = "{";
    for (int i = 0; i < layers; ++i)
        header += "\"layer." + std::to_string(i) + R"(":{"dtype":"F32","shape":[768,3072],"data_offsets":[)" +
                  std::to_string(static_cast<std::uint64_t>(i) * layerBytes) + "," +
                  std::to_string(static_cast<std::uint64_t>(i + 1) * layerBytes) + "]},";
    header.back() = '}';
    header.resize((header.size() + 7) / 8 * 8, ' ');
    writeBytes(file, safetensors(header, ""));
    std::filesystem::resize_file(file, 8 + header.size() + layers * layerBytes); // sparse: takes no disk
    ASSERT_GT(std::filesystem::file_size(file), 440'000'000U);

    const auto before = ownedBytes();
    const auto checkpoint = Checkpoint::open(file);
    std::vector<Tensor> tensors;
    for (const auto& name : checkpoint->names())
        tensors.push_back(checkpoint->tensor(name));
    ASSERT_EQ(tensors.size(), static_cast<std::size_t>(layers));
    EXPECT_EQ(ownedBytes(), before);
    // The file is new and sparse, so that a page is in memory only if somebody has looked at it. The kernel
    // reads ahead a little around the header.
    const auto& storage = *tensors.front().storage();
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> resident((storage.bytes() + page - 1) / page);
    ASSERT_EQ(::mincore(storage.data(), storage.bytes(), resident.data()), 0);
    const auto pages =
        std::count_if(resident.begin(), resident.end(), [](auto flag) { return (flag & 1U) != 0; });
    EXPECT_LT(static_cast<std::size_t>(pages) * page, std::size_t{4} << 20U);
    EXPECT_EQ(tensors.back().at({767, 3071}), 0);
}

constexpr std::array allDtypes{DType::F32, DType::BF16, DType::F16, DType::F64, DType::I64,
                               DType::I32, DType::I16,  DType::I8,  DType::U8,  DType::Bool};

Tensor randomTensor(Generator& generator) {
    Shape shape;
    for (auto rank = generator.below(5); rank > 0; --rank)
        shape.append(static_cast<std::int64_t>(generator.below(6)));
    const Tensor tensor = Tensor::empty(shape, allDtypes[generator.below(allDtypes.size())]);
    for (std::size_t i = 0; i < tensor.bytes(); ++i)
        tensor.mutableRawData()[i] =
            static_cast<std::byte>(tensor.dtype() == DType::Bool ? generator.below(2) : generator.below(256));
    if (tensor.rank() >= 2 && generator.below(2) == 0)
        return tensor.transpose(0, tensor.rank() - 1);
    return tensor;
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
    const TemporaryFolder folder;
    rc::check("write, then read", [&](std::uint64_t seed) {
        Generator generator(seed);
        std::vector<std::pair<std::string, Tensor>> tensors;
        const auto names = *rc::gen::container<std::set<std::string>>(
            rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '\x7f')));
        for (const auto& name : names)
            tensors.emplace_back(name + "\u00e9", randomTensor(generator));
        const Metadata metadata{{"seed", std::to_string(seed)}, {"quote\"", "line\n\u4e2d"}};
        writeSafetensors(folder / "model.safetensors", tensors, metadata);
        const auto read = Checkpoint::open(folder.path());
        RC_ASSERT(read->names().size() == tensors.size());
        RC_ASSERT(read->metadata() == metadata);
        for (const auto& [name, tensor] : tensors) {
            const Tensor got = read->tensor(name);
            RC_ASSERT(got.dtype() == tensor.dtype());
            RC_ASSERT(got.shape() == tensor.shape());
            RC_ASSERT(bytesOf(got) == bytesOf(tensor));
            RC_ASSERT(got.dtype() == DType::Bool || !got.storage()->writable()); // aligned: never copied
        }
    });
}

TEST(SafetensorsWriter, LeavesNothingBehindUnlessFinished) {
    const TemporaryFolder folder;
    const auto file = folder / "model.safetensors";
    const auto entries = [&] {
        return std::distance(std::filesystem::directory_iterator(folder.path()), {});
    };
    const std::vector<SafetensorsWriter::Declaration> declared{{"a", DType::F32, {2}}, {"b", DType::U8, {1}}};
    const Tensor a = Tensor::of<float>({2}, {1, 2});
    {
        SafetensorsWriter writer(file, declared);
        writer.write("a", a);
        EXPECT_THROW(writer.finish(), Error); // b is missing
        EXPECT_THROW(writer.write("a", a), Error);
        EXPECT_THROW(writer.write("b", a), Error);
        EXPECT_THROW(writer.write("c", a), Error);
    }
    EXPECT_EQ(entries(), 0);
    writeBytes(file, "old");
    CancelToken token;
    token.cancel();
    const std::vector<std::pair<std::string, Tensor>> tensors{{"a", a}};
    EXPECT_THROW(writeSafetensors(file, tensors, {}, Progress({}, token)), Cancelled);
    EXPECT_EQ(readBytes(file), "old");
    EXPECT_EQ(entries(), 1);
    writeSafetensors(file, tensors);
    EXPECT_EQ(Checkpoint::open(file)->tensor("a").toFloats(), (std::vector<float>{1, 2}));
    EXPECT_EQ(entries(), 1);
}

TEST(SafetensorsWriter, RefusesNamesThatCannotBeRead) {
    const TemporaryFolder folder;
    const Tensor a = Tensor::zeros({1});
    const auto write = [&](const std::vector<std::pair<std::string, Tensor>>& tensors) {
        writeSafetensors(folder / "model.safetensors", tensors);
    };
    EXPECT_THROW(write({{"a", a}, {"a", a}}), UsageError);
    EXPECT_THROW(write({{"__metadata__", a}}), UsageError);
    EXPECT_THROW(write({{"\xff", a}}), UsageError);
    EXPECT_THROW(writeSafetensors(folder / "none/model.safetensors", {}), Error);
}

} // namespace
} // namespace orrery::checkpoint
