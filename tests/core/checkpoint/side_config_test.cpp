// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/side_config.h"
#include "core/checkpoint/sample_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery::checkpoint {
namespace {

using testing::HasSubstr;

TEST(GenerationConfig, IsReadAndChecked) {
    EXPECT_EQ(GenerationConfig::read(golden / "hf/gpt2")->eosTokens, (std::vector<std::int64_t>{1}));
    EXPECT_FALSE(GenerationConfig::read(golden / "hf/bert-mlm"));
    const TemporaryFolder folder;
    const auto read = [&](const std::string& text) {
        writeBytes(folder / "generation_config.json", text);
        return *GenerationConfig::read(folder.path());
    };
    const auto all =
        read(R"({"do_sample":true,"temperature":0.6,"top_k":50,"top_p":0.9,"max_new_tokens":20,)"
             R"("eos_token_id":[3,4],"pad_token_id":0,"repetition_penalty":1.1,"num_beams":null})");
    EXPECT_EQ(all.sample, true);
    EXPECT_EQ(all.temperature, 0.6);
    EXPECT_EQ(all.topK, 50);
    EXPECT_EQ(all.topP, 0.9);
    EXPECT_EQ(all.maxNewTokens, 20);
    EXPECT_EQ(all.eosTokens, (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(all.padToken, 0);
    EXPECT_FALSE(all.beams);
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"temperature":0})"); }), HasSubstr("temperature"));
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"top_p":1.5})"); }), HasSubstr("top_p"));
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"max_length":0})"); }), HasSubstr("max_length"));
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"do_sample":"yes"})"); }), HasSubstr("do_sample"));
}

TEST(PreprocessorConfig, IsReadAndChecked) {
    const TemporaryFolder folder;
    EXPECT_FALSE(PreprocessorConfig::read(folder.path()));
    const auto read = [&](const std::string& text) {
        writeBytes(folder / "preprocessor_config.json", text);
        return *PreprocessorConfig::read(folder.path());
    };
    auto config = read(R"({"do_resize":false,"do_rescale":true,"rescale_factor":0.5,"do_normalize":true,)"
                       R"("image_mean":[0.5],"image_std":[0.25],"size":{"height":8,"width":9}})");
    EXPECT_FALSE(config.resize);
    EXPECT_EQ(config.rescaleFactor, 0.5);
    EXPECT_EQ(config.height, 8);
    EXPECT_EQ(config.width, 9);
    EXPECT_EQ(config.mean, (std::vector<double>{0.5}));
    config = read(
        R"({"size":224,"do_center_crop":true,"crop_size":{"height":20,"width":21},"do_normalize":false})");
    EXPECT_TRUE(config.resize);
    EXPECT_EQ(config.height, 224);
    EXPECT_EQ(config.cropWidth, 21);
    EXPECT_EQ(read(R"({"size":{"shortest_edge":256}})").shortestEdge, 256);
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"image_mean":[0,0],"image_std":[1]})"); }),
                HasSubstr("image_std"));
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"image_mean":[0],"image_std":[0]})"); }),
                HasSubstr("image_std"));
    EXPECT_THAT(sentenceOf([&] { (void)read(R"({"size":{"height":0,"width":1}})"); }),
                HasSubstr("size.height"));
}

} // namespace
} // namespace orrery::checkpoint
