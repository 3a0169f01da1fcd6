// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/network_run.h"
#include "nn/key_value_cache.h"
#include "nn/token_mixer.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The block of encoders and decoders of sequences (Vaswani et al. 2017, "Attention Is All You Need", with its
// norms before or after, and as T5 has it): self-attention, attention to a memory in decoders, feed-forward.
namespace orrery::model {

struct SequenceSpec {
    std::int64_t width = 0;
    std::int64_t feedForward = 0;
    int heads = 1;
    std::int64_t headSize = 0; ///< heads x headSize need not be the width
    double epsilon = 1e-5;
    nn::Activation activation = nn::Activation::Gelu;
    bool gated = false;      ///< activation(gate) * units (Shazeer 2020)
    bool postNorm = false;   ///< norm(x + f(x)) instead of x + f(norm(x))
    bool rmsNorm = false;    ///< else layer norm
    bool scaleScores = true; ///< by 1 / sqrt(headSize)

    /// headSize from width and heads; InputError naming the key of the heads when it does not come out even.
    void takeHeads(const checkpoint::ModelConfig& config, std::string_view headsKey, std::int64_t count);
};

/// Where the checkpoint keeps the parts of a block, under the block's scope.
struct SequenceNames {
    struct Attention {
        std::string query{};
        std::string key{};
        std::string value{};
        std::string out{};
        std::string norm{};
    };
    Attention self{};
    Attention cross{};                ///< query empty: the block attends to no memory
    std::vector<std::string> mlpIn{}; ///< gate and units when gated
    std::string mlpOut{};
    std::string mlpNorm{};
};

/// What a decoder attends to.
struct Memory {
    Tensor hidden{};  ///< [B, S, D]; undefined when a cache holds its keys and values
    Tensor keyMask{}; ///< [B, S] u8 or undefined
};

/// Where blocks stand in a run.
struct SequencePlace {
    std::string name{};    ///< of the stack: "decoder" for decoder.blocks.0 ...; empty for blocks.0
    std::string aliases{}; ///< before "hidden_states.i" and "attentions.i": "decoder_"
    int firstLayer = 0;    ///< number of the first attention; attentions to a memory are numbered in between
    Tensor keyMask{};      ///< [B, L] u8, with a cache [B, held + L]
    Tensor bias{};         ///< [1, H, L, S], added to the scores of every self-attention; or undefined
    /// The same of each block where they have their own; else empty.
    std::vector<Tensor> biases{};
    bool causal = false;
    Memory memory{};
    /// Keys and values of the positions before, and of the memory, which are computed in the first run only;
    /// prepared for this run.
    nn::KeyValueCache* cache = nullptr;
    bool finalNorm =
        false; ///< a norm follows, whose result is the last hidden state: hidden_states.N is its alias
};

class SequenceBlock {
public:
    SequenceBlock(const Weights& scope, const SequenceSpec& spec, const SequenceNames& names);
    /// x [B, L, D] to [B, L, D]; index: of this block, of all `count`.
    [[nodiscard]] Tensor run(NetworkRun& run, Tensor x, const SequencePlace& place, int index,
                             int count) const;
    [[nodiscard]] bool attendsToMemory() const { return m_cross.query.defined(); }

private:
    struct Attention {
        LinearId queryKeyValue; ///< of self-attention
        LinearId query;         ///< of attention to a memory
        LinearId keyValue;
        LinearId out;
        nn::Norm norm;
    };
    [[nodiscard]] nn::Norm normOf(const Weights& scope, const std::string& module,
                                  const std::string& path) const;
    // Each gives what it computes from the input, added to the residual.
    [[nodiscard]] Tensor selfAttended(NetworkRun& run, const Tensor& input, const SequencePlace& place,
                                      int index, const Tensor& residual) const;
    [[nodiscard]] Tensor crossAttended(NetworkRun& run, const Tensor& input, const SequencePlace& place,
                                       int index, const Tensor& residual) const;
    [[nodiscard]] Tensor fed(NetworkRun& run, const Tensor& input, const std::string& name,
                             const Tensor& residual) const;
    [[nodiscard]] nn::AttentionInput attentionInput() const;

    SequenceSpec m_spec;
    Attention m_self;
    Attention m_cross;
    LinearId m_mlpIn;
    LinearId m_mlpOut;
    nn::Norm m_mlpNorm;
};

/// Blocks one after the other: place.name.blocks.0 ...; every block's input is a hidden state, and so is what
/// leaves the last one, unless a final norm follows.
[[nodiscard]] Tensor runSequence(NetworkRun& run, const std::vector<SequenceBlock>& blocks, Tensor x,
                                 const SequencePlace& place);

} // namespace orrery::model
