// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/random.h"
#include "plugins/demo_models.h"
#include "pooling.h"

#include <rapidcheck.h>

#include <cmath>

namespace orrery::mixers {
namespace {

nn::MixerInput randomInput(std::int64_t batch, std::int64_t length, std::int64_t width, bool causal,
                           bool padded, Generator& generator) {
    nn::MixerInput input;
    input.hidden = Tensor::empty({batch, length, width});
    for (auto& value : input.hidden.mutableData<float>())
        value = static_cast<float>(generator.normal());
    input.causal = causal;
    if (padded) {
        input.keyMask = Tensor::full({batch, length}, 1, DType::U8);
        for (std::int64_t b = 0; b < batch; ++b)
            for (std::int64_t i = length / 2 + 1; i < length; ++i)
                input.keyMask.select(0, b).select(0, i).fill(0);
    }
    return input;
}

TEST(Pooling, RunningIsMultiplyingByItsMatrix) {
    rc::check(
        [](std::uint8_t l, std::uint8_t k, bool causal, bool padded, bool subtract, std::uint32_t seed) {
            Generator generator(seed);
            const std::int64_t length = l % 23 + 1;
            const Pooling mixer(2 * (k % 6) + 1, subtract);
            const auto input = randomInput(2, length, 3, causal, padded, generator);
            const Tensor out = mixer.run(input, {});
            const auto matrix = mixer.matrix(input);
            for (std::int64_t b = 0; b < 2; ++b)
                for (std::int64_t i = 0; i < length; ++i)
                    for (std::int64_t c = 0; c < 3; ++c) {
                        double sum = 0;
                        for (std::int64_t j = 0; j < length; ++j)
                            sum += matrix.matrix(b, 0)->at(i, j) * input.hidden.at({b, j, c});
                        RC_ASSERT(std::fabs(sum - out.at({b, i, c})) < 1e-5);
                    }
        });
}

TEST(Pooling, CausalOutputsDoNotSeeTheFuture) {
    Generator generator(1);
    const Pooling mixer(4, true);
    auto input = randomInput(1, 10, 2, true, false, generator);
    const auto before = mixer.run(input, {}).slice(1, 0, 6).toFloats();
    input.hidden.slice(1, 6, 10).fill(100);
    EXPECT_EQ(mixer.run(input, {}).slice(1, 0, 6).toFloats(), before);
}

TEST(Pooling, StandsInForAttentionInARealModel) {
    const auto part = test::loadedPart<nn::TokenMixerPart>(ORRERY_PLUGIN_FILE, "pooling");
    for (const char* name : {"docs-bert", "docs-gpt"}) {
        const auto original = test::demoModel(name);
        const auto model = original->copy();
        Generator generator(0);
        for (int layer = 0; layer < model->layers(); ++layer)
            model->setMixer(layer,
                            part->make(model->mixerPlace(layer), OptionValues(part->options()), generator));
        const auto input = model->encode("Returns the shape of the array.");
        probe::Trace trace(
            {"blocks.0.hook_attn_out", "blocks.0.hook_resid_pre", "blocks.0.attn.hook_pattern"});
        Context context;
        context.trace = &trace;
        const auto changed = model->run(input, context).logits.toFloats();
        EXPECT_NE(changed, original->run(input).logits.toFloats()) << "the mixer must matter";
        for (const float value : changed)
            ASSERT_TRUE(std::isfinite(value));
        EXPECT_EQ(trace.pattern(0).heads(), 1) << "the mixer's matrix is what the trace shows";
        // Giving the layers their attention back restores the model exactly.
        for (int layer = 0; layer < model->layers(); ++layer)
            model->setMixer(layer, nullptr);
        EXPECT_EQ(model->run(input).logits.toFloats(), original->run(input).logits.toFloats());
    }
}

TEST(Pooling, EvenWindowsAreRefusedWhereTheyHaveNoCentre) {
    const PoolingPart part;
    OptionValues options(part.options());
    options.assign("size=4");
    Generator generator(0);
    EXPECT_THROW((void)part.make({0, 8, 1, 16, false}, options, generator), UsageError);
    EXPECT_NO_THROW((void)part.make({0, 8, 1, 16, true}, options, generator));
    EXPECT_THROW(options.assign("size=0"), UsageError);
}

} // namespace
} // namespace orrery::mixers
