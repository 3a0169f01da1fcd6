// SPDX-License-Identifier: GPL-3.0-or-later
// What models take of memory: opening them, running them, and what they say before they run.
#include "base/error.h"
#include "base/json.h"
#include "model/model.h"
#include "probe/trace.h"
#include "tensor/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orrery::model {
namespace {

namespace fs = std::filesystem;
const fs::path golden = ORRERY_GOLDEN_DIR "/hf";
constexpr double mega = 1e6;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true; // whose own memory would be measured
#else
constexpr bool sanitized = false;
#endif

struct Sizes {
    std::int64_t width = 768;
    std::int64_t layers = 12;
    std::int64_t heads = 12;
    std::int64_t units = 3072;
    std::int64_t vocabulary = 30522;
    std::int64_t positions = 512;
    /// Of a transformer's linears and its head: what is packed.
    [[nodiscard]] std::int64_t multiplied() const {
        return layers * width * (4 * width + 2 * units) + width * width + vocabulary * width;
    }
};

/// A checkpoint of BERT of these sizes whose weights are a hole in the file: all zero, and no room on the
/// disk.
class SparseBert {
public:
    SparseBert(const std::string& name, const Sizes& sizes) : m_path(fs::temp_directory_path() / name) {
        fs::remove_all(m_path);
        fs::create_directories(m_path);
        Json config = readJsonFile(golden / "bert-mlm" / "config.json");
        config["hidden_size"] = sizes.width;
        config["num_hidden_layers"] = sizes.layers;
        config["num_attention_heads"] = sizes.heads;
        config["intermediate_size"] = sizes.units;
        config["vocab_size"] = sizes.vocabulary;
        config["max_position_embeddings"] = sizes.positions;
        std::ofstream(m_path / "config.json") << config.dump();
        const std::int64_t d = sizes.width;
        tensor("bert.embeddings.word_embeddings.weight", {sizes.vocabulary, d});
        tensor("bert.embeddings.position_embeddings.weight", {sizes.positions, d});
        tensor("bert.embeddings.token_type_embeddings.weight", {2, d});
        norm("bert.embeddings.LayerNorm");
        for (std::int64_t i = 0; i < sizes.layers; ++i) {
            const std::string layer = "bert.encoder.layer." + std::to_string(i) + ".";
            for (const char* part : {"attention.self.query", "attention.self.key", "attention.self.value",
                                     "attention.output.dense"})
                linear(layer + part, d, d);
            linear(layer + "intermediate.dense", sizes.units, d);
            linear(layer + "output.dense", d, sizes.units);
            norm(layer + "attention.output.LayerNorm");
            norm(layer + "output.LayerNorm");
        }
        linear("cls.predictions.transform.dense", d, d);
        norm("cls.predictions.transform.LayerNorm");
        tensor("cls.predictions.bias", {sizes.vocabulary});
        std::string text = m_header.dump();
        text.append(8 - text.size() % 8, ' '); // numbers start at a multiple of their size, as writers see to
        std::ofstream file(m_path / "model.safetensors", std::ios::binary);
        const std::uint64_t length = text.size();
        file.write(reinterpret_cast<const char*>(&length), sizeof length);
        file << text;
        file.close();
        fs::resize_file(m_path / "model.safetensors", sizeof length + text.size() + m_bytes);
    }
    ~SparseBert() { fs::remove_all(m_path); }
    SparseBert(const SparseBert&) = delete;
    SparseBert& operator=(const SparseBert&) = delete;
    [[nodiscard]] std::size_t bytes() const { return m_bytes; }
    [[nodiscard]] std::shared_ptr<Model> open(DType dtype = DType::F32) const {
        return Model::open(m_path, {.dtype = dtype});
    }

private:
    void tensor(const std::string& name, const std::vector<std::int64_t>& shape) {
        std::size_t bytes = sizeof(float);
        for (const std::int64_t size : shape)
            bytes *= static_cast<std::size_t>(size);
        m_header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {m_bytes, m_bytes + bytes}}};
        m_bytes += bytes;
    }
    void linear(const std::string& name, std::int64_t outputs, std::int64_t inputs) {
        tensor(name + ".weight", {outputs, inputs});
        tensor(name + ".bias", {outputs});
    }
    void norm(const std::string& name) {
        const std::int64_t width = m_header["bert.embeddings.word_embeddings.weight"]["shape"][1];
        tensor(name + ".weight", {width});
        tensor(name + ".bias", {width});
    }

    fs::path m_path;
    Json m_header = Json::object();
    std::size_t m_bytes = 0;
};

std::size_t statusBytes(const std::string& key) {
    std::ifstream stream("/proc/self/status");
    for (std::string line; std::getline(stream, line);)
        if (line.starts_with(key))
            return std::stoull(line.substr(line.find_first_of("0123456789"))) * 1024;
    return 0;
}

ModelInput tokens(std::int64_t batch, std::int64_t length) {
    ModelInput input;
    input.inputIds = Tensor::full({batch, length}, 5, DType::I64);
    return input;
}

double number(std::size_t bytes) {
    return static_cast<double>(bytes);
}

/// The address space of this process ends this far beyond what it has.
class AddressLimit {
public:
    explicit AddressLimit(std::size_t more) {
        ::getrlimit(RLIMIT_AS, &m_before);
        struct rlimit limit = m_before;
        limit.rlim_cur = statusBytes("VmSize:") + more;
        ::setrlimit(RLIMIT_AS, &limit);
    }
    ~AddressLimit() { ::setrlimit(RLIMIT_AS, &m_before); }
    AddressLimit(const AddressLimit&) = delete;
    AddressLimit& operator=(const AddressLimit&) = delete;

private:
    struct rlimit m_before {};
};

TEST(Memory, TenLargeModelsCostAddressSpace) {
    const Sizes sizes{.layers = 15};
    const SparseBert checkpoint("orrery_sparse_ten", sizes);
    EXPECT_GT(checkpoint.bytes(), std::size_t{490} << 20U);
    const std::size_t owned = ownedBytes();
    const std::size_t resident = statusBytes("VmRSS:");
    const std::size_t space = statusBytes("VmSize:");
    std::vector<std::shared_ptr<Model>> models;
    models.reserve(10);
    for (int i = 0; i < 10; ++i)
        models.push_back(checkpoint.open());
    EXPECT_EQ(models.back()->layers(), sizes.layers);
    // Ten mappings; what else the process had may have shrunk meanwhile.
    EXPECT_GT(number(statusBytes("VmSize:") - space), 9 * number(checkpoint.bytes()));
    EXPECT_LT(number(ownedBytes() - owned), 10 * 1.5 * mega);
    if (!sanitized) {
        EXPECT_LT(number(statusBytes("VmRSS:")) - number(resident), 10 * 6 * mega);
    }
}

/// The most that a run takes, of a model that has not run yet.
void expectTight(DType dtype, std::int64_t batch, std::int64_t length) {
    const Sizes sizes;
    const SparseBert checkpoint("orrery_sparse_base", sizes);
    releaseCachedBytes();
    const std::size_t owned = ownedBytes();
    const std::size_t resident = statusBytes("VmRSS:");
    const auto model = checkpoint.open(dtype);
    const ModelInput input = tokens(batch, length);
    const MemoryNeed need = model->memoryNeed(input);
    const std::size_t item = itemSize(dtype);
    const double weights = number(static_cast<std::size_t>(sizes.multiplied()) * item);
    // The residual stream, and with it queries, keys, values and their mixture, or the hidden units, or what
    // the head makes: its hidden state and the logits.
    const auto stream = static_cast<std::size_t>(batch * length * sizes.width);
    const std::size_t head = stream + static_cast<std::size_t>(batch * length * sizes.vocabulary);
    const double activations = number(4 * stream + std::max(item * 4 * stream, 4 * head));
    EXPECT_NEAR(number(need.weightBytes), weights, 0.05 * weights);
    EXPECT_NEAR(number(need.activationBytes), activations, 0.1 * activations);
    EXPECT_EQ(need.traceBytes, 0U);

    resetPeakBytes();
    {
        const ModelOutput output = model->run(input);
        EXPECT_EQ(output.logits.size(2), sizes.vocabulary);
        const double peak = number(peakOwnedBytes() - owned);
        EXPECT_LT(peak, 1.1 * (weights + activations));
        EXPECT_NEAR(number(need.total()), peak, 0.1 * peak);
        EXPECT_LT(number(peakHeldBytes() - owned), 1.1 * (weights + activations));
        if (!sanitized) { // of the mapped file what was packed is let go of
            EXPECT_LT(number(statusBytes("VmRSS:")) - number(resident),
                      1.1 * (weights + activations) + 24 * mega);
        }
    }
    // The weights are packed now; a second run takes what the first gave back.
    EXPECT_EQ(model->memoryNeed(input).weightBytes, 0U);
    const std::size_t between = ownedBytes();
    resetPeakBytes();
    (void)model->run(input);
    EXPECT_NEAR(number(peakOwnedBytes() - between), number(need.activationBytes),
                0.1 * number(need.activationBytes));
    EXPECT_EQ(ownedBytes(), between);
}

TEST(Memory, PeakOfBertBase) {
    expectTight(DType::F32, 1, 512);
}
TEST(Memory, PeakOfBertBaseInBf16) {
    expectTight(DType::BF16, 2, 128);
}

/// Batches that are large enough for what is needed to show.
class MemoryOfFamilies : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> families() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(golden))
        if (fs::exists(entry.path() / "config.json"))
            names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

TEST_P(MemoryOfFamilies, IsPredicted) {
    const auto model = Model::open(golden / GetParam());
    const bool words =
        model->inputs().front().dtype == DType::I64; // else images and sounds, large as they are
    const NamedTensors inputs = model->exampleInputs(words ? 64 : 4, 32);
    const std::size_t unpacked = model->memoryNeed(inputs).weightBytes;
    (void)model->run(inputs); // packs what it uses
    const MemoryNeed need = model->memoryNeed(inputs);
    EXPECT_LT(need.weightBytes, unpacked / 2);
    const std::size_t before = ownedBytes();
    resetPeakBytes();
    (void)model->run(inputs);
    const double peak = number(peakOwnedBytes() - before);
    EXPECT_GT(number(need.activationBytes), 0.9 * peak - 65536);
    EXPECT_LT(number(need.activationBytes), 1.1 * peak + 65536);
    RecordProperty("predicted", std::to_string(need.activationBytes));
    RecordProperty("measured", std::to_string(static_cast<std::int64_t>(peak)));
}
INSTANTIATE_TEST_SUITE_P(Golden, MemoryOfFamilies, ::testing::ValuesIn(families()), [](const auto& given) {
    std::string name = given.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; },
        '_');
    return name;
});

std::string refusal(const Model& model, const NamedTensors& inputs, const Context& context = {}) {
    try {
        (void)model.run(inputs, context);
    } catch (const UsageError& error) {
        ADD_FAILURE() << error.what();
    } catch (const Error& error) {
        return error.what();
    }
    ADD_FAILURE() << "ran";
    return "";
}

TEST(Memory, ARunThatDoesNotFitIsRefused) {
    const SparseBert checkpoint("orrery_sparse_small",
                                {.width = 64, .layers = 2, .heads = 4, .units = 128, .vocabulary = 4000});
    const auto model = checkpoint.open();
    const NamedTensors large{{"input_ids", tokens(256, 512).inputIds}}; // 2 GB of logits
    const NamedTensors small{{"input_ids", tokens(2, 16).inputIds}};
    releaseCachedBytes();
    {
        const AddressLimit limit(std::size_t{500} << 20U);
        const std::size_t before = ownedBytes();
        const std::string sentence = refusal(*model, large);
        EXPECT_NE(sentence.find("[256, 512] needs about 2.1"), std::string::npos) << sentence;
        EXPECT_NE(sentence.find("for activations"), std::string::npos) << sentence;
        EXPECT_NE(sentence.find("ulimit -v"), std::string::npos) << sentence;
        EXPECT_NE(sentence.find("a shorter input, a smaller batch, bf16"), std::string::npos) << sentence;
        EXPECT_EQ(ownedBytes(), before);
        // What fits runs; with all of its patterns as arrays it does not.
        EXPECT_EQ(model->run(small).at("logits").size(2), 4000);
        ModelInput chosen = tokens(64, 512);
        chosen.logits = LogitRows::None;
        EXPECT_FALSE(model->run(chosen).logits.defined());
        probe::Trace trace({"blocks.*.attn.hook_pattern"}, true);
        Context context;
        context.trace = &trace;
        EXPECT_NEAR(number(model->memoryNeed(chosen, context).traceBytes), 2.0 * 64 * 4 * 512 * 512 * 4, 1);
        try {
            (void)model->run(chosen, context);
            ADD_FAILURE() << "ran";
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("for traced sites"), std::string::npos) << error.what();
            EXPECT_NE(std::string(error.what()).find("fewer traced sites"), std::string::npos)
                << error.what();
        }
    }
    EXPECT_EQ(model->run(small).at("logits").size(0), 2);
}

TEST(Memory, NetworksThatDoNotFitAreRefusedBeforeTheyRun) {
    for (const char* name : {"mamba", "t5-gated", "longformer-mlm"}) {
        const auto model = Model::open(golden / name);
        NamedTensors large;
        for (const auto& [input, tensor] : model->exampleInputs(1, 32)) {
            Shape shape = tensor.shape();
            shape[0] = 1 << 15;
            large[input] = Tensor::full(shape, 1, tensor.dtype());
        }
        releaseCachedBytes();
        const std::size_t before = ownedBytes();
        const MemoryNeed need = model->memoryNeed(large); // takes address space, but next to no memory
        const AddressLimit limit(std::size_t{300} << 20U);
        EXPECT_GT(need.total(), std::size_t{300} << 20U) << name;
        const std::string sentence = refusal(*model, large);
        EXPECT_NE(sentence.find("needs about"), std::string::npos) << sentence;
        EXPECT_EQ(ownedBytes(), before);
    }
}

} // namespace
} // namespace orrery::model
