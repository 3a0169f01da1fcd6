// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/pickle.h"
#include "checkpoint/state_dict.h"
#include "sample_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace orrery::checkpoint {
namespace {

using pickle::Kind;
using testing::AllOf;
using testing::HasSubstr;

std::string sentence(const std::string& pickled) {
    return sentenceOf([&] { (void)Unpickler(pickled, "FILE").run(); });
}

/// A zip file as torch.save writes it around this pickle.
std::string torchZip(const std::string& pickled, const std::string& storage = std::string(16, '\0')) {
    return zipOf({{"m/data.pkl", pickled}, {"m/byteorder", "little"}, {"m/data/0", storage}});
}

std::string text(const std::string& value) {
    return "X" + littleEndian(static_cast<std::uint32_t>(value.size())) + value;
}

std::string number(std::int64_t value) {
    return "\x8a\x08" + littleEndian(value);
}

/// The pickle of {"w": tensor over 4 floats} with this geometry.
std::string tensorPickle(std::int64_t offset, const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& strides, std::int64_t elements = 4) {
    std::string pickled = "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" +
                          text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") +
                          number(elements) + "tQ" + number(offset) + "(";
    for (const auto size : shape)
        pickled += number(size);
    pickled += "t(";
    for (const auto stride : strides)
        pickled += number(stride);
    return pickled + "t\x89" + "ccollections\nOrderedDict\n)RtRs.";
}

TEST(Unpickler, ReadsPlainDataOfAllProtocols) {
    const auto value = [](const std::string& pickled) {
        Unpickler unpickler(pickled, "FILE");
        const auto root = unpickler.run();
        EXPECT_EQ(unpickler.position(), pickled.size());
        return unpickler.arena()[root];
    };
    EXPECT_EQ(value("I-42\n.").integer, -42);
    EXPECT_EQ(value("I01\n.").kind, Kind::Bool);
    EXPECT_EQ(value("L123L\n.").integer, 123);
    EXPECT_EQ(value("F0.5\n.").real, 0.5);
    EXPECT_EQ(value(std::string("J\xff\xff\xff\xff.")).integer, -1);
    EXPECT_EQ(value(std::string("M\xff\xff.")).integer, 65535);
    EXPECT_EQ(value(std::string("\x80\2\x8a\1\xff.")).integer, -1);
    EXPECT_EQ(value(std::string("\x80\2\x8a\0.", 5)).integer, 0);
    EXPECT_EQ(value(std::string("\x80\2\x8a\2\xff\0.", 7)).integer, 255);
    EXPECT_EQ(value("\x80\2\x8a\x0a" + std::string(10, 'x') + ".").kind, Kind::BigInteger);
    EXPECT_EQ(value(std::string("G\x3f\xe0\0\0\0\0\0\0.", 10)).real, 0.5);
    EXPECT_EQ(value("(lp0\nI1\naI2\na.").items.size(), 2U);
    EXPECT_EQ(value("(dp0\nI1\nI2\ns.").items.size(), 2U);
    EXPECT_EQ(value("\x80\4\x8f\x94(K\1K\2\x90.").kind, Kind::Set);
    EXPECT_EQ(value("\x80\2c__builtin__\nset\n]K\1a\x85R.").kind, Kind::Set);
    EXPECT_EQ(value("N2K\1K\2K\3\x87.").items.size(), 3U);
    EXPECT_EQ(value("(NN1N.").kind, Kind::None);
}

TEST(Unpickler, UnescapesTextsOfProtocolZero) {
    const auto read = [](const std::string& pickled) {
        Unpickler unpickler(pickled, "FILE");
        const auto root = unpickler.run();
        return std::string(unpickler.arena()[root].text);
    };
    EXPECT_EQ(read("S'a\\n\\x41\\''\n."), "a\nA'");
    EXPECT_EQ(read("V\\u00e9\\u4e2d\\U0001f600\\x41\n."), "\u00e9\u4e2d\U0001f600\\x41");
    EXPECT_THAT(sentence("S'\\xzz'\n."), HasSubstr("escape"));
    EXPECT_THAT(sentence("Sabc\n."), HasSubstr("quotes"));
}

TEST(Unpickler, RunsNothing) {
    EXPECT_THAT(sentence("cos\nsystem\n(S'echo hello'\ntR."),
                AllOf(HasSubstr("contains code"), HasSubstr("os.system"), HasSubstr("safetensors")));
    EXPECT_THAT(sentence("(S'echo hello'\nios\nsystem\n."), HasSubstr("os.system"));
    EXPECT_THAT(sentence("(cos\nsystem\nS'echo hello'\no."), HasSubstr("os.system"));
    EXPECT_THAT(sentence("\x80\4\x8c\x05posix\x8c\x06system\x93."), HasSubstr("posix.system"));
    EXPECT_THAT(sentence("c__builtin__\neval\n."), HasSubstr("__builtin__.eval"));
    EXPECT_THAT(sentence("ctorch\nload\n."), HasSubstr("torch.load"));
    EXPECT_THAT(sentence("ctorch._utils\n_rebuild_tensor_v2.__globals__\n."), HasSubstr("contains code"));
    EXPECT_THAT(sentence("ctorch.cuda\nset_device\n."), HasSubstr("torch.cuda.set_device"));
    EXPECT_THAT(sentence("c\x1b[2J\n" + std::string(500, 'x') + "\n."),
                AllOf(HasSubstr("?[2J"), HasSubstr("...")));
    EXPECT_THAT(sentence("ctorch\nFloatStorage\n)R."), HasSubstr("calls torch.FloatStorage"));
    EXPECT_THAT(sentence("K\1)R."), HasSubstr("no function"));
    EXPECT_THAT(sentence("\x82\1."), HasSubstr("extension registry"));
    EXPECT_THAT(sentence("(" + text("module") + "NNNtQ."), HasSubstr("contains code"));
    EXPECT_THAT(sentence("ccollections\nOrderedDict\n}b."), HasSubstr("sets attributes"));
}

TEST(Unpickler, RefusesWhatIsMalformed) {
    EXPECT_THAT(sentence(""), HasSubstr("cut short"));
    EXPECT_THAT(sentence("."), HasSubstr("no"));
    EXPECT_THAT(sentence("0."), HasSubstr("none"));
    EXPECT_THAT(sentence("t."), HasSubstr("not opened"));
    EXPECT_THAT(sentence("(."), HasSubstr("none"));
    EXPECT_THAT(sentence("K\1K\2s."), HasSubstr("none"));
    EXPECT_THAT(sentence("}K\1K\2K\3sas."), HasSubstr("no list"));
    EXPECT_THAT(sentence("](K\1u."), HasSubstr("no list"));
    EXPECT_THAT(sentence("}(K\1u."), HasSubstr("no list"));
    EXPECT_THAT(sentence("(K\1d."), HasSubstr("no value"));
    EXPECT_THAT(sentence("\xff."), HasSubstr("0xff"));
    EXPECT_THAT(sentence("\x80\x09."), HasSubstr("protocol 9"));
    EXPECT_THAT(sentence("h\5."), HasSubstr("has not stored"));
    EXPECT_THAT(sentence("Ix\n."), HasSubstr("number"));
    EXPECT_THAT(sentence("I99999999999999999999\n."), HasSubstr("64 bits"));
    EXPECT_THAT(sentence("I1"), HasSubstr("line"));
    EXPECT_THAT(sentence("K\1Q."), HasSubstr("storage"));
    EXPECT_THAT(sentence("Px\n."), HasSubstr("storages"));
}

TEST(Unpickler, BoundsLengths) {
    EXPECT_THAT(sentence(std::string("\x80\2\x8b\xff\xff\xff\x7f", 7) + "."),
                HasSubstr("cut short")); // LONG4 2^31-1
    EXPECT_THAT(sentence(std::string("\x80\2\x8b\0\0\0\x80", 7) + "."), HasSubstr("negative"));
    EXPECT_THAT(sentence("X\xff\xff\xff\xff."), HasSubstr("cut short"));
    EXPECT_THAT(sentence("T\xff\xff\xff\xff."), HasSubstr("negative"));
    EXPECT_THAT(sentence("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), HasSubstr("cut short"));
    EXPECT_THAT(sentence("\x95\xff\xff\xff\xff\xff\xff\xff\xff."), HasSubstr("cut short"));
    EXPECT_THAT(sentence("Nr\xff\xff\xff\xff."), HasSubstr("stores under the number 4294967295"));
    EXPECT_THAT(sentence("Np18446744073709551615\n."), HasSubstr("stores under the number"));
    EXPECT_THAT(sentence("Np18446744073709551616\n."), HasSubstr("number that is none"));
}

TEST(Unpickler, BoundsWorkAndMemory) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(sentence(std::string(2'000'000, '(')), HasSubstr("nests deeper"));
    EXPECT_THAT(sentence(std::string(20'000'000, ')')), HasSubstr("more than"));
    EXPECT_THAT(sentence("N" + std::string(20'000'000, '2')), HasSubstr("more than"));
    // A long list from the memo, copied by every call.
    std::string calls = "](" + std::string(100'000, 'N') + "eq\1" + "0c__builtin__\nset\nq\2" + "0";
    for (int i = 0; i < 10'000; ++i)
        calls += "h\2h\1\x85R0";
    EXPECT_THAT(sentence(calls), HasSubstr("copies more than"));
    // Lists of the same list twice, sixty times over: 2^60 places, if somebody walked them all.
    std::string bomb = "]q" + std::string(1, '\0');
    for (int i = 1; i < 60; ++i) {
        const char before = static_cast<char>(i - 1);
        bomb += std::string("](h") + before + "h" + before + "eq" + static_cast<char>(i);
    }
    EXPECT_THAT(sentenceOf([&] { (void)openBytes(torchZip(bomb + "."), "FILE"); }), HasSubstr("without end"));
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_LT(seconds, 30.0); // of milliseconds, unless something grows without bound
}

TEST(Unpickler, ContainersMayHoldThemselves) {
    // l = []; l.append(l), and the same as a dict: neither a leak nor an endless walk.
    EXPECT_THAT(sentenceOf([] { (void)openBytes(torchZip(std::string("]q\0h\0a.", 7)), "FILE"); }),
                HasSubstr("without end"));
    EXPECT_THAT(sentenceOf([] { (void)openBytes(torchZip(std::string("}q\0K\1h\0s.", 9)), "FILE"); }),
                HasSubstr("without end"));
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "]";
    deep += std::string(99'999, 'a') + ".";
    EXPECT_THAT(sentenceOf([&] { (void)openBytes(torchZip(deep), "FILE"); }), HasSubstr("without end"));
}

TEST(TorchTensors, StayInsideTheirStorage) {
    const auto open = [](const std::string& pickled, std::size_t bytes = 16) {
        return openBytes(torchZip(pickled, std::string(bytes, '\0')), "FILE");
    };
    EXPECT_EQ(open(tensorPickle(0, {2, 2}, {2, 1}))->tensor("w").shape(), (Shape{2, 2}));
    EXPECT_EQ(open(tensorPickle(1, {2, 2}, {1, 1}))->tensor("w").toFloats().size(), 4U);
    EXPECT_EQ(open(tensorPickle(4, {0, 7}, {7, 1}))->tensor("w").elements(), 0);
    EXPECT_EQ(open(tensorPickle(3, {1000}, {0}))->tensor("w").elements(), 1000);
    const std::int64_t big = std::int64_t{1} << 62;
    for (const auto& pickled :
         {tensorPickle(1, {2, 2}, {2, 1}), tensorPickle(0, {5}, {1}), tensorPickle(0, {2}, {4}),
          tensorPickle(5, {0}, {1}), tensorPickle(big, {1}, {1}), tensorPickle(0, {2}, {big}),
          tensorPickle(0, {big, 4}, {0, 0}), tensorPickle(0, {3, 3}, {big, big}), tensorPickle(0, {big}, {1}),
          tensorPickle(0, {0, big, 4}, {1, 1, 1})})
        EXPECT_THAT(sentenceOf([&] { (void)open(pickled); }), HasSubstr("beyond its storage"));
    EXPECT_THAT(sentenceOf([&] {
                    (void)open(tensorPickle(0, {1 << 20, 1 << 20}, {0, 0}));
                }),
                HasSubstr("over a storage of only 4"));
    EXPECT_THAT(sentenceOf([&] { (void)open(tensorPickle(-1, {1}, {1})); }), HasSubstr("no count"));
    EXPECT_THAT(sentenceOf([&] { (void)open(tensorPickle(0, {-1}, {1})); }), HasSubstr("no count"));
    EXPECT_THAT(sentenceOf([&] { (void)open(tensorPickle(0, {1}, {-1})); }), HasSubstr("no count"));
    EXPECT_THAT(sentenceOf([&] {
                    (void)open(tensorPickle(0, {1}, {1, 1}));
                }),
                HasSubstr("sizes and strides"));
    EXPECT_THAT(sentenceOf([&] {
                    (void)open(tensorPickle(0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}));
                }),
                HasSubstr("9 dimensions"));
    EXPECT_THAT(sentenceOf([&] { (void)open(tensorPickle(0, {1}, {1}, big)); }), HasSubstr("no file"));
    // The archive holds less than the pickle says.
    EXPECT_THAT(sentenceOf([&] { (void)open(tensorPickle(0, {1}, {1}), 12); }), HasSubstr("12 bytes"));
    EXPECT_THAT(sentenceOf([&] {
                    (void)openBytes(zipOf({{"m/data.pkl", tensorPickle(0, {1}, {1})}}), "FILE");
                }),
                HasSubstr("lacks the numbers"));
}

TEST(TorchTensors, AreNamedByTheirPath) {
    const auto names = [](const std::string& pickled) {
        return openBytes(torchZip(pickled), "FILE")->names();
    };
    const std::string whole = tensorPickle(0, {1}, {1});
    const std::string dict = whole.substr(2, whole.size() - 3); // without protocol and stop
    EXPECT_EQ(names("\x80\2" + dict + "."), (std::vector<std::string>{"w"}));
    EXPECT_EQ(names("\x80\2}" + text("a") + dict + "s."), (std::vector<std::string>{"a.w"}));
    EXPECT_EQ(names("\x80\2]" + dict + "a."), (std::vector<std::string>{"0.w"}));
    EXPECT_EQ(names("\x80\2}" + text("epoch") + "K\1s" + text("state_dict") + dict + "s."),
              (std::vector<std::string>{"w"}));
    EXPECT_THAT(sentenceOf([&] { (void)names("\x80\2}."); }), HasSubstr("no tensors"));
    EXPECT_THAT(sentenceOf([&] { (void)names("\x80\2}N" + dict + "s."); }), HasSubstr("keys"));
    EXPECT_THAT(
        sentenceOf([&] { (void)names("\x80\2}" + text("a") + dict + "s" + text("a") + dict + "s."); }),
        HasSubstr("two tensors"));
    EXPECT_THAT(sentenceOf([&] { (void)names("\x80\2}" + text("\xff") + dict + "s."); }), HasSubstr("UTF-8"));
}

TEST(TorchLegacy, IsRecognisedByItsMagicNumber) {
    EXPECT_THAT(sentenceOf([] { (void)openBytes("\x80\2}.", "FILE"); }),
                HasSubstr("not one that torch.save wrote"));
    const std::string magic = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    EXPECT_THAT(sentenceOf([&] { (void)openBytes(magic + "\x80\2M\xea\3.", "FILE"); }),
                HasSubstr("version 1002"));
    const std::string start = magic + "\x80\2M\xe9\3.";
    EXPECT_THAT(
        sentenceOf([&] { (void)openBytes(start + "\x80\2}" + text("little_endian") + "\x89s.", "FILE"); }),
        HasSubstr("big-endian"));
    const std::string file = start + "\x80\2}." + tensorPickle(0, {4}, {1}) + "\x80\2]" + text("0") + "a.";
    const auto open = [&](const std::string& rest) { return openBytes(file + rest, "FILE"); };
    const std::string data(16, '\0');
    EXPECT_EQ(open(littleEndian<std::int64_t>(4) + data)->tensor("w").elements(), 4);
    EXPECT_THAT(sentenceOf([&] { (void)open(littleEndian<std::int64_t>(5) + data); }),
                HasSubstr("5 elements"));
    EXPECT_THAT(sentenceOf([&] { (void)open(littleEndian<std::int64_t>(4) + "123"); }),
                HasSubstr("cut short"));
    EXPECT_THAT(sentenceOf([&] { (void)open("1234"); }), HasSubstr("cut short"));
    EXPECT_THAT(sentenceOf([&] {
                    (void)openBytes(start + "\x80\2}." + tensorPickle(0, {4}, {1}) + "\x80\2].", "FILE");
                }),
                HasSubstr("lacks the numbers"));
}

TEST(ZipArchive, ChecksEveryLength) {
    const auto sentenceOfZip = [](const std::string& bytes) {
        return sentenceOf([&] { (void)openBytes(bytes, "FILE"); });
    };
    const std::string sound = torchZip(tensorPickle(0, {4}, {1}));
    EXPECT_NO_THROW((void)openBytes(sound, "FILE"));
    for (std::size_t length = 2; length < sound.size(); ++length)
        EXPECT_THAT(sentenceOfZip(sound.substr(0, length)), HasSubstr("cut short"));
    EXPECT_THAT(sentenceOfZip(zipOf({{"a.txt", "x"}})), HasSubstr("without data.pkl"));
    EXPECT_THAT(sentenceOfZip(zipOf({{"m/data.pkl", "x"}, {"m/constants.pkl", "x"}})),
                HasSubstr("TorchScript"));
    EXPECT_THAT(sentenceOfZip(zipOf({{"m/data.pkl", "x"}, {"m/data.pkl", "x"}})), HasSubstr("two entries"));
    EXPECT_THAT(sentenceOfZip(zipOf({{"m/data.pkl", "x"}, {"m/byteorder", "big"}})), HasSubstr("big-endian"));
    const auto changed = [&](std::size_t fromDirectory, const std::string& bytes) {
        std::string file = sound;
        return file.replace(file.find("PK\1\2") + fromDirectory, bytes.size(), bytes);
    };
    EXPECT_THAT(sentenceOfZip(changed(8, "\1")), HasSubstr("encrypted"));
    EXPECT_THAT(sentenceOfZip(changed(10, "\x0c")), HasSubstr("method 12"));
    EXPECT_THAT(sentenceOfZip(changed(20, "\xff\xff\xff\x7f")), HasSubstr("beyond the file"));
    EXPECT_THAT(sentenceOfZip(changed(24, "\1")), HasSubstr("two sizes"));
    EXPECT_THAT(sentenceOfZip(changed(20, "\xff\xff\xff\xff")), HasSubstr("does not tell the size"));
    EXPECT_THAT(sentenceOfZip(changed(42, "\xff\xff\xff\x7f")), HasSubstr("beyond the file"));
    EXPECT_THAT(sentenceOfZip(changed(10, std::string("\x08\0\0\0\0\0\0\0\0\0\1\0\0\0\xff\xff\xff\x7f", 18))),
                HasSubstr("unpack to 2147483647"));
    EXPECT_THAT(sentenceOfZip(changed(10, "\x08")), HasSubstr("does not unpack"));
}

TEST(ZipArchive, ReadsSizesOf64Bits) {
    const std::vector<std::pair<std::string, std::string>> entries{
        {"m/data.pkl", tensorPickle(0, {4}, {1})},
        {"m/data/0", std::string("\0\0\x80\x3f", 4) + std::string(12, '\0')}};
    const std::string sound = zipOf(entries, true);
    EXPECT_EQ(openBytes(sound, "FILE")->tensor("w").toFloats(), (std::vector<float>{1, 0, 0, 0}));
    const auto changed = [&](const char* signature, std::size_t at, std::uint64_t value) {
        std::string file = sound;
        file.replace(file.rfind(signature) + at, 8, littleEndian(value));
        return sentenceOf([&] { (void)openBytes(file, "FILE"); });
    };
    for (const std::uint64_t value : {~std::uint64_t{0}, std::uint64_t{1} << 63U, std::uint64_t{1} << 32U}) {
        EXPECT_THAT(changed("PK\6\7", 8, value), HasSubstr("zip64")); // where the record is
        EXPECT_THAT(changed("PK\6\6", 32, value), HasSubstr("more than its directory"));
        EXPECT_THAT(changed("PK\6\6", 40, value), HasSubstr("beyond the file"));
        EXPECT_THAT(changed("PK\6\6", 48, value), HasSubstr("beyond the file"));
        EXPECT_THAT(changed("m/data/0", 8 + 4, value), HasSubstr("two sizes"));        // unpacked
        EXPECT_THAT(changed("m/data/0", 8 + 12, value), HasSubstr("beyond the file")); // stored
        EXPECT_THAT(changed("m/data/0", 8 + 20, value), HasSubstr("beyond the file")); // its offset
    }
}

} // namespace
} // namespace orrery::checkpoint
