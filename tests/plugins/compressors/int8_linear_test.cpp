// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "compress/compressed_model.h"
#include "int8_linear.h"
#include "plugins/demo_models.h"

#include <rapidcheck.h>
#include <unistd.h>

#include <cmath>

namespace orrery::compressors {
namespace {

Tensor randomTensor(const Shape& shape, Generator& generator) {
    Tensor result = Tensor::empty(shape);
    for (auto& value : result.mutableData<float>())
        value = static_cast<float>(generator.normal());
    return result;
}

TEST(Int8Linear, TheFormatMultipliesWhatItStandsFor) {
    rc::check([](std::uint8_t rows, std::uint8_t in, std::uint8_t out, std::uint32_t seed) {
        Generator generator(seed);
        const std::int64_t m = rows % 9 + 1;
        const std::int64_t k = in % 70 + 1;
        const std::int64_t n = out % 40 + 1;
        const Tensor weight = randomTensor({n, k}, generator);
        const Tensor x = randomTensor({m, k}, generator);
        const Int8Linear compressor;
        const auto format = compressor.compress("linear", weight, OptionValues(compressor.options()), {});
        const Tensor dense = format->toDense();
        Tensor y = Tensor::empty({m, n});
        format->apply(x, {}, y);
        for (std::int64_t o = 0; o < n; ++o) {
            double most = 0;
            for (std::int64_t i = 0; i < k; ++i)
                most = std::max(most, std::fabs(weight.at({o, i})));
            for (std::int64_t i = 0; i < k; ++i) // rounding moves a weight by at most half a step
                RC_ASSERT(std::fabs(dense.at({o, i}) - weight.at({o, i})) <= most / 254 * 1.001);
        }
        for (std::int64_t r = 0; r < m; ++r) {
            double largest = 0;
            for (std::int64_t i = 0; i < k; ++i)
                largest = std::max(largest, std::fabs(x.at({r, i})));
            for (std::int64_t o = 0; o < n; ++o) {
                double sum = 0;
                double bound = 0;
                for (std::int64_t i = 0; i < k; ++i) {
                    sum += x.at({r, i}) * dense.at({o, i});
                    bound += largest / 254 * std::fabs(dense.at({o, i})); // half a step of each input
                }
                RC_ASSERT(std::fabs(sum - y.at({r, o})) <= bound * 1.01 + 1e-4);
            }
        }
        const auto again = compressor.load("linear", format->save(), n, k);
        RC_ASSERT(again->toDense().toFloats() == dense.toFloats());
    });
}

TEST(Int8Linear, ACompressedCheckpointOpensAndPredictsAlmostTheSame) {
    const auto compressor = test::loadedPart<compress::Compressor>(ORRERY_PLUGIN_FILE, "int8_linear");
    const auto original = test::demoModel("docs-topic");
    const auto model = original->copy();
    const OptionValues options(compressor->options());
    const auto report = compress::compressModel(*model, *compressor, options, {"blocks.*"});
    EXPECT_LT(static_cast<double>(report.bytesAfter()), 0.3 * static_cast<double>(report.bytesBefore()));
    EXPECT_LT(report.worstError(), 0.02);
    const auto folder =
        std::filesystem::temp_directory_path() / ("orrery-int8-test-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder);
    compress::saveCompressed(*model, original->folder(), *compressor, options, report, folder);
    const auto find = [&](std::string_view) { return compressor; };
    const auto opened = compress::openModel(folder, {}, find);
    int same = 0;
    const char* texts[] = {"Returns the shape of the array.", "Draw a line plot with markers.",
                           "Sends the request to the server.", "Fits the estimator to the data."};
    for (const char* text : texts) {
        const auto input = original->encode(text);
        const auto a = original->run(input).logits.toFloats();
        const auto b = model->run(input).logits.toFloats();
        EXPECT_EQ(opened->run(input).logits.toFloats(), b)
            << "the written checkpoint is the compressed model";
        same += std::max_element(a.begin(), a.end()) - a.begin() ==
                        std::max_element(b.begin(), b.end()) - b.begin()
                    ? 1
                    : 0;
    }
    EXPECT_GE(same, 3);
    EXPECT_THROW(compress::saveCompressed(*model, original->folder(), *compressor, options, report, folder),
                 UsageError);
    std::filesystem::remove_all(folder);
    EXPECT_THROW((void)compress::compressModel(*original->copy(), *compressor, options, {"nothing*"}),
                 UsageError);
}

TEST(Int8Linear, OutliersAreLeftAloneWhenAsked) {
    const Int8Linear compressor;
    Tensor weight = Tensor::full({2, 64}, 0.01);
    weight.select(0, 0).select(0, 5).fill(10);
    OptionValues options(compressor.options());
    EXPECT_NE(compressor.compress("linear", weight, options, {}), nullptr);
    options.assign("skip_outliers=6");
    EXPECT_EQ(compressor.compress("linear", weight, options, {}), nullptr);
}

} // namespace
} // namespace orrery::compressors
