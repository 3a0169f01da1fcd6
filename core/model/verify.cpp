// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/verify.h"

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "model/model.h"
#include "model/network_verify.h"
#include "nn/key_value_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace orrery::model {
namespace {

constexpr double relativeTolerance = 1e-4;
constexpr double absoluteTolerance = 1e-5;
constexpr double bf16Tolerance = 5e-2;

/// Recorded outputs of one set, compared one after the other.
class SetVerifier {
public:
    SetVerifier(const Model& model, const std::filesystem::path& file, const Progress& progress,
                const Continuation& continuation)
        : m_model(model), m_progress(progress), m_continuation(continuation),
          m_expected(checkpoint::Checkpoint::open(file)) {}

    VerifiedSet verify() {
        m_result.file = m_expected->path().filename().string();
        readInput();
        probe::Trace trace(sitesOfOutputs(), false);
        Context context;
        context.progress = m_progress;
        context.trace = &trace;
        m_output = m_model.run(m_input, context);
        for (const std::string& name : m_expected->names())
            if (name.starts_with("output."))
                compareOutput(name, trace);
        if (m_result.tensors.empty())
            throw InputError(fmt::format("{} holds no outputs to compare with.", m_result.file));
        m_result.ok = std::all_of(m_result.tensors.begin(), m_result.tensors.end(),
                                  [](const VerifiedTensor& tensor) { return tensor.ok; });
        return std::move(m_result);
    }

private:
    void readInput() {
        const auto optional = [&](std::string_view name) {
            return m_expected->contains(name) ? m_expected->tensor(name).to(DType::I64) : Tensor{};
        };
        m_input.inputIds = m_expected->tensor("input.input_ids").to(DType::I64);
        m_input.attentionMask = optional("input.attention_mask");
        m_input.typeIds = optional("input.token_type_ids");
        m_input.positionIds = optional("input.position_ids");
        for (const std::string& name : m_expected->names())
            if (name.starts_with("input.") && name != "input.input_ids" && name != "input.attention_mask" &&
                name != "input.token_type_ids" && name != "input.position_ids")
                throw InputError(fmt::format("{} holds the input \"{}\", which this model does not take.",
                                             m_result.file, name));
    }

    [[nodiscard]] std::vector<std::string> sitesOfOutputs() const {
        std::vector<std::string> sites;
        for (const std::string& name : m_expected->names())
            if (name.starts_with("output.hidden_states.") || name.starts_with("output.attentions."))
                sites.push_back(name.substr(7));
            else if (name.starts_with("output.mems."))
                sites.push_back("hidden_states." + name.substr(12));
        return sites;
    }

    void compareOutput(const std::string& name, const probe::Trace& trace) {
        const std::string output = name.substr(7);
        const Tensor expected = m_expected->tensor(name);
        if (output == "logits")
            compare(output, m_output.logits, expected,
                    m_model.config().head == HeadKind::SequenceClassification ? -1 : 1);
        else if (output == "start_logits")
            compare(output, m_output.startLogits, expected, 1);
        else if (output == "end_logits")
            compare(output, m_output.endLogits, expected, 1);
        else if (output == "last_hidden_state")
            compare(output, m_output.lastHidden, expected, 1);
        else if (output == "pooler_output")
            compare(output, m_output.pooled, expected, -1);
        else if (output.starts_with("hidden_states."))
            compare(output, trace.tensor(output), expected, 1);
        else if (output.starts_with("mems.") && expected.rank() == 3) // positions first
            compare(output, trace.tensor("hidden_states." + output.substr(5)),
                    expected.transpose(0, 1).contiguous(), 1);
        else if (output.starts_with("attentions."))
            comparePattern(output, trace.pattern(std::stoi(output.substr(11))), expected);
        else if (output == "native_bf16.logits")
            compareBf16(output, expected);
        else if (output == "generated_ids" || (output.starts_with("generated_ids_") && m_continuation))
            compareGenerated(output, expected);
        else if (output == "logits_at.values")
            compareChosenRows(output, expected);
        else if (output == "logits_top10.values")
            compareTop(output, expected);
        else if (output != "logits_at.positions" && output != "logits_top10.ids")
            throw InputError(
                fmt::format("{} holds the output \"{}\", which cannot be compared.", m_result.file, output));
    }

    [[nodiscard]] bool counts(std::int64_t item, std::int64_t position) const {
        return !m_input.attentionMask.defined() || m_input.attentionMask.at({item, position}) != 0;
    }

    void add(const std::string& name, double worst, double tolerance) {
        m_result.tensors.push_back({name, worst, tolerance, worst <= tolerance}); // NaN is not ok
    }

    static double largest(const std::vector<float>& values) {
        double result = 0;
        for (const float value : values)
            result = std::max(result, std::abs(static_cast<double>(value)));
        return result;
    }

    /// positionAxis: the dimension of the tensor that is masked by padding, or -1.
    void compare(const std::string& name, const Tensor& got, const Tensor& expected, int positionAxis,
                 double relative = relativeTolerance) {
        if (!got.defined())
            throw InputError(fmt::format("{} expects \"{}\", which {} does not have.", m_result.file, name,
                                         m_model.config().architecture));
        if (!(got.shape() == expected.shape()))
            throw InputError(fmt::format("{} expects \"{}\" with shape {}, but the model gives {}.",
                                         m_result.file, name, expected.shape().toText(),
                                         got.shape().toText()));
        const std::vector<float> a = got.toFloats();
        const std::vector<float> b = expected.toFloats();
        const std::int64_t items = got.size(0);
        const std::int64_t perItem = got.elements() / std::max<std::int64_t>(items, 1);
        std::int64_t inner = 1; // elements below the position's dimension
        for (int i = positionAxis + 1; positionAxis >= 0 && i < got.rank(); ++i)
            inner *= got.size(i);
        double worst = 0;
        for (std::int64_t i = 0; i < got.elements(); ++i) {
            if (positionAxis >= 0 && !counts(i / perItem, (i % perItem) / inner % got.size(positionAxis)))
                continue;
            const double error = std::abs(static_cast<double>(a[static_cast<std::size_t>(i)]) -
                                          static_cast<double>(b[static_cast<std::size_t>(i)]));
            worst = error > worst || std::isnan(error) ? error : worst;
            if (std::isnan(worst))
                break;
        }
        add(name, worst, relative * largest(b) + absoluteTolerance);
    }

    void comparePattern(const std::string& name, const probe::AttentionPattern& pattern,
                        const Tensor& expected) {
        compare(name, pattern.full(), expected, 2);
    }

    void compareBf16(const std::string& name, const Tensor& expected) {
        const auto narrow = Model::open(m_model.folder(), {.dtype = DType::BF16});
        Context context;
        context.progress = m_progress;
        compare(name, narrow->run(m_input, context).logits, expected, 1, bf16Tolerance);
    }

    void compareChosenRows(const std::string& name, const Tensor& expected) {
        const std::vector<std::int64_t> positions =
            m_expected->tensor("output.logits_at.positions").toIntegers();
        const Tensor got = Tensor::empty(expected.shape());
        if (!m_output.logits.defined() || m_output.logits.rank() != 3 || expected.rank() != 2 ||
            static_cast<std::size_t>(expected.size(0)) != positions.size() ||
            expected.size(1) != m_output.logits.size(-1))
            throw InputError(
                fmt::format("{}: logits_at has shape {}.", m_result.file, expected.shape().toText()));
        for (std::size_t i = 0; i < positions.size(); ++i) {
            if (positions[i] < 0 || positions[i] >= m_output.logits.size(1))
                throw InputError(
                    fmt::format("{}: logits_at names position {}.", m_result.file, positions[i]));
            got.select(0, static_cast<std::int64_t>(i))
                .copyFrom(m_output.logits.select(0, 0).select(0, positions[i]));
        }
        compare(name, got, expected, -1);
    }

    void compareTop(const std::string& name, const Tensor& expected) {
        const std::vector<std::int64_t> ids = m_expected->tensor("output.logits_top10.ids").toIntegers();
        if (!m_output.logits.defined() || expected.rank() != 3 || expected.elements() == 0)
            throw InputError(
                fmt::format("{}: logits_top10 has shape {}.", m_result.file, expected.shape().toText()));
        const Tensor got = Tensor::empty(expected.shape());
        const auto out = got.mutableData<float>();
        const std::int64_t width = m_output.logits.size(-1);
        const std::int64_t each = expected.size(-1);
        if (ids.size() != out.size() || expected.elements() / each * width != m_output.logits.elements())
            throw InputError(
                fmt::format("{}: logits_top10 has shape {}.", m_result.file, expected.shape().toText()));
        const float* logits = m_output.logits.pointer<float>();
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (ids[i] < 0 || ids[i] >= width)
                throw InputError(fmt::format("{}: logits_top10 names the id {}.", m_result.file, ids[i]));
            out[i] = logits[static_cast<std::int64_t>(i) / each * width + ids[i]];
        }
        compare(name, got, expected, 1);
    }

    /// Greedy continuation with the cache: prefill, then one position at a time.
    void compareGenerated(const std::string& name, const Tensor& expected) {
        const std::int64_t batch = m_input.batch();
        const std::int64_t prompt = m_input.length();
        if (!m_model.causal() || !m_model.canUnembed())
            throw InputError(fmt::format("{} expects generated ids, but {} does not continue texts.",
                                         m_result.file, m_model.config().architecture));
        if (expected.rank() != 2 || expected.size(0) != batch || expected.size(1) <= prompt)
            throw InputError(
                fmt::format("{}: {} has shape {}.", m_result.file, name, expected.shape().toText()));
        const std::vector<std::int64_t> inputs = m_input.inputIds.toIntegers();
        for (std::int64_t i = 0; i < batch * prompt; ++i)
            if (static_cast<std::int64_t>(expected.at({i / prompt, i % prompt})) !=
                inputs[static_cast<std::size_t>(i)])
                return compareContinuation(name, expected);
        if (m_continuation)
            return compareContinued(name, expected);
        nn::KeyValueCache cache;
        Context context;
        context.progress = m_progress;
        context.cache = &cache;
        ModelInput step = m_input;
        step.logits = LogitRows::Last;
        std::vector<std::int64_t> positions(static_cast<std::size_t>(batch), prompt - 1);
        if (m_input.positionIds.defined())
            for (std::int64_t row = 0; row < batch; ++row)
                positions[static_cast<std::size_t>(row)] =
                    static_cast<std::int64_t>(m_input.positionIds.at({row, prompt - 1}));
        double different = 0;
        for (std::int64_t column = prompt; column < expected.size(1); ++column) {
            const Tensor logits = m_model.run(step, context).logits;
            const std::int64_t width = logits.size(-1);
            ModelInput next;
            next.logits = LogitRows::Last;
            next.inputIds = Tensor::empty({batch, 1}, DType::I64);
            if (m_input.positionIds.defined())
                next.positionIds = Tensor::empty({batch, 1}, DType::I64);
            for (std::int64_t row = 0; row < batch; ++row) {
                const float* values = logits.pointer<float>() + row * width;
                const std::int64_t best = std::max_element(values, values + width) - values;
                different += best != static_cast<std::int64_t>(expected.at({row, column}));
                next.inputIds.mutableData<std::int64_t>()[static_cast<std::size_t>(row)] = best;
                if (next.positionIds.defined())
                    next.positionIds.mutableData<std::int64_t>()[static_cast<std::size_t>(row)] =
                        ++positions[static_cast<std::size_t>(row)];
            }
            step = next;
        }
        add(name, different, 0);
    }

    /// What the engine's own generation says with the arguments of the case. Where it ended before others,
    /// the expected ids are filled up with one and the same token.
    void compareContinued(const std::string& name, const Tensor& expected) {
        const std::filesystem::path file = m_model.folder() / "case.json";
        std::error_code failed;
        Json arguments = Json::object();
        if (std::filesystem::is_regular_file(file, failed)) {
            const Json record = readJsonFile(file, {.maxBytes = 16U << 20U});
            if (record.is_object() && record.contains("generate") && record["generate"].is_object())
                arguments = record["generate"].value(name, Json::object());
        }
        const std::int64_t prompt = m_input.length();
        const std::int64_t width = expected.size(1);
        NamedTensors prompts{{"input_ids", m_input.inputIds}};
        if (m_input.attentionMask.defined())
            prompts["attention_mask"] = m_input.attentionMask;
        const auto made = m_continuation(m_model, prompts, arguments, width - prompt, m_progress);
        double different = 0;
        for (std::int64_t row = 0; row < expected.size(0); ++row) {
            const auto& ids = made.at(static_cast<std::size_t>(row));
            const auto wanted = [&](std::int64_t column) {
                return static_cast<std::int64_t>(expected.at({row, column}));
            };
            for (std::int64_t column = prompt; column < width; ++column) {
                const auto place = static_cast<std::size_t>(column - prompt);
                different +=
                    place < ids.size() ? ids[place] != wanted(column) : wanted(column) != wanted(width - 1);
            }
        }
        add(name, different, 0);
    }

    /// Ids that continue a prompt of their own, of unrecorded length: at least their second half must be what
    /// the model finds likeliest after what is before.
    void compareContinuation(const std::string& name, const Tensor& expected) {
        ModelInput whole;
        whole.inputIds = expected.to(DType::I64);
        Context context;
        context.progress = m_progress;
        const Tensor logits = m_model.run(whole, context).logits;
        const std::int64_t length = expected.size(1);
        const std::int64_t width = logits.size(-1);
        double different = 0;
        for (std::int64_t row = 0; row < expected.size(0); ++row)
            for (std::int64_t i = length / 2; i < length; ++i) {
                const float* values = logits.pointer<float>() + (row * length + i - 1) * width;
                different += std::max_element(values, values + width) - values !=
                             static_cast<std::int64_t>(expected.at({row, i}));
            }
        add(name, different, 0);
    }

    const Model& m_model;
    const Progress& m_progress;
    const Continuation& m_continuation;
    std::shared_ptr<const checkpoint::Checkpoint> m_expected;
    VerifiedSet m_result;
    ModelInput m_input;
    ModelOutput m_output;
};

std::vector<std::filesystem::path> expectedFiles(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("expected") && name.ends_with(".safetensors"))
            files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

const VerifiedTensor* VerifiedSet::worst() const {
    const VerifiedTensor* result = nullptr;
    double highest = -1;
    for (const VerifiedTensor& tensor : tensors) {
        const double share = std::isnan(tensor.worst) ? std::numeric_limits<double>::infinity()
                                                      : tensor.worst / std::max(tensor.tolerance, 1e-300);
        if (share > highest) {
            highest = share;
            result = &tensor;
        }
    }
    return result;
}

bool isModelCase(const std::filesystem::path& folder) {
    std::error_code failed;
    return std::filesystem::is_regular_file(folder / "config.json", failed) && !expectedFiles(folder).empty();
}

VerifiedCase verifyModelCase(const std::filesystem::path& folder, const Progress& progress,
                             const Continuation& continuation) {
    VerifiedCase result;
    result.name =
        folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
    try {
        const std::shared_ptr<const Model> model = Model::open(folder, {.progress = progress});
        for (const std::filesystem::path& file : expectedFiles(folder)) {
            progress.check();
            try {
                result.sets.push_back(model->isNetwork()
                                          ? verifyNetworkSet(*model, file, progress, continuation)
                                          : SetVerifier(*model, file, progress, continuation).verify());
            } catch (const Cancelled&) {
                throw;
            } catch (const std::exception& error) {
                VerifiedSet& set = result.sets.emplace_back();
                set.file = file.filename().string();
                set.problem = error.what();
            }
        }
    } catch (const Cancelled&) {
        throw;
    } catch (const std::exception& error) {
        result.problem = error.what();
        return result;
    }
    if (result.sets.empty())
        result.problem = fmt::format("{} holds no expected*.safetensors.", folder.string());
    result.ok = !result.sets.empty() && std::all_of(result.sets.begin(), result.sets.end(),
                                                    [](const VerifiedSet& set) { return set.ok; });
    return result;
}

} // namespace orrery::model
