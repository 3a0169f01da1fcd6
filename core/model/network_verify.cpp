// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/network_verify.h"

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "nn/key_value_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

constexpr double relativeTolerance = 1e-4;
constexpr double absoluteTolerance = 1e-5;
constexpr double bf16Tolerance = 5e-2;
constexpr std::string_view bf16Prefix = "native_bf16.";
constexpr std::string_view generatedPrefix = "generated_ids";

/// What one walk along recorded ids shows.
struct Walk {
    std::int64_t unlikely = 0;       ///< ids that were not the likeliest of their step
    std::vector<double> likelihoods; ///< of each row: sum of log probabilities
};

class NetworkVerifier {
public:
    NetworkVerifier(const Model& model, const std::filesystem::path& file, const Progress& progress,
                    const Continuation& continuation)
        : m_model(model), m_progress(progress), m_continuation(continuation),
          m_expected(checkpoint::Checkpoint::open(file)) {
        m_result.file = m_expected->path().filename().string();
    }

    VerifiedSet verify() {
        std::vector<std::string> outputs;
        for (const std::string& name : m_expected->names()) {
            if (name.starts_with("input."))
                m_inputs[name.substr(6)] = input(name);
            else if (name.starts_with("output.rng."))
                m_inputs[name.substr(7)] = m_expected->tensor(name);
            else if (name.starts_with("output."))
                outputs.push_back(name.substr(7));
        }
        std::vector<std::string> sites;
        for (const std::string& name : outputs)
            if (!name.starts_with(bf16Prefix) && !name.starts_with(generatedPrefix))
                sites.push_back(name);
        probe::Trace trace(sites);
        Context context;
        context.progress = m_progress;
        context.trace = &trace;
        static_cast<void>(m_model.run(m_inputs, context)); // outputs are sites too
        for (const std::string& name : outputs) {
            const Tensor expected = m_expected->tensor("output." + name);
            if (name.starts_with(bf16Prefix))
                compareBf16(name, expected);
            else if (name.starts_with(generatedPrefix) && m_inputs.contains("decoder_input_ids"))
                compareGenerated(name, expected);
            else if (name == generatedPrefix)
                compareContinued(expected);
            else
                compare(name, name, trace.tensor(name), expected, relativeTolerance);
        }
        if (m_result.tensors.empty())
            throw InputError(fmt::format("{} holds no outputs to compare with.", m_result.file));
        m_result.ok = std::all_of(m_result.tensors.begin(), m_result.tensors.end(),
                                  [](const VerifiedTensor& tensor) { return tensor.ok; });
        return std::move(m_result);
    }

private:
    [[nodiscard]] Tensor input(const std::string& name) const {
        const Tensor tensor = m_expected->tensor(name);
        return isFloating(tensor.dtype()) ? tensor.to(DType::F32) : tensor.to(DType::I64);
    }

    /// The arguments with which ids were generated, from case.json; null when it does not tell: greedily,
    /// without ends.
    [[nodiscard]] Json argumentsOf(const std::string& name) const {
        const std::filesystem::path file = m_model.folder() / "case.json";
        std::error_code failed;
        if (!std::filesystem::is_regular_file(file, failed))
            return {};
        const Json record = readJsonFile(file, {.maxBytes = 16U << 20U});
        if (!record.is_object() || !record.contains("generate") || !record["generate"].is_object())
            return {};
        return record["generate"].value(name, Json());
    }

    void compareGenerated(const std::string& name, const Tensor& expected) {
        if (!m_model.canUnembed() || !m_inputs.contains("decoder_input_ids"))
            throw InputError(fmt::format("{} expects generated ids, but {} does not write texts.",
                                         m_result.file, m_model.config().architecture));
        if (expected.rank() != 2 || expected.size(0) != m_inputs.at("decoder_input_ids").size(0) ||
            expected.size(1) < 2)
            throw InputError(
                fmt::format("{}: {} has shape {}.", m_result.file, name, expected.shape().toText()));
        const Json arguments = argumentsOf(name);
        double different = 0;
        if (m_continuation) {
            different = continuedDifferently(expected, arguments);
        } else if (name == generatedPrefix) {
            different = static_cast<double>(walk(expected, !arguments.is_null()).unlikely);
        } else {
            const std::string greedy = fmt::format("output.{}", generatedPrefix);
            if (!m_expected->contains(greedy))
                throw InputError(fmt::format("{} expects \"{}\", which can only be compared by generating.",
                                             m_result.file, name));
            const auto found = walk(expected, !arguments.is_null()).likelihoods;
            const auto other = walk(m_expected->tensor(greedy), !arguments.is_null()).likelihoods;
            for (std::size_t row = 0; row < found.size(); ++row)
                different += found[row] < other.at(row) - 1e-4 || std::isnan(found[row]);
        }
        m_result.tensors.push_back({name, different, 0, different == 0});
    }

    /// Ids that the engine's own generation gives otherwise. Where it ended before others, the expected ids
    /// are filled up with one and the same token.
    [[nodiscard]] double continuedDifferently(const Tensor& expected, const Json& arguments) const {
        const std::int64_t width = expected.size(1);
        NamedTensors prompts = m_inputs;
        prompts["decoder_input_ids"] = expected.slice(1, 0, 1).to(DType::I64).contiguous();
        prompts.erase("decoder_attention_mask");
        const auto made = m_continuation(m_model, prompts, arguments.is_null() ? Json::object() : arguments,
                                         width - 1, m_progress);
        double different = 0;
        for (std::int64_t row = 0; row < expected.size(0); ++row) {
            const auto& ids = made.at(static_cast<std::size_t>(row));
            const auto wanted = [&](std::int64_t column) {
                return static_cast<std::int64_t>(expected.at({row, column}));
            };
            for (std::int64_t column = 1; column < width; ++column) {
                const auto place = static_cast<std::size_t>(column - 1);
                different +=
                    place < ids.size() ? ids[place] != wanted(column) : wanted(column) != wanted(width - 1);
            }
        }
        return different;
    }

    /// Follows ids [B, T] with keys and values kept from step to step. ended: rows end at an end of text, and
    /// the last id may be forced to be one.
    [[nodiscard]] Walk walk(const Tensor& expected, bool ended) const {
        const std::int64_t batch = expected.size(0);
        const std::int64_t width = expected.size(1);
        std::error_code failed;
        const std::filesystem::path how = m_model.folder() / "generation_config.json";
        const checkpoint::ModelConfig config = std::filesystem::is_regular_file(how, failed)
                                                   ? checkpoint::ModelConfig::read(how)
                                                   : m_model.fileConfig();
        const auto ends = config.integers({"eos_token_id"}, {});
        const bool forced = ended && config.has("forced_eos_token_id");
        nn::KeyValueCache cache;
        Context context;
        context.progress = m_progress;
        context.cache = &cache;
        NamedTensors inputs = m_inputs;
        inputs.erase("decoder_attention_mask");
        Walk result;
        result.likelihoods.assign(static_cast<std::size_t>(batch), 0);
        std::vector<bool> over(static_cast<std::size_t>(batch), false);
        for (std::int64_t column = 1; column < width; ++column) {
            inputs["decoder_input_ids"] = expected.slice(1, column - 1, column).to(DType::I64).contiguous();
            const Tensor logits = m_model.run(inputs, context).at("logits");
            inputs.clear();
            for (std::int64_t item = 0; item < batch; ++item) {
                const auto row = static_cast<std::size_t>(item);
                const auto wanted = static_cast<std::int64_t>(expected.at({item, column}));
                if (over[row]) { // filled up with one and the same token
                    result.unlikely += wanted != static_cast<std::int64_t>(expected.at({item, width - 1}));
                    continue;
                }
                if (forced && column + 1 == width) {
                    result.unlikely += wanted != config.integer({"forced_eos_token_id"});
                    continue;
                }
                const std::vector<float> values = logits.select(0, item).select(0, 0).toFloats();
                if (wanted < 0 || wanted >= static_cast<std::int64_t>(values.size()))
                    throw InputError(fmt::format("{} holds the generated id {}.", m_result.file, wanted));
                const float best = *std::max_element(values.begin(), values.end());
                const float own = values[static_cast<std::size_t>(wanted)];
                result.unlikely += own < best || std::isnan(best);
                double sum = 0;
                for (const float value : values)
                    sum += std::exp(static_cast<double>(value) - static_cast<double>(best));
                result.likelihoods[row] +=
                    static_cast<double>(own) - static_cast<double>(best) - std::log(sum);
                over[row] = ended && std::find(ends.begin(), ends.end(), wanted) != ends.end();
            }
        }
        return result;
    }

    void compareBf16(const std::string& name, const Tensor& expected) {
        const auto narrow = Model::open(m_model.folder(), {.dtype = DType::BF16});
        const std::string output = name.substr(bf16Prefix.size());
        Context context;
        context.progress = m_progress;
        const NamedTensors outputs = narrow->run(m_inputs, context);
        const auto found = outputs.find(output);
        if (found == outputs.end())
            throw InputError(fmt::format("{} expects \"{}\", which {} does not give.", m_result.file, name,
                                         m_model.config().architecture));
        compare(name, output, found->second, expected, bf16Tolerance);
    }

    /// The best word again and again, over the whole prefix each time.
    void compareContinued(const Tensor& expected) {
        const auto prompt = m_inputs.find("input_ids");
        if (prompt == m_inputs.end() || m_inputs.contains("decoder_input_ids"))
            throw InputError(fmt::format("{} expects \"{}\", but {} does not continue texts.", m_result.file,
                                         generatedPrefix, m_model.config().architecture));
        const std::int64_t batch = prompt->second.size(0);
        const std::int64_t begin = prompt->second.size(1);
        if (expected.rank() != 2 || expected.size(0) != batch || expected.size(1) < begin)
            throw InputError(fmt::format("{} expects \"{}\" with shape {}, which does not continue {}.",
                                         m_result.file, generatedPrefix, expected.shape().toText(),
                                         prompt->second.shape().toText()));
        const Tensor ids = Tensor::zeros(expected.shape(), DType::I64);
        ids.slice(1, 0, begin).copyFrom(prompt->second);
        const Tensor mask = Tensor::full(expected.shape(), 1, DType::I64);
        const bool masked = m_inputs.contains("attention_mask");
        if (masked)
            mask.slice(1, 0, begin).copyFrom(m_inputs.at("attention_mask"));
        Context context;
        context.progress = m_progress;
        for (std::int64_t length = begin; length < ids.size(1); ++length) {
            NamedTensors inputs{{"input_ids", ids.slice(1, 0, length).contiguous()}};
            if (masked)
                inputs["attention_mask"] = mask.slice(1, 0, length).contiguous();
            const NamedTensors outputs = m_model.run(inputs, context);
            const auto logits = outputs.find("logits");
            if (logits == outputs.end() || logits->second.rank() != 3)
                throw InputError(fmt::format("{} expects \"{}\", but {} gives no words.", m_result.file,
                                             generatedPrefix, m_model.config().architecture));
            for (std::int64_t item = 0; item < batch; ++item) {
                const std::vector<float> row =
                    logits->second.select(0, item).select(0, length - 1).toFloats();
                ids.mutablePointer<std::int64_t>()[item * ids.size(1) + length] =
                    std::max_element(row.begin(), row.end()) - row.begin();
            }
        }
        const auto a = ids.toIntegers();
        const auto b = expected.toIntegers();
        double differing = 0;
        for (std::size_t i = 0; i < a.size(); ++i)
            differing += a[i] == b[i] ? 0 : 1;
        m_result.tensors.push_back({std::string(generatedPrefix), differing, 0, differing == 0});
    }

    /// The mask of the positions of an output, [B, L] i64, or nothing.
    [[nodiscard]] Tensor maskOf(const std::string& name) const {
        const auto given = [&](std::string_view mask) {
            const auto found = m_inputs.find(mask);
            return found == m_inputs.end() ? Tensor{} : found->second;
        };
        const bool twoSides = m_inputs.contains("decoder_input_ids");
        if (name.starts_with("vision_model_output."))
            return {};
        if (name.starts_with("decoder_") || name.starts_with("cross_") ||
            (twoSides && !name.starts_with("encoder_")))
            return given("decoder_attention_mask");
        return given("attention_mask");
    }

    /// Which dimension of an output are positions, or -1.
    static int positionAxis(const std::string& name, const Tensor& tensor) {
        if (name.find("attentions.") != std::string::npos)
            return 2;
        return tensor.rank() == 3 ? 1 : -1;
    }

    void compare(const std::string& shown, const std::string& name, const Tensor& got, const Tensor& expected,
                 double relative) {
        if (!(got.shape() == expected.shape()))
            throw InputError(fmt::format("{} expects \"{}\" with shape {}, but the model gives {}.",
                                         m_result.file, shown, expected.shape().toText(),
                                         got.shape().toText()));
        const int axis = positionAxis(name, got);
        Tensor mask = maskOf(name);
        if (axis < 0 || axis >= got.rank() || !mask.defined() || mask.rank() != 2 ||
            mask.size(0) != got.size(0) || mask.size(1) != got.size(axis))
            mask = {};
        const std::vector<float> a = got.toFloats();
        const std::vector<float> b = expected.toFloats();
        const std::int64_t perItem = got.elements() / std::max<std::int64_t>(got.size(0), 1);
        std::int64_t inner = 1; // elements below the position's dimension
        for (int i = axis + 1; mask.defined() && i < got.rank(); ++i)
            inner *= got.size(i);
        double worst = 0;
        double largest = 0;
        for (std::int64_t i = 0; i < got.elements(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            largest = std::max(largest, std::abs(static_cast<double>(b[at])));
            if (mask.defined() && mask.at({i / perItem, i % perItem / inner % got.size(axis)}) == 0)
                continue;
            const double error = std::abs(static_cast<double>(a[at]) - static_cast<double>(b[at]));
            worst = error > worst || std::isnan(error) ? error : worst;
            if (std::isnan(worst))
                break;
        }
        const double tolerance = relative * largest + absoluteTolerance;
        m_result.tensors.push_back({shown, worst, tolerance, worst <= tolerance}); // NaN is not ok
    }

    const Model& m_model;
    const Progress& m_progress;
    const Continuation& m_continuation;
    std::shared_ptr<const checkpoint::Checkpoint> m_expected;
    NamedTensors m_inputs;
    VerifiedSet m_result;
};

} // namespace

VerifiedSet verifyNetworkSet(const Model& model, const std::filesystem::path& file, const Progress& progress,
                             const Continuation& continuation) {
    return NetworkVerifier(model, file, progress, continuation).verify();
}

} // namespace orrery::model
