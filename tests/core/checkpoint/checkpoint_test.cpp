// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "sample_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace orrery::checkpoint {
namespace {

using testing::HasSubstr;

void expectSameTensors(const Checkpoint& got, const Checkpoint& want) {
    EXPECT_EQ(std::set<std::string>(got.names().begin(), got.names().end()),
              std::set<std::string>(want.names().begin(), want.names().end()));
    for (const auto& name : want.names()) {
        ASSERT_TRUE(got.contains(name)) << name;
        const Tensor a = got.tensor(name);
        const Tensor b = want.tensor(name);
        EXPECT_EQ(a.dtype(), b.dtype()) << name;
        EXPECT_EQ(a.shape(), b.shape()) << name;
        EXPECT_EQ(bytesOf(a), bytesOf(b)) << name;
        EXPECT_EQ(got.bytes(name), b.bytes()) << name;
        EXPECT_EQ(got.shape(name), b.shape()) << name;
        EXPECT_EQ(got.dtype(name), b.dtype()) << name;
    }
}

TEST(Checkpoint, OpensAFolderWithOneSafetensorsFile) {
    const auto folder = golden / "hf/bert-mlm";
    const auto before = ownedBytes();
    const auto checkpoint = Checkpoint::open(folder);
    EXPECT_EQ(checkpoint->format(), "safetensors");
    EXPECT_EQ(checkpoint->path(), folder);
    ASSERT_EQ(checkpoint->files().size(), 1U);
    EXPECT_EQ(checkpoint->file("bert.embeddings.word_embeddings.weight"), folder / "model.safetensors");
    EXPECT_EQ(checkpoint->shape("bert.embeddings.word_embeddings.weight"), (Shape{120, 32}));
    EXPECT_EQ(checkpoint->dtype("bert.embeddings.word_embeddings.weight"), DType::F32);
    EXPECT_EQ(checkpoint->bytes("bert.embeddings.word_embeddings.weight"), 120U * 32U * 4U);
    EXPECT_EQ(checkpoint->totalBytes(), checkpoint->totalElements() * 4);
    EXPECT_EQ(checkpoint->metadata().at("format"), "pt");
    const Tensor weights = checkpoint->tensor("bert.embeddings.word_embeddings.weight");
    EXPECT_FALSE(weights.storage()->writable());
    EXPECT_EQ(weights.storage(), checkpoint->tensor("bert.encoder.layer.0.output.dense.weight").storage());
    EXPECT_EQ(ownedBytes(), before); // nothing was copied
    EXPECT_EQ(checkpoint->fingerprint(), fingerprintFile(folder / "model.safetensors"));
    EXPECT_THAT(sentenceOf([&] { (void)checkpoint->tensor("bert.embeddings.word_embedding.weight"); }),
                HasSubstr("did you mean \"bert.embeddings.word_embeddings.weight\""));
}

TEST(Checkpoint, KnowsBFloat16) {
    const auto checkpoint = Checkpoint::open(golden / "hf/bert-bf16");
    for (const auto& name : checkpoint->names())
        EXPECT_EQ(checkpoint->dtype(name), DType::BF16) << name;
    EXPECT_EQ(checkpoint->totalBytes(), 2 * checkpoint->totalElements());
    // Weights of unit scale: read with the wrong half of the bits they would not be.
    for (const float value :
         checkpoint->tensor("bert.encoder.layer.0.attention.self.query.weight").toFloats())
        EXPECT_LT(std::abs(value), 10.0F);
}

TEST(Checkpoint, PutsShardsTogether) {
    const auto checkpoint = Checkpoint::open(golden / "hf/bert-sharded");
    const Json index = readJsonFile(golden / "hf/bert-sharded/model.safetensors.index.json");
    EXPECT_EQ(checkpoint->files().size(), 2U);
    EXPECT_EQ(checkpoint->names().size(), index["weight_map"].size());
    EXPECT_EQ(checkpoint->totalBytes(), index["metadata"]["total_size"].get<std::uint64_t>());
    for (const auto& [name, shard] : index["weight_map"].items())
        EXPECT_EQ(checkpoint->file(name).filename().string(), shard.get<std::string>());
    EXPECT_EQ(checkpoint->fingerprint().size(), 64U);
    EXPECT_EQ(Checkpoint::open(checkpoint->index())->fingerprint(), checkpoint->fingerprint());
}

TEST(Checkpoint, SaysWhatIsWrongWithShards) {
    const TemporaryFolder folder;
    const auto copy = [&](const char* name) {
        std::filesystem::copy_file(golden / "hf/bert-sharded" / name, folder / name,
                                   std::filesystem::copy_options::overwrite_existing);
    };
    const auto open = [&] { (void)Checkpoint::open(folder.path()); };
    copy("model.safetensors.index.json");
    copy("model-00001-of-00002.safetensors");
    EXPECT_THAT(sentenceOf(open), HasSubstr("missing: model-00002-of-00002.safetensors"));

    std::filesystem::copy_file(folder / "model-00001-of-00002.safetensors",
                               folder / "model-00002-of-00002.safetensors");
    EXPECT_THAT(sentenceOf(open),
                testing::AllOf(HasSubstr("model-00002-of-00002.safetensors"), HasSubstr("does not hold it")));

    writeBytes(folder / "model.safetensors.index.json", R"({"weight_map": {"a": "../../etc/passwd"}})");
    EXPECT_THAT(sentenceOf(open), HasSubstr("no file name of the same folder"));
    writeBytes(folder / "model.safetensors.index.json", R"({"weight_map": ["a"]})");
    EXPECT_THAT(sentenceOf(open), HasSubstr("weight_map"));
    writeBytes(folder / "model.safetensors.index.json", "[1]");
    EXPECT_THAT(sentenceOf(open), HasSubstr("weight_map"));
}

TEST(Checkpoint, SaysWhatIsMissing) {
    const TemporaryFolder folder;
    EXPECT_THAT(sentenceOf([&] { (void)Checkpoint::open(folder / "none"); }), HasSubstr("does not exist"));
    const auto open = [&] { (void)Checkpoint::open(folder.path()); };
    EXPECT_THAT(sentenceOf(open), HasSubstr("holds no checkpoint"));
    writeBytes(folder / "a.safetensors", safetensors("{}", ""));
    EXPECT_EQ(Checkpoint::open(folder.path())->names().size(), 0U);
    writeBytes(folder / "b.safetensors", safetensors("{}", ""));
    EXPECT_THAT(sentenceOf(open), HasSubstr("give the path"));
}

TEST(Checkpoint, RecognisesWhatIsNoCheckpoint) {
    const auto sentence = [](const std::string& bytes) {
        return sentenceOf([&] { (void)openBytes(bytes); });
    };
    EXPECT_THAT(sentence("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 440473133\n"),
                HasSubstr("git lfs pull"));
    EXPECT_THAT(sentence("<!DOCTYPE html><html>Not found</html>"), HasSubstr("web page"));
    EXPECT_THAT(sentence("GGUF\3"), HasSubstr("cut short"));
    EXPECT_THAT(sentence(""), HasSubstr("is empty"));
    EXPECT_THAT(sentenceOf([] { (void)openBytes("hello, world, hello", "notes.txt"); }),
                HasSubstr("neither a safetensors, a PyTorch nor a GGUF file"));
}

TEST(PyTorchZip, HoldsTheSameAsSafetensors) {
    // The bert-legacy-bin case is stored by torch in its zip format; safetensors of it come from our own
    // writer.
    const auto zip = Checkpoint::open(golden / "hf/bert-legacy-bin");
    EXPECT_EQ(zip->format(), "PyTorch zip");
    const auto before = ownedBytes();
    EXPECT_EQ(zip->shape("bert.embeddings.word_embeddings.weight"), (Shape{120, 32}));
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const auto& name : zip->names())
        tensors.emplace_back(name, zip->tensor(name));
    EXPECT_EQ(ownedBytes(), before); // stored entries are looked at in place
    const TemporaryFolder folder;
    writeSafetensors(folder / "model.safetensors", tensors);
    expectSameTensors(*Checkpoint::open(folder.path()), *zip);

    const auto legacy = Checkpoint::open(golden / "checkpoint/bert-legacy-format.bin");
    EXPECT_EQ(legacy->format(), "PyTorch legacy");
    expectSameTensors(*legacy, *zip);
}

class MixedFile : public testing::TestWithParam<const char*> {};

TEST_P(MixedFile, HoldsEveryDtypeViewAndName) {
    const auto want = Checkpoint::open(golden / "checkpoint/mixed.safetensors");
    const auto got = Checkpoint::open(golden / "checkpoint" / GetParam());
    expectSameTensors(*got, *want);
    EXPECT_EQ(got->names().front(), "float"); // the order of the dict
    EXPECT_FALSE(got->tensor("transposed").isContiguous());
    EXPECT_EQ(got->tensor("expanded").strides()[0], 0);
}

INSTANTIATE_TEST_SUITE_P(PyTorch, MixedFile,
                         testing::Values("mixed-zip.bin", "mixed-zip-protocol1.bin",
                                         "mixed-zip-protocol2.bin", "mixed-zip-protocol3.bin",
                                         "mixed-zip-protocol4.bin", "mixed-zip-protocol5.bin",
                                         "mixed-deflated.bin", "mixed-legacy-protocol1.bin",
                                         "mixed-legacy-protocol2.bin", "mixed-legacy-protocol3.bin",
                                         "mixed-legacy-protocol4.bin", "mixed-legacy-protocol5.bin"));

TEST(PyTorchZip, TensorsOfACompressedStorageShareIt) {
    const auto checkpoint = Checkpoint::open(golden / "checkpoint/mixed-deflated.bin");
    const Tensor a = checkpoint->tensor("shared.a");
    const Tensor b = checkpoint->tensor("shared.b");
    EXPECT_EQ(a.storage(), b.storage());
    EXPECT_EQ(b.at({0, 0}), 4);
}

TEST(PyTorch, UnwrapsWhatTrainingScriptsSave) {
    const auto want = Checkpoint::open(golden / "checkpoint/module.safetensors");
    for (const char* file : {"module-zip.bin", "module-training.bin", "module-training-legacy.bin"})
        expectSameTensors(*Checkpoint::open(golden / "checkpoint" / file), *want);
}

TEST(PyTorch, ListsDtypesItDoesNotComputeWith) {
    const auto checkpoint = Checkpoint::open(golden / "checkpoint/unsupported-dtypes.bin");
    EXPECT_EQ(checkpoint->names().size(), 3U);
    EXPECT_EQ(checkpoint->info("x").storedDtype, "float8_e4m3fn");
    EXPECT_EQ(checkpoint->bytes("x"), 4U);
    EXPECT_EQ(checkpoint->bytes("z"), 16U);
    EXPECT_EQ(checkpoint->tensor("x").dtype(), DType::F8E4M3); // one that it does
    EXPECT_THAT(sentenceOf([&] { (void)checkpoint->dtype("y"); }),
                testing::AllOf(HasSubstr("\"y\""), HasSubstr("uint16")));
}

TEST(PyTorch, RunsNoCode) {
    const auto sentence = [](const char* file) {
        return sentenceOf([&] { (void)Checkpoint::open(golden / "checkpoint" / file); });
    };
    EXPECT_THAT(
        sentence("code-module.bin"),
        testing::AllOf(HasSubstr("contains code"), HasSubstr("torch.nn.modules.container.Sequential")));
    EXPECT_THAT(sentence("code-module-legacy.bin"), HasSubstr("contains code"));
    EXPECT_THAT(sentence("code-namespace.bin"), HasSubstr("argparse.Namespace"));
}

TEST(PyTorch, ShardedThroughAnIndex) {
    const TemporaryFolder folder;
    std::filesystem::copy_file(golden / "checkpoint/module-zip.bin",
                               folder / "pytorch_model-00001-of-00002.bin");
    std::filesystem::copy_file(golden / "checkpoint/mixed-zip.bin",
                               folder / "pytorch_model-00002-of-00002.bin");
    writeBytes(folder / "pytorch_model.bin.index.json",
               R"({"weight_map": {"0.weight": "pytorch_model-00001-of-00002.bin",
                                  "long": "pytorch_model-00002-of-00002.bin"}})");
    const auto checkpoint = Checkpoint::open(folder.path());
    EXPECT_EQ(checkpoint->names(), (std::vector<std::string>{"0.weight", "long"}));
    EXPECT_EQ(checkpoint->tensor("long").toIntegers()[3], std::int64_t{1} << 40);
}

} // namespace
} // namespace orrery::checkpoint
