// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"
#include "model/network.h"
#include "model/networks/families.h"
#include "model/networks/sequence_families.h"

#include <fmt/format.h>

namespace orrery::model {

const std::vector<NetworkFamily>& networkFamilies() {
    static const std::vector<NetworkFamily> all{
        {"autoformer", "Autoformer", &buildAutoformer},
        {"bart", "BART", &buildBart},
        {"beit", "BEiT", &buildBeit},
        {"big_bird", "BigBird", &buildBigBird},
        {"clip", "CLIP", &buildClip},
        {"clip_text_model", "CLIP (texts)", &buildClipText},
        {"clip_vision_model", "CLIP (images)", &buildClipVision},
        {"convnext", "ConvNeXt", &buildConvNext},
        {"convnextv2", "ConvNeXt V2", &buildConvNext},
        {"data2vec-vision", "data2vec (vision)", &buildBeit},
        {"deit", "DeiT", &buildVit},
        {"detr", "DETR", &buildDetr},
        {"dinov2", "DINOv2", &buildDinov2},
        {"dinov2_with_registers", "DINOv2 with registers", &buildDinov2},
        {"hubert", "HuBERT", &buildWav2Vec2},
        {"informer", "Informer", &buildInformer},
        {"longformer", "Longformer", &buildLongformer},
        {"mamba", "Mamba", &buildMamba},
        {"mamba2", "Mamba-2", &buildMamba2},
        {"marian", "Marian", &buildBart},
        {"mbart", "mBART", &buildBart},
        {"mobilevit", "MobileViT", &buildMobileVit},
        {"mt5", "mT5", &buildT5},
        {"nystromformer", "Nystromformer", &buildNystromformer},
        {"patchtst", "PatchTST", &buildPatchTst},
        {"pegasus", "Pegasus", &buildBart},
        {"perceiver", "Perceiver (texts)", &buildPerceiver},
        {"poolformer", "PoolFormer", &buildPoolFormer},
        {"reformer", "Reformer", &buildReformer},
        {"resnet", "ResNet", &buildResnet},
        {"segformer", "SegFormer", &buildSegformer},
        {"swin", "Swin", &buildSwin},
        {"swinv2", "Swin V2", &buildSwin},
        {"t5", "T5", &buildT5},
        {"timesformer", "TimeSformer", &buildTimeSformer},
        {"umt5", "UMT5", &buildT5},
        {"videomae", "VideoMAE", &buildVideoMae},
        {"vit", "ViT", &buildVit},
        {"wav2vec2", "wav2vec 2.0", &buildWav2Vec2},
        {"whisper", "Whisper", &buildWhisper},
    };
    return all;
}

const NetworkFamily* networkFamilyFor(std::string_view modelType) {
    for (const NetworkFamily& family : networkFamilies())
        if (family.id == modelType)
            return &family;
    return nullptr;
}

StackConfig networkConfig(const checkpoint::ModelConfig& config) {
    StackConfig stack;
    stack.family = config.modelType();
    const std::vector<std::string> architectures = config.architectures();
    if (!architectures.empty())
        stack.architecture = architectures.front();
    stack.positions = PositionKind::None;
    stack.tiedEmbeddings = false;
    if (stack.architecture.find("Classification") != std::string::npos ||
        stack.architecture.find("Segmentation") != std::string::npos ||
        stack.architecture.find("Detection") != std::string::npos)
        stack.labels = config.labels();
    return stack;
}

StackConfig transformerConfig(const checkpoint::ModelConfig& config) {
    StackConfig stack = networkConfig(config);
    stack.hiddenSize = config.positive({"hidden_size", "d_model"});
    stack.layers = config.positive({"num_hidden_layers"});
    const std::int64_t heads = config.positive({"num_attention_heads"});
    stack.headSize = config.quotient({"hidden_size", "d_model"}, {"num_attention_heads"});
    stack.heads = static_cast<int>(heads);
    stack.keyValueHeads = stack.heads;
    stack.feedForward = config.has("intermediate_size") ? config.positive({"intermediate_size"}) : 0;
    return stack;
}

bool isArchitecture(const StackConfig& config, std::string_view ending) {
    return std::string_view(config.architecture).ends_with(ending);
}

Tensor Network::unembed(const Tensor& rows, NetworkRun& run) const {
    static_cast<void>(rows);
    static_cast<void>(run);
    throw UsageError(
        fmt::format("{} has no head that gives words, so its residual stream cannot be unembedded.",
                    m_config.architecture.empty() ? m_config.family : m_config.architecture));
}

} // namespace orrery::model
